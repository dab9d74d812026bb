package record

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// evictMost is how many records one transaction evicts at most. Each transaction evicts
// more than it has put, so that a store comes below bounds that have been lowered.
const evictMost = 1024

// farthest is later than anything came.
var farthest = time.Unix(1<<40, 0)

// keepBounds drops the oldest records until the bounds hold: the number of provider
// records, the number of records, and the bytes of both. It does so in transactions of
// its own, after the puts that exceed a bound.
//
// A record without a time of receipt is the oldest, and so is one that came later than
// now: the clock was ahead then, and nobody knows how old the record is.
func (r *Records) keepBounds(ctx context.Context) error {
	for {
		evicted, err := r.evict(ctx)
		r.metrics.evicted(ctx, evicted)
		if err != nil {
			return fmt.Errorf("keep the bounds: %w", err)
		}
		if evicted == 0 {
			return nil
		}
	}
}

// evict evicts records for each bound that is exceeded, and returns how many.
func (r *Records) evict(ctx context.Context) (evicted int, err error) {
	most := &r.bounds
	fewProviders := func(u providers.Usage) bool { return most.Providers < 0 || u.Rows <= int64(most.Providers) }
	fewRecords := func(a amount) bool { return most.Records < 0 || a.rows <= int64(most.Records) }
	if !fewProviders(r.providers.Usage()) {
		evicted, err = r.providers.Evict(ctx, farthest, fewProviders)
	}
	if err == nil && !fewRecords(r.assumed()) {
		n, e := r.evictRecords(ctx, farthest, fewRecords)
		evicted, err = evicted+n, e
	}
	if err == nil && most.Bytes >= 0 && r.providers.Usage().Bytes+r.assumed().bytes > most.Bytes {
		n, e := r.evictBytes(ctx)
		evicted, err = evicted+n, e
	}
	return evicted, err
}

// evictBytes evicts the oldest of records and provider records, up to where the other
// kind has the oldest.
func (r *Records) evictBytes(ctx context.Context) (int, error) {
	most := r.bounds.Bytes
	provider, provided, err := r.providers.Oldest(ctx)
	if err != nil {
		return 0, err
	}
	record, stored, err := r.oldestRecord(ctx)
	switch {
	case err != nil:
		return 0, err
	case provided && (!stored || !record.Before(provider)):
		if !stored {
			record = farthest
		}
		return r.providers.Evict(ctx, record, func(u providers.Usage) bool { return u.Bytes+r.assumed().bytes <= most })
	case !provided:
		provider = farthest
	}
	return r.evictRecords(ctx, provider, func(a amount) bool { return a.bytes+r.providers.Usage().Bytes <= most })
}

// evictable is a record that a bound may drop, and when it came: the zero time for one
// that came later than now.
type evictable struct {
	received time.Time
	// drop tells whether there was something to drop.
	drop func(*ledger) (bool, error)
}

// evictRecords evicts the oldest records that came from the DHT, in one transaction,
// until enough is true of their total, or only those are left that came after until.
func (r *Records) evictRecords(
	ctx context.Context, until time.Time, enough func(amount) bool,
) (evicted int, err error) {
	err = r.transact(ctx, r.store.UpdateRelaxed, func(l *ledger) error {
		l.by = session.Evicted
		evicted = 0 // the transaction may run more than once
		for old, err := range r.oldRecords(l.ctx, l.tx) {
			if err != nil {
				return err
			}
			total := r.assumed()
			total.add(int(l.strangers.rows), int(l.strangers.bytes))
			if evicted == evictMost || old.received.After(until) || enough(total) {
				break
			}
			dropped, err := old.drop(l)
			if err != nil && !versioned.Unreadable(err) { // damage is for Scrub
				return err
			}
			if dropped {
				evicted++
			}
		}
		return nil
	})
	return evicted, err
}

// oldestRecord returns when the first of oldRecords came, and whether there is one.
func (r *Records) oldestRecord(ctx context.Context) (received time.Time, found bool, err error) {
	for old, err := range r.oldRecords(ctx, r.store) {
		return old.received, true, err
	}
	return received, false, nil
}

// oldRecords yields the records that a bound may drop, the oldest first.
func (r *Records) oldRecords(ctx context.Context, from models.Reader) iter.Seq2[evictable, error] {
	now := ahead()
	later := []iter.Seq2[evictable, error]{
		oldValues(ctx, from, models.From(now)),
		r.oldStrangers(ctx, from, originBetween(receipts.Stranger, now, time.Time{})),
	}
	old := []iter.Seq2[evictable, error]{
		oldValues(ctx, from, models.Before(now)),
		r.oldStrangers(ctx, from, originBetween(receipts.Stranger, time.Time{}, now)),
	}
	first := func(a, b *evictable) bool { return a.received.Before(b.received) }
	unknown := func(yield func(evictable, error) bool) {
		for e, err := range merge(later, first) {
			if e.received = (time.Time{}); !yield(e, err) {
				return
			}
		}
	}
	return inOrder(unknown, merge(old, first))
}

func oldValues(ctx context.Context, from models.Reader, times models.Range[time.Time]) iter.Seq2[evictable, error] {
	return oldest(valuesByReceived.Keys(ctx, from, times), func(e models.Entry[time.Time, []byte]) evictable {
		return evictable{e.Index, func(l *ledger) (bool, error) { return l.deleteValue(e.Primary) }}
	})
}

func (r *Records) oldStrangers(
	ctx context.Context, from models.Reader, times models.Range[models.Pair[receipts.Origin, time.Time]],
) iter.Seq2[evictable, error] {
	entries := receipts.ByOrigin.Keys(ctx, from, times)
	return oldest(entries, func(e models.Entry[models.Pair[receipts.Origin, time.Time], receipts.Key]) evictable {
		return evictable{e.Index.Second, func(l *ledger) (bool, error) {
			tree := r.trees[e.Primary.First]
			if tree == nil {
				return false, nil // of a model that is not registered now
			}
			err := tree.drop(l, e.Primary.Second)
			return err == nil, err
		}}
	})
}

func oldest[E any](entries iter.Seq2[E, error], show func(E) evictable) iter.Seq2[evictable, error] {
	return func(yield func(evictable, error) bool) {
		for e, err := range entries {
			if err != nil {
				yield(evictable{}, err)
				return
			}
			if !yield(show(e), nil) {
				return
			}
		}
	}
}
