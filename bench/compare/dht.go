package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/newsnet-africa/netabase-go/bench/internal/backend"
)

// dhtResult is one line of the result. A field that does not belong to the case is zero.
type dhtResult struct {
	Case      string `json:"case"`
	Contender string `json:"contender"`
	// Records is how many provider records there are.
	Records int     `json:"records"`
	NsPerOp float64 `json:"ns_per_op"`
	// CPUNsPerOp is the CPU time of the whole process for an operation, its background work
	// included: less than NsPerOp where the process waits, more where both cores work.
	CPUNsPerOp float64 `json:"cpu_ns_per_op"`
	// BytesPerRecord is the space on disk for a provider record.
	BytesPerRecord float64 `json:"bytes_per_record"`
	RSSMiB         float64 `json:"rss_mib"`
}

// dhtOptions are the flags of compare dht.
type dhtOptions struct {
	common
	records int
	quick   bool
	plot    string
	// only names the one backend that this process measures.
	only string
}

// quickRecords is the number of provider records with -quick.
const quickRecords = 100_000

func runDHT(ctx context.Context, args []string, out, notes io.Writer) error {
	var o dhtOptions
	set := flag.NewFlagSet("compare dht", flag.ContinueOnError)
	set.SetOutput(out)
	set.StringVar(&o.dir, "dir", "",
		"`directory` for the databases (default /dev/shm if it is there, else the one for temporary files)")
	set.BoolVar(&o.json, "json", false, "print one JSON object a line")
	set.IntVar(&o.records, "records", 1_000_000,
		"how `many` provider records to store; there are a tenth as many values")
	set.BoolVar(&o.quick, "quick", false, fmt.Sprintf("%d records: done in under 50 s", quickRecords))
	set.StringVar(&o.plot, "plot", "", "draw a chart as an SVG file in `DIR`")
	set.StringVar(&o.only, "only", "", "measure the `backend` of this name alone, in this process")
	if err := set.Parse(args); err != nil {
		return err
	}
	if o.quick {
		o.records = quickRecords
	}
	if o.records < 1000 {
		return errors.New("-records has to be 1,000 or more")
	}
	dir, remove, err := o.place(notes)
	if err != nil {
		return err
	}
	defer remove()
	if o.only != "" {
		b, err := backend.Find(o.only)
		if err != nil {
			return err
		}
		encoder := json.NewEncoder(out)
		return measureDHT(ctx, b, dir, o.records, func(r dhtResult) error { return encoder.Encode(r) })
	}
	results, err := o.measureAll(ctx, dir, out, notes)
	if err != nil {
		return err
	}
	if o.plot != "" {
		if err := plotDHT(filepath.Join(o.plot, "dht.svg"), results); err != nil {
			return err
		}
	}
	if o.json {
		return nil
	}
	return printDHT(out, results)
}

// measureAll measures each backend in a process of its own, so that the memory of the process
// belongs to the backend.
func (o dhtOptions) measureAll(ctx context.Context, dir string, out, notes io.Writer) (results []dhtResult, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for _, b := range backend.Backends {
		fmt.Fprintln(notes, b.Name)
		cmd := exec.CommandContext(ctx, exe, "dht", "-only", b.Name, "-dir", dir, "-records", fmt.Sprint(o.records))
		var said bytes.Buffer
		cmd.Stderr = &said
		lines, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %s", b.Name, err, said.Bytes())
		}
		for scanner := bufio.NewScanner(bytes.NewReader(lines)); scanner.Scan(); {
			var r dhtResult
			if err := json.Unmarshal(scanner.Bytes(), &r); err != nil {
				return nil, fmt.Errorf("%s: %w", b.Name, err)
			}
			results = append(results, r)
			if o.json {
				fmt.Fprintln(out, scanner.Text())
			}
		}
	}
	return results, nil
}

// printDHT prints a line for each case and a column for each contender.
func printDHT(out io.Writer, results []dhtResult) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "case\t")
	for _, b := range backend.Backends {
		fmt.Fprintf(table, "%s\t", b.Name)
	}
	fmt.Fprintln(table)
	line := func(name, label string, figure func(dhtResult) (float64, string)) {
		fmt.Fprintf(table, "%s\t", label)
		for _, b := range backend.Backends {
			i := slices.IndexFunc(results, func(r dhtResult) bool { return r.Case == name && r.Contender == b.Name })
			if i < 0 {
				fmt.Fprint(table, "\t")
				continue
			}
			value, unit := figure(results[i])
			fmt.Fprintf(table, "%.4g %s\t", value, unit)
		}
		fmt.Fprintln(table)
	}
	for _, name := range dhtCases {
		line(name, name, dhtResult.figure)
	}
	for _, name := range dhtCases {
		if name != diskCase && name != memoryCase {
			line(name, name+", CPU", func(r dhtResult) (float64, string) {
				r.NsPerOp = r.CPUNsPerOp
				return r.figure()
			})
		}
	}
	return table.Flush()
}

// figure is the number that a case measures.
func (r dhtResult) figure() (float64, string) {
	switch r.Case {
	case diskCase:
		return r.BytesPerRecord, "B"
	case memoryCase:
		return r.RSSMiB, "MiB"
	case expireCase:
		return r.NsPerOp / 1e6, "ms"
	}
	return cmp.Or(r.NsPerOp, 0) / 1e3, "µs"
}
