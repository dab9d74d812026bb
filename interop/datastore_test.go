package interop_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// engines are the engines on which all libraries are tested.
var engines = map[string]func(dir string) engine.Engine{
	"memory": func(string) engine.Engine { return memory.Engine() },
	"bolt":   bolt.Engine,
	"badger": badger.Engine,
}

// onEveryDatastore runs a test on every engine, with the records of a store as the datastore.
// At the end the datastore must hold exactly what was put.
func onEveryDatastore(t *testing.T, test func(t *testing.T, d ds.Batching)) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			store := datastore.Temp(t, open(t.TempDir()), record.Definition, Shop)
			records, err := record.New(t.Context(), store, record.Options{Models: []*models.Definition{Shop}})
			if err != nil {
				t.Fatal(err)
			}
			w := &watched{Batching: records, put: map[ds.Key]string{}}
			t.Cleanup(func() {
				if t.Failed() {
					return
				}
				w.compare(t)
				if err := records.Close(); err != nil {
					t.Error(err)
				}
			})
			test(t, w)
		})
	}
}

// watched also keeps everything that is put into a datastore in a map.
type watched struct {
	ds.Batching
	mu  sync.Mutex
	put map[ds.Key]string
}

func (w *watched) Put(ctx context.Context, key ds.Key, value []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.Batching.Put(ctx, key, value)
	if err == nil {
		w.put[key] = string(value)
	}
	return err
}

func (w *watched) Delete(ctx context.Context, key ds.Key) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.Batching.Delete(ctx, key)
	if err == nil {
		delete(w.put, key)
	}
	return err
}

func (w *watched) Batch(ctx context.Context) (ds.Batch, error) {
	b, err := w.Batching.Batch(ctx)
	return &watchedBatch{Batch: b, of: w}, err
}

type watchedBatch struct {
	ds.Batch
	of *watched
	do []func()
}

func (b *watchedBatch) Put(ctx context.Context, key ds.Key, value []byte) error {
	text := string(value)
	b.do = append(b.do, func() { b.of.put[key] = text })
	return b.Batch.Put(ctx, key, value)
}

func (b *watchedBatch) Delete(ctx context.Context, key ds.Key) error {
	b.do = append(b.do, func() { delete(b.of.put, key) })
	return b.Batch.Delete(ctx, key)
}

func (b *watchedBatch) Commit(ctx context.Context) error {
	b.of.mu.Lock()
	defer b.of.mu.Unlock()
	err := b.Batch.Commit(ctx)
	if err == nil {
		for _, do := range b.do {
			do()
		}
		b.do = nil
	}
	return err
}

// compare compares the results of a query and of Get with the map.
func (w *watched) compare(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	found, err := w.Query(ctx, dsq.Query{})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := found.Rest()
	if err != nil {
		t.Fatal(err)
	}
	left := maps.Clone(w.put)
	for _, e := range entries {
		key := ds.RawKey(e.Key)
		if want, ok := left[key]; !ok || want != string(e.Value) {
			t.Errorf("the query finds %s with %q, put was %q, %v", key, e.Value, want, ok)
		}
		delete(left, key)
	}
	for key := range left {
		t.Errorf("the query does not find %s", key)
	}
	for key, want := range w.put {
		value, err := w.Get(ctx, key)
		if err != nil || string(value) != want {
			t.Errorf("%s has %q, %v; put was %q", key, value, err, want)
		}
	}
}

// rest returns the results of a query, sorted.
func rest(t *testing.T, d ds.Read, q dsq.Query) []string {
	t.Helper()
	found, err := d.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := found.Rest()
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, e := range entries {
		keys = append(keys, e.Key)
	}
	return slices.Sorted(slices.Values(keys))
}

// A program that reads its own query may write meanwhile, to keys that it has passed and to
// others.
func TestWritesWhileAQueryIsOpen(t *testing.T) {
	onEveryDatastore(t, func(t *testing.T, d ds.Batching) {
		ctx := context.Background()
		const n = 500
		for i := range n {
			if err := d.Put(ctx, ds.NewKey("/jobs").ChildString(string(rune('a'+i%26))).ChildString(string(rune('0'+i/26))), []byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
		}
		found, err := d.Query(ctx, dsq.Query{Prefix: "/jobs"})
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for r := range found.Next() {
			key := ds.RawKey(r.Key)
			if err := errors.Join(r.Error, d.Put(ctx, ds.NewKey("/done").Child(key), r.Value), d.Delete(ctx, key)); err != nil {
				t.Fatal(err)
			}
			seen++
		}
		if err := found.Close(); err != nil {
			t.Fatal(err)
		}
		if seen != n || len(rest(t, d, dsq.Query{Prefix: "/jobs"})) != 0 ||
			len(rest(t, d, dsq.Query{Prefix: "/done"})) != n {
			t.Errorf("%d of %d jobs were seen", seen, n)
		}
	})
}
