//go:build js

package opfs_test

import (
	"context"
	"errors"
	"syscall/js"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/opfs"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

// TestQuota uses the quota up. Commits return ErrNoSpace, and leave nothing of themselves.
func TestQuota(t *testing.T) {
	inWorker(t)
	ctx := t.Context()
	const size = 500_000
	o := opfs.Options{Config: engine.Config{Path: fresh()}, CheckpointMB: 1}
	open := func() engine.DB {
		t.Helper()
		db, err := o.Engine().Open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	check := func(db engine.DB, want int) {
		t.Helper()
		txn, err := db.View(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer txn.Discard()
		if n := counted(t, txn); n != want {
			t.Errorf("there is %d and not %d", n, want)
		}
		if err := db.(engine.Verifier).Verify(ctx); err != nil {
			t.Error(err)
		}
	}
	estimate, err := jsvalue.Await(ctx, js.Global().Get("navigator").Get("storage").Call("estimate"))
	if err != nil {
		t.Fatal(err)
	}
	if err := webtest.SetQuota(ctx, int64(estimate.Get("usage").Float())+10<<20); err != nil {
		t.Fatal(err)
	}
	defer webtest.SetQuota(context.Background(), 0)
	db := open()
	last := 0
	for {
		n, err := count(t, db, size)
		if errors.Is(err, engine.ErrNoSpace) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if last = n; last > 1000 {
			t.Fatal("the quota does not matter")
		}
	}
	check(db, last)
	if err := db.Compact(ctx); err != nil && !errors.Is(err, engine.ErrNoSpace) {
		t.Error(err)
	}
	check(db, last)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	db = open()
	check(db, last)
	if err := webtest.SetQuota(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if n, err := count(t, db, size); n != last+1 || err != nil {
		t.Errorf("with room again a commit makes it %d, %v", n, err)
	}
	if err := db.Compact(ctx); err != nil {
		t.Error(err)
	}
	check(db, last+1)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	db = open()
	check(db, last+1)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("%d commits", last)
}
