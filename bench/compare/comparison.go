package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// comparison is what one case took in one round, beside what it is compared with.
type comparison struct {
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

// storeEngine is an engine whose stores are measured.
type storeEngine struct {
	name string
	open func(dir string) engine.Engine
}

// comparisons collects the results of a command. It prints each one at once as JSON, or the medians
// at the end.
type comparisons struct {
	out  io.Writer
	json bool
	all  []comparison
}

func (c *comparisons) add(r comparison) error {
	if r.Base > 0 { // a heap may not have grown
		r.Ratio = r.Value / r.Base
	}
	if c.json {
		return json.NewEncoder(c.out).Encode(r)
	}
	c.all = append(c.all, r)
	return nil
}

// print prints the medians, unless each result has been printed.
func (c *comparisons) print() error {
	if c.json {
		return nil
	}
	type line struct{ engine, what, against, unit string }
	type figures struct{ values, bases, ratios []float64 }
	all, order, bound := map[line]*figures{}, []line(nil), map[line]float64{}
	for _, r := range c.all {
		l := line{r.Engine, r.Case, r.Against, r.Unit}
		f := all[l]
		if f == nil {
			f = new(figures)
			all[l], bound[l] = f, r.AtMost
			order = append(order, l)
		}
		f.values, f.bases, f.ratios = append(f.values, r.Value), append(f.bases, r.Base), append(f.ratios, r.Ratio)
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
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

// micros is a time for each row, in microseconds.
func micros(d time.Duration, rows int) float64 {
	return float64(d) / float64(time.Microsecond) / float64(rows)
}
