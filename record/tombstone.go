package record

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// The tombstone of a row of an open tree is the store's, whether it has a receipt or not: see
// models.WithTombstones. Here it has the form of a signature without an envelope, whose sequence number is
// the clock. Its age counts from the deletion, and its receipt says when it has come here.

// buries reports whether deletions of the tree's rows travel although nobody owns them.
func (t *modelTree) buries() bool { return t.core.Tombstones != nil }

// readTombstone reads the tombstone under key into s.
func (t *modelTree) readTombstone(ctx context.Context, r models.Reader, key []byte, s *rowState) error {
	if !t.buries() || s.Value != nil {
		return nil
	}
	ses, err := r.BeginRead(ctx)
	if err != nil {
		return err
	}
	defer ses.End()
	of, found, err := ses.Place(t.core).Tombstone(ses, key)
	if err == nil && found {
		s.Signature = &wire.Signature{Head: wire.Head{Sequence: of.Clock, Retracted: true}}
		s.taken = of.Taken
	}
	return failAt("get", t.raw, key, err)
}

// hash returns what the receipt of a record has of it.
func (t *modelTree) hash(s *policy.Stored) [sha256.Size]byte {
	if t.buries() && s.Tombstone() {
		return sha256.Sum256(wire.AppendTombstone(nil, s.Signature.Sequence))
	}
	return sha256.Sum256(s.Value)
}

// outlived reports whether a record of another peer, under a key that the store has nothing of, is as old as
// rows whose tombstones have been dropped.
func (t *modelTree) outlived(l *ledger, clock uint64) (bool, error) {
	if !t.buries() {
		return false, nil
	}
	ses, err := l.tx.BeginRead(l.ctx)
	if err != nil {
		return false, err
	}
	floor, found, err := ses.Place(t.core).Floor(ses)
	return found && clock <= floor, err
}

// bury stores the tombstone of a record that has been taken. Taken is when the row was deleted: the present if it
// is no time that can be. One that has reached its age is dropped by the store at once, and is not made young.
func (t *modelTree) bury(l *ledger, c *policy.Candidate, taken time.Time) error {
	if now := time.Now(); taken.After(now) || taken.Before(time.Unix(0, 0)) {
		taken = now
	}
	return l.trusted().RunWrite(l.ctx, func(s *session.Session) error {
		return s.Place(t.core).PutTombstone(s, t.core.Tombstones, c.Key,
			session.Tombstone{Clock: c.Sequence, Taken: taken})
	})
}

// unbury removes a tombstone, and leaves no trace of it.
func (t *modelTree) unbury(l *ledger, key []byte) error {
	return l.trusted().RunWrite(l.ctx, func(s *session.Session) error {
		return s.Place(t.core).DeleteTombstone(s, key)
	})
}

// keepTombstone has the receipt of a tombstone last as long as that does: it counts for the bounds, and the
// tombstone is served.
func (t *modelTree) keepTombstone(l *ledger, s *rowState, now time.Time) error {
	kept := s.filed
	kept.Received = now
	if kept.Origin == receipts.Published {
		kept.Origin = receipts.Withdrawn // until Republish comes to it
	}
	return l.putReceipt(&s.filed, &kept)
}

// retraction returns the value of the record that takes back the row in old: that of the tombstone that is
// there, or with the clock of the row, or with that of now.
func (t *modelTree) retraction(key []byte, old *rowState, now time.Time) ([]byte, error) {
	clock := t.core.Tombstones.ClockAt(now)
	switch {
	case old.Tombstone():
		clock = old.Signature.Sequence
	case old.Value != nil:
		valid, err := t.raw.Validate(key, old.Value)
		if err != nil {
			return nil, err
		}
		clock = valid.Clock()
	}
	return wire.AppendTombstone(nil, clock), nil
}

// isBuried reports whether the store has a tombstone under key, in the transaction of a session.
func (t *modelTree) isBuried(s *session.Session, key []byte) (bool, error) {
	if !t.buries() {
		return false, nil
	}
	_, found, err := s.Place(t.core).Tombstone(s, key)
	return found, err
}
