package record

import (
	"context"
	"errors"
	"slices"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"golang.org/x/sync/errgroup"

	"github.com/newsnet-africa/netabase-go/models"
)

const (
	// republishAtOnce is how many records are put into the DHT at the same time,
	// each of which asks some twenty peers.
	republishAtOnce = 8
	// retryPart is the part of the interval after which a record is tried again
	// that could not be put.
	retryPart = 8
)

// Republish puts what this peer has published into the DHT again whenever
// Options.RepublishInterval has passed since, so that it neither expires nor is
// lost with the peers that leave. What is signed is signed anew, under the same
// sequence number. It returns when ctx ends, with its error, or the Records are
// closed, with models.ErrClosed; a record that cannot be put is tried again after
// an eighth of the interval.
//
// What is due is found by index: while nothing is, Republish waits for a timer. A
// record is in it until its row is retracted, deleted or changed without being
// published. d is as for Publish.
func (r *Records) Republish(ctx context.Context, d *dht.IpfsDHT) error {
	if r.interval < 0 {
		return errors.New("republishing is switched off: Options.RepublishInterval is negative")
	}
	for {
		if err := r.republishDue(ctx, d, time.Now()); err != nil {
			return err
		}
		next, err := r.nextRepublish(ctx, time.Now())
		if err != nil {
			return err
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-r.done:
			timer.Stop()
			return models.ErrClosed
		case <-timer.C:
		}
	}
}

// nextRepublish returns when there is something to do next, an interval from now
// at the latest, since what is published meanwhile is due then.
func (r *Records) nextRepublish(ctx context.Context, now time.Time) (time.Time, error) {
	next := now.Add(r.interval)
	for _, due := range r.republishable(time.Time{}) {
		for e, err := range ReceiptByOrigin.Keys(ctx, r.store, due.Limit(1)) {
			if err != nil {
				return time.Time{}, err
			}
			at := e.Index.Second.Add(r.interval)
			if e.Index.First == Withdrawn || !at.After(now) {
				at = now.Add(r.interval / retryPart) // it still cannot be put
			}
			next = earlier(next, at)
		}
	}
	return next, nil
}

// republishable are the receipts of what is due for being published again: what has
// expired here, what was published before an instant, and what the clock, when it ran
// ahead, has stamped with a time that has not come.
func (r *Records) republishable(before time.Time) []models.Range[models.Pair[Origin, time.Time]] {
	ranges := []models.Range[models.Pair[Origin, time.Time]]{
		originBetween(Withdrawn, time.Time{}, time.Time{}), originBetween(Published, time.Time{}, before),
	}
	if !before.IsZero() {
		ranges = append(ranges, originBetween(Published, ahead(), time.Time{}))
	}
	return ranges
}

// republishDue puts what is due, a page at a time.
func (r *Records) republishDue(ctx context.Context, d *dht.IpfsDHT, now time.Time) error {
	for _, due := range r.republishable(now.Add(-r.interval)) {
		if err := r.republishIn(ctx, d, due); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// republishIn puts again what the receipts in a range are of.
func (r *Records) republishIn(ctx context.Context, d *dht.IpfsDHT, due models.Range[models.Pair[Origin, time.Time]]) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(republishAtOnce)
	for key, err := range primaries(ReceiptByOrigin.Keys(ctx, r.store, due)) {
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		tree := r.trees[key.First]
		if tree == nil {
			continue // of a model that is not registered now
		}
		group.Go(func() error {
			err := r.republish(groupCtx, d, tree, slices.Clone(key.Second))
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
	errNotPublished = errors.New("the row is not as it was published")
	errSpent        = errors.New("the tombstone has outlived what it has taken back")
)

// republish puts one record again, or drops a tombstone that has expired.
func (r *Records) republish(ctx context.Context, d *dht.IpfsDHT, tree *modelTree, key []byte) error {
	err := r.publish(ctx, d, tree, key, func(old *standing) ([]byte, error) {
		switch {
		case old.receipt.Origin != Published && old.receipt.Origin != Withdrawn:
			return nil, errNotPublished
		case old.retracted() && r.ages.record >= 0 && old.seal.expired(time.Now()):
			return nil, errSpent
		}
		return old.value, nil
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
		s, err := tree.standing(l.ctx, l.tx, key)
		if err != nil || s.filed.Origin != Published {
			return err
		}
		again := s.filed
		again.Received = time.Now().Add(r.interval/retryPart - r.interval)
		return l.putReceipt(&s.filed, &again)
	}))
}
