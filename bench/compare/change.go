package main

import (
	"context"
	"encoding/json"
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

	"github.com/mjl-/bstore"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/bench/internal/changed"
	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

// bstoreRows is how many rows bstore's case has at most.
const bstoreRows = 100_000

// changeGets is how many rows a round of get reads.
const changeGets = 20_000

// changeResult is the time that one case took in one round, beside that of what it is compared
// with.
type changeResult struct {
	Case    string  `json:"case"`
	Engine  string  `json:"engine"`
	Rows    int     `json:"rows"`
	Seconds float64 `json:"seconds"`
	Against string  `json:"against"`
	Base    float64 `json:"against_seconds"`
	Ratio   float64 `json:"ratio"`
}

// changing is a store whose model changes, on one engine.
type changing struct {
	name   string
	engine func(string) engine.Engine
	dir    string
	rows   int
}

func runChange(ctx context.Context, args []string, out, notes io.Writer) error {
	var o common
	set := flag.NewFlagSet("compare change", flag.ContinueOnError)
	set.SetOutput(out)
	o.flags(set, "badger,bolt")
	rows := set.Int("rows", 1_000_000, "how `many` rows the store has")
	rounds := set.Int("rounds", 7, "how `many` times each case is measured")
	quick := set.Bool("quick", false, "50,000 rows and 3 rounds")
	if err := set.Parse(args); err != nil {
		return err
	}
	if *quick {
		*rows, *rounds = 50_000, 3
	}
	chosen, err := o.chosen("badger", "bolt")
	if err != nil {
		return err
	}
	dir, remove, err := o.place(notes)
	if err != nil {
		return err
	}
	defer remove()
	encoder := json.NewEncoder(out)
	var results []changeResult
	emit := func(r changeResult) error {
		r.Ratio = r.Seconds / r.Base
		results = append(results, r)
		if o.json {
			return encoder.Encode(r)
		}
		return nil
	}
	for name, open := range map[string]func(string) engine.Engine{"badger": badger.Engine, "bolt": bolt.Engine} {
		if !chosen[name] {
			continue
		}
		for range *rounds {
			c := changing{name: name, engine: open, dir: filepath.Join(dir, name), rows: *rows}
			if err := c.measure(ctx, emit); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if o.json {
		return nil
	}
	return printChanges(out, results)
}

func printChanges(out io.Writer, results []changeResult) error {
	type of struct{ what, engine, against string }
	ratios, order := map[of][]float64{}, []of(nil)
	for _, r := range results {
		k := of{r.Case, r.Engine, r.Against}
		if ratios[k] == nil {
			order = append(order, k)
		}
		ratios[k] = append(ratios[k], r.Ratio)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, k := range order {
		slices.Sort(ratios[k])
		fmt.Fprintf(table, "%s\t%s\t%.2f\tof %s\n", k.engine, k.what, ratios[k][len(ratios[k])/2], k.against)
	}
	return table.Flush()
}

// measure measures all cases once, in a store of its own.
func (c changing) measure(ctx context.Context, emit func(changeResult) error) error {
	if err := os.RemoveAll(c.dir); err != nil {
		return err
	}
	defer os.RemoveAll(c.dir)
	imported, err := c.fill(ctx)
	if err != nil {
		return err
	}
	result := func(what string, took time.Duration, against string, base time.Duration) error {
		return emit(changeResult{
			Case: what, Engine: c.name, Rows: c.rows, Seconds: took.Seconds(), Against: against, Base: base.Seconds(),
		})
	}
	// Opening it unchanged, changed, and unchanged again, so that the first one does not warm the
	// files up for the second.
	open := func(definition datastore.OpenOption) (*datastore.Store, time.Duration, error) {
		runtime.GC()
		start := time.Now()
		s, err := datastore.Open(ctx, c.engine(c.dir), definition)
		return s, time.Since(start), err
	}
	var same []time.Duration
	for range 3 {
		s, took, err := open(article.Bench)
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			return err
		}
		same = append(same, took)
	}
	slices.Sort(same)
	s, added, err := open(changed.Bench)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := result("open after a field was added", added, "open unchanged", same[1]); err != nil {
		return err
	}
	older, err := c.gets(ctx, s)
	if err != nil {
		return err
	}
	start := time.Now()
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	before, most := memory.HeapInuse, uint64(0)
	if _, err := datastore.Migrate(ctx, s, datastore.MigrateOptions{Progress: func(m datastore.MigrateProgress) {
		if m.Rows%100_000 < 1000 {
			runtime.ReadMemStats(&memory)
			most = max(most, memory.HeapInuse)
		}
	}}); err != nil {
		return err
	}
	if err := result("migrate", time.Since(start), "import", imported); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s: migrate used %d MiB of heap more\n", c.name, int64(most-min(most, before))>>20)
	current, err := c.gets(ctx, s)
	if err != nil {
		return err
	}
	if err := result("get of the version before", older, "get of the current one", current); err != nil {
		return err
	}
	took, err := c.bstore(ctx)
	if err != nil {
		return err
	}
	return result(fmt.Sprintf("open after a field was added, %d rows in bstore", min(c.rows, bstoreRows)), added,
		"bstore", took)
}

// fill makes the store, and returns how long the import took.
func (c changing) fill(ctx context.Context) (time.Duration, error) {
	s, err := datastore.Open(ctx, c.engine(c.dir), article.Bench)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	_, err = datastore.Import(ctx, s, article.Articles, article.Stream(c.rows), datastore.ImportOptions{})
	took := time.Since(start)
	if closeErr := s.Close(); err == nil {
		err = closeErr
	}
	return took, err
}

// gets reads rows all over the store.
func (c changing) gets(ctx context.Context, s *datastore.Store) (took time.Duration, err error) {
	for range 2 { // the second time counts: the rows have been read once
		start := time.Now()
		for i := range changeGets {
			if _, err := changed.Articles.Get(ctx, s, 1+uint64(i)*uint64(c.rows)/changeGets); err != nil {
				return 0, err
			}
		}
		took = time.Since(start)
	}
	return took, nil
}

// bstore returns how long bstore takes to open its store after the same change.
func (c changing) bstore(ctx context.Context) (time.Duration, error) {
	dir, err := os.MkdirTemp(filepath.Dir(c.dir), "bstore-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "bstore.db")
	db, err := bstore.Open(ctx, path, nil, article.Article{})
	if err != nil {
		return 0, err
	}
	for rows := range inBlocks(article.Stream(min(c.rows, bstoreRows))) {
		err := db.Write(ctx, func(tx *bstore.Tx) error {
			for i := range rows {
				if err := tx.Insert(&rows[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	if err := db.Close(); err != nil {
		return 0, err
	}
	start := time.Now()
	later, err := bstore.Open(ctx, path, nil, changed.Article{})
	took := time.Since(start)
	if err != nil {
		return 0, err
	}
	return took, later.Close()
}

// inBlocks yields rows in blocks for one transaction each.
func inBlocks(rows iter.Seq2[article.Article, error]) iter.Seq[[]article.Article] {
	return func(yield func([]article.Article) bool) {
		var block []article.Article
		for row := range rows {
			if block = append(block, row); len(block) == 5_000 {
				if !yield(block) {
					return
				}
				block = block[:0]
			}
		}
		if len(block) > 0 {
			yield(block)
		}
	}
}
