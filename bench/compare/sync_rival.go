package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/boxo/bitswap"
	"github.com/ipfs/boxo/bitswap/network/bsnet"
	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/ipld/merkledag"
	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
	crdt "github.com/ipfs/go-ds-crdt"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/bench/internal/backend"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// changes is how many rows change after a new peer has got all.
const changes = 100

// inOneWrite is how many rows are put together before the new peer comes.
const inOneWrite = 1_000

// joined is what a new peer has cost.
type joined struct {
	first, later           cost
	firstBytes, laterBytes int64
	disk                   int64
}

// rivals compares a new peer of ours with one of go-ds-crdt's, on two datastores: one that has the
// same engine, and the one that its README recommends.
func (m *syncMeasure) rivals() error {
	m.engine.open = compressingBadger
	for round := range m.o.rounds {
		ours, err := m.joinOurs()
		if err != nil {
			return err
		}
		for _, name := range []string{"go-ds-badger4", "go-ds-pebble"} {
			theirs, err := m.joinCRDT(name)
			if err != nil {
				return fmt.Errorf("go-ds-crdt on %s: %w", name, err)
			}
			against := "go-ds-crdt, " + name
			for _, r := range []comparison{
				elapsed("a new peer", ours.first, theirs.first),
				processor("a new peer, both peers", ours.first, theirs.first),
				space("a new peer, bytes sent", ours.firstBytes, theirs.firstBytes),
				elapsed("100 changes", ours.later, theirs.later),
				processor("100 changes, both peers", ours.later, theirs.later),
				space("100 changes, bytes sent", ours.laterBytes, theirs.laterBytes),
				space("disk of the new peer", ours.disk, theirs.disk),
			} {
				r.Engine, r.Rows, r.Round, r.Against, r.AtMost = m.engine.name, m.o.rival, round, against, 1
				if err := m.emit(r); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// compressingBadger is Badger with compressed tables, as go-ds-badger4 has it by default.
func compressingBadger(dir string) engine.Engine {
	return badger.Options{Config: engine.Config{Path: dir}, Compress: true}.Engine()
}

func elapsed(name string, ours, theirs cost) comparison {
	return comparison{Case: name, Unit: "ms", Value: millis(ours.elapsed), Base: millis(theirs.elapsed)}
}

func processor(name string, ours, theirs cost) comparison {
	return comparison{Case: name, Unit: "ms CPU", Value: millis(ours.processor), Base: millis(theirs.processor)}
}

func space(name string, ours, theirs int64) comparison {
	return comparison{Case: name, Unit: "KB", Value: float64(ours) / 1000, Base: float64(theirs) / 1000}
}

// changed is a row after its change, one of those spread over all.
func (m *syncMeasure) changed(i int) post {
	row := post{Owner: nobody, Version: 2, Story: toldStory(uint64(i * (m.o.rival / changes)))}
	row.Story.Text += " It has changed since."
	return row
}

// kept is a peer of ours that keeps its posts in sync, over gossip too, as go-ds-crdt does.
type kept struct {
	stop context.CancelFunc
	done sync.WaitGroup
	// rows counts the rows that have come here, and failed has the error that ends it.
	rows   atomic.Int64
	failed atomic.Pointer[error]
}

// keep begins to keep the posts of a peer in sync with others.
func keep(ctx context.Context, p *syncPeer, with ...peer.ID) (k *kept, err error) {
	k = &kept{}
	ctx, k.stop = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			k.end()
		}
	}()
	gossip, err := record.NewPubSub(ctx, p.host)
	if err != nil {
		return k, err
	}
	watch, err := openPosts.tree.Watch(ctx, p.store, models.Range[uint64]{}, models.WatchOptions{})
	if err != nil {
		return k, err
	}
	k.done.Go(func() {
		for change, err := range watch {
			if err != nil {
				k.fail(ctx, err)
				return
			}
			if change.Kind == models.RowChanged {
				k.rows.Add(1)
			}
		}
	})
	k.done.Go(func() {
		k.fail(ctx, p.node.KeepSynced(ctx, record.KeepSynced{
			Topics: []string{openPosts.topic.Name()}, Peers: with, Alone: true, PubSub: gossip,
			Done: func(_ record.SyncReport, err error) { k.fail(ctx, err) },
		}))
	})
	return k, nil
}

// fail keeps an error that is not the end.
func (k *kept) fail(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		k.failed.Store(&err)
	}
}

func (k *kept) end() {
	k.stop()
	k.done.Wait()
}

// wait waits until so many rows have come.
func (k *kept) wait(ctx context.Context, rows int) error {
	return awaitRows(ctx, &k.rows, rows, &k.failed)
}

// awaitRows waits until so many rows have been counted, or something has failed.
func awaitRows(ctx context.Context, count *atomic.Int64, rows int, failed *atomic.Pointer[error]) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for count.Load() < int64(rows) {
		if err := failed.Load(); err != nil {
			return *err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d of %d rows have come: %w", count.Load(), rows, ctx.Err())
		}
	}
	return nil
}

