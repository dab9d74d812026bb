package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/newsnet-africa/netabase-go/kubo/internal/ipfs"
)

// cell is a step of a layout.
type cell struct{ step, layout string }

// results has what each round has measured.
type results map[cell][]ipfs.Usage

// print writes one row for each step and layout: medians, and in brackets how many
// times as much as the rival's.
func (r results) print(w io.Writer, layouts []ipfs.Layout) {
	fmt.Fprintln(w, "| command | layout | time, s | CPU, s | memory, MiB | written, MiB |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for _, step := range steps {
		for _, l := range layouts {
			fmt.Fprintf(w, "| %s | %s |", step, l.Name)
			for _, of := range []func(ipfs.Usage) float64{
				func(u ipfs.Usage) float64 { return u.Time.Seconds() },
				func(u ipfs.Usage) float64 { return u.CPU.Seconds() },
				func(u ipfs.Usage) float64 { return mib(u.RSS) },
				func(u ipfs.Usage) float64 { return mib(u.Written) },
			} {
				fmt.Fprintf(w, " %s |", r.ratio(step, l.Name, of))
			}
			fmt.Fprintln(w)
		}
	}
	fmt.Fprint(w, "\n| size of the repo, MiB |")
	for _, l := range layouts {
		fmt.Fprintf(w, " %s |", l.Name)
	}
	fmt.Fprint(w, "\n|---|")
	for range layouts {
		fmt.Fprint(w, "---|")
	}
	fmt.Fprintln(w)
	for _, size := range sizes {
		fmt.Fprintf(w, "| %s |", size)
		for _, l := range layouts {
			fmt.Fprintf(w, " %.0f |", r.median(size, l.Name, func(u ipfs.Usage) float64 { return mib(u.Written) }))
		}
		fmt.Fprintln(w)
	}
}

// ratio is a median as text, with its ratio to the rival's.
func (r results) ratio(step, layout string, of func(ipfs.Usage) float64) string {
	m := r.median(step, layout, of)
	text := fmt.Sprintf("%.3g", m)
	if m >= 100 {
		text = fmt.Sprintf("%.0f", m)
	}
	if against := r.median(step, rival.Name, of); layout != rival.Name && against > 0 {
		text += fmt.Sprintf(" (%.2f)", m/against)
	}
	return text
}

func (r results) median(step, layout string, of func(ipfs.Usage) float64) float64 {
	all := slices.Clone(r[cell{step, layout}])
	slices.SortFunc(all, func(a, b ipfs.Usage) int { return cmp.Compare(of(a), of(b)) })
	return of(all[len(all)/2])
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
