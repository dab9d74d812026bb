//go:build js

package indexeddb_test

import (
	"bytes"
	"context"
	"errors"
	"syscall/js"
	"testing"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/dstest"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/indexeddb"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
	"github.com/newsnet-africa/netabase-go/internal/modeltest"
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

// TestAgainstMaps does random things to a store, to one in memory and to plain maps. See
// modeltest.Amount for how much.
func TestAgainstMaps(t *testing.T) {
	modeltest.Amount(t, 15, 150)
	modeltest.Run(t, modeltest.NewTown(models.Uint64, models.DagCBOR[modeltest.Person](), func() {}),
		map[string]func() engine.Engine{
			"indexeddb": func() engine.Engine { return indexeddb.Engine(fresh()) },
			"memory":    memory.Engine,
		})
}
