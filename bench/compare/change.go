package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"

	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

// changeOptions are the flags of compare change.
type changeOptions struct {
	common
	rows, small, rounds int
	records             string
	quick               bool
}

var changeEngines = []storeEngine{{"badger", badger.Engine}, {"bolt", bolt.Engine}}

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
	results := &comparisons{out: out, json: o.json}
	for _, e := range changeEngines {
		if !chosen[e.name] {
			continue
		}
		type measurement func(context.Context, changeOptions, storeEngine, string, func(comparison) error) error
		for _, measure := range []measurement{
			measureEvolution, measureSmall, measureRest,
		} {
			if err := measure(ctx, o, e, filepath.Join(dir, e.name), results.add); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
	}
	return results.print()
}
