package dstest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
)

// calls are all calls of a datastore, by name, with valid arguments. Batch makes the batch that
// they commit.
func calls(d ds.Batching, batch ds.Batch) map[string]func(context.Context) error {
	key := ds.NewKey("/key")
	all := map[string]func(context.Context) error{
		"Get":               func(ctx context.Context) error { _, err := d.Get(ctx, key); return err },
		"Has":               func(ctx context.Context) error { _, err := d.Has(ctx, key); return err },
		"GetSize":           func(ctx context.Context) error { _, err := d.GetSize(ctx, key); return err },
		"Put":               func(ctx context.Context) error { return d.Put(ctx, key, []byte("x")) },
		"Delete":            func(ctx context.Context) error { return d.Delete(ctx, key) },
		"Sync":              func(ctx context.Context) error { return d.Sync(ctx, key) },
		"Batch":             func(ctx context.Context) error { _, err := d.Batch(ctx); return err },
		"Put of a batch":    func(ctx context.Context) error { return batch.Put(ctx, key, []byte("x")) },
		"Delete of a batch": func(ctx context.Context) error { return batch.Delete(ctx, key) },
		"Commit of a batch": batch.Commit,
		"Query": func(ctx context.Context) error {
			found, err := d.Query(ctx, dsq.Query{})
			if err != nil {
				return err
			}
			_, err = found.Rest()
			return err
		},
	}
	if f, ok := d.(ds.TTL); ok {
		all["PutWithTTL"] = func(ctx context.Context) error { return f.PutWithTTL(ctx, key, []byte("x"), hour) }
		all["SetTTL"] = func(ctx context.Context) error { return f.SetTTL(ctx, key, hour) }
		all["GetExpiration"] = func(ctx context.Context) error { _, err := f.GetExpiration(ctx, key); return err }
	}
	if f, ok := d.(ds.TxnFeature); ok {
		all["NewTransaction"] = func(ctx context.Context) error {
			txn, err := f.NewTransaction(ctx, true)
			if err == nil {
				txn.Discard(ctx)
			}
			return err
		}
	}
	if f, ok := d.(ds.PersistentFeature); ok {
		all["DiskUsage"] = func(ctx context.Context) error { _, err := f.DiskUsage(ctx); return err }
	}
	if f, ok := d.(ds.GCFeature); ok {
		all["CollectGarbage"] = f.CollectGarbage
	}
	if f, ok := d.(ds.CheckedFeature); ok {
		all["Check"] = f.Check
	}
	if f, ok := d.(ds.ScrubbedFeature); ok {
		all["Scrub"] = f.Scrub
	}
	return all
}

// testConcurrency checks that any number of goroutines may call at the same time.
func testConcurrency(t *testing.T, d ds.Batching) {
	ctx := context.Background()
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			own := func(i int) ds.Key { return ds.NewKey(fmt.Sprintf("/worker%d/%d", worker, i)) }
			for i := range 60 {
				shared := ds.NewKey(fmt.Sprint("/shared/", i%5))
				errs := []error{d.Put(ctx, own(i), fmt.Append(nil, i)), d.Put(ctx, shared, fmt.Append(nil, worker))}
				if i%3 == 0 {
					errs = append(errs, d.Delete(ctx, own(i)))
				}
				if i%20 == 0 {
					found, err := d.Query(ctx, dsq.Query{Prefix: "/shared"})
					if err == nil {
						_, err = found.Rest()
					}
					batch, batchErr := d.Batch(ctx)
					errs = append(errs, err, batchErr, batch.Put(ctx, own(1000+i), nil), batch.Commit(ctx))
				}
				if err := errors.Join(errs...); err != nil {
					t.Errorf("worker %d: %v", worker, err)
				}
			}
		})
	}
	group.Wait()
	for worker := range 8 {
		prefix := fmt.Sprint("/worker", worker)
		var want []string
		for i := range 60 {
			if i%3 != 0 {
				want = append(want, fmt.Sprintf("%s/%d", prefix, i))
			}
			if i%20 == 0 {
				want = append(want, fmt.Sprintf("%s/%d", prefix, 1000+i))
			}
		}
		expectKeys(t, d, dsq.Query{Prefix: prefix}, want...)
	}
	if n := len(query(t, d, dsq.Query{Prefix: "/shared"})); n != 5 {
		t.Errorf("%d are shared, want 5", n)
	}
}

