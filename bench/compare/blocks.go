package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/newsnet-africa/netabase-go/bench/internal/blocks"
)

// blocksResult is one line of the result.
type blocksResult struct {
	Case      string `json:"case"`
	Contender string `json:"contender"`
	BlockKiB  int    `json:"block_kib"`
	// MsPerMiB and CPUMsPerMiB are the time and the processor time for a MiB of blocks, in
	// milliseconds.
	MsPerMiB    float64 `json:"ms_per_mib,omitempty"`
	CPUMsPerMiB float64 `json:"cpu_ms_per_mib,omitempty"`
	// PeakMiB is the most memory the process had; AnonymousMiB is the most it had without
	// mapped files, whose pages the operating system can take back.
	PeakMiB      float64 `json:"peak_mib,omitempty"`
	AnonymousMiB float64 `json:"anonymous_mib,omitempty"`
	// DiskRatio is the space on disk, divided by the size of all blocks.
	DiskRatio float64 `json:"disk_ratio,omitempty"`
}

// blocksOptions are the flags of compare blocks.
type blocksOptions struct {
	common
	mib        int
	kib        string
	contenders string
	quick      bool
	// only names the one contender that this process measures.
	only string
}

// quickBlocks is how many MiB of blocks there are with -quick.
const quickBlocks = 256

func runBlocks(ctx context.Context, args []string, out, notes io.Writer) error {
	var names []string
	for _, c := range blocks.Contenders {
		names = append(names, c.Name)
	}
	var o blocksOptions
	set := flag.NewFlagSet("compare blocks", flag.ContinueOnError)
	set.SetOutput(out)
	set.StringVar(&o.dir, "dir", "",
		"`directory` for the databases (default /dev/shm if it is there, else the one for temporary files)")
	set.BoolVar(&o.json, "json", false, "print one JSON object a line")
	set.IntVar(&o.mib, "mib", 1024, "how many `MiB` of blocks to store")
	set.StringVar(&o.kib, "kib", "256,1024", "comma-separated sizes of a block, in `KiB`")
	set.StringVar(&o.contenders, "contenders", strings.Join(names, ","), "comma-separated `names` of the contenders")
	set.BoolVar(&o.quick, "quick", false, fmt.Sprintf("%d MiB of blocks", quickBlocks))
	set.StringVar(&o.only, "only", "", "measure the `contender` of this name alone, in this process")
	if err := set.Parse(args); err != nil {
		return err
	}
	if o.quick {
		o.mib = quickBlocks
	}
	var sizes []int
	for _, text := range strings.Split(o.kib, ",") {
		var size int
		if _, err := fmt.Sscan(text, &size); err != nil || size < 1 || size > 8<<10 {
			return fmt.Errorf("-kib has %q: a block has 1 to %d KiB", text, 8<<10)
		}
		sizes = append(sizes, size)
	}
	if o.mib < 16 {
		return errors.New("-mib has to be 16 or more")
	}
	dir, remove, err := o.place(notes)
	if err != nil {
		return err
	}
	defer remove()
	if o.only != "" {
		c, err := blocks.Find(o.only)
		if err != nil {
			return err
		}
		encoder := json.NewEncoder(out)
		return measureBlocks(ctx, c, dir, sizes[0], o.mib, func(r blocksResult) error { return encoder.Encode(r) })
	}
	results, err := o.measureAll(ctx, dir, sizes, out, notes)
	if err != nil || o.json {
		return err
	}
	return printBlocks(out, results)
}

// measureAll measures each contender in a process of its own, so that the memory of the process
// belongs to the contender.
func (o blocksOptions) measureAll(
	ctx context.Context, dir string, sizes []int, out, notes io.Writer,
) (results []blocksResult, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for _, size := range sizes {
		for _, name := range strings.Split(o.contenders, ",") {
			fmt.Fprintf(notes, "%s, blocks of %d KiB\n", name, size)
			cmd := exec.CommandContext(ctx, exe, "blocks", "-only", name, "-dir", dir,
				"-kib", fmt.Sprint(size), "-mib", fmt.Sprint(o.mib))
			var said bytes.Buffer
			cmd.Stderr = &said
			lines, err := cmd.Output()
			if err != nil {
				return nil, fmt.Errorf("%s: %w: %s", name, err, said.Bytes())
			}
			for scanner := bufio.NewScanner(bytes.NewReader(lines)); scanner.Scan(); {
				var r blocksResult
				if err := json.Unmarshal(scanner.Bytes(), &r); err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				results = append(results, r)
				if o.json {
					fmt.Fprintln(out, scanner.Text())
				}
			}
		}
	}
	return results, nil
}

// printBlocks prints a line for each case and size and a column for each contender.
func printBlocks(out io.Writer, results []blocksResult) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	var contenders, lines []string
	cells := map[string]map[string]string{}
	for _, r := range results {
		if !slices.Contains(contenders, r.Contender) {
			contenders = append(contenders, r.Contender)
		}
		for _, figure := range r.figures() {
			line := fmt.Sprintf("%d KiB, %s", r.BlockKiB, figure.name)
			if cells[line] == nil {
				cells[line] = map[string]string{}
				lines = append(lines, line)
			}
			cells[line][r.Contender] = fmt.Sprintf("%.3g", figure.value)
		}
	}
	fmt.Fprintf(table, "case\t%s\t\n", strings.Join(contenders, "\t"))
	for _, line := range lines {
		fmt.Fprintf(table, "%s\t", line)
		for _, c := range contenders {
			fmt.Fprintf(table, "%s\t", cells[line][c])
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

type blocksFigure struct {
	name  string
	value float64
}

// figures are the numbers that a case measures.
func (r blocksResult) figures() []blocksFigure {
	switch r.Case {
	case blocksMemoryCase:
		return []blocksFigure{{"peak memory, MiB", r.PeakMiB}, {"without mapped files, MiB", r.AnonymousMiB}}
	case blocksDiskCase:
		return []blocksFigure{{r.Case, r.DiskRatio}}
	}
	return []blocksFigure{{r.Case + ", ms/MiB", r.MsPerMiB}, {r.Case + ", CPU ms/MiB", r.CPUMsPerMiB}}
}
