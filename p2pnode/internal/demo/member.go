package demo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/crypto"
	libp2pnetwork "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/golang"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/node"
	"github.com/newsnet-africa/netabase-go/record"
)

// member is one peer of the network. Its methods must not be called at the same
// time; store and node may be used concurrently while they are there.
type member struct {
	number      int // from 1, as people see it
	replication int
	engine      engine.Engine
	// loadKey gives the peer's identity, the same one every time.
	loadKey func() (crypto.PrivKey, error)

	store *datastore.Store // nil while the member is stopped
	node  *node.Node       // nil while it is not in the network
}

// newMember makes a peer that keeps its data and its identity in dir, or in
// memory.
func newMember(number, replication int, kind Engine, dir string) (*member, error) {
	m := &member{number: number, replication: replication, engine: kind.new(filepath.Join(dir, "store"))}
	if kind.onDisk() {
		m.loadKey = func() (crypto.PrivKey, error) { return node.LoadKey(filepath.Join(dir, "identity.key")) }
		return m, nil
	}
	key, err := node.NewKey()
	if err != nil {
		return nil, err
	}
	m.loadKey = func() (crypto.PrivKey, error) { return key, nil }
	return m, nil
}

// open opens the peer's store, without a network.
func (m *member) open(ctx context.Context) (err error) {
	m.store, err = datastore.Open(ctx, m.engine, record.Definition, golang.Definition)
	if err != nil {
		return fmt.Errorf("peer %d: %w", m.number, err)
	}
	return nil
}

// start brings the opened peer up, connected to nobody.
func (m *member) start(ctx context.Context) error {
	key, err := m.loadKey()
	if err != nil {
		return fmt.Errorf("peer %d: %w", m.number, err)
	}
	host, err := hostOptions()
	if err != nil {
		return fmt.Errorf("peer %d: %w", m.number, err)
	}
	m.node, err = node.Start(ctx, m.store, node.Config{
		Key:         key,
		Models:      []*models.Definition{golang.Definition},
		Replication: m.replication,
		Host:        host,
		// The peers are few and told when to look for one another; refreshing
		// on top of that would have each ask for a dozen random keys.
		DHT: []dht.Option{dht.DisableAutoRefresh()},
	})
	if err != nil {
		return fmt.Errorf("peer %d: %w", m.number, err)
	}
	return nil
}

// leave takes the peer out of the network and leaves its store open.
func (m *member) leave() error {
	if m.node == nil {
		return nil
	}
	err := m.node.Close()
	m.node = nil
	return err
}

// stop takes the peer out of the network and closes its store.
func (m *member) stop() error {
	err := m.leave()
	if m.store != nil {
		err = errors.Join(err, m.store.Close())
		m.store = nil
	}
	return err
}

// Limits of a host that shares its process with hundreds of others.
const (
	// connectionsLow to connectionsHigh is how many connections a peer keeps:
	// more than the 23 of a network with the default size, where nothing is ever
	// trimmed, and few enough for 200 peers to fit into a gigabyte or so.
	connectionsLow  = 28
	connectionsHigh = 36
	// trimAfter is how old a connection is before it may be trimmed.
	trimAfter = 5 * time.Second
	// dialTimeout is how long a connection may take. On one machine it takes
	// milliseconds, and what does not answer in this time is a peer that has
	// been stopped: over QUIC nothing but silence tells.
	dialTimeout = time.Second
)

// hostOptions are what a host needs besides its identity and addresses, or does
// not: everything that finds ways through routers and into the wider Internet is
// off.
func hostOptions() ([]libp2p.Option, error) {
	connections, err := connmgr.NewConnManager(connectionsLow, connectionsHigh, connmgr.WithGracePeriod(trimAfter))
	if err != nil {
		return nil, err
	}
	return []libp2p.Option{
		libp2p.ConnectionManager(connections),
		// libp2p's own limits are made for one host in a hostile network: they
		// scale with the memory of the machine, of which each host would claim a
		// share, and count connections by IP address, of which all share one.
		libp2p.ResourceManager(&libp2pnetwork.NullResourceManager{}),
		libp2p.WithDialTimeout(dialTimeout),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.Ping(false),
	}, nil
}
