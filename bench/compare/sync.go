package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// syncOptions are the flags of compare sync.
type syncOptions struct {
	common
	rows, empty, rival, rounds int
	quick                      bool
}

func runSync(ctx context.Context, args []string, out, notes io.Writer) error {
	var o syncOptions
	set := flag.NewFlagSet("compare sync", flag.ContinueOnError)
	set.SetOutput(notes)
	o.flags(set, "memory,bolt,badger")
	set.IntVar(&o.rows, "rows", 1_000_000, "how many `rows` two peers have in common")
	set.IntVar(&o.empty, "empty", 100_000, "how many `rows` an empty peer gets")
	set.IntVar(&o.rival, "rival", 10_000, "how many `rows` a new peer gets, of ours and of go-ds-crdt's")
	set.IntVar(&o.rounds, "rounds", 7, "take medians over `N` rounds")
	set.BoolVar(&o.quick, "quick", false, "10,000 rows, 2,000 beside go-ds-crdt, and 3 rounds")
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("sync takes no argument %q", set.Arg(0))
	}
	if o.quick {
		o.rows, o.empty, o.rival, o.rounds = 10_000, 10_000, 2_000, 3
	}
	if o.rows < 1_000 || o.empty < 1_000 || o.rival < 1_000 || o.rounds < 1 {
		return fmt.Errorf(
			"-rows, -empty and -rival have to be 1,000 or more and -rounds 1 or more, not %d, %d, %d and %d",
			o.rows, o.empty, o.rival, o.rounds)
	}
	chosen, err := o.chosen("memory", "bolt", "badger")
	if err != nil {
		return err
	}
	dir, remove, err := o.place(notes)
	if err != nil {
		return err
	}
	defer remove()
	results := &comparisons{out: out, json: o.json}
	for _, e := range watchEngines {
		if !chosen[e.name] {
			continue
		}
		m := &syncMeasure{ctx, o, e, filepath.Join(dir, e.name), results.add}
		steps := []func() error{m.differences, m.intoEmpty}
		if e.name == "badger" {
			steps = append(steps, m.rivals)
		}
		for _, step := range steps {
			if err := errors.Join(step(), os.RemoveAll(m.dir)); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
	}
	return results.print()
}

// syncMeasure measures on one engine.
type syncMeasure struct {
	ctx    context.Context
	o      syncOptions
	engine storeEngine
	dir    string
	emit   func(comparison) error
}

// within emits a value beside its bound.
func (m *syncMeasure) within(name string, rows, round int, value float64, unit string, bound float64) error {
	return m.emit(comparison{
		Case: name, Engine: m.engine.name, Rows: rows, Round: round, Value: value, Unit: unit,
		Against: "bound", Base: bound, AtMost: 1,
	})
}

// differing is how many rows differ on either side.
const differing = 100

