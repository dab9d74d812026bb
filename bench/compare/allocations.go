package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/bench/internal/contender"
	"github.com/newsnet-africa/netabase-go/bench/internal/typed"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// allocations says how often a get inside a transaction allocates memory.
type allocations struct {
	engine string
	// own counts the allocations of the engine itself, typed those of a get of a typed tree
	// including the engine's, and borrowed those of a get that borrows the row.
	// borrows the row.
	own, typed, borrowed float64
}

// ofModel is how often a get allocates for the model itself: for its title and its content.
const ofModel = 2

// countAllocations counts allocations in databases in dir.
func countAllocations(ctx context.Context, f field, dir string) (a allocations, err error) {
	a.engine = f.engine
	defer os.RemoveAll(dir)
	rows := article.Block(1, 200)
	ids, _ := keysOf(rows)
	store, err := typed.Open(f.open(filepath.Join(dir, "typed")), article.Generated)
	if err != nil {
		return a, err
	}
	defer store.Close()
	if err := store.Insert(rows); err != nil {
		return a, err
	}
	if a.typed, err = perGet(store, ids); err != nil {
		return a, err
	}
	if a.borrowed, err = perGet(typed.Borrowed{Store: store}, ids); err != nil {
		return a, err
	}
	a.own, err = ofEngine(ctx, f.open(filepath.Join(dir, "own")))
	return a, err
}

// perGet returns the allocations of a get, without those of the transaction.
func perGet(store contender.Store, ids []uint64) (float64, error) {
	var failed error
	count := func(ids []uint64) float64 {
		return testing.AllocsPerRun(20, func() {
			if _, err := store.Get(ids); err != nil {
				failed = err
			}
		})
	}
	one, all := count(ids[:1]), count(ids)
	return (all - one) / float64(len(ids)-1), failed
}

func ofEngine(ctx context.Context, eng engine.Engine) (float64, error) {
	db, err := eng.Open(ctx)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	key := []byte("a key")
	w, err := db.Update(ctx)
	if err != nil {
		return 0, err
	}
	defer w.Discard()
	if err := w.Put(key, make([]byte, 200)); err != nil {
		return 0, err
	}
	if err := w.Commit(ctx, engine.Durable); err != nil {
		return 0, err
	}
	r, err := db.View(ctx)
	if err != nil {
		return 0, err
	}
	defer r.Discard()
	var failed error
	n := testing.AllocsPerRun(1000, func() {
		if _, err := r.Get(key); err != nil {
			failed = err
		}
	})
	if failed != nil {
		return 0, fmt.Errorf("get: %w", failed)
	}
	return n, nil
}
