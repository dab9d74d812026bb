package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"
)

// plan says which sizes are measured, and how long.
type plan struct {
	// blocks are the numbers of rows in a block.
	blocks []int
	// shared are the numbers of rows that share an index value.
	shared []int
	// rounds is the number of rounds, unless a flag sets it.
	rounds int
	// atLeast is how long a round takes, limit how long it may take. Short rounds are less
	// often disturbed.
	atLeast, limit time.Duration
}

var (
	fullPlan = plan{
		blocks: []int{10, 100, 500, 1_000, 5_000}, shared: []int{1_024, 16_384},
		rounds:  15,
		atLeast: 3 * time.Millisecond, limit: 5 * time.Second,
	}
	quickPlan = plan{
		blocks: []int{1_000}, shared: []int{1_024, 16_384},
		rounds:  minRounds,
		atLeast: 2 * time.Millisecond, limit: time.Second,
	}
)

func runTyped(ctx context.Context, args []string, out, notes io.Writer) error {
	var c common
	set := flag.NewFlagSet("compare typed", flag.ContinueOnError)
	set.SetOutput(notes)
	c.flags(set, strings.Join(engineNames, ","))
	quick := set.Bool("quick", false, "one size of block and shorter rounds: done in under 50 s")
	rounds := set.Int("rounds", 0,
		fmt.Sprintf("take medians over `N` rounds (default %d, with -quick %d)", fullPlan.rounds, quickPlan.rounds))
	markdown := set.Bool("markdown", false, "print the ratios alone, as tables in Markdown")
	plots := set.String("plot", "", "draw charts as SVG files in `DIR`")
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("typed takes no argument %q", set.Arg(0))
	}
	p := fullPlan
	if *quick {
		p = quickPlan
	}
	if *rounds != 0 {
		p.rounds = *rounds
	}
	if p.rounds < minRounds {
		return fmt.Errorf("a median of %d rounds says too little: measure %d or more", p.rounds, minRounds)
	}
	if c.json && *markdown {
		return errors.New("-json and -markdown exclude each other")
	}
	results, counts, err := measureTyped(ctx, c, p, out, notes)
	if err != nil {
		return err
	}
	switch {
	case c.json: // the results are already printed
	case *markdown:
		err = printMarkdown(out, results)
	default:
		err = printTable(out, results, counts)
	}
	if err != nil {
		return err
	}
	if *plots != "" {
		return plotAll(*plots, results)
	}
	return nil
}

// measureTyped runs the plan. If it prints JSON, it prints each result at once.
func measureTyped(
	ctx context.Context, c common, p plan, out, notes io.Writer,
) (results []result, counts []allocations, err error) {
	chosen, err := c.chosen(engineNames...)
	if err != nil {
		return nil, nil, err
	}
	dir, remove, err := c.place(notes)
	if err != nil {
		return nil, nil, err
	}
	defer remove()
	lines := json.NewEncoder(out)
	m := &meter{
		rounds: p.rounds, atLeast: p.atLeast, limit: p.limit,
		emit: func(r result) error {
			results = append(results, r)
			if c.json {
				return lines.Encode(r)
			}
			return nil
		},
		note: func(format string, args ...any) { fmt.Fprintf(notes, format+"\n", args...) },
	}
	dir = filepath.Join(dir, "db")
	for _, f := range fields {
		if !chosen[f.engine] {
			continue
		}
		for _, n := range p.blocks {
			if err := m.writes(ctx, f, dir, n); err != nil {
				return nil, nil, err
			}
			if err := m.reads(ctx, f, dir, n); err != nil {
				return nil, nil, err
			}
		}
		if err := m.shared(ctx, f, dir, p.shared); err != nil {
			return nil, nil, err
		}
		count, err := countAllocations(ctx, f, dir)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: count allocations: %w", f.engine, err)
		}
		counts = append(counts, count)
	}
	return results, counts, nil
}
