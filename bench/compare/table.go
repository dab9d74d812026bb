package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// bounds are the most time a typed tree may take, as multiples of raw's time.
var bounds = map[string]float64{
	insertCase: 1.25, updateCase: 1.25, insertEachCase: 1.15,
	getCase: 1.15, getEachCase: 1.15, findCase: 1.15, findEachCase: 1.15,
	keysCase: 1.10, keysEachCase: 1.10,
}

// growthBound bounds the cost of a row among 16,384 with the same index value, as a multiple of
// its cost among 1,024.
const growthBound = 1.3

// printTable prints the results, the growth of costs with the number of rows that share an
// index value, and the allocations of a get.
func printTable(out io.Writer, results []result, counts []allocations) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	engine := ""
	for i, r := range results {
		if r.Engine != engine {
			engine = r.Engine
			fmt.Fprintf(w, "\nENGINE %s\ncase\trows\tcontender\tns/row\tto raw\tat most\n", engine)
		}
		name, rows := r.Case, fmt.Sprint(r.Rows)
		if i > 0 && results[i-1].Engine == engine && results[i-1].Case == name && results[i-1].Rows == r.Rows {
			name, rows = "", ""
		}
		limit := ""
		if bound, ok := bounds[r.Case]; ok && r.Contender == typedName {
			limit = verdict(r.RatioToRaw, bound)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.0f\t%.2f\t%s\n", name, rows, r.Contender, r.NsPerRow, r.RatioToRaw, limit)
	}
	fmt.Fprintf(w, "\nGROWTH of the cost of a row from the fewest to the most rows with one index "+
		"value\nengine\tcase\tcontender\trows\tgrowth\tat most\n")
	for i, few := range results {
		switch few.Case {
		case sharedInsertCase, sharedFindCase, sharedKeysCase:
		default:
			continue
		}
		for _, many := range results[i+1:] {
			if many.Case != few.Case || many.Engine != few.Engine || many.Contender != few.Contender {
				continue
			}
			growth, limit := medianRatio(many.times, few.times), ""
			if few.Contender == typedName {
				limit = verdict(growth, growthBound)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%d to %d\t%.2f\t%s\n", few.Engine, few.Case, few.Contender, few.Rows, many.Rows,
				growth, limit)
		}
	}
	fmt.Fprintf(w, "\nALLOCATIONS of a get inside a transaction\nengine\tof the engine\ttyped\tat most\tborrowed\n")
	for _, c := range counts {
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%s\t%.2f\n", c.engine, c.own, c.typed, verdict(c.typed, c.own+ofModel),
			c.borrowed)
	}
	return w.Flush()
}

func verdict(ratio, bound float64) string {
	if ratio > bound {
		return fmt.Sprintf("%.2f, over", bound)
	}
	return fmt.Sprintf("%.2f", bound)
}
