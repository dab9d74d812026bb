package record

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

const (
	// republishAtOnce is how many records are put into the DHT at the same time,
	// each of which asks some twenty peers.
	republishAtOnce = 8
	// republishPause is how long a row that the program has changed waits for more.
	republishPause = time.Second
	// retryPart is the part of the interval after which a record that could not be put is
	// tried again.
	retryPart = 8
)

// Republish puts each record that this peer has published into the DHT again whenever
// Options.RepublishInterval has passed. So the record does not expire, and is not lost
// with the peers that leave. A signed record is signed anew, under the same sequence
// number. A record that cannot be put is tried again after an eighth of the interval.
//
// Republish returns ctx's error when ctx ends, and models.ErrClosed when the Records are
// closed. A second call while one runs returns [ErrInUse].
//
// Republish finds the records that are due by index, and waits for a timer while none
// is. A record stays in the index until its row is retracted, deleted or changed without
// being published.
func (n *Node) Republish(ctx context.Context) error {
	r := n.records
	if r.interval < 0 {
		return errors.New("republishing is switched off: Options.RepublishInterval is negative")
	}
	if r.republishing.Swap(true) {
		return fmt.Errorf("republish: %w by another call", ErrInUse)
	}
	defer r.republishing.Store(false)
	for {
		if err := n.republishDue(ctx, time.Now()); err != nil {
			return err
		}
		next, err := r.nextRepublish(ctx, time.Now())
		if err != nil {
			return err
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-r.wake: // a little later, together with what is changed next
			timer.Reset(republishPause)
			select {
			case <-ctx.Done():
			case <-r.ending.Done():
			case <-timer.C:
			}
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-r.ending.Done():
			timer.Stop()
			return models.ErrClosed
		case <-timer.C:
		}
		timer.Stop()
	}
}

// nextRepublish returns when there is something to do next. That is an interval from now
// at the latest, since a record that is published meanwhile is due then.
func (r *Records) nextRepublish(ctx context.Context, now time.Time) (time.Time, error) {
	next := now.Add(r.interval)
	for _, due := range r.republishable(time.Time{}) {
		for e, err := range receipts.ByOrigin.Keys(ctx, r.store, due.Limit(1)) {
			if err != nil {
				return time.Time{}, err
			}
			at := e.Index.Second.Add(r.interval)
			if e.Index.First != receipts.Published || !at.After(now) {
				at = now.Add(r.interval / retryPart) // it still cannot be put
			}
			next = earlier(next, at)
		}
	}
	return next, nil
}

// republishable returns the ranges of receipts whose records are due to be published
// again: those that have expired here, those that the program has changed, those that
// were published before an instant, and those that the clock, when it ran ahead, has
// stamped with a time in the future.
func (r *Records) republishable(before time.Time) []models.Range[models.Pair[receipts.Origin, time.Time]] {
	ranges := []models.Range[models.Pair[receipts.Origin, time.Time]]{
		originBetween(receipts.Withdrawn, time.Time{}, time.Time{}),
		originBetween(receipts.Changed, time.Time{}, time.Time{}),
		originBetween(receipts.Published, time.Time{}, before),
	}
	if !before.IsZero() {
		ranges = append(ranges, originBetween(receipts.Published, ahead(), time.Time{}))
	}
	return ranges
}

// republishDue puts the records that are due, a page at a time.
func (n *Node) republishDue(ctx context.Context, now time.Time) error {
	r := n.records
	for _, due := range r.republishable(now.Add(-r.interval)) {
		if err := n.republishIn(ctx, due); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// republishIn puts the records of the receipts in a range again.
func (n *Node) republishIn(ctx context.Context, due models.Range[models.Pair[receipts.Origin, time.Time]]) error {
	r := n.records
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(republishAtOnce)
	for key, err := range primaries(receipts.ByOrigin.Keys(ctx, r.store, due)) {
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		tree := r.trees[key.First]
		if tree == nil {
			continue // of a model that is not registered now
		}
		group.Go(func() error {
			err := n.republish(groupCtx, tree, slices.Clone(key.Second))
			if groupCtx.Err() != nil || errors.Is(err, models.ErrClosed) {
				return errors.Join(groupCtx.Err(), err)
			}
			return nil // it is counted, and tried again
		})
		if groupCtx.Err() != nil {
			break
		}
	}
	if err := group.Wait(); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return ctx.Err()
}

// Why a record is not republished any more.
var (
	errNotPublished = errors.New("the row is not this peer's any more")
	errSpent        = errors.New("the row is gone, or the tombstone has outlived what it has taken back")
)

// republish puts one record again, or drops a tombstone that has expired.
func (n *Node) republish(ctx context.Context, tree *modelTree, key []byte) error {
	r := n.records
	_, err := n.publish(ctx, tree, key, func(old *rowState) ([]byte, error) {
		switch {
		case !old.filed.Origin.IsOwn():
			return nil, errNotPublished
		case old.Value == nil && !old.Tombstone():
			return nil, errSpent
		case old.Tombstone() && r.ages.record >= 0 && old.Signature.Expired(time.Now()):
			return nil, errSpent
		}
		return old.Value, nil
	})
	switch {
	case errors.Is(err, errNotPublished), ctx.Err() != nil:
		return err
	case errors.Is(err, errSpent):
		return r.change(ctx, r.store.UpdateRelaxed, func(l *ledger) error { return tree.drop(l, key) })
	}
	r.metrics.republished(ctx, err)
	if err == nil {
		return nil
	}
	// The receipt is as old as it has to be for the next attempt.
	return errors.Join(err, r.changeRelaxed(ctx, func(l *ledger) error {
		s, err := tree.rowState(l.ctx, l.tx, key)
		if err != nil || s.filed.Origin != receipts.Published {
			return err
		}
		again := s.filed
		again.Received = time.Now().Add(r.interval/retryPart - r.interval)
		return l.putReceipt(&s.filed, &again)
	}))
}
