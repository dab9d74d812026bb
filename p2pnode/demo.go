package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"

	"github.com/charmbracelet/x/term"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/demo"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/view"
)

const demoHelp = `Starts peers in this process, each a libp2p host on TCP and QUIC with a kad-dht
server and a store of its own; publishes a data set through all of them; shows
where the records are; has single peers answer queries by index from
their own trees; resolves every record from peers that do not hold it; stops a
quarter of the peers and resolves everything from the others; restarts those
from disk and compares what they hold; and lets a new peer join and fetch it all.

A terminal gets a live view, a pipe a line for each step, and -json one JSON
object a line, the last of which is

  {"event":"summary", …}
    peers               peers started at the beginning
    records             different records loaded
    holders_min         peers whose own tree holds a record, its publisher among
    holders_median      them, once all are published: the fewest of all records,
                        and the lower median
    resolved            records that came back with the content that was loaded
                        every time: with all peers running, with a quarter of
                        them stopped, and to the new peer
    found_by_index      records that single peers found by module in their trees
    restarted           peers that were stopped and came back with all they held
    lost                acknowledged records that the new peer could not fetch,
                        and rows that a restarted peer no longer had
    seconds             from the start to the summary

With -http a page shows the peers, what each holds, and the records that travel between
them. After the summary the peers go on until you interrupt the program; the JSON has
an event "serving" with the page's address at the beginning, and "open" at the end.

The exit status is 0 if every record was resolved and found and nothing lost, 1 if
not or if the network could not be run, 2 for a faulty command line, and 130 after
an interrupt, which stops all peers and removes their directory.

The data are Go packages, by import path and by module: those that can be
imported, of the standard library and of the modules that this program is built
from. -records takes others, as JSON lines with the fields import_path, name,
synopsis, module and imports, or as CSV with these columns. A line that cannot be
used is named by its number and refused, the others are loaded.

The peers to be stopped are chosen at random, by -seed. They are stopped all at
once if that leaves a running copy of every record, besides its publisher's; and
otherwise in steps, between which the records that have lost a copy are resolved,
upon which kad-dht places them anew. With -replication 1 nothing can help: the
records of a stopped peer are out of reach, and the demonstration says so.`

// memoryLimit is the memory from which the garbage collector works harder, unless GOMEMLIMIT is
// set. The defaults stay far below. Hundreds of peers have thousands of connections, and leave
// much garbage while they connect.
const memoryLimit = 768 << 20

// demo returns the command "demo".
func (p program) demo(flags *flag.FlagSet) *ffcli.Command {
	opts := demo.Options{Engine: demo.Badger, Stdin: p.in}
	var asJSON, plain bool
	flags.IntVar(&opts.Peers, "peers", 24,
		fmt.Sprintf("how many `peers` to start, %d to %d", demo.MinPeers, demo.MaxPeers))
	flags.IntVar(&opts.Replication, "replication", 5,
		fmt.Sprintf("how many `peers` store each record, 1 to %d", demo.MaxReplication))
	flags.Var(&opts.Engine, "engine", "the `engine` of the peers: badger, bolt or memory")
	flags.StringVar(&opts.Records, "records", "",
		"a `file` of records, - for standard input (default the records in the program)")
	flags.Uint64Var(&opts.Seed, "seed", 0,
		"a `number` that fixes all random choices except the peers' identities (default 0: a new one)")
	flags.StringVar(&opts.Keep, "keep", "",
		"a new or empty `directory` for the peers' data (default a temporary one)")
	flags.Var(&opts.HTTP, "http",
		"serve a page that shows the network, until interrupted, at an `address` of this machine as in "+
			"-http=127.0.0.1:8080 (default without one: a port that the system chooses)")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object a line")
	flags.BoolVar(&plain, "plain", false, "print lines of text on a terminal, too")
	return &ffcli.Command{
		Name:       "demo",
		ShortUsage: "p2pnode demo [flags]",
		ShortHelp:  "show records spreading between peers",
		LongHelp:   demoHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			const none = "demo takes no arguments, only flags, and an address comes behind -http="
			if _, err := arguments(flags, args, none, 0, 0); err != nil {
				return err
			}
			if err := opts.Validate(); err != nil {
				return usageError{err}
			}
			if opts.Seed == 0 {
				opts.Seed = uint64(rand.Uint32()) + 1
			}
			return p.runDemo(ctx, opts, asJSON, plain)
		},
	}
}

// runDemo shows the demonstration in a view for the output.
func (p program) runDemo(ctx context.Context, opts demo.Options, asJSON, plain bool) error {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	// quic-go would print advice on a limit of the system into the picture.
	if err := os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true"); err != nil {
		return err
	}
	var shown view.View
	switch terminal, ok := p.out.(*os.File); {
	case asJSON:
		shown = view.JSON(p.out)
	case !plain && ok && term.IsTerminal(terminal.Fd()) && os.Getenv("TERM") != "dumb":
		live := view.Live(terminal, p.interrupts.interrupt)
		p.interrupts.beforeExit(live.Kill)
		shown = live
	default:
		shown = view.Plain(p.out)
	}
	// An event that cannot be shown ends the demonstration.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	summary, err := demo.Run(ctx, opts, func(e demo.Event) {
		if err := shown.Show(e); err != nil {
			cancel(fmt.Errorf("show the demonstration: %w", err))
		}
	})
	if err := errors.Join(err, shown.Close()); err != nil {
		return err
	}
	if opts.HTTP == "" && !asJSON {
		fmt.Fprintln(p.out, "To see the peers on a page in a browser: p2pnode demo -http")
	}
	if !summary.OK() {
		return errDamage
	}
	return nil
}
