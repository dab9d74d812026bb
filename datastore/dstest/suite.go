package dstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
)

// Traits describe a datastore. The suite matches errors with errors.Is. A nil error means that
// any error will do.
type Traits struct {
	// Closed is the error of every call after Close.
	Closed error
	// Conflict is the error of committing the later of two transactions that have read and
	// written the same key.
	Conflict error
	// ReadOnly is the error of writing in a read-only transaction.
	ReadOnly error
	// Ended is the error of every call of a transaction that has ended.
	Ended error
	// Scans says that queries read more than they return.
	Scans bool
	// InContext says that calls go to the batch or transaction of the datastore that their
	// context has, as package context of go-datastore puts it there, without its wrapper.
	InContext bool
}

// Run tests the datastores that open returns. Each must be empty, and the test that gets it
// closes it.
func Run(t *testing.T, open func(t *testing.T) ds.Batching, want Traits) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, d ds.Batching)
	}{
		{"absence", testAbsence},
		{"ownership", testOwnership},
		{"keys", testKeys},
		{"batch", testBatch},
		{"queries", testQueries},
		{"pushdown", want.testPushdown},
		{"writes during a query", testWritesDuringQuery},
		{"queries left early", testQueriesLeftEarly},
		{"contexts", testContexts},
		{"concurrency", testConcurrency},
		{"TTL", testTTL},
		{"TTL of queries", testTTLOfQueries},
		{"transactions", want.testTransactions},
		{"conflicts", want.testConflicts},
		{"contexts of transactions", testContextsOfTransactions},
		{"writes that wait", testWaitingWrites},
		{"transactions in contexts", want.testInContexts},
		{"maintenance", testMaintenance},
		{"disk usage", testDiskUsage},
		{"close", want.testClose},
		{"close beside a reading transaction", func(t *testing.T, d ds.Batching) { want.testCloseBeside(t, d, true) }},
		{"close beside a writing transaction", func(t *testing.T, d ds.Batching) { want.testCloseBeside(t, d, false) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := open(t)
			t.Cleanup(func() {
				within(t, "Close", func() error {
					if err := d.Close(); !strings.HasPrefix(test.name, "close") { // those have closed it
						return err
					}
					return nil
				})
			})
			test.run(t, d)
		})
	}
}

// guard calls fn. It returns an error if fn panics or touches memory that is no longer
// mapped from a file.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panics: %v", p)
		}
	}()
	return fn()
}

// isNot reports whether err differs from the wanted error. If none is wanted, any error will
// do.
func isNot(err, want error) bool {
	return err == nil || panics(err) || want != nil && !errors.Is(err, want)
}

func panics(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "it panics: ") }

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// expect compares the value of a key with the wanted one, by every call that can ask for it.
// Nil means that the key is absent.
func expect(t *testing.T, d ds.Read, key ds.Key, want []byte) {
	t.Helper()
	ctx := context.Background()
	value, err := d.Get(ctx, key)
	has, hasErr := d.Has(ctx, key)
	size, sizeErr := d.GetSize(ctx, key)
	if want == nil {
		if err != ds.ErrNotFound {
			t.Errorf("Get of %q: %q, %v; want ErrNotFound itself", key, value, err)
		}
		if has || hasErr != nil {
			t.Errorf("Has of %q: %v, %v; want false", key, has, hasErr)
		}
		if size != -1 || sizeErr != ds.ErrNotFound {
			t.Errorf("GetSize of %q: %d, %v; want -1 and ErrNotFound itself", key, size, sizeErr)
		}
		return
	}
	if err != nil || !bytes.Equal(value, want) {
		t.Errorf("Get of %q: %q, %v; want %q", key, value, err, want)
	}
	if !has || hasErr != nil {
		t.Errorf("Has of %q: %v, %v; want true", key, has, hasErr)
	}
	if size != len(want) || sizeErr != nil {
		t.Errorf("GetSize of %q: %d, %v; want %d", key, size, sizeErr, len(want))
	}
}

func query(t *testing.T, d ds.Read, q dsq.Query) []dsq.Entry {
	t.Helper()
	found, err := d.Query(context.Background(), q)
	if err != nil {
		t.Fatalf("%v: %v", q, err)
	}
	entries, err := found.Rest()
	if err != nil {
		t.Fatalf("%v: %v", q, err)
	}
	return entries
}

func keysOf(entries []dsq.Entry) []string {
	keys := []string{}
	for _, e := range entries {
		keys = append(keys, e.Key)
	}
	return keys
}

// expectKeys compares the keys that a query finds with the wanted ones, in any order.
func expectKeys(t *testing.T, d ds.Read, q dsq.Query, want ...string) {
	t.Helper()
	got := keysOf(query(t, d, q))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%v finds %q, want %q", q, got, want)
	}
}

