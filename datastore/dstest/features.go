package dstest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
)

const hour = time.Hour

// poll waits until done reports true, ten seconds at most.
func poll(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("this did not happen in time: %s", what)
		}
	}
}

// within runs a function that must not hang, and ends the test if it does.
func within(t *testing.T, what string, fn func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- guard(fn) }()
	select {
	case err := <-done:
		must(t, err)
	case <-time.After(10 * time.Second):
		t.Fatalf("%s hangs", what)
	}
}

// testTTL checks that values are gone when their time has passed, with a precision below a
// second, and that a later put or SetTTL replaces the time.
func testTTL(t *testing.T, d ds.Batching) {
	f, ok := d.(ds.TTLDatastore)
	if !ok {
		t.Skip("no TTLDatastore")
	}
	ctx := context.Background()
	absent, short := ds.NewKey("/absent"), ds.NewKey("/short")
	lasting, changed := ds.NewKey("/lasting"), ds.NewKey("/changed")
	if err := f.SetTTL(ctx, absent, hour); err != ds.ErrNotFound {
		t.Errorf("SetTTL of an absent key: %v, want ErrNotFound itself", err)
	}
	if _, err := f.GetExpiration(ctx, absent); err != ds.ErrNotFound {
		t.Errorf("GetExpiration of an absent key: %v, want ErrNotFound itself", err)
	}

	must(t, f.Put(ctx, lasting, []byte("x")))
	if at, err := f.GetExpiration(ctx, lasting); err != nil || !at.IsZero() {
		t.Errorf("a key without a TTL expires at %v, %v; want the zero time", at, err)
	}

	const ttl = 400 * time.Millisecond
	before := time.Now()
	must(t, f.PutWithTTL(ctx, short, []byte("x"), ttl))
	after := time.Now()
	// Engines round by a millisecond at most.
	at, err := f.GetExpiration(ctx, short)
	if err != nil || at.Before(before.Add(ttl-time.Millisecond)) || at.After(after.Add(ttl+time.Millisecond)) {
		t.Errorf("a TTL of %v from %v ends at %v, %v", ttl, before, at, err)
	}
	if _, err := f.Get(ctx, short); err != nil && time.Now().Before(before.Add(ttl)) {
		t.Errorf("before its time has passed: %v", err)
	}
	poll(t, "the value expires", func() bool {
		_, err := f.Get(ctx, short)
		return err == ds.ErrNotFound
	})
	gone := time.Now()
	if gone.Before(before.Add(ttl-time.Millisecond)) || gone.After(after.Add(ttl+500*time.Millisecond)) {
		t.Errorf("a TTL of %v took %v", ttl, gone.Sub(before))
	}
	expect(t, d, short, nil)
	expectKeys(t, d, dsq.Query{}, "/lasting")
	if err := f.SetTTL(ctx, short, hour); err != ds.ErrNotFound {
		t.Errorf("SetTTL of an expired key: %v", err)
	}

	must(t, f.PutWithTTL(ctx, changed, []byte("x"), ttl)) // time for a busy machine to get to SetTTL
	must(t, f.SetTTL(ctx, changed, hour))
	must(t, f.PutWithTTL(ctx, short, []byte("x"), 50*time.Millisecond))
	must(t, f.Put(ctx, short, []byte("again")))
	time.Sleep(ttl + 50*time.Millisecond) // no event tells that a value does not expire
	expect(t, d, changed, []byte("x"))
	expect(t, d, short, []byte("again"))
	if at, err := f.GetExpiration(ctx, short); err != nil || !at.IsZero() {
		t.Errorf("after a put without one the TTL ends at %v, %v", at, err)
	}
}

