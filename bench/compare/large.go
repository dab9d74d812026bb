package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/bench/internal/raw"
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
	// AtMost and AtLeast are the bounds of Value, or 0.
	AtMost  float64 `json:"at_most,omitempty"`
	AtLeast float64 `json:"at_least,omitempty"`
}

// largeField is an engine that keeps its rows in files.
type largeField struct {
	name   string
	engine func(dir string) engine.Engine
	// bulk opens a database by hand for the engine's own way of loading.
	bulk func(dir string) (bulkLoader, error)
	// openMillis bounds the time of opening.
	openMillis float64
}

type bulkLoader interface {
	Bulk(rows iter.Seq2[article.Article, error]) error
	Close() error
}

var largeFields = []largeField{
	{"bolt", bolt.Engine, func(dir string) (bulkLoader, error) {
		return raw.OpenBolt(dir, article.Generated.Codec)
	}, 1_000},
	{"badger", badger.Engine, func(dir string) (bulkLoader, error) {
		o := raw.BadgerOptions(dir)
		o.SyncWrites = false
		return raw.OpenBadger(o, article.Generated.Codec)
	}, 2_000},
}

// importShare is the lowest speed allowed to Import, as a part of the speed of the engine's own
// way.
const importShare = 0.5

// heapMiB bounds the heap that iterating may add.
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
		l := &large{field: f, dir: filepath.Join(dir, f.name), rows: *rows, emit: emit}
		for _, do := range []func(context.Context) error{l.load, l.open, l.iterate} {
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
	fmt.Fprintf(w, "engine\trows\tcase\tvalue\tunit\tbound\n")
	return func(f figure) error {
		limit := ""
		switch {
		case f.AtMost > 0 && f.Value > f.AtMost:
			limit = fmt.Sprintf("at most %g, over", f.AtMost)
		case f.AtMost > 0:
			limit = fmt.Sprintf("at most %g", f.AtMost)
		case f.AtLeast > 0 && f.Value < f.AtLeast:
			limit = fmt.Sprintf("at least %g, under", f.AtLeast)
		case f.AtLeast > 0:
			limit = fmt.Sprintf("at least %g", f.AtLeast)
		}
		_, err := fmt.Fprintf(w, "%s\t%d\t%s\t%.4g\t%s\t%s\n", f.Engine, f.Rows, f.Case, f.Value, f.Unit, limit)
		return err
	}, w.Flush
}

// large measures one engine's large store.
type large struct {
	field largeField
	dir   string
	rows  int
	emit  func(figure) error
}

func (l *large) report(f figure) error {
	f.Engine = l.field.name
	return l.emit(f)
}

// load compares loading a part of the rows with the engine's own way, in turns. Then it loads
// all rows for the next cases.
func (l *large) load(ctx context.Context) error {
	part := max(1, l.rows/minRounds)
	var took, shares []float64
	for round := range minRounds {
		dir := filepath.Join(l.dir, "load")
		var imported, bulk time.Duration
		turns := []func() error{
			func() (err error) {
				imported, err = l.load1(ctx, filepath.Join(dir, "import"), part)
				return err
			},
			func() (err error) {
				bulk, err = l.bulk(filepath.Join(dir, "bulk"), part)
				return err
			},
		}
		for i := range turns {
			runtime.GC()
			if err := turns[(i+round)%len(turns)](); err != nil {
				return err
			}
		}
		took = append(took, float64(imported)/float64(part))
		shares = append(shares, float64(bulk)/float64(imported))
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	if err := l.report(figure{Case: "import", Rows: part, Value: median(took), Unit: "ns/row"}); err != nil {
		return err
	}
	err := l.report(figure{
		Case: "import_speed", Rows: part, Value: median(shares), Unit: "of the engine's own", AtLeast: importShare,
	})
	if err != nil {
		return err
	}
	if _, err := l.load1(ctx, l.store(), l.rows); err != nil {
		return err
	}
	store, err := l.openStore(ctx)
	if err != nil {
		return err
	}
	// Otherwise the next case would include work that the engine does later.
	return errors.Join(store.Compact(ctx), store.Close())
}

// store returns the path of the large store.
func (l *large) store() string { return filepath.Join(l.dir, "store") }

// load1 imports rows into a new store in dir.
func (l *large) load1(ctx context.Context, dir string, rows int) (time.Duration, error) {
	store, err := datastore.Open(ctx, l.field.engine(dir), article.Generated.Definition)
	if err != nil {
		return 0, err
	}
	defer store.Close()
	start := time.Now()
	_, err = datastore.Import(ctx, store, article.Generated.Articles, article.Stream(rows), datastore.ImportOptions{})
	if err != nil {
		return 0, err
	}
	return time.Since(start), store.Close()
}

// bulk loads rows into a new database by hand.
func (l *large) bulk(dir string, rows int) (time.Duration, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, err
	}
	loader, err := l.field.bulk(dir)
	if err != nil {
		return 0, err
	}
	defer loader.Close()
	start := time.Now()
	if err := loader.Bulk(article.Stream(rows)); err != nil {
		return 0, err
	}
	return time.Since(start), nil
}

// open opens the large store several times.
func (l *large) open(ctx context.Context) error {
	var took []float64
	for range minRounds {
		runtime.GC()
		start := time.Now()
		store, err := l.openStore(ctx)
		if err != nil {
			return err
		}
		took = append(took, float64(time.Since(start))/float64(time.Millisecond))
		if err := store.Close(); err != nil {
			return err
		}
	}
	return l.report(figure{Case: "open", Rows: l.rows, Value: median(took), Unit: "ms", AtMost: l.field.openMillis})
}

func (l *large) openStore(ctx context.Context) (*datastore.Store, error) {
	return datastore.Open(ctx, l.field.engine(l.store()), article.Generated.Definition)
}

// heapSamples is how often one iteration measures the heap.
const heapSamples = 100

// iterate goes over all rows twice: once for the time, and once to measure the heap, each time
// after a collection.
func (l *large) iterate(ctx context.Context) error {
	store, err := l.openStore(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	start := time.Now()
	if err := l.all(ctx, store, func(int) {}); err != nil {
		return err
	}
	if err := l.report(figure{
		Case: "iterate", Rows: l.rows, Value: float64(time.Since(start)) / float64(l.rows), Unit: "ns/row",
	}); err != nil {
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
	size, err := store.Size(ctx)
	if err != nil {
		return err
	}
	if err := l.report(figure{
		Case: "size", Rows: l.rows, Value: float64(size) / float64(l.rows), Unit: "bytes/row",
	}); err != nil {
		return err
	}
	if err := l.report(figure{
		Case: "iterate_heap", Rows: l.rows, Value: slices.Max(growth), Unit: "MiB", AtMost: heapMiB,
	}); err != nil {
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
