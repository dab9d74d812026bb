package dstest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	contextds "github.com/ipfs/go-datastore/context"
	dsq "github.com/ipfs/go-datastore/query"
)

// ended returns a context that has ended.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// isLong reports whether a call may take long, and so obeys its context.
func isLong(call string) bool {
	return slices.Contains([]string{"Query", "CollectGarbage", "Check", "Scrub", "DiskUsage"}, call)
}

// testContexts checks that long calls return the error of a context that has ended, and that
// a query ends when its context ends. All other calls are done whether or not their context
// has ended: programs write with contexts that they have cancelled when they close.
func testContexts(t *testing.T, d ds.Batching) {
	ctx := context.Background()
	key := ds.NewKey("/key")
	batch, err := d.Batch(ctx)
	must(t, err)
	all := calls(d, batch)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		must(t, d.Put(ctx, key, []byte("old")))
		switch err := all[name](ended()); {
		case isLong(name) && !errors.Is(err, context.Canceled):
			t.Errorf("%s with a context that has ended: %v, want %v", name, err, context.Canceled)
		case !isLong(name) && err != nil:
			t.Errorf("%s with a context that has ended: %v", name, err)
		}
	}
	testWritesOfEnded(t, d)

	putMany(t, d, 3000)
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

// testWritesOfEnded checks that writes with a context that has ended are there afterwards.
func testWritesOfEnded(t *testing.T, d ds.Batching) {
	a, b, c := ds.NewKey("/ended/a"), ds.NewKey("/ended/b"), ds.NewKey("/ended/c")
	must(t, d.Put(ended(), a, []byte("a")), d.Put(ended(), b, []byte("b")), d.Delete(ended(), a))
	expect(t, d, a, nil)
	expect(t, d, b, []byte("b"))
	batch, err := d.Batch(ended())
	must(t, err, batch.Put(ended(), a, []byte("a")), batch.Delete(ended(), b), batch.Commit(ended()))
	expect(t, d, a, []byte("a"))
	expect(t, d, b, nil)
	must(t, d.Sync(ended(), ds.NewKey("/")))
	if f, ok := d.(ds.TTLDatastore); ok {
		must(t, f.PutWithTTL(ended(), c, []byte("c"), hour), f.SetTTL(ended(), c, 2*hour))
		expect(t, d, c, []byte("c"))
		at, err := f.GetExpiration(ended(), c)
		if left := time.Until(at); err != nil || left < hour || left > 2*hour {
			t.Errorf("a TTL of %v ends in %v, %v", 2*hour, left, err)
		}
	}
}

// testContextsOfTransactions checks that the calls of a transaction, its queries excepted, are
// done although their context has ended, and that what is committed with such a context
// is stored.
func testContextsOfTransactions(t *testing.T, d ds.Batching) {
	f, ok := d.(ds.TxnDatastore)
	if !ok {
		t.Skip("no TxnDatastore")
	}
	ctx := context.Background()
	key := ds.NewKey("/key")
	must(t, d.Put(ctx, key, []byte("old")))
	snapshot, err := f.NewTransaction(ended(), true)
	must(t, err)
	expect(t, snapshot, key, []byte("old"))
	snapshot.Discard(ended())

	txn, err := f.NewTransaction(ctx, false)
	must(t, err)
	defer txn.Discard(ctx)
	for name, call := range txnCalls(txn) {
		must(t, txn.Put(ctx, key, []byte("x")))
		switch err := call(ended()); {
		case isLong(name) && !errors.Is(err, context.Canceled):
			t.Errorf("%s with a context that has ended: %v, want %v", name, err, context.Canceled)
		case !isLong(name) && err != nil:
			t.Errorf("%s with a context that has ended: %v", name, err)
		}
	}
	must(t, txn.Put(ended(), key, []byte("new")))
	must(t, txn.Commit(ended()))
	expect(t, d, key, []byte("new"))
}

// testWaitingWrites checks that a write with a context that has ended is done beside a
// transaction that writes, if need be after the transaction has ended.
func testWaitingWrites(t *testing.T, d ds.Batching) {
	f, ok := d.(ds.TxnDatastore)
	if !ok {
		t.Skip("no TxnDatastore")
	}
	ctx := context.Background()
	own, other := ds.NewKey("/own"), ds.NewKey("/other")
	txn, err := f.NewTransaction(ctx, false)
	must(t, err, txn.Put(ctx, own, []byte("own")))
	defer txn.Discard(ctx)
	put := make(chan error, 1)
	go func() { put <- guard(func() error { return d.Put(ended(), other, []byte("other")) }) }()
	select {
	case err := <-put:
		must(t, err)
		put <- nil
	case <-time.After(100 * time.Millisecond): // it waits
	}
	must(t, txn.Commit(ctx))
	within(t, "a write after the transaction that it waited for", func() error { return <-put })
	expect(t, d, own, []byte("own"))
	expect(t, d, other, []byte("other"))
}

