package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

// changeResult is what one case took in one round, beside what it is compared with.
type changeResult struct {
	Case   string `json:"case"`
	Engine string `json:"engine"`
	Rows   int    `json:"rows"`
	Round  int    `json:"round"`
	// Value is in Unit, and so is Base, the value of Against.
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Against string  `json:"against"`
	Base    float64 `json:"base"`
	// Ratio is Value by Base, or 0 if that is 0, and AtMost is its bound, or 0.
	Ratio  float64 `json:"ratio"`
	AtMost float64 `json:"at_most,omitempty"`
}

// changeOptions are the flags of compare change.
type changeOptions struct {
	common
	rows, small, rounds int
	records             string
	quick               bool
}

// changeEngine is an engine whose stores are measured.
type changeEngine struct {
	name string
	open func(dir string) engine.Engine
}

var changeEngines = []changeEngine{{"badger", badger.Engine}, {"bolt", bolt.Engine}}

func runChange(ctx context.Context, args []string, out, notes io.Writer) error {
	var o changeOptions
	set := flag.NewFlagSet("compare change", flag.ContinueOnError)
	set.SetOutput(notes)
	o.flags(set, "badger,bolt")
	set.IntVar(&o.rows, "rows", 1_000_000, "how many `rows` are opened and migrated")
	set.IntVar(&o.small, "small", 100_000, "how many `rows` are compared with bstore, compressed and encrypted")
	set.IntVar(&o.rounds, "rounds", 7, "take medians over `N` rounds")
	set.StringVar(&o.records, "records", "../p2pnode/internal/golang/packages.jsonl",
		"`file` of the demonstration's records, seen from the directory bench")
	set.BoolVar(&o.quick, "quick", false, "20,000 rows and 3 rounds: done in under 50 s")
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("change takes no argument %q", set.Arg(0))
	}
	if o.quick {
		o.rows, o.small, o.rounds = 20_000, 20_000, 3
	}
	if o.rows < 1 || o.small < 1 || o.rounds < 1 {
		return fmt.Errorf("-rows, -small and -rounds have to be 1 or more, not %d, %d and %d", o.rows, o.small, o.rounds)
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
		if r.Base > 0 { // a heap may not have grown
			r.Ratio = r.Value / r.Base
		}
		results = append(results, r)
		if o.json {
			return encoder.Encode(r)
		}
		return nil
	}
	for _, e := range changeEngines {
		if !chosen[e.name] {
			continue
		}
		type measurement func(context.Context, changeOptions, changeEngine, string, func(changeResult) error) error
		for _, measure := range []measurement{
			measureEvolution, measureSmall, measureRest,
		} {
			if err := measure(ctx, o, e, filepath.Join(dir, e.name), emit); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
	}
	if o.json {
		return nil
	}
	return printChanges(out, results)
}

// printChanges prints the medians.
func printChanges(out io.Writer, results []changeResult) error {
	type line struct{ engine, what, against, unit string }
	type figures struct{ values, bases, ratios []float64 }
	all, order, bound := map[line]*figures{}, []line(nil), map[line]float64{}
	for _, r := range results {
		l := line{r.Engine, r.Case, r.Against, r.Unit}
		f := all[l]
		if f == nil {
			f = new(figures)
			all[l], bound[l] = f, r.AtMost
			order = append(order, l)
		}
		f.values, f.bases, f.ratios = append(f.values, r.Value), append(f.bases, r.Base), append(f.ratios, r.Ratio)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "engine\tcase\tvalue\tagainst\tits value\tratio\tat most")
	for _, l := range order {
		f := all[l]
		value, base, ratio := median(f.values), median(f.bases), median(f.ratios)
		fmt.Fprintf(table, "%s\t%s\t%.4g %s\t%s\t%.4g %s\t%.2f\t", l.engine, l.what, value, l.unit, l.against, base,
			l.unit, ratio)
		if bound[l] > 0 {
			fmt.Fprintf(table, "%g", bound[l])
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
