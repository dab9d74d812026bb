//go:build js

package indexeddb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/indexeddb"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

// TestQuota uses the quota up. Commits return ErrNoSpace, and leave nothing of themselves. It is the first test,
// unless they are shuffled: Chromium asks for the quota, and then trusts the answer for half a minute.
func TestQuota(t *testing.T) {
	ctx := t.Context()
	name := fresh()
	o := indexeddb.Options{Config: engine.Config{Path: name}, CheckpointMB: 1}
	usage, quota, err := indexeddb.Estimate(ctx)
	if err != nil || quota == 0 {
		t.Fatal(usage, quota, err)
	}
	if err := webtest.SetQuota(ctx, usage+10<<20); err != nil {
		t.Fatal(err)
	}
	defer webtest.SetQuota(context.Background(), 0)
	db := open(t, o)
	last := 0
	for start := time.Now(); ; {
		n, err := count(ctx, db, 500_000)
		if err != nil {
			if !errors.Is(err, engine.ErrNoSpace) {
				t.Fatal(err)
			}
			break
		}
		switch last = n; {
		case time.Since(start) > time.Minute:
			t.Fatal("the quota does not matter")
		case last > 100: // it was asked for before, and another answer comes with time
			time.Sleep(time.Second)
		}
	}
	if n := seen(t, db); n != last {
		t.Errorf("there is %d and not %d", n, last)
	}
	verify(t, db)
	if err := db.Compact(ctx); err != nil && !errors.Is(err, engine.ErrNoSpace) {
		t.Error(err)
	}
	// Close makes a relaxed commit durable, which takes room.
	if err := db.Close(); err != nil && !errors.Is(err, engine.ErrNoSpace) {
		t.Error(err)
	}
	db = open(t, o)
	if n := seen(t, db); n != last {
		t.Errorf("there is %d and not %d after it was opened again", n, last)
	}
	if err := webtest.SetQuota(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if n, err := count(ctx, db, 500_000); n != last+1 || err != nil {
		t.Errorf("with room again a commit makes it %d, %v", n, err)
	}
	if err := db.Compact(ctx); err != nil {
		t.Error(err)
	}
	verify(t, db)
	t.Logf("%d commits", last)
}
