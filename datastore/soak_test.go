package datastore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/models"
)

// soakTime is how long TestSoak takes for all engines, in the environment.
const soakTime = "NETABASE_SOAK_TIME"

const (
	soakRows    = 20000
	soakWorkers = 8 // who write, and as many who read
	soakTTL     = 2 * time.Second
)

// TestSoak has rows come, change and expire for a while, under readers: the heap
// stays flat, and the disk takes a few times what is stored.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes its time")
	}
	length := 4 * time.Second
	if text := os.Getenv(soakTime); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	for name, newEngine := range map[string]func(dir string) engine.Engine{
		"bolt": func(dir string) engine.Engine {
			return bolt.Options{Config: engine.Config{Path: dir, NoFsync: true}}.Engine()
		},
		"badger": func(dir string) engine.Engine {
			return badger.Options{Config: engine.Config{Path: dir, NoFsync: true}, MemTableMB: 1}.Engine()
		},
	} {
		t.Run(name, func(t *testing.T) { soak(t, newEngine(t.TempDir()), length/2) })
	}
}

func soak(t *testing.T, eng engine.Engine, length time.Duration) {
	ctx := t.Context()
	store, err := datastore.Open(ctx, eng, town)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		report, err := datastore.Verify(ctx, store)
		if err := errors.Join(err, store.Close()); err != nil || !report.Clean() {
			t.Errorf("%+v, %v", report, err)
		}
	}()
	running, stop := context.WithTimeout(ctx, length)
	defer stop()
	var group sync.WaitGroup
	for range soakWorkers {
		group.Go(func() {
			for running.Err() == nil {
				if err := soakWrite(ctx, store); err != nil && !errors.Is(err, models.ErrNotFound) {
					t.Error(err)
					return
				}
			}
		})
		group.Go(func() {
			for running.Err() == nil {
				if err := soakRead(ctx, store); err != nil && !errors.Is(err, models.ErrNotFound) {
					t.Error(err)
					return
				}
			}
		})
	}
	// The space that it takes after a quarter of the time, when everything has
	// expired once, must not be much less than at the end.
	var heaps []uint64
	var disk, live int64
	for range 4 {
		time.Sleep(length / 4) // it is a test of time
		heaps = append(heaps, heapAfterGC())
		if disk, live, err = soakSizes(ctx, store); err != nil {
			t.Error(err)
		}
	}
	stop()
	group.Wait()
	t.Logf("heap %d, disk %d, rows and entries %d", heaps, disk, live)
	if first, last := heaps[0], heaps[len(heaps)-1]; last > 2*first+(16<<20) {
		t.Errorf("the heap has grown: %d", heaps)
	}
	// At the beginning logs, and pages or tables that are being replaced, are as much
	// as what is stored.
	fixed := int64(4 << 20)
	if length >= time.Minute {
		fixed = 0
	}
	if disk > 3*live+fixed {
		t.Errorf("the disk takes %d bytes for %d", disk, live)
	}
}

func soakWrite(ctx context.Context, store *datastore.Store) error {
	id := rand.Uint64N(soakRows)
	p := somebody(id)
	p.Email, p.City = fmt.Sprint(id, "@example.com"), strings.Repeat("city ", rand.IntN(200))
	switch rand.IntN(10) {
	case 0:
		return people.Delete(ctx, store, id)
	case 1, 2, 3:
		return people.SetExpiry(ctx, store, id, time.Now().Add(rand.N(soakTTL)))
	}
	return people.Put(ctx, store, &p)
}

func soakRead(ctx context.Context, store *datastore.Store) error {
	p := somebody(rand.Uint64N(soakRows))
	switch rand.IntN(20) {
	case 0:
		return drain(byName.Range(ctx, store, models.Only(p.Name).Limit(50)))
	case 1:
		return drain(people.Range(ctx, store, models.From(p.ID).Limit(50)))
	}
	_, err := people.Get(ctx, store, p.ID)
	return err
}

func heapAfterGC() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// soakSizes returns what the store takes on disk, and what is in it.
func soakSizes(ctx context.Context, store *datastore.Store) (disk, live int64, err error) {
	if disk, err = store.Size(ctx); err != nil {
		return 0, 0, err
	}
	trees, err := store.Inspect().Trees(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, tree := range trees {
		n, err := store.Inspect().Count(ctx, tree.Name)
		if err != nil {
			return 0, 0, err
		}
		live += n.Bytes
		for _, ix := range n.Indexes {
			live += ix.Bytes
		}
	}
	return disk, live, nil
}
