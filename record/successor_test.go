package record_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// The price of a bid was a text, and is a number in the tree that succeeds it.
type (
	oldBid struct {
		Bidder peer.ID
		Lot    uint64
		Price  string
	}
	newBid struct {
		Bidder peer.ID
		Lot    uint64
		Price  uint64
		Note   string
	}
	// poll is open, with a clock.
	poll[T any] struct {
		ID, Clock uint64
		Answer    T
	}
)

var (
	oldBids = models.NewTree("bid", models.PairOf(record.PeerKey, models.Uint64),
		func(b *oldBid) OfferKey { return models.MakePair(b.Bidder, b.Lot) }, models.WithPolicy[oldBid](models.Signed))
	newBids = models.NewTree("bid2", models.PairOf(record.PeerKey, models.Uint64),
		func(b *newBid) OfferKey { return models.MakePair(b.Bidder, b.Lot) }, models.WithPolicy[newBid](models.Signed))
	oldPolls, newPolls = newPollTree[string]("poll"), newPollTree[uint64]("poll2")

	oldAuction = models.NewDefinition("auction", oldBids, oldPolls)
	newAuction = models.NewDefinition("auction2", newBids, newPolls)

	bids = record.Successor[oldBid, OfferKey, newBid, OfferKey]{
		Old: oldBids, New: newBids, Key: func(k OfferKey) OfferKey { return k },
		Upgrade: func(b *oldBid) (newBid, error) {
			price, err := strconv.ParseUint(b.Price, 10, 64)
			return newBid{Bidder: b.Bidder, Lot: b.Lot, Price: price}, err
		},
		Downgrade: func(b *newBid) (oldBid, error) {
			if b.Price == 0 {
				return oldBid{}, errNoPrice
			}
			return oldBid{b.Bidder, b.Lot, fmt.Sprint(b.Price)}, nil
		},
	}
	polls = record.Successor[poll[string], uint64, poll[uint64], uint64]{
		Old: oldPolls, New: newPolls, Key: func(id uint64) uint64 { return id },
		Upgrade: func(p *poll[string]) (poll[uint64], error) {
			n, err := strconv.ParseUint(p.Answer, 10, 64)
			return poll[uint64]{p.ID, p.Clock, n}, err
		},
		Downgrade: func(p *poll[uint64]) (poll[string], error) {
			return poll[string]{p.ID, p.Clock, fmt.Sprint(p.Answer)}, nil
		},
	}
	errNoPrice = errors.New("no price")
)

func newPollTree[T any](name string) *models.Tree[poll[T], uint64] {
	return models.NewTree(name, models.Uint64, func(p *poll[T]) uint64 { return p.ID },
		models.WithPolicy[poll[T]](models.Open), models.WithClock(func(p *poll[T]) uint64 { return p.Clock }))
}

// Peers that have both trees publish in both and resolve the better record of either. Peers that
// have only the old one read and write as before.
func TestSuccessor(t *testing.T) {
	ctx := t.Context()
	both, only := market(), market()
	both.Models = []*models.Definition{oldAuction, newAuction}
	only.Models = []*models.Definition{oldAuction}
	ada, ben, old := newNodeWith(t, memory.Engine(), both), newNodeWith(t, memory.Engine(), both), newNodeWith(t, memory.Engine(), only)
	connect(t, ada.dht, ben.dht, old.dht)

	bid := newBid{ada.host.ID(), 7, 100, "by hand"}
	key := models.MakePair(bid.Bidder, bid.Lot)
	reports, err := bids.Publish(ctx, ada.node, &bid)
	if err != nil || len(reports.Old.Took) != 2 || len(reports.New.Took) != 1 {
		t.Fatalf("published: %+v, %v", reports, err)
	}
	if got, err := bids.Resolve(ctx, ben.node, key); err != nil || got != bid {
		t.Errorf("resolved is %+v, %v, want %+v", got, err, bid)
	}
	if got, err := record.Resolve(ctx, old.node, oldBids, key); err != nil || got != (oldBid{bid.Bidder, 7, "100"}) {
		t.Errorf("the old program resolves %+v, %v", got, err)
	}
	// Old programs go on, in the old tree alone.
	if _, err := record.Publish(ctx, old.node, oldBids, &oldBid{old.host.ID(), 8, "30"}); err != nil {
		t.Fatal(err)
	}
	got, err := bids.Resolve(ctx, ben.node, models.MakePair(old.host.ID(), uint64(8)))
	if want := (newBid{old.host.ID(), 8, 30, ""}); err != nil || got != want {
		t.Errorf("resolved is %+v, %v, want %+v", got, err, want)
	}
	// A record of the old tree that is newer than that of the new one is the better.
	if _, err := polls.Publish(ctx, ada.node, &poll[uint64]{1, 5, 50}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ clock, answer, want uint64 }{{4, 40, 50}, {5, 99, 50}, {6, 60, 60}} {
		_, err := record.Publish(ctx, old.node, oldPolls, &poll[string]{1, step.clock, fmt.Sprint(step.answer)})
		if err != nil && !errors.Is(err, record.ErrOldRecord) {
			t.Fatal(err)
		}
		if got, err := polls.Resolve(ctx, ben.node, 1); err != nil || got.Answer != step.want {
			t.Errorf("with an old answer of clock %d: %+v, %v, want %d", step.clock, got, err, step.want)
		}
	}
	if _, err := bids.Retract(ctx, ada.node, key); err != nil {
		t.Fatal(err)
	}
	_, err = record.Resolve(ctx, old.node, oldBids, key)
	_, newErr := bids.Resolve(ctx, ben.node, key)
	_, noneErr := bids.Resolve(ctx, ben.node, models.MakePair(bid.Bidder, uint64(404)))
	for _, err := range []error{err, newErr, noneErr} {
		if !errors.Is(err, models.ErrNotFound) {
			t.Errorf("resolving what is not there: %v", err)
		}
	}
	if _, err := bids.Publish(ctx, ada.node, &newBid{Bidder: ada.host.ID(), Lot: 9}); !errors.Is(err, errNoPrice) {
		t.Errorf("a bid that the old tree cannot have: %v", err)
	}
	if _, err := record.Publish(ctx, old.node, oldPolls, &poll[string]{2, 1, "none"}); err != nil {
		t.Fatal(err)
	}
	if _, err := polls.Resolve(ctx, ben.node, 2); !errors.Is(err, strconv.ErrSyntax) {
		t.Errorf("a row that cannot be upgraded: %v", err)
	}
}

// Every method refuses trees that do not succeed each other.
func TestSuccessorsThatAreNone(t *testing.T) {
	lacking, mixed := bids, polls
	lacking.Upgrade = nil
	mixed.Old = models.NewTree("poll", models.Uint64, func(p *poll[string]) uint64 { return p.ID })
	fixed := record.Successor[Photo, record.Hash, Photo, record.Hash]{
		Old: Photos, New: Photos, Key: func(h record.Hash) record.Hash { return h },
		Upgrade: func(p *Photo) (Photo, error) { return *p, nil }, Downgrade: func(p *Photo) (Photo, error) { return *p, nil },
	}
	ctx := t.Context()
	_, publish := lacking.Publish(ctx, nil, &newBid{})
	_, retract := mixed.Retract(ctx, nil, 1)
	_, resolve := fixed.Resolve(ctx, nil, record.Hash{})
	for _, err := range []error{publish, retract, resolve} {
		if !errors.Is(err, models.ErrDefinition) {
			t.Errorf("%v, want ErrDefinition", err)
		}
	}
}