// joinOurs fills a peer, brings an empty one to it, and changes some rows.
func (m *syncMeasure) joinOurs() (j joined, err error) {
	dirs := [2]string{filepath.Join(m.dir, "full"), filepath.Join(m.dir, "new")}
	defer os.RemoveAll(m.dir)
	tree := openPosts.tree
	full, err := openSyncPeer(m.ctx, m.engine.open(dirs[0]), openPosts.definition)
	if err != nil {
		return j, err
	}
	defer func() { err = errors.Join(err, full.Close()) }()
	for block := range inBlocks(postsFrom(nobody, 0, m.o.rival), inOneWrite) {
		if err := tree.PutMany(m.ctx, full.store, block); err != nil {
			return j, err
		}
	}
	source, err := keep(m.ctx, full)
	if err != nil {
		return j, err
	}
	defer source.end()
	fresh, err := openSyncPeer(m.ctx, m.engine.open(dirs[1]), openPosts.definition)
	if err != nil {
		return j, err
	}
	defer func() {
		err = errors.Join(err, fresh.Close())
		if err == nil {
			j.disk, err = spaceOf(dirs[1])
		}
	}()
	runtime.GC()
	if err := settle(m.ctx); err != nil {
		return j, err
	}
	began := now()
	if err := connectHosts(m.ctx, fresh.host, full.host); err != nil {
		return j, err
	}
	copied, err := keep(m.ctx, fresh, full.host.ID())
	if err != nil {
		return j, err
	}
	defer copied.end()
	if err := copied.wait(m.ctx, m.o.rival); err != nil {
		return j, err
	}
	j.first = began.cost()
	if err := settle(m.ctx); err != nil {
		return j, err
	}
	j.firstBytes = full.traffic.sent.Load() + fresh.traffic.sent.Load()

	began = now()
	for i := range changes {
		row := m.changed(i)
		if err := tree.Put(m.ctx, full.store, &row); err != nil {
			return j, err
		}
	}
	if err := copied.wait(m.ctx, m.o.rival+changes); err != nil {
		return j, err
	}
	j.later = began.cost()
	if err := settle(m.ctx); err != nil {
		return j, err
	}
	j.laterBytes = full.traffic.sent.Load() + fresh.traffic.sent.Load() - j.firstBytes
	return j, nil
}

// crdtPeer is a peer with a go-ds-crdt, set up as its README says: a PubSubBroadcaster, and the DAG
// service and bitswap of ipfs-lite.
type crdtPeer struct {
	below    backend.Store
	host     host.Host
	exchange *bitswap.Bitswap
	store    *crdt.Datastore
	stop     context.CancelFunc
	traffic  *traffic
	// put counts the puts of both peers that have come here.
	put atomic.Int64
}

func openCRDTPeer(ctx context.Context, below backend.Backend, dir string) (p *crdtPeer, err error) {
	p = &crdtPeer{traffic: newTraffic()}
	ctx, p.stop = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return p, err
	}
	if p.below, err = below.Open(dir); err != nil {
		return p, err
	}
	if p.host, err = newSyncHost(p.traffic); err != nil {
		return p, err
	}
	gossip, err := pubsub.NewGossipSub(ctx, p.host)
	if err != nil {
		return p, err
	}
	broadcaster, err := crdt.NewPubSubBroadcaster(ctx, gossip, "posts")
	if err != nil {
		return p, err
	}
	blocks := blockstore.NewBlockstore(p.below)
	p.exchange = bitswap.New(ctx, bsnet.NewFromIpfsHost(p.host), nil, blocks)
	options := crdt.DefaultOptions()
	options.RebroadcastInterval = rebroadcast
	options.PutHook = func(ds.Key, []byte) { p.put.Add(1) }
	p.store, err = crdt.New(p.below, ds.NewKey("/crdt"),
		merkledag.NewDAGService(blockservice.New(blocks, p.exchange)), broadcaster, options)
	return p, err
}