// testClose checks that after Close every call returns the same error, and that neither these
// calls nor open queries and transactions panic.
func (want Traits) testClose(t *testing.T, d ds.Batching) {
	ctx := context.Background()
	putMany(t, d, 2000)
	batch, err := d.Batch(ctx)
	must(t, err, batch.Put(ctx, ds.NewKey("/key"), []byte("x")))
	found, err := d.Query(ctx, dsq.Query{})
	must(t, err)
	if r, ok := found.NextSync(); !ok || r.Error != nil {
		t.Fatalf("%v, %v", r.Error, ok)
	}
	must(t, d.Close())
	if err := guard(func() error { _, err := found.Rest(); return err }); isNot(err, want.Closed) {
		t.Errorf("a query that was open when the datastore was closed ends with: %v", err)
	}
	if err := guard(found.Close); panics(err) {
		t.Errorf("Close of the query: %v", err)
	}
	want.expectClosed(t, d, batch)
	if err := guard(d.Close); panics(err) {
		t.Errorf("Close, again: %v", err) // whatever else it returns
	}
}

// expectClosed checks that every call returns an error, and that all errors are the same.
func (want Traits) expectClosed(t *testing.T, d ds.Batching, batch ds.Batch) {
	t.Helper()
	ctx := context.Background()
	all := calls(d, batch)
	same := want.Closed
	for _, name := range slices.Sorted(maps.Keys(all)) {
		err := guard(func() error { return all[name](ctx) })
		if same == nil && err != nil && !panics(err) {
			same = err
		}
		if isNot(err, same) {
			t.Errorf("%s after Close: %v; want %v", name, err, cmp.Or(same, errAny))
		}
	}
}

var errAny = errors.New("an error")

// testCloseBeside checks Close beside an open transaction. Close may wait for the transaction
// or end it. It must not hang for ever and nothing may panic. Afterwards the transaction
// returns errors.
func (want Traits) testCloseBeside(t *testing.T, d ds.Batching, readOnly bool) {
	f, ok := d.(ds.TxnDatastore)
	if !ok {
		t.Skip("no TxnDatastore")
	}
	ctx := context.Background()
	must(t, d.Put(ctx, ds.NewKey("/key"), []byte("x")))
	batch, err := d.Batch(ctx)
	must(t, err)
	txn, err := f.NewTransaction(ctx, readOnly)
	must(t, err)
	closed := make(chan error, 1)
	go func() { closed <- guard(d.Close) }()
	ended := want.Closed
	select {
	case err := <-closed:
		must(t, err)
	case <-time.After(200 * time.Millisecond): // it waits
		txn.Discard(ctx)
		must(t, <-closed)
		ended = nil // Close or the transaction may have ended
	}
	for name, call := range txnCalls(txn) {
		if err := guard(func() error { return call(ctx) }); isNot(err, ended) {
			t.Errorf("%s of the transaction after Close: %v", name, err)
		}
	}
	if err := guard(func() error { return txn.Commit(ctx) }); isNot(err, ended) {
		t.Errorf("Commit of the transaction after Close: %v", err)
	}
	if err := guard(func() error { txn.Discard(ctx); return nil }); err != nil {
		t.Errorf("Discard of the transaction after Close: %v", err)
	}
	want.expectClosed(t, d, batch)
}

// putMany puts n values in a batch, which may be faster than single puts.
func putMany(t *testing.T, d ds.Batching, n int) {
	t.Helper()
	ctx := context.Background()
	batch, err := d.Batch(ctx)
	must(t, err)
	for i := range n {
		must(t, batch.Put(ctx, ds.NewKey(fmt.Sprint("/many/", i)), []byte("x")))
	}
	must(t, batch.Commit(ctx))
}