// testAbsence checks that an absent key returns ErrNotFound itself, because callers compare
// with ==, and that deleting an absent key is no error.
func testAbsence(t *testing.T, d ds.Batching) {
	ctx := context.Background()
	key := ds.NewKey("/absent")
	expect(t, d, key, nil)
	must(t, d.Delete(ctx, key))
	must(t, d.Put(ctx, key, []byte("x")), d.Delete(ctx, key))
	expect(t, d, key, nil)
	expectKeys(t, d, dsq.Query{})
}

// testOwnership checks that the datastore keeps none of its callers' memory, and that returned
// values belong to the caller. An empty value is a value.
func testOwnership(t *testing.T, d ds.Batching) {
	ctx := context.Background()
	a, b := ds.NewKey("/a"), ds.NewKey("/b")
	value := []byte("value")
	must(t, d.Put(ctx, a, value))
	copy(value, "other")
	expect(t, d, a, []byte("value"))
	got, err := d.Get(ctx, a)
	must(t, err)
	copy(got, "other")
	_ = append(got, "more"...)
	expect(t, d, a, []byte("value"))
	for _, e := range query(t, d, dsq.Query{}) {
		copy(e.Value, "other")
	}
	expect(t, d, a, []byte("value"))
	must(t, d.Put(ctx, b, nil))
	expect(t, d, b, []byte{})
	must(t, d.Put(ctx, a, []byte{}))
	expect(t, d, a, []byte{})
	for _, e := range query(t, d, dsq.Query{ReturnsSizes: true}) {
		if len(e.Value) != 0 || e.Size != 0 {
			t.Errorf("the empty value of %s has %q and size %d", e.Key, e.Value, e.Size)
		}
	}
}

// oddKeys are keys that libp2p programs use, or could use.
var oddKeys = []string{
	"/a", "/ab", "/a/b", "/a/b/c", "/a.b", "/a-b", "/a b", "/a:b", "/a%2Fb", "/a\\b", "/A", "/é",
	"/\u65e5\u672c", "/~", "/!", "/a\x00", "/a\x00b", "/a\x01", "/\xff", "/\xff\xff", "/\x7f", "/a\x00/b", "/a!/b",
	"/providers/MFRGG/MFRGG", "/providers/abc", "/pk/MFRGG", "/peers/addrs/MFRGG", "/local/x", "/blocks/CIQA",
}

// testKeys checks that every key differs from every other, and comes back unchanged.
func testKeys(t *testing.T, d ds.Batching) {
	ctx := context.Background()
	for i, key := range oddKeys {
		must(t, d.Put(ctx, ds.RawKey(key), []byte{byte(i)}))
	}
	for i, key := range oddKeys {
		expect(t, d, ds.RawKey(key), []byte{byte(i)})
	}
	expectKeys(t, d, dsq.Query{}, oddKeys...)
	for _, prefix := range []string{"/a", "a", "/a/", "//a", "/a\x00", "/providers", "/b", "/a/b/c", "/A"} {
		clean := ds.NewKey(prefix).String() + "/"
		var below []string
		for _, key := range oddKeys {
			if len(key) > len(clean) && key[:len(clean)] == clean {
				below = append(below, key)
			}
		}
		expectKeys(t, d, dsq.Query{Prefix: prefix, KeysOnly: true}, below...)
	}
	for _, key := range oddKeys {
		must(t, d.Delete(ctx, ds.RawKey(key)))
		expect(t, d, ds.RawKey(key), nil)
	}
	expectKeys(t, d, dsq.Query{})
}

// testBatch checks that a batch keeps copies, applies its operations in order and only on
// commit, and may be larger than a transaction of the engine.
func testBatch(t *testing.T, d ds.Batching) {
	ctx := context.Background()
	a, b, c := ds.NewKey("/a"), ds.NewKey("/b"), ds.NewKey("/c")
	must(t, d.Put(ctx, c, []byte("old")))
	batch, err := d.Batch(ctx)
	must(t, err)
	value := []byte("value")
	must(t, batch.Put(ctx, a, value), batch.Put(ctx, b, value), batch.Delete(ctx, b), batch.Delete(ctx, c),
		batch.Put(ctx, c, value))
	copy(value, "other")
	expect(t, d, a, nil)
	expect(t, d, c, []byte("old"))
	must(t, batch.Commit(ctx))
	expect(t, d, a, []byte("value"))
	expect(t, d, b, nil)
	expect(t, d, c, []byte("value"))

	must(t, d.Delete(ctx, a))
	_ = batch.Commit(ctx) // the batch is empty, or cannot be used again
	expect(t, d, a, nil)

	batch, err = d.Batch(ctx)
	must(t, err)
	large := bytes.Repeat([]byte("x"), 64<<10)
	for i := range 300 {
		must(t, batch.Put(ctx, ds.NewKey("/large").ChildString(string(rune('a'+i))), large))
	}
	must(t, batch.Commit(ctx))
	if n := len(query(t, d, dsq.Query{Prefix: "/large", KeysOnly: true})); n != 300 {
		t.Errorf("of a batch of 300 there are %d", n)
	}
}