// rebroadcast is how often a peer tells of its heads, so that a new peer need not wait for the minute
// of the default.
const rebroadcast = 100 * time.Millisecond

// Close closes as much of the peer as is open.
func (p *crdtPeer) Close() error {
	p.stop() // crdt wants it before Close
	var all []error
	if p.store != nil {
		all = append(all, p.store.Close())
	}
	if p.exchange != nil {
		all = append(all, p.exchange.Close())
	}
	if p.host != nil {
		all = append(all, p.host.Close())
	}
	if p.below != nil {
		all = append(all, p.below.Close())
	}
	return errors.Join(all...)
}

// wait waits until so many puts have come.
func (p *crdtPeer) wait(ctx context.Context, puts int) error {
	return awaitRows(ctx, &p.put, puts, new(atomic.Pointer[error]))
}

// has checks that the peer has a row, and so many in all.
func (p *crdtPeer) has(ctx context.Context, row *post, rows int) error {
	found, err := p.store.Query(ctx, dsq.Query{KeysOnly: true})
	if err != nil {
		return err
	}
	all, err := found.Rest()
	if err != nil {
		return err
	}
	value, err := p.store.Get(ctx, crdtKey(row))
	if err != nil {
		return err
	}
	want, err := crdtValue(row)
	if err == nil && (len(all) != rows || string(value) != string(want)) {
		err = fmt.Errorf("the new peer has %d rows, or another row %d", len(all), row.Story.ID)
	}
	return err
}

func crdtKey(row *post) ds.Key { return ds.NewKey(fmt.Sprintf("/post/%020d", row.Story.ID)) }

// crdtValue is the value that our tree has of the row.
func crdtValue(row *post) (value []byte, err error) {
	_, value, err = openPosts.tree.Encode(row)
	return value, err
}

// joinCRDT does with go-ds-crdt what joinOurs does.
func (m *syncMeasure) joinCRDT(name string) (j joined, err error) {
	below, err := backend.Find(name)
	if err != nil {
		return j, err
	}
	dirs := [2]string{filepath.Join(m.dir, "full"), filepath.Join(m.dir, "new")}
	defer os.RemoveAll(m.dir)
	full, err := openCRDTPeer(m.ctx, below, dirs[0])
	if err != nil {
		return j, err
	}
	defer func() { err = errors.Join(err, full.Close()) }()
	for block := range inBlocks(postsFrom(nobody, 0, m.o.rival), inOneWrite) {
		if err := full.putAll(m.ctx, block); err != nil {
			return j, err
		}
	}
	fresh, err := openCRDTPeer(m.ctx, below, dirs[1])
	if err != nil {
		return j, err
	}
	defer func() {
		err = errors.Join(err, fresh.Close())
		if err == nil {
			j.disk, err = spaceOf(dirs[1])
		}
	}()
	runtime.GC()
	if err := settle(m.ctx); err != nil {
		return j, err
	}
	began := now()
	if err := connectHosts(m.ctx, fresh.host, full.host); err != nil {
		return j, err
	}
	if err := fresh.wait(m.ctx, m.o.rival); err != nil {
		return j, err
	}
	j.first = began.cost()
	if err := settle(m.ctx); err != nil {
		return j, err
	}
	j.firstBytes = full.traffic.sent.Load() + fresh.traffic.sent.Load()

	began = now()
	for i := range changes {
		row := m.changed(i)
		value, err := crdtValue(&row)
		if err != nil {
			return j, err
		}
		if err := full.store.Put(m.ctx, crdtKey(&row), value); err != nil {
			return j, err
		}
	}
	if err := fresh.wait(m.ctx, m.o.rival+changes); err != nil {
		return j, err
	}
	j.later = began.cost()
	if err := settle(m.ctx); err != nil {
		return j, err
	}
	j.laterBytes = full.traffic.sent.Load() + fresh.traffic.sent.Load() - j.firstBytes
	last := m.changed(changes - 1)
	return j, fresh.has(m.ctx, &last, m.o.rival)
}

// putAll puts rows in one batch.
func (p *crdtPeer) putAll(ctx context.Context, rows []post) error {
	batch, err := p.store.Batch(ctx)
	if err != nil {
		return err
	}
	for i := range rows {
		value, err := crdtValue(&rows[i])
		if err != nil {
			return err
		}
		if err := batch.Put(ctx, crdtKey(&rows[i]), value); err != nil {
			return err
		}
	}
	return batch.Commit(ctx)
}
