package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/golang"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/loopback"
)

// Options configure a demonstration.
type Options struct {
	// Peers is how many peers there are, MinPeers to MaxPeers.
	Peers int
	// Replication is how many peers store each record, 1 to MaxReplication.
	Replication int
	// Engine is the kind of the peers' databases.
	Engine Engine
	// Records is a file of records, "-" for Stdin. Defaults to the records in the program. See
	// golang.Read.
	Records string
	// Stdin is read if Records is "-".
	Stdin io.Reader
	// Seed fixes all random choices, except the peers' identities and the timing of the
	// network.
	Seed uint64
	// Keep is a new or empty directory for the peers' data. Defaults to a temporary one that is
	// removed at the end.
	Keep string
	// HTTP is an address of loopback at which the page shows the network while it is demonstrated
	// and afterwards, until the context ends. Port 0 is one that the system chooses. Defaults to no
	// page.
	HTTP loopback.Address
}

// Bounds of Options.
const (
	MinPeers       = 4 // a quarter of them is stopped
	MaxPeers       = 1000
	MaxReplication = 100
)

// Validate returns all faults of the options, one sentence each.
func (o Options) Validate() error {
	var faults []error
	if o.Peers < MinPeers || o.Peers > MaxPeers {
		faults = append(faults, fmt.Errorf("-peers is %d, it must be %d to %d", o.Peers, MinPeers, MaxPeers))
	}
	if o.Replication < 1 || o.Replication > MaxReplication {
		faults = append(faults, fmt.Errorf("-replication is %d, it must be 1 to %d", o.Replication, MaxReplication))
	}
	if o.Keep != "" && !o.Engine.onDisk() {
		faults = append(faults, fmt.Errorf("-keep has nothing to keep with -engine %s", o.Engine))
	}
	if err := o.HTTP.Check(); err != nil {
		faults = append(faults, fmt.Errorf("-http: %w", err))
	}
	return errors.Join(faults...)
}

// Run runs the demonstration from loading the records to the summary, and gives emit every
// event, one at a time. The last one is the Summary that it returns. Run returns an error if
// ctx has ended or the network failed. Everything that it started has ended when it returns.
//
// With a page the event Open follows the Summary, and Run returns the Summary when ctx has ended.
func Run(ctx context.Context, opts Options, emit func(Event)) (Summary, error) {
	if err := opts.Validate(); err != nil {
		return Summary{}, err
	}
	r := &run{opts: opts, began: time.Now()}
	var mu sync.Mutex
	r.emit = func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		emit(e)
	}
	r.emit(Setup{Peers: opts.Peers, Replication: opts.Replication, Engine: opts.Engine, Seed: opts.Seed})
	// Validate first, so that bad input costs no waiting.
	err := r.load(ctx)
	if err != nil {
		return Summary{}, endOf(ctx, err)
	}
	if r.net, err = newNetwork(opts); err != nil {
		return Summary{}, err
	}
	if opts.HTTP != "" {
		return r.runShown(ctx)
	}
	err = endOf(ctx, r.show(ctx))
	if err := errors.Join(err, r.net.close()); err != nil {
		return Summary{}, err
	}
	return r.finish(), nil
}

// runShown runs the stages and then waits for the end of ctx, while the page shows the network.
func (r *run) runShown(ctx context.Context) (summary Summary, err error) {
	pages, err := newPages(string(r.opts.HTTP), r.opts.Engine)
	if err != nil {
		return Summary{}, errors.Join(err, r.net.close())
	}
	r.net.pages = pages
	r.emit(Serving{URL: pages.url, Token: pages.token})
	err = endOf(ctx, r.show(ctx))
	if err == nil {
		summary = r.finish()
		r.emit(Open{URL: pages.url})
		r.linger(ctx)
	}
	// The members end the requests to them before they stop.
	return summary, errors.Join(err, r.net.close(), pages.close())
}

// endOf returns the reason why ctx has ended, or err if it has not. Errors after that end have
// many texts.
func endOf(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// run is one running demonstration.
type run struct {
	opts  Options
	emit  func(Event)
	began time.Time
	net   *network

	// records are the loaded records. The other slices describe the record at the same index:
	// whether it was acknowledged, which member published it, whether it has come back every
	// time so far, and whether its index found it.
	records      []golang.Package
	acknowledged []bool
	publisher    []*member
	resolved     []bool
	found        []bool
	// byPath maps an import path to the index of its record.
	byPath map[string]int

	holders           Range
	stopped, restored int
	// lost counts lost records and rows. Failures are reported as they happen.
	lost atomic.Int64
}

// show runs the stages after Load.
func (r *run) show(ctx context.Context) error {
	for _, stage := range []func(context.Context) error{
		r.start, r.publish, r.spread, r.query, r.resolve, r.stopAndReturn, r.join,
	} {
		if err := stage(ctx); err != nil {
			return err
		}
	}
	return nil
}

// finish makes the summary and emits it.
func (r *run) finish() Summary {
	s := Summary{
		Peers:         r.opts.Peers,
		Records:       len(r.records),
		HoldersMin:    r.holders.Min,
		HoldersMedian: r.holders.Median,
		Resolved:      len(indexesOf(r.resolved)),
		FoundByIndex:  len(indexesOf(r.found)),
		Restarted:     r.restored,
		Lost:          int(r.lost.Load()),
		Seconds:       since(r.began),
		stopped:       r.stopped,
	}
	r.emit(s)
	return s
}

// load reads the records.
func (r *run) load(ctx context.Context) error {
	loaded := Loaded{Source: r.opts.Records}
	refuse := func(line int, reason error) {
		loaded.Refused++
		r.emit(Refused{Line: line, Reason: reason.Error()})
	}
	var err error
	switch r.opts.Records {
	case "":
		loaded.Source = golang.EmbeddedName
		r.records, err = golang.Embedded()
	case "-":
		loaded.Source = "standard input"
		r.records, err = golang.Read(untilDone{ctx, r.opts.Stdin}, "", refuse)
	default:
		r.records, err = readFile(ctx, r.opts.Records, refuse)
	}
	if err != nil {
		return fmt.Errorf("records from %s: %w", loaded.Source, err)
	}
	n := len(r.records)
	loaded.Records = n
	r.acknowledged, r.resolved, r.found = make([]bool, n), make([]bool, n), make([]bool, n)
	r.publisher = make([]*member, n)
	r.byPath = make(map[string]int, n)
	modules := map[string]bool{}
	for i, p := range r.records {
		r.byPath[p.ImportPath] = i
		modules[p.Module] = true
	}
	loaded.Modules = len(modules)
	r.emit(loaded)
	return nil
}

func readFile(ctx context.Context, path string, refuse func(int, error)) ([]golang.Package, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return golang.Read(untilDone{ctx, f}, filepath.Base(path), refuse)
}

// untilDone is a reader that fails after its context has ended.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.r.Read(p)
}

// fail reports a failure.
func (r *run) fail(f Failure) {
	if f.Lost {
		r.lost.Add(1)
	}
	r.emit(f)
}

// indexesOf returns the indexes at which of is true.
func indexesOf(of []bool) []int {
	var which []int
	for i, yes := range of {
		if yes {
			which = append(which, i)
		}
	}
	return which
}

func since(t time.Time) Seconds { return Seconds(time.Since(t).Seconds()) }
