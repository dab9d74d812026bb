//go:build js

package indexeddb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"syscall/js"
	"testing"

	ds "github.com/ipfs/go-datastore"
	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/dstest"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/indexeddb"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
	"github.com/newsnet-africa/netabase-go/models"
)

// inOnePlace skips a test in the page: it is no other there than in a worker.
func inOnePlace(t *testing.T) {
	t.Helper()
	if !webtest.InWorker() {
		t.Skip("it runs in a worker")
	}
}

func TestDatastore(t *testing.T) {
	inOnePlace(t)
	dstest.Run(t, func(t *testing.T) ds.Batching {
		d, err := datastore.OpenDatastore(context.Background(), indexeddb.Engine(fresh()))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}, dstest.Traits{
		Closed: models.ErrClosed, Conflict: models.ErrConflict, ReadOnly: models.ErrReadOnly, Ended: models.ErrTxnDone,
		InContext: true,
	})
}

// TestBackup writes a backup to a Blob, which a page can give to the user as a file, and restores from it.
func TestBackup(t *testing.T) {
	ctx := t.Context()
	store := datastore.Temp(t, indexeddb.Engine(fresh()), press)
	if _, err := datastore.Import(ctx, store, articles, someArticles(3000)); err != nil {
		t.Fatal(err)
	}
	var stream bytes.Buffer
	if _, err := store.Backup(ctx, &stream); err != nil {
		t.Fatal(err)
	}
	blob := js.Global().Get("Blob").New([]any{jsvalue.FromBytes(stream.Bytes())})

	buffer, err := jsvalue.Await(ctx, blob.Call("arrayBuffer"))
	if err != nil {
		t.Fatal(err)
	}
	file, ok := jsvalue.Bytes(js.Global().Get("Uint8Array").New(buffer))
	if !ok {
		t.Fatal("the file has no bytes")
	}
	eng := indexeddb.Engine(fresh())
	if _, err := datastore.Restore(ctx, eng, bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	restored := datastore.Temp(t, eng, press)
	n := 0
	for a, err := range articles.All(ctx, restored) {
		if want, there := articles.Get(ctx, store, a.ID); err != nil || there != nil || want != a {
			t.Fatalf("row %d is %v, error %v; want %v, %v", n, a, err, want, there)
		}
		n++
	}
	if n != 3000 {
		t.Errorf("%d rows are restored", n)
	}
}

// TestRepair damages a row of a store, and repairs it. An inspection shows the store's trees.
func TestRepair(t *testing.T) {
	ctx, o := t.Context(), indexeddb.Options{Config: engine.Config{Path: fresh()}}
	store, err := datastore.Open(ctx, o.Engine(), press)
	if err != nil {
		t.Fatal(err)
	}
	_, err = datastore.Import(ctx, store, articles, someArticles(100))
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	db := open(t, o)
	txn, err := db.Update(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c := txn.Cursor(engine.Range{})
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(value, []byte("a text")); at >= 0 {
			damaged := bytes.Clone(value)
			damaged[at] ^= 1
			if err := txn.Put(bytes.Clone(c.Key()), damaged); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	c.Close()
	if err := errors.Join(txn.Commit(ctx, engine.Durable), db.Close()); err != nil {
		t.Fatal(err)
	}

	if store, err = datastore.Open(ctx, o.Engine(), press); err != nil {
		t.Fatal(err)
	}
	if report, err := datastore.Verify(ctx, store); err != nil || report.BadRows != 1 {
		t.Errorf("before Repair: %d bad rows, %v", report.BadRows, err)
	}
	if _, err := datastore.Repair(ctx, store); err != nil {
		t.Error(err)
	}
	if report, err := datastore.Verify(ctx, store); err != nil || len(report.Damage) > 0 {
		t.Errorf("after Repair: %v, %v", report.Damage, err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	o.ReadOnly = true
	inspection, err := datastore.Inspect(ctx, o.Engine())
	if err != nil {
		t.Fatal(err)
	}
	trees, err := inspection.Trees(ctx)
	if err != nil || len(trees) != 2 || trees[1].Name != "press.article" {
		t.Errorf("there are the trees %v, %v", trees, err)
	}
	if err := inspection.Close(); err != nil {
		t.Error(err)
	}
}

// TestAgainstMap does random things to a store and to a map.
func TestAgainstMap(t *testing.T) {
	inOnePlace(t)
	ctx := t.Context()
	rapid.Check(t, func(rt *rapid.T) {
		o := indexeddb.Options{Config: engine.Config{Path: fresh()}}
		store, err := datastore.Open(ctx, o.Engine(), press)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { store.Close() }()
		want := map[uint64]article{}
		must := func(err error) {
			rt.Helper()
			if err != nil {
				rt.Fatal(err)
			}
		}
		id := rapid.Uint64Range(0, 20)
		author := rapid.StringMatching("[a-c]{0,2}")
		rt.Repeat(map[string]func(*rapid.T){
			"put": func(rt *rapid.T) {
				a := article{id.Draw(rt, "id"), author.Draw(rt, "author"), rapid.String().Draw(rt, "text")}
				must(articles.Put(ctx, store, &a))
				want[a.ID] = a
			},
			"delete": func(rt *rapid.T) {
				key := id.Draw(rt, "id")
				must(articles.Delete(ctx, store, key))
				delete(want, key)
			},
			"transaction": func(rt *rapid.T) {
				then := maps.Clone(want)
				fails := errors.New("as it has to")
				keep := rapid.Bool().Draw(rt, "keep")
				err := store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
					for range rapid.IntRange(1, 5).Draw(rt, "rows") {
						a := article{ID: id.Draw(rt, "id"), Author: author.Draw(rt, "author")}
						if err := articles.Put(ctx, tx, &a); err != nil {
							return err
						}
						then[a.ID] = a
					}
					if !keep {
						return fails
					}
					return nil
				})
				if keep {
					must(err)
					want = then
				} else if !errors.Is(err, fails) {
					rt.Fatal(err)
				}
			},
			"find": func(rt *rapid.T) {
				by := author.Draw(rt, "author")
				found := map[uint64]article{}
				for a, err := range articlesAuthor.Find(ctx, store, by) {
					must(err)
					found[a.ID] = a
				}
				wanted := maps.Clone(want)
				maps.DeleteFunc(wanted, func(_ uint64, a article) bool { return a.Author != by })
				if !maps.Equal(found, wanted) {
					rt.Fatalf("by %q there is %v, want %v", by, found, wanted)
				}
			},
			"open again": func(rt *rapid.T) {
				if rapid.Bool().Draw(rt, "compact") {
					must(store.Compact(ctx))
				}
				must(store.Close())
				store, err = datastore.Open(ctx, o.Engine(), press)
				must(err)
			},
			"": func(rt *rapid.T) {
				var ids []uint64
				for a, err := range articles.All(ctx, store) {
					must(err)
					if a != want[a.ID] {
						rt.Fatalf("row %d is %v, want %v", a.ID, a, want[a.ID])
					}
					ids = append(ids, a.ID)
				}
				if all := slices.Sorted(maps.Keys(want)); !slices.Equal(ids, all) {
					rt.Fatalf("there are the rows %d, want %d", ids, all)
				}
			},
		})
		report, err := datastore.Verify(ctx, store)
		must(err)
		if len(report.Damage) > 0 {
			rt.Fatal(fmt.Sprint(report.Damage))
		}
	})
}
