package interop_test

import (
	"context"
	"errors"
	"testing"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// Item is what the peers of these tests exchange.
type Item struct {
	ID      uint64   `cbor:"id"`
	Version uint64   `cbor:"version"`
	Name    string   `cbor:"name"`
	Maker   string   `cbor:"maker"`
	Tags    []string `cbor:"tags"`
}

var (
	Items = models.NewTree("item", models.Uint64, func(i *Item) uint64 { return i.ID },
		models.WithClock(func(i *Item) uint64 { return i.Version }))
	ItemByMaker = models.NewIndex(Items, "maker", models.String, func(i *Item) string { return i.Maker })
	Shop        = models.NewDefinition("shop", Items)
)

// peer is a peer with all that Netabase has.
type peer struct {
	host    host.Host
	dht     *dht.IpfsDHT
	records *record.Records
	store   *datastore.Store
}

func newHost(t *testing.T) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
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

// newPeer starts a peer. Its store is verified at the end.
func newPeer(t *testing.T) *peer {
	t.Helper()
	store := datastore.Temp(t, memory.Engine(), record.Definition, Shop)
	records, err := record.New(store, record.Options{Models: []*models.Definition{Shop}})
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t)
	d, err := dht.New(h, append(records.DHTOptions(), dht.Mode(dht.ModeServer), dht.DisableAutoRefresh())...)
	if err != nil {
		t.Fatal(errors.Join(err, records.Close()))
	}
	t.Cleanup(func() {
		if err := errors.Join(d.Close(), records.Close()); err != nil {
			t.Error(err)
		}
	})
	return &peer{h, d, records, store}
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
