// Market runs two peers of a DHT. One publishes an offer under its own name, and takes it
// back. The other can read the offer but not change it. The first also publishes a
// picture, which nobody can change.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// Offer belongs to its seller: the primary key begins with a peer id.
type Offer struct {
	Seller peer.ID
	Number uint64
	Title  string
	Price  int64
}

type OfferKey = models.Pair[peer.ID, uint64]

// Picture has the hash of its value as its key, which is no part of the value.
type Picture struct {
	ID    record.Hash `cbor:"-"`
	Title string
	Data  []byte
}

var (
	Offers = models.NewTree("offer", models.PairOf(record.PeerKey, models.Uint64),
		func(o *Offer) OfferKey { return models.MakePair(o.Seller, o.Number) }, models.WithPolicy[Offer](models.Signed))
	OfferByTitle = models.NewIndex(Offers, "title", models.String, func(o *Offer) string { return o.Title })

	Pictures = models.NewTree("picture", record.HashKey, func(p *Picture) record.Hash { return p.ID },
		models.WithKey(func(p *Picture, id record.Hash) { p.ID = id }), models.WithPolicy[Picture](models.Immutable))

	Market = models.NewDefinition("market", Offers, Pictures)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// trader is a peer of the market.
type trader struct {
	host    host.Host
	records *record.Records
	dht     *dht.IpfsDHT
	node    *record.Node
}

func newTrader(ctx context.Context) (*trader, error) {
	records, err := record.Open(ctx, memory.Engine(), record.Options{
		Models: []*models.Definition{Market},
	})
	if err != nil {
		return nil, err
	}
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		return nil, errors.Join(err, records.Close())
	}
	d, err := dht.New(h, append(records.DHTOptions(), dht.Mode(dht.ModeServer))...)
	if err != nil {
		return nil, errors.Join(err, h.Close(), records.Close())
	}
	node, err := record.Join(records, d)
	if err != nil {
		return nil, errors.Join(err, d.Close(), h.Close(), records.Close())
	}
	return &trader{h, records, d, node}, nil
}

func (t *trader) close() error { return errors.Join(t.dht.Close(), t.host.Close(), t.records.Close()) }

func run(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	seller, err := newTrader(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, seller.close()) }()
	buyer, err := newTrader(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, buyer.close()) }()
	if err := meet(ctx, seller, buyer); err != nil {
		return err
	}

	// The buyer sees each offer as it arrives.
	changes, err := Offers.Watch(ctx, buyer.records.Store(), models.Range[OfferKey]{}, models.WatchOptions{})
	if err != nil {
		return err
	}
	lamp := Offer{Seller: seller.host.ID(), Number: 1, Title: "lamp", Price: 20}
	report, err := record.Publish(ctx, seller.node, Offers, &lamp)
	if err != nil {
		return err
	}
	fmt.Println("peers that took the offer:", len(report.Took))
	for c, err := range changes {
		if err != nil {
			return err
		}
		fmt.Println("arrived:", c.New.Title, c.New.Price)
		break
	}
	n, err := OfferByTitle.Count(ctx, buyer.records.Store(), models.Only("lamp"))
	if err != nil {
		return err
	}
	fmt.Println("found by title:", n)

	// Nobody else can change the offer.
	cheap := lamp
	cheap.Price = 1
	_, err = record.Publish(ctx, buyer.node, Offers, &cheap)
	fmt.Println("the buyer's price is refused:", errors.Is(err, record.ErrNotOwner))

	key := models.MakePair(lamp.Seller, lamp.Number)
	if _, err := record.Retract(ctx, seller.node, Offers, key); err != nil {
		return err
	}
	_, err = record.Resolve(ctx, buyer.node, Offers, key)
	fmt.Println("taken back:", errors.Is(err, models.ErrNotFound))

	// The key of a picture is the hash of its value.
	cat := Picture{Title: "a cat", Data: []byte("=^.^=")}
	if err := record.Identify(Pictures, &cat); err != nil {
		return err
	}
	if _, err := record.Publish(ctx, seller.node, Pictures, &cat); err != nil {
		return err
	}
	found, err := record.Resolve(ctx, buyer.node, Pictures, cat.ID)
	if err != nil {
		return err
	}
	fmt.Printf("%.8s… is %s\n", found.ID, found.Title)
	return nil
}

// meet connects two peers, and waits until their DHTs know.
func meet(ctx context.Context, a, b *trader) error {
	if err := a.host.Connect(ctx, peer.AddrInfo{ID: b.host.ID(), Addrs: b.host.Addrs()}); err != nil {
		return err
	}
	for a.dht.RoutingTable().Size() == 0 || b.dht.RoutingTable().Size() == 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}
