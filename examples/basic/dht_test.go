package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

type Member struct {
	ID    uint64
	Name  string
	Email string
}

// The policy of a tree says who may put its records into the DHT.
var (
	Members = models.NewTree("member", models.Uint64,
		func(m *Member) uint64 { return m.ID }, models.WithPolicy[Member](models.Open))
	MemberByEmail = models.NewIndex(Members, "email", models.String, func(m *Member) string { return m.Email })

	Club = models.NewDefinition("club", Members)
)

// node is a peer with a store of its own.
type node struct {
	host    host.Host
	dht     *dht.IpfsDHT
	records *record.Records
	store   *datastore.Store
	*record.Node
}

func start(ctx context.Context, h host.Host, dir string) (*node, error) {
	store, err := datastore.Open(ctx, badger.Engine(dir), record.Definition, Club)
	if err != nil {
		return nil, err
	}
	records, err := record.New(ctx, store, record.Options{Models: []*models.Definition{Club}})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	d, err := dht.New(h, append(records.DHTOptions(), dht.Mode(dht.ModeServer))...)
	if err != nil {
		return nil, errors.Join(err, records.Close(), store.Close())
	}
	joined, err := record.Join(records, d)
	if err != nil {
		return nil, errors.Join(err, d.Close(), records.Close(), store.Close())
	}
	return &node{h, d, records, store, joined}, nil
}

// stop closes what start has opened, from the network inwards.
func (n *node) stop() error {
	return errors.Join(n.host.Close(), n.dht.Close(), n.records.Close(), n.store.Close())
}

func startOnLoopback(t *testing.T) *node {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := start(t.Context(), h, t.TempDir())
	if err != nil {
		t.Fatal(errors.Join(err, h.Close()))
	}
	t.Cleanup(func() {
		if err := n.stop(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func TestDHT(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	one, other := startOnLoopback(t), startOnLoopback(t)
	if err := one.host.Connect(ctx, peer.AddrInfo{ID: other.host.ID(), Addrs: other.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	for one.dht.RoutingTable().Size() == 0 || other.dht.RoutingTable().Size() == 0 {
		select {
		case <-ctx.Done():
			t.Fatal("the peers did not find each other")
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err := spread(ctx, one, other); err != nil {
		t.Fatal(err)
	}
}

func spread(ctx context.Context, one, other *node) error {
	alice := Member{ID: 1, Name: "alice", Email: "alice@example.com"}
	report, err := record.Publish(ctx, one.Node, Members, &alice)
	if err != nil {
		return err
	}
	fmt.Println(len(report.Took), "peers took it")

	// The DHT has placed it on a peer as a row of its tree, indexes included.
	var found []Member
	for member, err := range MemberByEmail.Find(ctx, other.store, "alice@example.com") {
		if err != nil {
			return err
		}
		found = append(found, member)
	}

	// Any peer gets the record from those that hold it.
	resolved, err := record.Resolve(ctx, other.Node, Members, 1)
	if err != nil {
		return err
	}

	if !slices.Equal(found, []Member{alice}) || resolved != alice {
		return fmt.Errorf("found %v and resolved %v, want %v", found, resolved, alice)
	}
	return nil
}
