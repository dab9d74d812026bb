// Crdt-datastore keeps a typed tree at two peers by go-ds-crdt, for programs that want its protocol. The
// values of the go-ds-crdt are the rows of the tree, so the rows and their indexes are the same at both
// peers. The README says when to take this and when a topic.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/ipfs/boxo/bitswap"
	"github.com/ipfs/boxo/bitswap/network/bsnet"
	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/ipld/merkledag"
	ds "github.com/ipfs/go-datastore"
	crdt "github.com/ipfs/go-ds-crdt"
	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

type Note struct {
	ID    uint64
	Topic string
	Text  string
}

var (
	Notes       = models.NewTree("note", models.Uint64, func(n *Note) uint64 { return n.ID })
	NoteByTopic = models.NewIndex(Notes, "topic", models.String, func(n *Note) string { return n.Topic })

	Notebook = models.NewDefinition("notebook", Notes)
)

// crdtNamespace is where the go-ds-crdt keeps its state in the store.
const crdtNamespace = "/crdt"

// replica is a peer with a copy of the notes.
type replica struct {
	store    *datastore.Store
	host     host.Host
	exchange *bitswap.Bitswap
	crdt     *crdt.Datastore
	stop     context.CancelFunc
}

// open opens a replica, whose store may have notes already.
func open(ctx context.Context, eng engine.Engine) (r *replica, err error) {
	r = &replica{}
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.store, err = datastore.Open(ctx, eng, Notebook); err != nil {
		return r, err
	}
	if r.host, err = libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay()); err != nil {
		return r, err
	}
	gossip, err := pubsub.NewGossipSub(ctx, r.host)
	if err != nil {
		return r, err
	}
	broadcaster, err := crdt.NewPubSubBroadcaster(ctx, gossip, Notes.Name())
	if err != nil {
		return r, err
	}
	below := r.store.Datastore()
	blocks := blockstore.NewBlockstore(below)
	r.exchange = bitswap.New(ctx, bsnet.NewFromIpfsHost(r.host), nil, blocks)
	options := crdt.DefaultOptions()
	options.RebroadcastInterval = time.Second // a minute by default
	r.crdt, err = crdt.New(rows{below, Notes}, ds.NewKey(crdtNamespace),
		merkledag.NewDAGService(blockservice.New(blocks, r.exchange)), broadcaster, options)
	return r, err
}

// close closes as much of the replica as is open.
func (r *replica) close() (err error) {
	r.stop() // go-ds-crdt wants the broadcaster to end before Close
	if r.crdt != nil {
		err = r.crdt.Close()
	}
	if r.exchange != nil {
		err = errors.Join(err, r.exchange.Close())
	}
	if r.host != nil {
		err = errors.Join(err, r.host.Close())
	}
	if r.store != nil {
		err = errors.Join(err, r.store.Close())
	}
	return err
}

// keyOf is the key of a note in the go-ds-crdt: that of its row in a go-datastore.
func keyOf(id uint64) (ds.Key, error) {
	text, err := Notes.Raw().PathText(Notes.EncodeKey(id))
	return ds.NewKey("/" + Notes.Name() + "/primary/" + text), err
}

// put writes a note at all peers. The notes are read from the tree, and written only here and by remove:
// an ordinary Put would stay at this peer.
func (r *replica) put(ctx context.Context, n Note) error {
	_, value, err := Notes.Encode(&n)
	if err != nil {
		return err
	}
	key, err := keyOf(n.ID)
	if err != nil {
		return err
	}
	return r.crdt.Put(ctx, key, value)
}

// remove removes a note at all peers.
func (r *replica) remove(ctx context.Context, id uint64) error {
	key, err := keyOf(id)
	if err != nil {
		return err
	}
	return r.crdt.Delete(ctx, key)
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	one, err := open(ctx, memory.Engine())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, one.close()) }()
	two, err := open(ctx, memory.Engine())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, two.close()) }()

	// Each writes alone, and then they meet.
	err = errors.Join(
		one.put(ctx, Note{1, "garden", "water the beans"}),
		one.put(ctx, Note{2, "house", "mend the roof"}),
		two.put(ctx, Note{3, "garden", "sow millet"}),
	)
	if err != nil {
		return err
	}
	if err := one.host.Connect(ctx, peer.AddrInfo{ID: two.host.ID(), Addrs: two.host.Addrs()}); err != nil {
		return err
	}
	if err := errors.Join(waitFor(ctx, one, 1, 2, 3), waitFor(ctx, two, 1, 2, 3)); err != nil {
		return err
	}
	if err := two.remove(ctx, 1); err != nil {
		return err
	}
	if err := errors.Join(waitFor(ctx, one, 2, 3), waitFor(ctx, two, 2, 3)); err != nil {
		return err
	}
	for i, r := range []*replica{one, two} {
		for note, err := range NoteByTopic.Range(ctx, r.store, models.Range[string]{}) {
			if err != nil {
				return err
			}
			fmt.Printf("replica %d, %s: %s\n", i+1, note.Topic, note.Text)
		}
	}
	return nil
}

// waitFor waits until a replica has the notes with these ids and no others. A program watches the tree.
func waitFor(ctx context.Context, r *replica, ids ...uint64) error {
	for {
		var got []uint64
		for note, err := range Notes.All(ctx, r.store) {
			if err != nil {
				return err
			}
			got = append(got, note.ID)
		}
		if fmt.Sprint(got) == fmt.Sprint(ids) {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the replica has notes %d, not %d: %w", got, ids, ctx.Err())
		}
	}
}
