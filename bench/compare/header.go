package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"text/tabwriter"

	headerstore "github.com/celestiaorg/go-header/store"
	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/bench/internal/headers"
)

// Cases of compare header.
const (
	appendCase = "append"
	headerCase = "get"
	deleteCase = "delete"
)

var headerCases = []string{appendCase, headerCase, deleteCase}

const (
	// headersAtOnce is how many headers go-header gets from a peer with one request, and
	// deletedAtOnce how many celestia-node deletes with one call.
	headersAtOnce = 64
	deletedAtOnce = 512
)

// headerResult is the CPU time that a contender took in one round.
type headerResult struct {
	Case        string  `json:"case"`
	Contender   string  `json:"contender"`
	Headers     int     `json:"headers"`
	NsPerHeader float64 `json:"cpu_ns_per_header"`
}

type headerOptions struct {
	common
	headers, rounds int
	// only names the one contender that this process measures.
	only string
}

func runHeader(ctx context.Context, args []string, out, notes io.Writer) error {
	var o headerOptions
	set := flag.NewFlagSet("compare header", flag.ContinueOnError)
	set.SetOutput(out)
	set.StringVar(&o.dir, "dir", "",
		"`directory` for the databases (default /dev/shm if it is there, else the one for temporary files)")
	set.BoolVar(&o.json, "json", false, "print one JSON object a line, for each round")
	set.IntVar(&o.headers, "headers", 50_000, "how `many` headers the chain has")
	set.IntVar(&o.rounds, "rounds", 5, "how `many` times each datastore is measured")
	set.StringVar(&o.only, "only", "", "measure the `datastore` of this name alone, in this process")
	if err := set.Parse(args); err != nil {
		return err
	}
	if o.headers < 2*deletedAtOnce || o.rounds < 1 {
		return fmt.Errorf("-headers has to be %d or more, and -rounds 1 or more", 2*deletedAtOnce)
	}
	dir, remove, err := o.place(notes)
	if err != nil {
		return err
	}
	defer remove()
	encoder := json.NewEncoder(out)
	if o.only != "" {
		c, err := headers.Find(o.only)
		if err != nil {
			return err
		}
		return measureHeaders(ctx, c, dir, o.headers, func(r headerResult) error { return encoder.Encode(r) })
	}
	took := map[string]map[string][]float64{}
	for round := range o.rounds {
		for i := range headers.Contenders {
			c := headers.Contenders[(round+i)%len(headers.Contenders)]
			results, err := o.measure(ctx, c.Name, dir)
			if err != nil {
				return err
			}
			for _, r := range results {
				if took[r.Case] == nil {
					took[r.Case] = map[string][]float64{}
				}
				took[r.Case][r.Contender] = append(took[r.Case][r.Contender], r.NsPerHeader)
				if o.json {
					if err := encoder.Encode(r); err != nil {
						return err
					}
				}
			}
		}
	}
	if o.json {
		return nil
	}
	return printHeaders(out, took)
}

// measure measures a contender in a process of its own, so that the CPU time is its own.
func (o headerOptions) measure(ctx context.Context, name, dir string) (results []headerResult, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, exe, "header", "-only", name, "-dir", dir, "-headers", fmt.Sprint(o.headers))
	var said bytes.Buffer
	cmd.Stderr = &said
	lines, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", name, err, said.Bytes())
	}
	for decoder := json.NewDecoder(bytes.NewReader(lines)); decoder.More(); {
		var r headerResult
		if err := decoder.Decode(&r); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		results = append(results, r)
	}
	return results, nil
}

// printHeaders prints the medians, and in brackets those of the ratios to the rival.
func printHeaders(out io.Writer, took map[string]map[string][]float64) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "CPU time, µs a header\t")
	for _, c := range headers.Contenders {
		fmt.Fprintf(table, "%s\t", c.Name)
	}
	fmt.Fprintln(table)
	for _, name := range headerCases {
		fmt.Fprintf(table, "%s\t", name)
		for _, c := range headers.Contenders {
			fmt.Fprintf(table, "%.1f (%.2f)\t", median(took[name][c.Name])/1e3,
				medianRatio(took[name][c.Name], took[name][headers.Rival]))
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

type headerMeter struct {
	ctx       context.Context
	contender headers.Contender
	dir       string
	chain     []*headers.Header
	emit      func(headerResult) error
}

// measureHeaders has go-header's store, with its defaults, append a chain, get headers at random
// heights, and delete the lower half.
func measureHeaders(ctx context.Context, c headers.Contender, dir string, n int, emit func(headerResult) error) error {
	m := &headerMeter{ctx: ctx, contender: c, dir: filepath.Join(dir, "db"), chain: headers.Chain(n), emit: emit}
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		do   func(s *headerstore.Store[*headers.Header]) (headers int, err error)
	}{{appendCase, m.append}, {headerCase, m.get}, {deleteCase, m.delete}} {
		if err := m.measure(step.name, step.do); err != nil {
			return fmt.Errorf("%s, %s: %w", c.Name, step.name, err)
		}
	}
	return os.RemoveAll(m.dir)
}

// measure opens the store, measures some work, and closes it. Closing counts, since it does what
// has been put off.
func (m *headerMeter) measure(name string, do func(*headerstore.Store[*headers.Header]) (int, error)) (err error) {
	d, err := m.contender.Open(m.dir)
	if err != nil {
		return err
	}
	began := processTime()
	n, err := withHeaderStore(m.ctx, d, do)
	if err := errors.Join(err, d.Close()); err != nil {
		return err
	}
	return m.emit(headerResult{
		Case: name, Contender: m.contender.Name, Headers: len(m.chain),
		NsPerHeader: float64(processTime()-began) / float64(n),
	})
}

func withHeaderStore(
	ctx context.Context, d ds.Batching, do func(*headerstore.Store[*headers.Header]) (int, error),
) (n int, err error) {
	s, err := headerstore.NewStore[*headers.Header](d)
	if err != nil {
		return 0, err
	}
	if err := s.Start(ctx); err != nil {
		return 0, err
	}
	n, err = do(s)
	return n, errors.Join(err, s.Stop(ctx))
}

func (m *headerMeter) append(s *headerstore.Store[*headers.Header]) (int, error) {
	for at := 0; at < len(m.chain); at += headersAtOnce {
		if err := s.Append(m.ctx, m.chain[at:min(at+headersAtOnce, len(m.chain))]...); err != nil {
			return 0, err
		}
	}
	return len(m.chain), s.Sync(m.ctx)
}

func (m *headerMeter) get(s *headerstore.Store[*headers.Header]) (int, error) {
	random := rand.New(rand.NewPCG(1, 2))
	for range m.chain {
		want := m.chain[random.IntN(len(m.chain))]
		got, err := s.GetByHeight(m.ctx, want.Height())
		if err != nil {
			return 0, err
		}
		if !bytes.Equal(got.Hash(), want.Hash()) {
			return 0, fmt.Errorf("another header is at height %d", want.Height())
		}
	}
	return len(m.chain), nil
}

func (m *headerMeter) delete(s *headerstore.Store[*headers.Header]) (int, error) {
	n := len(m.chain) / 2
	for to := 1; to <= n; {
		to = min(to+deletedAtOnce, n+1)
		if err := s.DeleteTo(m.ctx, uint64(to)); err != nil {
			return 0, err
		}
	}
	tail, err := s.Tail(m.ctx)
	if err == nil && tail.Height() != uint64(n+1) {
		err = fmt.Errorf("the tail is at %d", tail.Height())
	}
	return n, err
}
