package datastore_test

import (
	"errors"
	"slices"
	"testing"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

func TestDatastoreTransaction(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx, face := t.Context(), h.Datastore()
		a, b := ds.NewKey("/a"), ds.NewKey("/b")
		if err := face.Put(ctx, a, []byte("1")); err != nil {
			t.Fatal(err)
		}
		txn, err := face.NewTransaction(ctx, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(txn.Put(ctx, b, []byte("2")), txn.Delete(ctx, a)); err != nil {
			t.Fatal(err)
		}
		if value, err := txn.Get(ctx, b); string(value) != "2" || err != nil {
			t.Errorf("%q, %v", value, err)
		}
		if _, err := txn.Get(ctx, a); err != ds.ErrNotFound {
			t.Error(err)
		}
		if size, err := txn.GetSize(ctx, b); size != 1 || err != nil {
			t.Error(size, err)
		}
		results, err := txn.Query(ctx, dsq.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if entries, err := results.Rest(); err != nil || len(entries) != 1 || entries[0].Key != "/b" {
			t.Error(entries, err)
		}
		if got := keysOf(t, face, dsq.Query{}); !slices.Equal(got, []string{"/a"}) {
			t.Error("seen before the commit:", got)
		}
		if err := txn.Commit(ctx); err != nil {
			t.Error(err)
		}
		h.restart()
		face = h.Datastore()
		if got := keysOf(t, face, dsq.Query{}); !slices.Equal(got, []string{"/b"}) {
			t.Error(got)
		}
		txn.Discard(ctx)
		_, getErr := txn.Get(ctx, a)
		_, queryErr := txn.Query(ctx, dsq.Query{})
		for _, err := range []error{getErr, queryErr, txn.Put(ctx, a, nil), txn.Delete(ctx, a), txn.Commit(ctx)} {
			if !errors.Is(err, models.ErrTxnDone) {
				t.Error(err)
			}
		}

		// Discarded, it has done nothing.
		if txn, err = face.NewTransaction(ctx, false); err != nil {
			t.Fatal(err)
		}
		if err := txn.Put(ctx, a, nil); err != nil {
			t.Error(err)
		}
		txn.Discard(ctx)
		if has, err := face.Has(ctx, a); has || err != nil {
			t.Error(has, err)
		}

		// Opened to read, it keeps its snapshot and does not write.
		if txn, err = face.NewTransaction(ctx, true); err != nil {
			t.Fatal(err)
		}
		if err := face.Delete(ctx, b); err != nil {
			t.Error(err)
		}
		if has, err := txn.Has(ctx, b); !has || err != nil {
			t.Error(has, err)
		}
		if err := txn.Put(ctx, a, nil); !errors.Is(err, models.ErrReadOnly) {
			t.Error(err)
		}
		if err := txn.Commit(ctx); err != nil {
			t.Error(err)
		}
	}, town)
}

// TestCheckAndScrub is about stores that are whole; TestEveryBit has the others.
func TestCheckAndScrub(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		for i := range uint64(100) {
			p := somebody(i)
			if err := people.Put(t.Context(), h.Store, &p); err != nil {
				t.Fatal(err)
			}
		}
		var steps int
		report, err := datastore.Verify(t.Context(), h.Store, datastore.VerifyOptions{Progress: func(datastore.Report) { steps++ }})
		if err != nil || !report.Clean() || report.Rows != 100 || report.Entries < 500 || steps == 0 {
			t.Errorf("%+v, %v, %d steps", report, err, steps)
		}
		face := h.Tree(people)
		if err := errors.Join(face.Check(t.Context()), face.Scrub(t.Context()), face.CollectGarbage(t.Context())); err != nil {
			t.Error(err)
		}
		if size, err := face.DiskUsage(t.Context()); size == 0 || err != nil {
			t.Error(size, err)
		}
	}, town)
}
