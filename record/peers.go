package record

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
)

// Peer is a provider. Rows of provider records have its number in place of its
// id, which is ten times as long.
type Peer struct {
	Number PeerNumber
	ID     peer.ID
}

// PeerNumber is the number that a provider has in this store as long as it
// provides something here.
type PeerNumber uint32

var (
	// Peers holds the providers, by number.
	Peers = models.NewTree("peer", models.UintOf[PeerNumber](),
		func(p *Peer) PeerNumber { return p.Number },
		models.WithCodec(models.Codec[Peer](peerIDCodec{})),
		models.WithKey(func(p *Peer, n PeerNumber) { p.Number = n }))

	// PeerByID finds the number of a provider.
	PeerByID = models.NewUnique(Peers, "id", models.StringOf[peer.ID](), func(p *Peer) peer.ID { return p.ID })
)

// peerIDCodec writes the peer id.
type peerIDCodec struct{}

func (peerIDCodec) Name() string { return "libp2p-peer" }

func (peerIDCodec) Fields() []models.Field { return nil }

func (peerIDCodec) Append(dst []byte, p *Peer) ([]byte, error) { return append(dst, p.ID...), nil }

func (peerIDCodec) Decode(src []byte, p *Peer) error {
	*p = Peer{ID: peer.ID(src)}
	return nil
}

// knownPeers is of how many providers number and id are kept in memory, in 40 MiB
// at most: the number of an id for those that came up last, the id of a number as
// peerIDs say.
const knownPeers = 128 << 10

// peerIDs are ids by number. Each number has a place, and shares it with those that
// are a multiple of knownPeers away: as numbers are handed out one after the other,
// those in use are kept together.
type peerIDs struct {
	pages [knownPeers / peerPage]*[peerPage]Peer
}

const peerPage = 256

// at returns the place of a number, nil while there is none.
func (p *peerIDs) at(n PeerNumber) *Peer {
	page := p.pages[n%knownPeers/peerPage]
	if page == nil {
		return nil
	}
	return &page[n%peerPage]
}

func (p *peerIDs) get(n PeerNumber) (id peer.ID, ok bool) {
	if known := p.at(n); known != nil && known.Number == n {
		return known.ID, known.ID != ""
	}
	return "", false
}

func (p *peerIDs) put(known Peer) {
	page := &p.pages[known.Number%knownPeers/peerPage]
	if *page == nil {
		*page = new([peerPage]Peer)
	}
	*p.at(known.Number) = known
}

func (p *peerIDs) remove(n PeerNumber) {
	if _, ok := p.get(n); ok {
		*p.at(n) = Peer{}
	}
}

// peerNumbers are the numbers of providers, as far as they are known in memory.
type peerNumbers struct {
	number *lru.Cache[peer.ID, PeerNumber]
	// last is the highest number that has been given.
	last atomic.Uint32

	mu sync.RWMutex
	id peerIDs
	// epoch is how often numbers have been taken back. Who reads a number to keep
	// it here says in which epoch, so that none is kept that is nobody's by then.
	epoch uint64
}

func (n *peerNumbers) init() (err error) {
	n.number, err = lru.New[peer.ID, PeerNumber](knownPeers)
	return err
}

// load finds out which number was the last.
func (n *peerNumbers) load(ctx context.Context, from models.Reader) error {
	for last, err := range Peers.Keys(ctx, from, models.Range[PeerNumber]{}.Reverse().Limit(1)) {
		if err != nil {
			return err
		}
		n.last.Store(uint32(last))
	}
	return nil
}

// now returns the epoch in which what is read next is read.
func (n *peerNumbers) now() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.epoch
}

// know keeps the number of a peer that was read in epoch or later.
func (n *peerNumbers) know(epoch uint64, p Peer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if epoch == n.epoch {
		n.add(p)
	}
}

func (n *peerNumbers) add(p Peer) {
	n.number.Add(p.ID, p.Number)
	n.id.put(p)
}

// idOf returns the id of a number that is known.
func (n *peerNumbers) idOf(number PeerNumber) (peer.ID, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.id.get(number)
}

// committed keeps what a transaction has read, in epoch or later, and the numbers
// that it has given, and drops those that it has taken back.
func (n *peerNumbers) committed(epoch uint64, met, added map[peer.ID]PeerNumber, dropped []Peer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if epoch == n.epoch {
		for id, number := range met {
			n.add(Peer{number, id})
		}
	}
	for id, number := range added {
		n.add(Peer{number, id})
	}
	for _, p := range dropped {
		n.epoch++
		n.number.Remove(p.ID)
		n.id.remove(p.Number)
	}
}

// numberOf returns the number of a peer, or 0, which none has.
func (r *Records) numberOf(ctx context.Context, from models.Reader, id peer.ID) (PeerNumber, error) {
	if n, ok := r.numbers.number.Get(id); ok {
		return n, nil
	}
	epoch := r.numbers.now()
	p, err := PeerByID.Get(ctx, from, id)
	if errors.Is(err, models.ErrNotFound) {
		return 0, nil
	}
	if err == nil && from == models.Reader(r.store) { // a transaction may be undone
		r.numbers.know(epoch, p)
	}
	return p.Number, err
}

// idOf returns the id of a peer, or "" if there is none of that number any more.
func (r *Records) idOf(ctx context.Context, from models.Reader, n PeerNumber) (peer.ID, error) {
	if id, ok := r.numbers.idOf(n); ok {
		return id, nil
	}
	epoch := r.numbers.now()
	p, err := Peers.Get(ctx, from, n)
	if errors.Is(err, models.ErrNotFound) {
		return "", nil
	}
	if err == nil && from == models.Reader(r.store) {
		r.numbers.know(epoch, p)
	}
	return p.ID, err
}

// numberOf is that of Records, and knows the peers that the transaction has added.
func (l *ledger) numberOf(id peer.ID) (PeerNumber, error) {
	if n, ok := l.records.numbers.number.Get(id); ok {
		return n, nil
	}
	if n, ok := l.added[id]; ok {
		return n, nil
	}
	n, err := l.records.numberOf(l.ctx, l.tx, id)
	if n != 0 {
		l.met[id] = n
	}
	return n, err
}

// addPeer gives a peer a number.
func (l *ledger) addPeer(id peer.ID) (PeerNumber, error) {
	n := l.records.numbers.last.Add(1)
	if n == math.MaxUint32 {
		l.records.numbers.last.Store(n - 1)
		return 0, fmt.Errorf("%w: no number is left for a peer", ErrFull)
	}
	p := Peer{PeerNumber(n), id}
	l.added[id] = p.Number
	return p.Number, Peers.Put(l.ctx, l.tx, &p)
}

// dropPeer removes a peer that provides nothing any more.
func (l *ledger) dropPeer(n PeerNumber) error {
	p, err := Peers.Get(l.ctx, l.tx, n)
	if errors.Is(err, models.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	delete(l.added, p.ID)
	delete(l.met, p.ID)
	l.dropped = append(l.dropped, p)
	return Peers.Delete(l.ctx, l.tx, n)
}
