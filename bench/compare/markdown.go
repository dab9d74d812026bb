package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// printMarkdown prints the ratios as tables for docs/benchmarks: for each engine those of the
// typed tree on every number of rows, and those of the other contenders on mainRows.
func printMarkdown(out io.Writer, results []result) error {
	for _, name := range engineNames {
		own := slices.DeleteFunc(slices.Clone(results), func(r result) bool { return r.Engine != name })
		if len(own) == 0 {
			continue
		}
		if err := printEngine(out, name, own); err != nil {
			return err
		}
	}
	return nil
}

func printEngine(out io.Writer, name string, results []result) error {
	var others []string
	for _, r := range results {
		switch r.Contender {
		case rawName, typedName, rawReflectedName:
		default:
			if !slices.Contains(others, r.Contender) {
				others = append(others, r.Contender)
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n\n| case | typed, on rows | at most | %s |\n|---|---|---|%s\n",
		name, strings.Join(others, " | "), strings.Repeat("---|", len(others)))
	for _, c := range allCases {
		sizes := sizesOf(results, c)
		if len(sizes) == 0 {
			continue
		}
		ratio := func(contender string, rows int) string {
			for _, r := range results {
				if r.Case == c && r.Contender == contender && r.Rows == rows {
					return fmt.Sprintf("%.2f", r.RatioToRaw)
				}
			}
			return ""
		}
		var own []string
		for _, rows := range sizes {
			own = append(own, fmt.Sprintf("%s (%d)", ratio(typedName, rows), rows))
		}
		limit := ""
		if bound, ok := bounds[c]; ok {
			limit = fmt.Sprintf("%.2f", bound)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |", c, strings.Join(own, ", "), limit)
		for _, other := range others {
			fmt.Fprintf(&b, " %s |", ratio(other, mainRows(sizes)))
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	_, err := io.WriteString(out, b.String())
	return err
}

// sizesOf returns the numbers of rows that a case was measured on, ascending.
func sizesOf(results []result, name string) (sizes []int) {
	for _, r := range results {
		if r.Case == name {
			sizes = append(sizes, r.Rows)
		}
	}
	slices.Sort(sizes)
	return slices.Compact(sizes)
}

// mainRows is the number of rows that a summary shows: the second largest, or
// the only one.
func mainRows(sizes []int) int { return sizes[max(0, len(sizes)-2)] }