// testInContexts checks transactions and batches that a context has, by package context of
// go-datastore: contextds.WrapDatastore brings the calls to them, and so does the datastore
// itself if Traits.InContext says so.
func (want Traits) testInContexts(t *testing.T, d ds.Batching) {
	wrapped := contextds.WrapDatastore(d).(ds.Batching)
	t.Run("wrapped", func(t *testing.T) { testInContext(t, "/wrapped", wrapped, d) })
	if want.InContext {
		t.Run("itself", func(t *testing.T) { testInContext(t, "/itself", d, d) })
	}
}

// testInContext works below a prefix, through d, over store.
func testInContext(t *testing.T, prefix string, d, store ds.Batching) {
	ctx := context.Background()
	key := func(name string) ds.Key { return ds.NewKey(prefix + "/" + name) }
	a, b, c := key("a"), key("b"), key("c")
	must(t, store.Put(ctx, a, []byte("old")), store.Put(ctx, c, []byte("old")))

	batch, err := store.Batch(ctx)
	must(t, err)
	inBatch := contextds.WithWrite(ctx, batch)
	must(t, d.Put(inBatch, b, []byte("in batch")), d.Delete(inBatch, c))
	expect(t, store, b, nil)
	expectIn(t, inBatch, d, b, nil) // reads do not go to a batch
	expect(t, store, c, []byte("old"))
	must(t, batch.Commit(ctx))
	expect(t, store, b, []byte("in batch"))
	expect(t, store, c, nil)

	f, ok := store.(ds.TxnDatastore)
	if !ok {
		return
	}
	snapshot, err := f.NewTransaction(ctx, true)
	must(t, err)
	defer snapshot.Discard(ctx)
	inSnapshot := contextds.WithRead(ctx, snapshot)
	must(t, d.Put(inSnapshot, a, []byte("new"))) // writes do not go to what is there for reads
	expect(t, store, a, []byte("new"))
	expectIn(t, inSnapshot, d, a, []byte("old"))
	snapshot.Discard(ctx)

	txn, err := f.NewTransaction(ctx, false)
	must(t, err)
	defer txn.Discard(ctx)
	inTxn := contextds.WithRead(contextds.WithWrite(ctx, txn), txn)
	must(t, d.Put(inTxn, c, []byte("in txn")), d.Delete(inTxn, b))
	expectIn(t, inTxn, d, c, []byte("in txn"))
	expectIn(t, inTxn, d, b, nil)
	expectIn(t, ctx, d, b, []byte("in batch"))
	expect(t, store, c, nil)
	must(t, txn.Commit(ctx))
	expect(t, store, b, nil)
	expect(t, store, c, []byte("in txn"))
	if err := d.Put(inTxn, c, nil); err == nil {
		t.Error("a put with the context of a transaction that has ended returns no error")
	}
}

// expectIn is expect with a context, and by a query too.
func expectIn(t *testing.T, ctx context.Context, d ds.Read, key ds.Key, want []byte) {
	t.Helper()
	expect(t, inContext{d, ctx}, key, want)
	found, err := d.Query(ctx, dsq.Query{Prefix: key.Parent().String()})
	must(t, err)
	entries, err := found.Rest()
	must(t, err)
	got := "nothing"
	for _, e := range entries {
		if e.Key == key.String() {
			got = fmt.Sprintf("%q", e.Value)
		}
	}
	if wanted := fmt.Sprintf("%q", want); got != wanted && (want != nil || got != "nothing") {
		t.Errorf("a query with the context finds %s under %s, want %s", got, key, wanted)
	}
}

// inContext is a datastore whose reads of one key have another context.
type inContext struct {
	ds.Read
	ctx context.Context
}

func (in inContext) Get(_ context.Context, key ds.Key) ([]byte, error) {
	return in.Read.Get(in.ctx, key)
}

func (in inContext) Has(_ context.Context, key ds.Key) (bool, error) { return in.Read.Has(in.ctx, key) }

func (in inContext) GetSize(_ context.Context, key ds.Key) (int, error) {
	return in.Read.GetSize(in.ctx, key)
}