// testTTLOfQueries checks that a query that asks for expirations gets them.
func testTTLOfQueries(t *testing.T, d ds.Batching) {
	f, ok := d.(ds.TTLDatastore)
	if !ok {
		t.Skip("no TTLDatastore")
	}
	ctx := context.Background()
	must(t, f.PutWithTTL(ctx, ds.NewKey("/with"), []byte("x"), hour), f.Put(ctx, ds.NewKey("/without"), []byte("x")))
	for _, e := range query(t, d, dsq.Query{ReturnExpirations: true}) {
		at, err := f.GetExpiration(ctx, ds.RawKey(e.Key))
		if err != nil || !e.Expiration.Equal(at) {
			t.Errorf("the query says that %s expires at %v, GetExpiration %v, %v", e.Key, e.Expiration, at, err)
		}
	}
}

// testTransactions checks that a transaction sees the snapshot of its start and its own writes,
// and that nobody else sees these writes before the commit.
func (want Traits) testTransactions(t *testing.T, d ds.Batching) {
	f, ok := d.(ds.TxnDatastore)
	if !ok {
		t.Skip("no TxnDatastore")
	}
	ctx := context.Background()
	a, b, c := ds.NewKey("/a"), ds.NewKey("/b"), ds.NewKey("/c")
	must(t, d.Put(ctx, a, []byte("old")), d.Put(ctx, b, []byte("old")))

	snapshot, err := f.NewTransaction(ctx, true)
	must(t, err)
	within(t, "writing beside a transaction that only reads", func() error {
		return errors.Join(d.Put(ctx, a, []byte("new")), d.Delete(ctx, b), d.Put(ctx, c, []byte("new")))
	})
	expect(t, snapshot, a, []byte("old"))
	expect(t, snapshot, b, []byte("old"))
	expect(t, snapshot, c, nil)
	expectKeys(t, snapshot, dsq.Query{}, "/a", "/b")
	for name, err := range map[string]error{
		"Put": snapshot.Put(ctx, a, []byte("x")), "Delete": snapshot.Delete(ctx, a),
	} {
		if isNot(err, want.ReadOnly) {
			t.Errorf("%s in a transaction that only reads: %v", name, err)
		}
	}
	snapshot.Discard(ctx)
	expect(t, d, a, []byte("new"))

	txn, err := f.NewTransaction(ctx, false)
	must(t, err)
	must(t, txn.Put(ctx, b, []byte("in txn")), txn.Delete(ctx, a))
	expect(t, txn, a, nil)
	expect(t, txn, b, []byte("in txn"))
	expectKeys(t, txn, dsq.Query{}, "/b", "/c")
	expect(t, d, a, []byte("new"))
	expect(t, d, b, nil)
	must(t, txn.Commit(ctx))
	txn.Discard(ctx) // does nothing now
	expect(t, d, a, nil)
	expect(t, d, b, []byte("in txn"))
	for name, call := range txnCalls(txn) {
		if err := guard(func() error { return call(ctx) }); isNot(err, want.Ended) {
			t.Errorf("%s in a transaction that has ended: %v", name, err)
		}
	}

	txn, err = f.NewTransaction(ctx, false)
	must(t, err, txn.Put(ctx, a, []byte("x")))
	txn.Discard(ctx)
	if err := guard(func() error { return txn.Commit(ctx) }); isNot(err, want.Ended) {
		t.Errorf("Commit after Discard: %v", err)
	}
	expect(t, d, a, nil)
}

// txnCalls are all calls of a transaction, by name, except Commit and Discard.
func txnCalls(txn ds.Txn) map[string]func(context.Context) error {
	key := ds.NewKey("/key")
	return map[string]func(context.Context) error{
		"Get":     func(ctx context.Context) error { _, err := txn.Get(ctx, key); return err },
		"Has":     func(ctx context.Context) error { _, err := txn.Has(ctx, key); return err },
		"GetSize": func(ctx context.Context) error { _, err := txn.GetSize(ctx, key); return err },
		"Put":     func(ctx context.Context) error { return txn.Put(ctx, key, []byte("x")) },
		"Delete":  func(ctx context.Context) error { return txn.Delete(ctx, key) },
		"Query": func(ctx context.Context) error {
			found, err := txn.Query(ctx, dsq.Query{})
			if err != nil {
				return err
			}
			_, err = found.Rest()
			return err
		},
	}
}

