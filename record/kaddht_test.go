package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
	"github.com/libp2p/go-libp2p-kad-dht/records"
	kadrecord "github.com/libp2p/go-libp2p-record"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// eventually waits until done reports true, for kad-dht's own goroutines.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still not: %s", what)
		}
	}
}

// sweepOften is how often kad-dht sweeps in these tests.
const sweepOften = 10 * time.Millisecond

// longAgo is when what has expired came.
func longAgo() time.Time { return time.Now().Add(-100 * time.Hour) }

func newProviderManager(t testing.TB, d ds.Batching, opts ...records.Option) *records.ProviderManager {
	t.Helper()
	peers, err := pstoremem.NewPeerstore()
	if err != nil {
		t.Fatal(err)
	}
	manager, err := records.NewProviderManager("self", peers, d, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(manager.Close(), peers.Close()); err != nil {
			t.Error(err)
		}
	})
	return manager
}

// peerID is a peer id that kad-dht takes for one: a multihash.
func peerID(i int) peer.ID {
	hash := bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 16)
	return peer.ID(append([]byte{0x12, 0x20}, hash...))
}

func TestProviderManager(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		r, _ := openRecords(t, eng, record.Options{})
		const keys, each = 10, 60
		manager := newProviderManager(t, r)
		for i := range keys * each {
			if err := manager.AddProvider(ctx, fmt.Appendf(nil, "key%d", i%keys), peer.AddrInfo{ID: peerID(i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := manager.Close(); err != nil { // writes what is buffered
			t.Fatal(err)
		}
		if err := r.Sync(ctx, ds.NewKey("/")); err != nil {
			t.Fatal(err)
		}
		if n, err := countProviders(r); err != nil || n != keys*each {
			t.Errorf("%d rows, %v; want %d", n, err, keys*each)
		}
		manager = newProviderManager(t, r)
		for i := range keys {
			found, err := manager.GetProviders(ctx, fmt.Appendf(nil, "key%d", i))
			if err != nil || len(found) != each {
				t.Errorf("key%d has %d providers, %v; want %d", i, len(found), err, each)
			}
		}
		// One that has expired is deleted by the read that finds it.
		old := providerKey("key0", string(peerID(9999)))
		mustPut(t, r, old, providerTime(longAgo()))
		manager = newProviderManager(t, r)
		if found, err := manager.GetProviders(ctx, []byte("key0")); err != nil || len(found) != each {
			t.Errorf("key0 has %d providers, %v; want %d", len(found), err, each)
		}
		if mustGet(t, r, old) != nil {
			t.Error("a provider that has expired is there")
		}
	})
}

// The views show what kad-dht has put: 256 provider records together, and the rest when it
// is closed. Neither a query nor a sync makes it put them earlier, but it answers with
// them. The documentation of the views says so.
func TestProvidersThatKadDHTHasNotPut(t *testing.T) {
	ctx := context.Background()
	r, _ := openRecords(t, memory.Engine(), record.Options{})
	manager := newProviderManager(t, r)
	const last = 255
	stored := func(want int) {
		t.Helper()
		of, err := r.CountProvidersOf(ctx, []byte("key"))
		by, byErr := r.CountProvidedBy(ctx, peerID(last))
		if err != nil || byErr != nil || of != want || by != min(want, 1) {
			t.Errorf("%d providers of the key, %v, and %d keys of the peer, %v; want %d", of, err, by, byErr, want)
		}
	}
	add := func(key string, i int) {
		t.Helper()
		if err := manager.AddProvider(ctx, []byte(key), peer.AddrInfo{ID: peerID(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range last {
		add("key", i)
	}
	if found, err := manager.GetProviders(ctx, []byte("key")); err != nil || len(found) != last {
		t.Errorf("kad-dht has %d providers, %v; want %d", len(found), err, last)
	}
	if err := r.Sync(ctx, ds.NewKey("/")); err != nil {
		t.Fatal(err)
	}
	list(t, r, dsq.Query{Prefix: "/providers"})
	stored(0)
	add("key", last)
	stored(last + 1)
	add("key", last+1)
	stored(last + 1)
	if err := manager.Close(); err != nil {
		t.Fatal(err)
	}
	stored(last + 2)
}

func TestProviderManagerSweeps(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		r, _ := openRecords(t, eng, record.Options{})
		batch, err := r.Batch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		const n = 1000
		for i := range n {
			at := time.Now()
			if i%2 == 0 {
				at = longAgo()
			}
			if err := batch.Put(ctx, providerKey("key", string(peerID(i))), providerTime(at)); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		newProviderManager(t, r, records.CleanupInterval(sweepOften))
		eventually(t, "half of the providers are gone", func() bool {
			left, err := countProviders(r)
			if err != nil {
				t.Fatal(err)
			}
			return left == n/2
		})
		for old, err := range r.ProvidersReceived(ctx, time.Time{}, time.Now().Add(-time.Hour)) {
			t.Errorf("%+v is left, %v", old, err)
		}
	})
}

// anything is a validator for which the longer value is the better.
type anything struct{}

func (anything) Validate(string, []byte) error { return nil }
func (anything) Select(_ string, values [][]byte) (int, error) {
	if len(values) > 1 && len(values[1]) > len(values[0]) {
		return 1, nil
	}
	return 0, nil
}

// newValueStore is kad-dht's, for the models and for a namespace of another
// program.
func newValueStore(t testing.TB, r *record.Records) *records.ValueStore {
	t.Helper()
	validator := r.Validator()
	validator["any"] = anything{}
	values := records.NewValueStore(r, validator, time.Hour)
	t.Cleanup(func() {
		if err := values.Close(); err != nil {
			t.Error(err)
		}
	})
	return values
}

func TestValueStore(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		r, store := openRecords(t, eng, record.Options{})
		values := newValueStore(t, r)
		v1, v2 := User{ID: 1, Version: 1, Email: "one"}, User{ID: 1, Version: 2, Email: "two"}
		userKey := record.Key(Users, 1)
		for _, test := range []struct {
			key   string
			value []byte
			err   error
			held  []byte
		}{
			{"/any/x", []byte("b"), nil, []byte("b")},
			{"/any/x", []byte("aa"), nil, []byte("aa")},
			{"/any/x", []byte("c"), records.ErrOldRecord, []byte("aa")},
			{userKey, encode(t, &v2), nil, encode(t, &v2)},
			{userKey, encode(t, &v1), records.ErrOldRecord, encode(t, &v2)},
			{userKey, encode(t, &v2), nil, encode(t, &v2)},
			{userKey, []byte("bad"), models.ErrInvalid, encode(t, &v2)},
		} {
			if err := values.Put(ctx, test.key, kadrecord.MakePutRecord(test.key, test.value)); !errors.Is(err, test.err) {
				t.Errorf("Put(%q, %q): %v, want %v", test.key, test.value, err, test.err)
			}
			got, err := values.Get(ctx, test.key)
			if err != nil || !bytes.Equal(got.GetValue(), test.held) {
				t.Errorf("Get(%q) = %q, %v; want %q", test.key, got.GetValue(), err, test.held)
			}
		}
		if got := user(t, store, 1); got != v2 {
			t.Errorf("the row is %+v", got)
		}

		// A read that finds an expired record discards it.
		mustPut(t, r, dsKey("any", "/any/old"), kadRecord(t, "/any/old", []byte("x"), longAgo()))
		old := User{ID: 2, Username: "old"}
		mustPut(t, r, dsKey("blog.user", record.Key(Users, 2)), receivedAt(t, old, longAgo()))
		for _, key := range []string{"/any/old", record.Key(Users, 2)} {
			if got, err := values.Get(ctx, key); err != nil || got != nil {
				t.Errorf("Get(%q) of what has expired: %v, %v", key, got, err)
			}
		}
		if got := user(t, store, 2); got != (User{}) {
			t.Errorf("the row of an expired record is there: %+v", got)
		}
		if left := len(list(t, r, dsq.Query{KeysOnly: true})); left != 2 {
			t.Errorf("%d entries are left, want 2", left)
		}
	})
}

// kad-dht's sweep deletes from the tree it is querying.
func TestValueStoreSweeps(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		r, store := openRecords(t, eng, record.Options{})
		batch, err := r.Batch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		const n = 600
		for i := range n {
			at := time.Now()
			if i%2 == 0 {
				at = longAgo()
			}
			anyKey := fmt.Sprint("/any/", i)
			u := User{ID: uint64(i), Username: fmt.Sprint(i)}
			if err := errors.Join(
				batch.Put(ctx, dsKey("any", anyKey), kadRecord(t, anyKey, []byte("x"), at)),
				batch.Put(ctx, dsKey("blog.user", record.Key(Users, u.ID)), receivedAt(t, u, at)),
			); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		// A row of the program's own that has left the DHT: it stays.
		own := User{ID: n, Username: "own", Version: 1}
		if err := Users.Put(ctx, store, &own); err != nil {
			t.Fatal(err)
		}
		mustPut(t, r, dsKey("blog.user", record.Key(Users, own.ID)), receivedAt(t, own, longAgo()))

		newValueStore(t, r).StartGC(ctx, sweepOften)
		eventually(t, "half of the values and records are gone", func() bool {
			left, err := record.Values.Count(ctx, store, models.Range[[]byte]{})
			if err != nil {
				t.Fatal(err)
			}
			receipts, err := receipts.Tree.Count(ctx, store, models.Range[receipts.Key]{})
			if err != nil {
				t.Fatal(err)
			}
			return left == n/2 && receipts == n/2
		})
		if rows, err := Users.Count(ctx, store, models.Range[uint64]{}); err != nil || rows != n/2+1 {
			t.Errorf("%d rows are left, %v; want %d", rows, err, n/2+1)
		}
		if got := user(t, store, n); got != own {
			t.Errorf("the program's own row is %+v", got)
		}
	})
}

// A record that is put again while the sweep wants it survives, as it does on
// any datastore whose Get gives the same bytes for the same record.
func TestValueStoreSweepsBesidePuts(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		r, _ := openRecords(t, eng, record.Options{})
		values := newValueStore(t, r)
		values.StartGC(ctx, time.Millisecond)
		u := User{ID: 1, Version: 1}
		key := record.Key(Users, 1)
		var writers sync.WaitGroup
		for range 4 {
			writers.Go(func() {
				for range 25 {
					_ = r.Put(ctx, dsKey("blog.user", key), receivedAt(t, u, longAgo()))
					if err := values.Put(ctx, key, kadrecord.MakePutRecord(key, encode(t, &u))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		writers.Wait()
		if err := values.Put(ctx, key, kadrecord.MakePutRecord(key, encode(t, &u))); err != nil {
			t.Fatal(err)
		}
		if err := values.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := values.Get(ctx, key); err != nil || got == nil {
			t.Errorf("the record is gone: %v", err)
		}
	})
}
