package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

// figure is one line of what compare large prints.
type figure struct {
	Case   string  `json:"case"`
	Engine string  `json:"engine"`
	Rows   int     `json:"rows"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	// AtMost is the most that Value may be, or 0.
	AtMost float64 `json:"at_most,omitempty"`
}

// largeField is an engine that keeps its rows in files.
type largeField struct {
	name   string
	engine func(dir string) engine.Engine
	// openMillis is the most that opening may take.
	openMillis float64
}

var largeFields = []largeField{
	{"bolt", bolt.Engine, 1_000},
	{"badger", badger.Engine, 2_000},
}

// heapMiB is the most that iterating may add to the heap.
const heapMiB = 8

func runLarge(ctx context.Context, args []string, out, notes io.Writer) error {
	var c common
	set := flag.NewFlagSet("compare large", flag.ContinueOnError)
	set.SetOutput(notes)
	c.flags(set, "bolt,badger")
	rows := set.Int("rows", 1_000_000, "how many rows the store has, `N`")
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("large takes no argument %q", set.Arg(0))
	}
	if *rows < 1 {
		return fmt.Errorf("a store of %d rows is not large", *rows)
	}
	chosen, err := c.chosen("bolt", "badger")
	if err != nil {
		return err
	}
	dir, remove, err := c.place(notes)
	if err != nil {
		return err
	}
	defer remove()

	emit, flush := largeOutput(c.json, out)
	for _, f := range largeFields {
		if !chosen[f.name] {
			continue
		}
		l := &large{f.engine(filepath.Join(dir, f.name)), *rows, func(f2 figure) error {
			f2.Engine, f2.Rows = f.name, *rows
			return emit(f2)
		}}
		for _, do := range []func(context.Context) error{l.load, func(ctx context.Context) error { return l.open(ctx, f.openMillis) }, l.iterate} {
			if err := do(ctx); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
	}
	return flush()
}

func largeOutput(asJSON bool, out io.Writer) (emit func(figure) error, flush func() error) {
	if asJSON {
		lines := json.NewEncoder(out)
		return func(f figure) error { return lines.Encode(f) }, func() error { return nil }
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "engine\trows\tcase\tvalue\tunit\tat most\n")
	return func(f figure) error {
		limit := ""
		if f.AtMost > 0 {
			limit = verdict(f.Value, f.AtMost)
		}
		_, err := fmt.Fprintf(w, "%s\t%d\t%s\t%.4g\t%s\t%s\n", f.Engine, f.Rows, f.Case, f.Value, f.Unit, limit)
		return err
	}, w.Flush
}

// large measures one engine's large store.
type large struct {
	engine engine.Engine
	rows   int
	emit   func(figure) error
}

// loadBlock is how many rows a transaction stores.
const loadBlock = 1_000

func (l *large) load(ctx context.Context) error {
	store, err := datastore.Open(ctx, l.engine, article.Generated.Definition)
	if err != nil {
		return err
	}
	defer store.Close()
	var took time.Duration
	for first := 0; first < l.rows; first += loadBlock {
		block := article.Block(uint64(first)+1, loadBlock)
		block = block[:min(loadBlock, l.rows-first)]
		start := time.Now()
		if err := article.Generated.Articles.PutMany(ctx, store, block); err != nil {
			return err
		}
		took += time.Since(start)
	}
	if err := l.emit(figure{Case: "put_many", Value: float64(took) / float64(l.rows), Unit: "ns/row"}); err != nil {
		return err
	}
	size, err := store.Size(ctx)
	if err != nil {
		return err
	}
	if err := l.emit(figure{Case: "size", Value: float64(size) / float64(l.rows), Unit: "bytes/row"}); err != nil {
		return err
	}
	return store.Close()
}

func (l *large) open(ctx context.Context, atMost float64) error {
	var took []float64
	for range minRounds {
		runtime.GC()
		start := time.Now()
		store, err := datastore.Open(ctx, l.engine, article.Generated.Definition)
		if err != nil {
			return err
		}
		took = append(took, float64(time.Since(start))/float64(time.Millisecond))
		if err := store.Close(); err != nil {
			return err
		}
	}
	return l.emit(figure{Case: "open", Value: median(took), Unit: "ms", AtMost: atMost})
}

// heapSamples is how often the heap is looked at during one iteration.
const heapSamples = 100

// iterate goes over all rows twice: for the time, and with the heap looked at
// now and then after a collection of what nobody needs any more.
func (l *large) iterate(ctx context.Context) error {
	store, err := datastore.Open(ctx, l.engine, article.Generated.Definition)
	if err != nil {
		return err
	}
	defer store.Close()
	start := time.Now()
	if err := l.all(ctx, store, func(int) {}); err != nil {
		return err
	}
	if err := l.emit(figure{Case: "iterate", Value: float64(time.Since(start)) / float64(l.rows), Unit: "ns/row"}); err != nil {
		return err
	}
	before := liveHeap()
	var growth []float64
	every := max(1, l.rows/heapSamples)
	err = l.all(ctx, store, func(n int) {
		if n%every == 0 {
			growth = append(growth, liveHeap()-before)
		}
	})
	if err != nil {
		return err
	}
	if err := l.emit(figure{Case: "iterate_heap", Value: slices.Max(growth), Unit: "MiB", AtMost: heapMiB}); err != nil {
		return err
	}
	return store.Close()
}

func (l *large) all(ctx context.Context, store *datastore.Store, visit func(n int)) error {
	n := 0
	for a, err := range article.Generated.Articles.All(ctx, store) {
		if err != nil {
			return err
		}
		n++
		if a.ID != uint64(n) {
			return fmt.Errorf("row %d comes after %d rows", a.ID, n-1)
		}
		visit(n)
	}
	if n != l.rows {
		return fmt.Errorf("%d rows of %d", n, l.rows)
	}
	return nil
}

// liveHeap returns the MiB in use on the heap once garbage has been collected.
func liveHeap() float64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc) / (1 << 20)
}