// differences measures syncs of two peers that have many rows in common. The peers on files are opened
// anew in each round.
func (m *syncMeasure) differences() (err error) {
	var peers [2]*syncPeer
	open := func() (err error) {
		for i := range peers {
			eng := m.engine.open(filepath.Join(m.dir, fmt.Sprint("peer", i)))
			if peers[i], err = openSyncPeer(m.ctx, eng, openPosts.definition); err != nil {
				return err
			}
		}
		return nil
	}
	closeAll := func() (err error) {
		for i, p := range peers {
			if p != nil {
				err = errors.Join(err, p.Close())
			}
			peers[i] = nil
		}
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	if err := open(); err != nil {
		return err
	}
	for _, p := range peers {
		posts := postsFrom(nobody, 0, m.o.rows)
		_, err := datastore.Import(m.ctx, p.store, openPosts.tree, posts, datastore.ImportOptions{})
		if err != nil {
			return err
		}
	}
	next := m.o.rows
	for round := range m.o.rounds {
		onFiles := m.engine.name != "memory"
		var took [2]time.Duration
		if onFiles {
			if err := errors.Join(closeAll(), open()); err != nil {
				return err
			}
		}
		for i := range took {
			if took[i], err = m.difference(peers, &next, round, i > 0); err != nil {
				return err
			}
			if !onFiles {
				break
			}
		}
		if !onFiles {
			continue
		}
		err := m.emit(comparison{
			Case: fmt.Sprintf("the first sync after opening, %d differ", 2*differing), Engine: m.engine.name,
			Rows: m.o.rows, Round: round, Value: millis(took[0]), Unit: "ms",
			Against: "the second", Base: millis(took[1]),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// difference makes two peers differ and measures a sync. It emits no result of a sync that is only
// compared with.
func (m *syncMeasure) difference(peers [2]*syncPeer, next *int, round int, quiet bool) (time.Duration, error) {
	for _, p := range peers {
		for row := range postsFrom(nobody, *next, differing) {
			if err := openPosts.tree.Put(m.ctx, p.store, &row); err != nil {
				return 0, err
			}
		}
		*next += differing
	}
	if err := connectHosts(m.ctx, peers[0].host, peers[1].host); err != nil {
		return 0, err
	}
	runtime.GC()
	if err := settle(m.ctx); err != nil {
		return 0, err
	}
	began := now()
	report, err := peers[0].sync(m.ctx, peers[1], openPosts.topic, record.Both, differing, differing)
	if err != nil {
		return 0, err
	}
	ended := now()
	took := ended.at.Sub(began.at)
	if quiet {
		return took, nil
	}
	kilobytes := float64(report.BytesRead+report.BytesWritten) / 1000
	return took, errors.Join(
		m.within("sync, 100 differ on either side: round trips", m.o.rows, round, float64(report.RoundTrips), "", 4),
		m.within("sync, 100 differ on either side: bytes", m.o.rows, round, kilobytes, "KB", 400),
		m.within("sync, 100 differ on either side: CPU of both peers", m.o.rows, round, millis(ended.cpu-began.cpu), "ms",
			200),
	)
}

// cost is what work has taken: time, and processor time of the whole process.
type cost struct{ elapsed, processor time.Duration }

func (began instant) cost() cost {
	ended := now()
	return cost{ended.at.Sub(began.at), ended.cpu - began.cpu}
}

// intoEmpty compares syncs into an empty peer with imports of the same rows.
func (m *syncMeasure) intoEmpty() error {
	open := func(p *syncPeer) error {
		posts := postsFrom(nobody, 0, m.o.empty)
		_, err := datastore.Import(m.ctx, p.store, openPosts.tree, posts, datastore.ImportOptions{})
		return err
	}
	if err := emptySync(m, "open", openPosts, openPosts, open, 0); err != nil {
		return fmt.Errorf("open: %w", err)
	}
	signed := func(p *syncPeer) error {
		rows := func(yield func(post) bool) {
			for row := range postsFrom(p.host.ID(), 0, m.o.empty) {
				if !yield(row) {
					return
				}
			}
		}
		return publishAlone(m.ctx, p.node, signedPosts.tree, rows)
	}
	if err := emptySync(m, "signed", signedPosts, unsignedPosts, signed, 250); err != nil {
		return fmt.Errorf("signed: %w", err)
	}
	return nil
}

// publishAlone signs rows and keeps them, where there is no other peer to put them to.
func publishAlone[K any](
	ctx context.Context, n *record.Node, tree *models.Tree[post, K], rows func(func(post) bool),
) error {
	err := record.PublishAll(ctx, n, tree, rows, record.Bulk{})
	var all *record.BulkError
	if !errors.As(err, &all) {
		return err
	}
	for _, err := range all.Failures {
		if !errors.Is(err, record.ErrNoPeers) {
			return err
		}
	}
	return nil
}

// emptySync syncs the rows that fill puts into an empty peer. Most is how many µs a row may take at
// most, or 0. It imports the rows into the tree of plain.
func emptySync[K any](
	m *syncMeasure, name string, of, plain posts[K], fill func(*syncPeer) error, most float64,
) (err error) {
	defer os.RemoveAll(m.dir)
	source, err := openSyncPeer(m.ctx, m.engine.open(filepath.Join(m.dir, "source")), of.definition)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	if err := fill(source); err != nil {
		return err
	}
	rows := m.o.empty
	for round := range m.o.rounds {
		synced, err := m.syncedEmpty(source, of.topic, of.definition)
		if err != nil {
			return err
		}
		imported, err := importedEmpty(m, plain, source.host.ID())
		if err != nil {
			return err
		}
		result := comparison{
			Case: "into an empty peer, " + name, Engine: m.engine.name, Rows: rows, Round: round,
			Value: micros(synced.elapsed, rows), Unit: "µs",
			Against: "Import", Base: micros(imported.elapsed, rows), AtMost: 2,
		}
		if err := m.emit(result); err != nil {
			return err
		}
		result.Case += ", both peers"
		result.Value, result.Base, result.AtMost = micros(synced.processor, rows), micros(imported.processor, rows), 0
		result.Unit = "µs CPU"
		if err := m.emit(result); err != nil {
			return err
		}
		if most > 0 {
			err := m.within("into an empty peer, "+name, rows, round, micros(synced.elapsed, rows), "µs", most)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// syncedEmpty returns what a sync into an empty peer takes, both peers together.
func (m *syncMeasure) syncedEmpty(
	source *syncPeer, topic models.AnyTopic, d *models.Definition,
) (took cost, err error) {
	dir := filepath.Join(m.dir, "empty")
	defer os.RemoveAll(dir)
	empty, err := openSyncPeer(m.ctx, m.engine.open(dir), d)
	if err != nil {
		return took, err
	}
	defer func() { err = errors.Join(err, empty.Close()) }()
	if err := connectHosts(m.ctx, empty.host, source.host); err != nil {
		return took, err
	}
	runtime.GC()
	if err := settle(m.ctx); err != nil {
		return took, err
	}
	began := now()
	_, err = empty.sync(m.ctx, source, topic, record.Pull, m.o.empty, 0)
	return began.cost(), err
}

// importedEmpty returns what an import of the rows of an owner takes.
func importedEmpty[K any](m *syncMeasure, of posts[K], owner peer.ID) (took cost, err error) {
	dir := filepath.Join(m.dir, "imported")
	defer os.RemoveAll(dir)
	store, err := datastore.Open(m.ctx, m.engine.open(dir), record.Definition, of.definition)
	if err != nil {
		return took, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	runtime.GC()
	if err := settle(m.ctx); err != nil {
		return took, err
	}
	began := now()
	_, err = datastore.Import(m.ctx, store, of.tree, postsFrom(owner, 0, m.o.empty), datastore.ImportOptions{})
	return began.cost(), err
}
