package record

import (
	lru "github.com/hashicorp/golang-lru/v2"
)

// countedPeers is for how many peers it is remembered how many keys they provide.
// Those who came last have some 4 MiB; the others are looked up again.
const countedPeers = 32 << 10

// peerCounts remembers how many keys peers provide.
type peerCounts struct{ of *lru.Cache[PeerNumber, int] }

func newPeerCounts() (peerCounts, error) {
	of, err := lru.New[PeerNumber, int](countedPeers)
	return peerCounts{of}, err
}

// add adds what a transaction has changed.
func (c peerCounts) add(changes map[PeerNumber]int) {
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

// keysOf returns how many keys a peer provides, with what the transaction has
// changed.
func (l *ledger) keysOf(p PeerNumber) (int, error) {
	n, ok := l.records.counts.of.Get(p)
	if !ok || l.shared {
		var err error
		if n, err = countRefs(l.ctx, l.tx, Shares, uint32(p)); err != nil {
			return 0, err
		}
		n += l.records.owed.keysOf(p)
		if !l.shared {
			l.records.counts.of.Add(p, n)
		}
	}
	return n + l.peers[p], nil
}

// checkBounds refuses another offer of a peer, 0 for one that provides nothing yet,
// for a key of which shard 0 is being edited, if either has as many as it may.
func (l *ledger) checkBounds(s *ProviderSet, p PeerNumber) error {
	bounds := l.records.bounds
	if n := uint64(len(s.Offers)) + s.Beyond; bounds.ProvidersPerKey >= 0 && n >= uint64(bounds.ProvidersPerKey) {
		return &BoundError{Bound: "providers of the key", Limit: int64(bounds.ProvidersPerKey)}
	}
	if p == 0 || !l.mayBeFull() {
		return nil
	}
	n, err := l.keysOf(p)
	if err == nil && n >= bounds.KeysPerPeer {
		err = &BoundError{Bound: "keys of the peer", Limit: int64(bounds.KeysPerPeer)}
	}
	return err
}
