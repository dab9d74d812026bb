package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/bench/internal/changed/after"
	"github.com/newsnet-africa/netabase-go/bench/internal/changed/before"
	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
)

// changeGets is how many rows a case of get reads.
const changeGets = 20_000

// measureEvolution measures a store whose model gets a field. Each round has a store of its own.
func measureEvolution(
	ctx context.Context, o changeOptions, e storeEngine, dir string, emit func(comparison) error,
) error {
	for round := range o.rounds {
		if err := evolveOnce(ctx, o, e, dir, round, emit); err != nil {
			return err
		}
	}
	return nil
}

func evolveOnce(
	ctx context.Context, o changeOptions, e storeEngine, dir string, round int, emit func(comparison) error,
) error {
	defer os.RemoveAll(dir)
	imported, importHeap, err := fillPosts(ctx, e.open(dir), o.rows)
	if err != nil {
		return err
	}
	result := func(what string, value time.Duration, against string, base time.Duration, atMost float64) error {
		return emit(comparison{
			Case: what, Engine: e.name, Rows: o.rows, Round: round, Value: millis(value), Unit: "ms",
			Against: against, Base: millis(base), AtMost: atMost,
		})
	}
	same, added, err := openTimes(ctx, e.open(dir), round)
	if err != nil {
		return err
	}
	if err := result("open after a field was added", added, "open unchanged", same, 1.2); err != nil {
		return err
	}
	s, err := datastore.Open(ctx, e.open(dir), before.Forum)
	if err != nil {
		return err
	}
	current, err := getPosts(ctx, s, before.Posts, o.rows)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	if s, err = datastore.Open(ctx, e.open(dir), after.Forum); err != nil {
		return err
	}
	older, err := getPosts(ctx, s, after.Posts, o.rows)
	if err == nil {
		err = result("get 20,000 rows of the version before", older, "of the current one", current, 1.5)
	}
	if err != nil {
		return errors.Join(err, s.Close())
	}
	heap := peakHeap()
	start := time.Now()
	rewritten, err := datastore.Migrate(ctx, s)
	migrated, migrateHeap := time.Since(start), heap()
	if err == nil && rewritten != int64(o.rows) {
		err = errors.New("not all rows were migrated")
	}
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	if err := result("migrate", migrated, "import", imported, 1.5); err != nil {
		return err
	}
	return emit(comparison{
		Case: "heap of migrate", Engine: e.name, Rows: o.rows, Round: round, Value: migrateHeap, Unit: "MiB",
		Against: "heap of import", Base: importHeap,
	})
}

// fillPosts makes a store of posts, and returns how long that took, and how much heap.
func fillPosts(ctx context.Context, eng engine.Engine, rows int) (time.Duration, float64, error) {
	s, err := datastore.Open(ctx, eng, before.Forum)
	if err != nil {
		return 0, 0, err
	}
	heap := peakHeap()
	start := time.Now()
	_, err = datastore.Import(ctx, s, before.Posts, before.Stream(rows))
	took, most := time.Since(start), heap()
	return took, most, errors.Join(err, s.Close())
}

// openings is how many times openTimes opens the store each way, for the medians.
const openings = 5

// openTimes opens the store unchanged and with the changed model in turn, which of them first depends
// on the round. It leaves the store as it was: closing it cannot add the version.
func openTimes(ctx context.Context, eng engine.Engine, round int) (same, added time.Duration, err error) {
	open := func(d *models.Definition) (took time.Duration, _ error) {
		runtime.GC()
		last := &lastWrite{Engine: eng}
		start := time.Now()
		s, err := datastore.Open(ctx, last, d)
		took = time.Since(start)
		if err != nil {
			return 0, err
		}
		last.refused = true
		return took, s.Close()
	}
	if _, err := open(before.Forum); err != nil { // so that neither has the files cold
		return 0, 0, err
	}
	var took [2][]time.Duration
	for i := range 2 * openings {
		way := (i + round) % 2
		t, err := open([]*models.Definition{before.Forum, after.Forum}[way])
		if err != nil {
			return 0, 0, err
		}
		took[way] = append(took[way], t)
	}
	slices.Sort(took[0])
	slices.Sort(took[1])
	return took[0][openings/2], took[1][openings/2], nil
}

// lastWrite is an engine that begins no more transactions to write once refused is set.
type lastWrite struct {
	engine.Engine
	refused bool
}

// Open implements engine.Engine.
func (e *lastWrite) Open(ctx context.Context) (engine.DB, error) {
	db, err := e.Engine.Open(ctx)
	return lastWriteDB{db, e}, err
}

type lastWriteDB struct {
	engine.DB
	engine *lastWrite
}

// Update implements engine.DB.
func (db lastWriteDB) Update(ctx context.Context) (engine.WriteTxn, error) {
	if db.engine.refused {
		return nil, engine.ErrReadOnly
	}
	return db.DB.Update(ctx)
}

// getPosts returns the processor time of getting rows all over the store.
func getPosts[M any](
	ctx context.Context, s *datastore.Store, posts *models.Tree[M, uint64], rows int,
) (took time.Duration, err error) {
	for range 3 { // the last time counts: then all has been read before
		random := rand.New(rand.NewPCG(1, 2))
		runtime.GC()
		used := processTime()
		for range changeGets {
			if _, err := posts.Get(ctx, s, 1+random.Uint64N(uint64(rows))); err != nil {
				return 0, err
			}
		}
		took = processTime() - used
	}
	return took, nil
}

// peakHeap watches the heap. The function that it returns ends that, and returns by how many MiB
// grew at most what collections left on it.
func peakHeap() func() float64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	read := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	first := read()
	most, done := first, make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				most = max(most, read())
			case <-done:
				return
			}
		}
	})
	return func() float64 {
		close(done)
		wait.Wait()
		return float64(most-first) / (1 << 20)
	}
}
