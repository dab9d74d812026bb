package memory_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
)

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(*testing.T) engine.Engine { return memory.Engine() })
}

// TestSynctest checks that everything that waits in the engine lets the clock
// of a bubble advance.
func TestSynctest(t *testing.T) {
	eng := memory.Engine()
	synctest.Test(t, func(t *testing.T) {
		db, err := eng.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		first, err := db.Update(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := db.Update(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second writer got error %v", err)
		}
		closed := make(chan struct{})
		go func() {
			db.Close()
			close(closed)
		}()
		synctest.Wait()
		if _, err := db.View(t.Context()); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("View while closing returned %v", err)
		}
		time.Sleep(time.Hour)
		first.Discard()
		<-closed
	})
}

// TestCost holds the engine to what simulations of thousands of peers rely on.
func TestCost(t *testing.T) {
	const n = 1000
	dbs := make([]engine.DB, n)
	goroutines := runtime.NumGoroutine()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range dbs {
		db, err := memory.Engine().Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		dbs[i] = db
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := int64(after.HeapAlloc-before.HeapAlloc) / n; each > 2048 {
		t.Errorf("an open database takes %d bytes", each)
	}
	if extra := runtime.NumGoroutine() - goroutines; extra > 0 {
		t.Errorf("%d databases take %d goroutines", n, extra)
	}
	runtime.KeepAlive(dbs)
}

func TestAllocations(t *testing.T) {
	db, err := memory.Engine().Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	txn, err := db.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		if err := txn.Put([]byte{byte(i >> 8), byte(i)}, []byte("value")); err != nil {
			t.Fatal(err)
		}
	}
	if err := txn.Commit(t.Context(), engine.Durable); err != nil {
		t.Fatal(err)
	}
	key, ctx := []byte{1, 2}, t.Context()
	read, err := db.View(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Discard()
	for name, limit := range map[string]struct {
		allocs float64
		fn     func()
	}{
		"View": {1, func() {
			txn, _ := db.View(ctx)
			txn.Discard()
		}},
		"Get": {0, func() { read.Get(key) }},
		"a cursor over 744 rows": {1, func() {
			c := read.Cursor(engine.Range{Lower: key})
			for c.Next() {
				c.Value()
			}
			c.Close()
		}},
	} {
		if allocs := testing.AllocsPerRun(100, limit.fn); allocs > limit.allocs {
			t.Errorf("%s allocates %v times, want %v", name, allocs, limit.allocs)
		}
	}
}
