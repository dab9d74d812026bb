package providers

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
)

// FullError says which bound refuses a provider record.
type FullError struct {
	// Bound says in words what the Limit counts.
	Bound string
	Limit int64
}

func (e *FullError) Error() string {
	return fmt.Sprintf("there are %d %s, which is the limit", e.Limit, e.Bound)
}

func fullKey(limit int) error {
	return &FullError{Bound: "providers of the key", Limit: int64(limit)}
}

func fullPeer(limit int) error {
	return &FullError{Bound: "keys of the peer", Limit: int64(limit)}
}

// checkBounds refuses another record of a peer for the key of r if the key or the peer has
// reached its bound. R is shard 0; p is 0 for a peer that provides nothing yet.
func (t *txn) checkBounds(r *row, p peerNumber) error {
	if n, limit := uint64(len(r.Providers))+r.Beyond, t.s.opts.MaxPerKey; limit >= 0 && n >= uint64(limit) {
		return fullKey(limit)
	}
	limit := t.s.opts.MaxPerPeer
	if p == 0 || limit < 0 || t.s.cache.usageNow().Rows+t.usage.Rows < int64(limit) { // no peer has that many
		return nil
	}
	n, err := t.keysOf(p)
	if err == nil && n >= limit {
		err = fullPeer(limit)
	}
	return err
}

// keysOf returns how many keys a peer provides, including the changes of the transaction.
func (t *txn) keysOf(p peerNumber) (int, error) {
	n, known := t.counted[p]
	if !known {
		n, known = t.s.cache.keysOf(p)
	}
	if !known {
		var err error
		if n, err = t.s.countKeys(t.ctx, t.read, p); err != nil {
			return 0, err
		}
	}
	t.counted[p] = n
	return n + t.keys[p], nil
}

// countKeys returns how many keys a peer provides: it counts the filed references and those in
// the log.
func (s *Store) countKeys(ctx context.Context, from models.Reader, p peerNumber) (int, error) {
	n, err := countRefs(ctx, from, shares, uint32(p))
	return n + s.log.keysOf(p), err
}

// CheckBounds refuses a put as the store would now. It is for a transaction that has pending
// changes, which it applies, together with c, only when it commits.
func (s *Store) CheckBounds(ctx context.Context, pending []Change, c *Change) error {
	have, err := s.Of(ctx, s.store, []byte(c.Key), pending, nil)
	if err != nil {
		return err
	}
	for i := range have {
		if have[i].Peer == peer.ID(c.Peer) {
			return nil
		}
	}
	if limit := s.opts.MaxPerKey; limit >= 0 && len(have) >= limit {
		return fullKey(limit)
	}
	number, err := s.numberOf(ctx, s.store, peer.ID(c.Peer))
	if limit := s.opts.MaxPerPeer; err == nil && number != 0 && limit >= 0 {
		var n int
		if n, err = s.countKeys(ctx, s.store, number); err == nil && n >= limit {
			err = fullPeer(limit)
		}
	}
	return err
}