// testConflicts checks two transactions that read and then write the same key. One of them
// fails, or waits for the other to end. A transaction that waits gives up when its context
// ends.
func (want Traits) testConflicts(t *testing.T, d ds.Batching) {
	f, ok := d.(ds.TxnDatastore)
	if !ok {
		t.Skip("no TxnDatastore")
	}
	ctx := context.Background()
	key := ds.NewKey("/counter")
	must(t, d.Put(ctx, key, []byte("0")))
	first, err := f.NewTransaction(ctx, false)
	must(t, err)
	defer first.Discard(ctx)
	if _, err := first.Get(ctx, key); err != nil {
		t.Fatal(err)
	}
	must(t, first.Put(ctx, key, []byte("first")))
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	var second ds.Txn
	within(t, "waiting for another transaction, until its context has ended,", func() error {
		second, err = f.NewTransaction(short, false)
		return nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		must(t, first.Commit(ctx)) // the datastore has one writer at a time
		return
	}
	must(t, err)
	defer second.Discard(ctx)
	if _, err := second.Get(ctx, key); err != nil {
		t.Fatal(err)
	}
	must(t, second.Put(ctx, key, []byte("second")), second.Commit(ctx))
	if err := first.Commit(ctx); isNot(err, want.Conflict) {
		t.Errorf("of two transactions in conflict the later is committed with: %v", err)
	}
	expect(t, d, key, []byte("second"))
}

// testMaintenance checks that garbage collection, checks and scrubs succeed and keep all
// values.
func testMaintenance(t *testing.T, d ds.Batching) {
	ctx := context.Background()
	for i := range 200 {
		must(t, d.Put(ctx, ds.NewKey(fmt.Sprint("/kept/", i)), []byte{byte(i)}),
			d.Put(ctx, ds.NewKey(fmt.Sprint("/gone/", i)), nil))
	}
	for i := range 200 {
		must(t, d.Delete(ctx, ds.NewKey(fmt.Sprint("/gone/", i))))
	}
	must(t, d.Sync(ctx, ds.NewKey("/")))
	if f, ok := d.(ds.GCFeature); ok {
		must(t, f.CollectGarbage(ctx))
	}
	if f, ok := d.(ds.CheckedFeature); ok {
		must(t, f.Check(ctx))
	}
	if f, ok := d.(ds.ScrubbedFeature); ok {
		must(t, f.Scrub(ctx))
	}
	for i := range 200 {
		expect(t, d, ds.NewKey(fmt.Sprint("/kept/", i)), []byte{byte(i)})
	}
	if n := len(query(t, d, dsq.Query{KeysOnly: true})); n != 200 {
		t.Errorf("there are %d keys, want 200", n)
	}
}

// testDiskUsage checks the usage just after a load: at least the size of the data, and at most
// a few times as much. The data does not compress.
func testDiskUsage(t *testing.T, d ds.Batching) {
	f, ok := d.(ds.PersistentDatastore)
	if !ok {
		t.Skip("no PersistentDatastore")
	}
	ctx := context.Background()
	before, err := f.DiskUsage(ctx)
	must(t, err)
	const values, size = 128, 64 << 10
	source := rand.NewChaCha8([32]byte{})
	for i := range values {
		value := make([]byte, size)
		source.Read(value)
		must(t, d.Put(ctx, ds.NewKey(fmt.Sprint("/load/", i)), value))
	}
	must(t, d.Sync(ctx, ds.NewKey("/")))
	after, err := f.DiskUsage(ctx)
	must(t, err)
	if grown := int64(after) - int64(before); grown < values*size || grown > 5*values*size {
		t.Errorf("after a load of %d bytes the usage has grown by %d", values*size, grown)
	}
}
