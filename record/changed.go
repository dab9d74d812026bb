package record

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// within reads and writes in the transaction of a session that its owner holds.
type within struct{ *session.Session }

func (w within) BeginRead(ctx context.Context) (*session.Session, error) { return w.Session, ctx.Err() }

func (w within) RunWrite(ctx context.Context, fn func(*session.Session) error) error {
	return fn(w.Session)
}

// listen makes every ordinary write to the registered trees tell r of the change, in the
// transaction that writes, until deaf.
func (r *Records) listen(ctx context.Context) error {
	s, err := r.store.BeginRead(ctx)
	if err != nil {
		return err
	}
	defer s.End()
	for _, t := range r.trees {
		changed := func(s *session.Session, primary, value []byte) error { return r.rowChanged(t, s, primary, value) }
		t.place = s.Place(t.core)
		t.place.Changed.Store(&changed)
	}
	return nil
}

func (r *Records) deaf() {
	for _, t := range r.trees {
		t.place.Changed.Store(nil)
	}
}

// rowChanged updates the receipt of a row that an ordinary call has written, or deleted,
// if value is nil. A row that this peer has published is to be published again, and so is
// its deletion where deletions travel. Every other row is the program's own from now on.
func (r *Records) rowChanged(t *modelTree, s *session.Session, primary, value []byte) error {
	held := s.Held
	s.Held = true
	defer func() { s.Held = held }()
	ctx, w := context.Background(), within{s}

	receipt, err := receipts.Tree.Get(ctx, w, t.receiptKey(bytes.Clone(primary)))
	if errors.Is(err, models.ErrNotFound) || versioned.Unreadable(err) {
		return nil
	}
	if err != nil || value != nil && receipt.Hash == sha256.Sum256(value) {
		return err
	}
	republished := value != nil
	if !republished { // a deletion that travels is published in place of the row
		if republished, err = t.isBuried(s, primary); err != nil {
			return err
		}
	}
	if republished && receipt.Origin.IsOwn() {
		s.Committed = append(s.Committed, r.wakeRepublish)
		if receipt.Origin == receipts.Changed {
			return nil
		}
		receipt.Origin, receipt.Received = receipts.Changed, time.Now()
		return receipts.Tree.Put(ctx, w, &receipt)
	}
	if receipt.Origin == receipts.Stranger {
		if !r.counted.Load() {
			if err := totals.Delete(ctx, w, complete); err != nil {
				return err
			}
		}
		s.Committed = append(s.Committed, func() {
			change := amount{-1, -int64(receipt.Counted())}
			r.countChange(change)
			t.total.add(change)
		})
	}
	return receipts.Tree.Delete(ctx, w, t.receiptKey(receipt.Key))
}

// wakeRepublish makes Republish look for records that are due.
func (r *Records) wakeRepublish() {
	select {
	case r.wake <- struct{}{}:
	default: // it is awake
	}
}
