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

// member is one peer of the network. One goroutine at a time may call its methods. Store and
// node may be used concurrently while they are set.
type member struct {
	number      int // from 1, as printed
	replication int
	engine      engine.Engine
	// loadKey returns the peer's identity, which never changes.
	loadKey func() (crypto.PrivKey, error)

	served *served // nil without a page

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

// start starts the opened peer, connected to nobody.
func (m *member) start(ctx context.Context) error {
	key, err := m.loadKey()
	if err != nil {
		return fmt.Errorf("peer %d: %w", m.number, err)
	}
	host, err := hostOptions()
	if err != nil {
		return fmt.Errorf("peer %d: %w", m.number, err)
	}
	// The peers are few, and the program tells them when to look for one another. A refresh would have
	// each ask for a dozen random keys as well.
	options := []dht.Option{dht.DisableAutoRefresh()}
	records := record.Options{Models: []*models.Definition{golang.Definition}}
	if m.served != nil {
		options = append(options, dht.OnRequestHook(m.served.asked))
		metered, err := m.served.measure()
		if err != nil {
			return fmt.Errorf("peer %d: %w", m.number, err)
		}
		records.Meters = metered.Provider
	}
	m.node, err = node.Start(ctx, m.store, node.Config{
		Key:         key,
		Records:     records,
		Replication: m.replication,
		Host:        host,
		DHT:         options,
	})
	if err != nil {
		return fmt.Errorf("peer %d: %w", m.number, err)
	}
	m.served.up(m)
	return nil
}

// leave takes the peer out of the network and leaves its store open.
func (m *member) leave() error {
	if m.node == nil {
		return nil
	}
	m.served.down()
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
	// connectionsLow to connectionsHigh is how many connections a peer keeps. A network of the
	// default size has 23 peers and never trims. 200 peers fit into about a gigabyte.
	connectionsLow  = 28
	connectionsHigh = 36
	// trimAfter is the age at which a connection may be trimmed.
	trimAfter = 5 * time.Second
	// dialTimeout is how long a connection may take. On one machine it takes milliseconds. A
	// peer that does not answer in this time has been stopped: with QUIC only silence tells.
	dialTimeout = time.Second
)

// hostOptions are the options of a host besides identity and addresses. They switch off
// everything that finds ways through routers and into the wider Internet.
func hostOptions() ([]libp2p.Option, error) {
	connections, err := connmgr.NewConnManager(connectionsLow, connectionsHigh, connmgr.WithGracePeriod(trimAfter))
	if err != nil {
		return nil, err
	}
	return []libp2p.Option{
		libp2p.ConnectionManager(connections),
		// libp2p's own limits are made for one host in a hostile network. They scale with the
		// memory of the machine, and every host here would claim a share. They count
		// connections by IP address, and all hosts here share one.
		libp2p.ResourceManager(&libp2pnetwork.NullResourceManager{}),
		libp2p.WithDialTimeout(dialTimeout),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.Ping(false),
	}, nil
}
