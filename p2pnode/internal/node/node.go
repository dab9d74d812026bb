// Package node runs one peer: a libp2p host with a kad-dht server whose records are in a store.
//
//	store, err := datastore.Open(ctx, badger.Engine(dir), record.Definition, blog.Blog)
//	peer, err := node.Start(ctx, store, node.Config{Key: key, Records: record.Options{Models: definitions}})
//	err = peer.Join(ctx, others)
//	_, err = record.Publish(ctx, peer.Record, blog.Users, &alice)
//
// A node does not own its store. Open the store before, and close it after.
package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/pnet"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	webtransport "github.com/libp2p/go-libp2p/p2p/transport/webtransport"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/record"
)

// Loopback listens on TCP and QUIC, at ports that the system chooses, for peers on the same
// machine.
var Loopback = []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"}

// Config configures a node.
type Config struct {
	// Key is the peer's identity. Required.
	Key crypto.PrivKey

	// Records configure the records. The store must be open with their Models and with
	// record.Definition.
	Records record.Options

	// Listen are the multiaddresses to listen on: TCP and QUIC, and for pages in browsers WebSocket
	// and WebTransport. Defaults to Loopback.
	Listen []string

	// Private is the key of a private network, which has TCP and WebSocket only. Defaults to none: the network
	// is open.
	Private pnet.PSK

	// Replication is how many peers store a record: those closest to its key. It is also the
	// bucket size of the DHT's routing table, and should be the same on all peers. Defaults to
	// 20, as in IPFS.
	Replication int

	// Host and DHT are further options, which take precedence.
	Host []libp2p.Option
	DHT  []dht.Option
}

// Bounds of a lookup, from the Kademlia paper: how many peers it asks at a time, and how many
// of the closest must have answered. By default kad-dht asks ten at a time. In a network with
// small buckets that opens connections to peers without a part in the result.
const (
	concurrency = 3
	resiliency  = 3
)

// defaultReplication is kad-dht's default.
const defaultReplication = 20

// Node is a running peer. Its methods and fields may be used concurrently. Do not set the
// fields.
type Node struct {
	Host    host.Host
	DHT     *dht.IpfsDHT
	Records *record.Records
	// Record is the handle for publishing and resolving.
	Record *record.Node
}

// Start starts a peer over store. It is connected to nobody yet.
func Start(ctx context.Context, store *datastore.Store, cfg Config) (_ *Node, err error) {
	if cfg.Listen == nil {
		cfg.Listen = Loopback
	}
	if cfg.Replication == 0 {
		cfg.Replication = defaultReplication
	}
	if err := ctx.Err(); err != nil { // the calls below take no context
		return nil, err
	}
	n := &Node{}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	host := []libp2p.Option{
		libp2p.Identity(cfg.Key),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Transport(websocket.New),
		libp2p.ListenAddrStrings(cfg.Listen...),
	}
	if cfg.Private != nil {
		host = append(host, libp2p.PrivateNetwork(cfg.Private))
	} else {
		host = append(host, libp2p.Transport(quic.NewTransport), libp2p.Transport(webtransport.New))
	}
	n.Host, err = libp2p.New(append(host, cfg.Host...)...)
	if err != nil {
		return nil, fmt.Errorf("start libp2p host: %w", err)
	}
	n.Records, err = record.New(ctx, store, cfg.Records)
	if err != nil {
		return nil, err
	}
	options := append(n.Records.DHTOptions(),
		dht.Mode(dht.ModeServer),
		dht.BucketSize(cfg.Replication),
		dht.Concurrency(concurrency),
		dht.Resiliency(min(resiliency, cfg.Replication)),
	)
	n.DHT, err = dht.New(n.Host, append(options, cfg.DHT...)...)
	if err != nil {
		return nil, fmt.Errorf("start DHT: %w", err)
	}
	if n.Record, err = record.Join(n.Records, n.DHT); err != nil {
		return nil, err
	}
	return n, nil
}

// Address returns the address at which others reach the peer.
func (n *Node) Address() peer.AddrInfo {
	return peer.AddrInfo{ID: n.Host.ID(), Addrs: n.Host.Addrs()}
}

// ErrNobody is returned by Join if it could connect to no peer.
var ErrNobody = errors.New("no peer could be reached")

// Join connects to the given peers and then looks for this peer's own neighbours, so that both
// know one another. One reachable peer is enough. If many peers join at once, call
// FindNeighbours some time later: it finds those that joined meanwhile.
func (n *Node) Join(ctx context.Context, peers []peer.AddrInfo) error {
	var faults []error
	for _, p := range peers {
		if err := n.Host.Connect(ctx, p); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) == len(peers) {
		return errors.Join(append([]error{ErrNobody}, faults...)...)
	}
	if err := n.awaitPeer(ctx); err != nil {
		return err
	}
	return n.FindNeighbours(ctx)
}

// awaitPeer waits until the routing table has a peer. kad-dht first asks a newly connected peer
// whether it serves the DHT, and gives no signal afterwards.
func (n *Node) awaitPeer(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for n.DHT.RoutingTable().Size() == 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: connected, but none answers as a DHT server: %w", ErrNobody, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// FindNeighbours looks up the peer's own ID. So the closest peers come into its routing table,
// and it comes into theirs.
func (n *Node) FindNeighbours(ctx context.Context) error {
	if _, err := n.DHT.GetClosestPeers(ctx, string(n.Host.ID())); err != nil {
		return fmt.Errorf("find neighbours: %w", err)
	}
	return nil
}

// Close leaves the network and makes the records of others durable. It leaves the store open.
// Call it once.
func (n *Node) Close() error {
	var faults []error
	// kad-dht may answer while its host is up, and needs the records for that. So the host
	// closes first and the records last.
	if n.Host != nil {
		faults = append(faults, n.Host.Close())
	}
	if n.DHT != nil {
		faults = append(faults, n.DHT.Close())
	}
	if n.Records != nil {
		faults = append(faults, n.Records.Close())
	}
	return errors.Join(faults...)
}
