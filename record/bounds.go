package record

import "sync"

const (
	// countedPeers is for how many peers at most it is remembered how many keys
	// they provide, in 8 MiB. The others are looked up again.
	countedPeers = 1 << 20
	// countPage is by how many places the memory for it grows.
	countPage = 4096
)

// peerCounts remembers how many keys peers provide. Each number has a place, and
// shares it with those that are a multiple of countedPeers away.
type peerCounts struct {
	mu    sync.Mutex
	pages [countedPeers / countPage]*[countPage]peerCount
}

type peerCount struct {
	peer PeerNumber // 0 where there is none
	keys int32
}

// at returns the place of a peer. Where it has none and is to have one, it gets it.
func (c *peerCounts) at(p PeerNumber, add bool) *peerCount {
	page := &c.pages[p%countedPeers/countPage]
	if *page == nil {
		if !add {
			return &peerCount{}
		}
		*page = new([countPage]peerCount)
	}
	return &(*page)[p%countPage]
}

func (c *peerCounts) get(p PeerNumber) (keys int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.at(p, false)
	return int(known.keys), known.peer == p
}

func (c *peerCounts) set(p PeerNumber, keys int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.at(p, true) = peerCount{p, int32(keys)}
}

// add adds what a transaction has changed.
func (c *peerCounts) add(changes map[PeerNumber]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p, change := range changes {
		if known := c.at(p, false); known.peer == p {
			known.keys += int32(change)
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
	n, ok := l.records.counts.get(p)
	if !ok || l.shared {
		var err error
		if n, err = countRefs(l.ctx, l.tx, Shares, uint32(p)); err != nil {
			return 0, err
		}
		n += l.records.owed.keysOf(p)
		if !l.shared {
			l.records.counts.set(p, n)
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
