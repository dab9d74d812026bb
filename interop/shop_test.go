package interop_test

import (
	"context"
	"testing"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	libp2ppeer "github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// Item is the model that the peers of these tests exchange.
type Item struct {
	ID      uint64   `cbor:"id"`
	Version uint64   `cbor:"version"`
	Name    string   `cbor:"name"`
	Maker   string   `cbor:"maker"`
	Tags    []string `cbor:"tags"`
}

// Deed belongs to a peer, which signs it.
type Deed struct {
	Owner  libp2ppeer.ID `cbor:"owner"`
	Number uint64        `cbor:"number"`
	Text   string        `cbor:"text"`
}

// DeedKey is the primary key of a Deed.
type DeedKey = models.Pair[libp2ppeer.ID, uint64]

// Picture never changes.
type Picture struct {
	ID    record.Hash `cbor:"-"`
	Title string      `cbor:"title"`
}

var (
	Items = models.NewTree("item", models.Uint64, func(i *Item) uint64 { return i.ID },
		models.WithClock(func(i *Item) uint64 { return i.Version }), models.WithPolicy[Item](models.Open))
	ItemByMaker = models.NewIndex(Items, "maker", models.String, func(i *Item) string { return i.Maker })
	AllItems    = models.NewTopic(Items, "all", nil)
	Deeds       = models.NewTree("deed", models.PairOf(record.PeerKey, models.Uint64),
		func(d *Deed) DeedKey { return models.MakePair(d.Owner, d.Number) }, models.WithPolicy[Deed](models.Signed))
	DeedByText = models.NewIndex(Deeds, "text", models.String, func(d *Deed) string { return d.Text })
	Pictures   = models.NewTree("picture", record.HashKey, func(p *Picture) record.Hash { return p.ID },
		models.WithKey(func(p *Picture, id record.Hash) { p.ID = id }), models.WithPolicy[Picture](models.Immutable))
	Shop = models.NewDefinition("shop", Items, Deeds, Pictures)
)

// peer is a peer with all parts of Netabase.
type peer struct {
	dht     *dht.IpfsDHT
	records *record.Records
	node    *record.Node
	store   *datastore.Store
}

// newHost starts a host that listens at an address, on TCP unless it is given.
func newHost(t *testing.T, listen ...string) host.Host {
	t.Helper()
	if listen == nil {
		listen = []string{"/ip4/127.0.0.1/tcp/0"}
	}
	h, err := libp2p.New(libp2p.ListenAddrStrings(listen...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// newRecords opens a store with records of a shop. It is verified at the end.
func newRecords(t *testing.T, eng engine.Engine, shop *models.Definition) (*record.Records, *datastore.Store) {
	t.Helper()
	store := datastore.Temp(t, eng, record.Definition, shop)
	records, err := record.New(t.Context(), store, record.Options{Models: []*models.Definition{shop}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := records.Close(); err != nil {
			t.Error(err)
		}
	})
	return records, store
}

func newDHT(t *testing.T, h host.Host, opts ...dht.Option) *dht.IpfsDHT {
	t.Helper()
	d, err := dht.New(h, append(opts, dht.Mode(dht.ModeServer), dht.DisableAutoRefresh())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// newPeer starts a peer with its records in memory.
func newPeer(t *testing.T) *peer {
	t.Helper()
	return newPeerOn(t, memory.Engine(), Shop)
}

// newPeerOn starts a peer on an engine, which listens as newHost does.
func newPeerOn(t *testing.T, eng engine.Engine, shop *models.Definition, listen ...string) *peer {
	t.Helper()
	records, store := newRecords(t, eng, shop)
	d := newDHT(t, newHost(t, listen...), records.DHTOptions()...)
	node, err := record.Join(records, d)
	if err != nil {
		t.Fatal(err)
	}
	return &peer{d, records, node, store}
}

// byMaker returns the items of a maker that lie in the peer's own store.
func (p *peer) byMaker(t *testing.T, maker string) []Item {
	t.Helper()
	var items []Item
	for item, err := range ItemByMaker.Find(context.Background(), p.store, maker) {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	return items
}

// all selects every item.
var all models.Range[uint64]
