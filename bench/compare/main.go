// Command compare measures typed trees against the same work written by hand on each engine,
// and against other typed stores. It also measures records against other datastores for a
// kad-dht node, blocks against other datastores for an IPFS node, go-header's store on
// several datastores, stores whose model has changed, watches, feeds and topics, syncs of topics
// between two peers, and typed trees in a browser.
//
//	go run ./compare typed [-quick] [-json] [-plot DIR]
//	go run ./compare large [-rows N] [-json]
//	go run ./compare dht [-quick] [-json] [-plot DIR]
//	go run ./compare blocks [-quick] [-json]
//	go run ./compare header [-headers N] [-rounds N] [-json]
//	go run ./compare change [-quick] [-json]
//	go run ./compare watch [-quick] [-json]
//	go run ./compare sync [-quick] [-json]
//	go run ./compare browser [-quick] [-json]
//
// docs/benchmarks in the repository describes the measurements and shows the results.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

const usage = `compare measures typed trees against the same work by hand on each engine.

  compare typed   every operation on blocks of 10 to 5,000 rows, with rivals
  compare large   opening, iterating and loading a store of 1,000,000 rows
  compare dht     the datastores that a kad-dht node can be given
  compare blocks  the datastores that an IPFS node can keep its blocks in
  compare header  the datastores that go-header's store of headers can be given
  compare change  stores whose model changes, and rows that are compressed or encrypted
  compare watch   inserts into trees that are watched, and that have a feed or a topic
  compare sync    syncs of two peers, and into an empty one, and go-ds-crdt
  compare browser typed trees in a browser, and Dexie and idb

Each takes -h.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, notes io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(notes, usage)
		return errors.New("name what to measure: typed, large, dht, blocks, header, change, watch, sync or browser")
	}
	switch args[0] {
	case "typed":
		return runTyped(ctx, args[1:], out, notes)
	case "large":
		return runLarge(ctx, args[1:], out, notes)
	case "dht":
		return runDHT(ctx, args[1:], out, notes)
	case "blocks":
		return runBlocks(ctx, args[1:], out, notes)
	case "header":
		return runHeader(ctx, args[1:], out, notes)
	case "change":
		return runChange(ctx, args[1:], out, notes)
	case "watch":
		return runWatch(ctx, args[1:], out, notes)
	case "sync":
		return runSync(ctx, args[1:], out, notes)
	case "browser":
		return runBrowser(ctx, args[1:], out, notes)
	case "-h", "-help", "--help", "help":
		fmt.Fprint(out, usage)
		return nil
	default:
		return fmt.Errorf("%q is none of typed, large, dht, blocks, header, change, watch, sync and browser", args[0])
	}
}

// common has the flags of all measurements.
type common struct {
	dir     string
	engines string
	json    bool
}

func (c *common) flags(set *flag.FlagSet, engines string) {
	set.StringVar(&c.dir, "dir", "",
		"`directory` for the databases (default /dev/shm if it is there, else the one for temporary files)")
	set.StringVar(&c.engines, "engines", engines, "comma-separated `names` of the engines to measure")
	set.BoolVar(&c.json, "json", false, "print one JSON object a line")
}

// place makes the directory for the databases. Its second result removes it.
func (c *common) place(notes io.Writer) (dir string, remove func(), err error) {
	parent := c.dir
	if parent == "" {
		parent = os.TempDir()
		if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
			parent = "/dev/shm"
		}
	}
	if dir, err = os.MkdirTemp(parent, "netabase-bench-"); err != nil {
		return "", nil, err
	}
	fmt.Fprintf(notes, "databases in %s\n", parent)
	return dir, func() { os.RemoveAll(dir) }, nil
}

// chosen returns the engines with the given names, and refuses unknown names.
func (c *common) chosen(known ...string) (map[string]bool, error) {
	chosen := map[string]bool{}
	for _, name := range strings.Split(c.engines, ",") {
		found := false
		for _, k := range known {
			found = found || k == name
		}
		if !found {
			return nil, fmt.Errorf("engine %q is not one of %s", name, strings.Join(known, ", "))
		}
		chosen[name] = true
	}
	return chosen, nil
}
