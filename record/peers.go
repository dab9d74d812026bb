package record

import (
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
)

// countedPeers is for how many peers it is remembered how many keys they provide.
// Those who came last have some 6 MiB; the others are counted anew by the index,
// which a few peers with many keys can only make costly by themselves being among
// those who came last.
const countedPeers = 32 << 10

// peerCounts remembers how many keys peers provide.
type peerCounts struct{ of *lru.Cache[peer.ID, int] }

func newPeerCounts() (peerCounts, error) {
	of, err := lru.New[peer.ID, int](countedPeers)
	return peerCounts{of}, err
}

// add adds what a transaction has changed. Transactions that run at the same time
// may each miss what the other has counted, until the peer is counted anew.
func (c peerCounts) add(changes map[peer.ID]int) {
	for p, change := range changes {
		if n, ok := c.of.Get(p); ok {
			c.of.Add(p, n+change)
		}
	}
}

// mayBeFull reports whether a peer could have as many keys as it may: none has
// more than there are provider records.
func (l *ledger) mayBeFull() bool {
	limit := int64(l.records.bounds.KeysPerPeer)
	return limit >= 0 && l.records.providers.rows.Load()+l.providers.rows >= limit
}

// countKeysOf sees to it that it is known how many keys a peer provides, while no
// row is being edited.
func (l *ledger) countKeysOf(p peer.ID) error {
	if !l.mayBeFull() || l.records.peers.of.Contains(p) {
		return nil
	}
	enough := models.Only(p).Limit(l.records.bounds.KeysPerPeer + 1)
	n, err := ProviderByPeer.Count(l.ctx, l.tx, enough)
	if err == nil {
		l.records.peers.of.Add(p, n-l.peers[p]) // without what this transaction has put
	}
	return err
}

// checkBounds refuses another offer of a peer for a key of which shard 0 is being
// edited, if either has as many as it may.
func (l *ledger) checkBounds(s *ProviderSet, p peer.ID) error {
	bounds := l.records.bounds
	if n := uint64(len(s.Offers)) + s.Beyond; bounds.ProvidersPerKey >= 0 && n >= uint64(bounds.ProvidersPerKey) {
		return &BoundError{Bound: "providers of the key", Limit: int64(bounds.ProvidersPerKey)}
	}
	if !l.mayBeFull() {
		return nil
	}
	if n, _ := l.records.peers.of.Get(p); n+l.peers[p] >= bounds.KeysPerPeer {
		return &BoundError{Bound: "keys of the peer", Limit: int64(bounds.KeysPerPeer)}
	}
	return nil
}
