package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

// browserOptions are the flags of compare browser.
type browserOptions struct {
	json                      bool
	sources                   string
	rows, many, calls, rounds int
	quick                     bool
}

func runBrowser(ctx context.Context, args []string, out, notes io.Writer) error {
	var o browserOptions
	set := flag.NewFlagSet("compare browser", flag.ContinueOnError)
	set.SetOutput(notes)
	set.BoolVar(&o.json, "json", false, "print one JSON object a line")
	set.StringVar(&o.sources, "sources", "browser", "`directory` of the page, seen from the directory bench")
	set.IntVar(&o.rows, "rows", 10_000, "how many `rows` are inserted in one transaction")
	set.IntVar(&o.many, "many", 100_000, "how many `rows` are iterated and opened")
	set.IntVar(&o.calls, "calls", 1_000, "how many `calls` of one row are made")
	set.IntVar(&o.rounds, "rounds", 7, "take medians over `N` rounds")
	set.BoolVar(&o.quick, "quick", false, "20,000 rows to iterate, 200 calls, and 3 rounds")
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("browser takes no argument %q", set.Arg(0))
	}
	if o.quick {
		o.many, o.calls, o.rounds = 20_000, 200, 3
	}
	if o.rows < 100 || o.many < 100 || o.calls < 1 || o.rounds < 1 {
		return fmt.Errorf("-rows and -many have to be 100 or more, -calls and -rounds 1 or more, not %d, %d, %d and %d",
			o.rows, o.many, o.calls, o.rounds)
	}
	results := &comparisons{out: out, json: o.json}
	m := &browserMeasure{o: o, emit: results.add}
	if err := m.run(ctx, notes); err != nil {
		return err
	}
	return results.print()
}

// browserMeasure drives the page of compare browser.
type browserMeasure struct {
	o     browserOptions
	emit  func(comparison) error
	page  context.Context
	round int
}

// run serves the page, opens it in a browser, and measures in rounds.
func (m *browserMeasure) run(ctx context.Context, notes io.Writer) (err error) {
	if _, err := os.Stat(filepath.Join(m.o.sources, "node_modules")); err != nil {
		return fmt.Errorf("dexie and idb are not there: run npm ci in %s: %w", m.o.sources, err)
	}
	dir, err := os.MkdirTemp("", "netabase-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	wasm := filepath.Join(dir, "netabase.wasm")
	build := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", wasm, "./netabase")
	build.Dir = m.o.sources
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the typed tree: %w\n%s", err, out)
	}
	glue, err := webtest.Glue(ctx)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServer(http.Dir(m.o.sources)))
	mux.HandleFunc("GET /netabase.wasm", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, wasm) })
	mux.HandleFunc("GET /wasm_exec.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, glue) })
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // until it is closed
	defer server.Close()
	page, cancel, err := webtest.Start(ctx, func(any) {})
	if err != nil {
		return err
	}
	defer cancel()
	m.page = page
	address := "http://" + listener.Addr().String() + "/page.html"
	for m.round = range m.o.rounds {
		fmt.Fprintf(notes, "round %d of %d\n", m.round+1, m.o.rounds)
		// Each round is in a new page, so that none has the memory of the one before.
		if err := chromedp.Do(m.page, chromedp.Navigate(address)); err != nil {
			return fmt.Errorf("open the page: %w", err)
		}
		if _, err := m.call("begin()"); err != nil {
			return err
		}
		if err := errors.Join(m.warmUp(), m.small(), m.large()); err != nil {
			return err
		}
	}
	return nil
}

// took is what a contender has answered.
type took struct {
	MS     float64 `json:"ms"`
	Answer float64 `json:"answer"`
}

func (m *browserMeasure) call(script string) (t took, err error) {
	t, err = chromedp.Run(m.page, chromedp.Evaluate[took](
		"(async () => (await "+script+") ?? {})()", chromedp.EvalAwaitPromise))
	if err != nil {
		err = fmt.Errorf("%s: %w", script, err)
	}
	return t, err
}
