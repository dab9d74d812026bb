package providers

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// storedPeer is a provider. Rows have its number in place of its id, which is ten times as
// long.
type storedPeer struct {
	Number peerNumber
	ID     peer.ID
}

// peerNumber is the number of a peer in this store. The peer keeps it as long as it provides
// something here. It is at least 1.
type peerNumber uint32

var (
	// peers holds the providers, by number.
	peers = models.NewTree("peer", models.UintOf[peerNumber](),
		func(p *storedPeer) peerNumber { return p.Number },
		models.WithCodec(versioned.Of[storedPeer](peerCodec{})),
		models.WithKey(func(p *storedPeer, n peerNumber) { p.Number = n }))

	// peerByID finds the number of a provider.
	peerByID = models.NewUnique(peers, "id", models.StringOf[peer.ID](), func(p *storedPeer) peer.ID { return p.ID })
)

// peerCodec writes the peer id.
type peerCodec struct{}

func (peerCodec) Name() string { return "libp2p-peer" }

func (peerCodec) Fields() []models.Field { return nil }

func (peerCodec) Append(dst []byte, p *storedPeer) ([]byte, error) { return append(dst, p.ID...), nil }

func (peerCodec) Decode(src []byte, p *storedPeer) error {
	*p = storedPeer{ID: peer.ID(src)}
	return nil
}

// lastNumber returns the highest number of a peer.
func lastNumber(ctx context.Context, from models.Reader) (last peerNumber, err error) {
	for n, err := range peers.Keys(ctx, from, models.Range[peerNumber]{}.Reverse().Limit(1)) {
		return n, err
	}
	return 0, nil
}

// numberOf returns the number of a peer, or 0 if it has none.
func (s *Store) numberOf(ctx context.Context, from models.Reader, id peer.ID) (peerNumber, error) {
	n, known, epoch := s.cache.number(id)
	if known {
		return n, nil
	}
	p, err := peerByID.Get(ctx, from, id)
	if errors.Is(err, models.ErrNotFound) {
		return 0, nil
	}
	if err == nil && s.isStore(from) { // a transaction may be undone
		s.cache.readPeer(epoch, p)
	}
	return p.Number, err
}

// idsOf returns the ids of providers, "" for a provider that has been removed.
func (s *Store) idsOf(ctx context.Context, from models.Reader, providers []provider, ids []peer.ID) ([]peer.ID, error) {
	ids = slices.Grow(ids[:0], len(providers))[:len(providers)]
	clear(ids)
	epoch := s.cache.idsOf(providers, ids)
	for i := range ids {
		if ids[i] != "" {
			continue
		}
		p, err := peers.Get(ctx, from, providers[i].Peer)
		if errors.Is(err, models.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if ids[i] = p.ID; s.isStore(from) {
			s.cache.readPeer(epoch, p)
		}
	}
	return ids, nil
}

// idOf is idsOf for one provider.
func (s *Store) idOf(ctx context.Context, from models.Reader, p *provider) (peer.ID, error) {
	var room [1]peer.ID
	ids, err := s.idsOf(ctx, from, []provider{*p}, room[:0])
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// numberOf returns the number of a peer, or 0 if it has none.
func (t *txn) numberOf(id peer.ID) (peerNumber, error) {
	if n, ok := t.met[id]; ok {
		return n, nil
	}
	n, err := t.s.numberOf(t.ctx, t.read, id)
	if n != 0 {
		t.met[id] = n
	}
	return n, err
}

// idOf returns the id of a provider, "" if it has been removed.
func (t *txn) idOf(p *provider) (peer.ID, error) {
	if id, ok := t.added[p.Peer]; ok {
		return id, nil
	}
	return t.s.idOf(t.ctx, t.read, p)
}

// addPeer gives a peer a number.
func (t *txn) addPeer(id peer.ID) (peerNumber, error) {
	n := t.s.lastNumber.Add(1)
	if n == math.MaxUint32 {
		t.s.lastNumber.Store(n - 1)
		return 0, fmt.Errorf("%w: all numbers for peers are taken", models.ErrTooLarge)
	}
	p := storedPeer{peerNumber(n), id}
	t.met[id], t.added[p.Number] = p.Number, id
	t.counted[p.Number] = 0
	return p.Number, peers.Put(t.ctx, t.tx, &p)
}

// dropPeer removes a peer that no longer provides anything.
func (t *txn) dropPeer(n peerNumber) error {
	p, err := peers.Get(t.ctx, t.tx, n)
	if errors.Is(err, models.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	delete(t.met, p.ID)
	delete(t.added, n)
	t.dropped = append(t.dropped, p)
	return peers.Delete(t.ctx, t.tx, n)
}
