package dstest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
)

// calls are all calls of a datastore, by name, with arguments that are fine.
func calls(d ds.Batching, batch ds.Batch) map[string]func(context.Context) error {
	key := ds.NewKey("/key")
	all := map[string]func(context.Context) error{
		"Get":     func(ctx context.Context) error { _, err := d.Get(ctx, key); return err },
		"Has":     func(ctx context.Context) error { _, err := d.Has(ctx, key); return err },
		"GetSize": func(ctx context.Context) error { _, err := d.GetSize(ctx, key); return err },
		"Put":     func(ctx context.Context) error { return d.Put(ctx, key, []byte("x")) },
		"Delete":  func(ctx context.Context) error { return d.Delete(ctx, key) },
		"Sync":    func(ctx context.Context) error { return d.Sync(ctx, key) },
		"Commit":  batch.Commit,
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

// testContexts: a call whose context has ended returns the context's error and
// changes nothing, and a query ends with its context.
func testContexts(t *testing.T, d ds.Batching) {
	ctx := context.Background()
	key := ds.NewKey("/key")
	must(t, d.Put(ctx, key, []byte("old")))
	batch, err := d.Batch(ctx)
	must(t, err, batch.Put(ctx, key, []byte("new")))
	ended, cancel := context.WithCancel(ctx)
	cancel()
	for name, call := range calls(d, batch) {
		if err := call(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a context that has ended: %v", name, err)
		}
	}
	expect(t, d, key, []byte("old"))
	if _, err := d.Batch(ended); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Batch with a context that has ended: %v", err)
	}

	for i := range 3000 {
		must(t, d.Put(ctx, ds.NewKey(fmt.Sprint("/many/", i)), []byte("x")))
	}
	during, cancel := context.WithCancel(ctx)
	defer cancel()
	found, err := d.Query(during, dsq.Query{Prefix: "/many"})
	must(t, err)
	defer found.Close()
	if r, ok := found.NextSync(); !ok || r.Error != nil {
		t.Fatalf("%v, %v", r.Error, ok)
	}
	cancel()
	if _, err := found.Rest(); !errors.Is(err, context.Canceled) {
		t.Errorf("a query whose context has ended ends with %v", err)
	}
}

// testConcurrency: any number of goroutines may call at the same time.
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

// testClose: after Close every call returns an error, the same for all, and none
// panics; neither does what was open.
func testClose(t *testing.T, d ds.Batching) {
	ctx := context.Background()
	for i := range 2000 {
		must(t, d.Put(ctx, ds.NewKey(fmt.Sprint("/many/", i)), []byte("x")))
	}
	batch, err := d.Batch(ctx)
	must(t, err, batch.Put(ctx, ds.NewKey("/key"), []byte("x")))
	found, err := d.Query(ctx, dsq.Query{})
	must(t, err)
	if r, ok := found.NextSync(); !ok || r.Error != nil {
		t.Fatalf("%v, %v", r.Error, ok)
	}
	must(t, d.Close())
	if _, err := found.Rest(); err == nil {
		t.Error("a query that was open when the datastore was closed ends as if it were complete")
	}
	_ = found.Close()
	all := calls(d, batch)
	closed := all["Get"](ctx)
	for name, call := range all {
		if err := call(ctx); err == nil || !errors.Is(err, closed) && !errors.Is(closed, err) {
			t.Errorf("%s after Close: %v; Get returns %v", name, err, closed)
		}
	}
	_ = d.Close() // again: whatever it returns, it does not panic
}
