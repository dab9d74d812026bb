package record

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// sweepPage is how many records one transaction of a sweep removes.
const sweepPage = 256

// Expire removes the records and provider records that are older than
// Options.MaxRecordAge and ProviderValidity, and the records whose TTL has passed. It
// returns how many it removed.
// Records do this by themselves, within two minutes; call Expire to do it now. The
// package comment says what happens to the rows of models.
//
// The cost grows with the records that have expired, not with those that are stored. A
// record that is put again meanwhile stays: Expire reads each one again in the
// transaction that removes it. It passes over records that it cannot read and
// reports them at the end. A value that kad-dht did not write has no time of receipt and does not expire.
func (r *Records) Expire(ctx context.Context) (int, error) {
	if r.closed.Load() {
		return 0, models.ErrClosed
	}
	return r.expire(ctx, time.Now())
}

func (r *Records) expire(ctx context.Context, now time.Time) (removed int, err error) {
	removed, err = r.providers.Expire(ctx, now)
	if err == nil || versioned.Unreadable(err) {
		s := expiry{records: r, ctx: ctx, now: now}
		err = errors.Join(err, s.restampAhead(), s.values())
		removed += s.removed
		err = errors.Join(err, s.damage)
	}
	r.metrics.swept(ctx, removed, now)
	if removed > 0 {
		r.syncs.Ask()
	}
	return removed, err
}

// expiry is one pass over the records that are due.
type expiry struct {
	records *Records
	ctx     context.Context
	now     time.Time
	removed int
	// damage is the first error of a record that could not be removed because it cannot be read.
	damage error
}

// isDue reports whether a record has expired.
func (s *expiry) isDue(received time.Time, ttl time.Duration) bool {
	age := s.records.ages.record
	return ttl > 0 && received.Add(ttl).Before(s.now) || age >= 0 && received.Before(s.now.Add(-age))
}

// values removes the records that are due, by their TTL and by their age.
func (s *expiry) values() error {
	store, age := s.records.store, s.records.ages.record
	err := s.removeValues(valuesByExpiry.Keys(s.ctx, store, models.Before(s.now)))
	if err == nil {
		err = s.removeReceipts(primaries(receipts.ByExpiry.Keys(s.ctx, store, models.Before(s.now))))
	}
	if err == nil && age >= 0 {
		err = s.removeValues(valuesByReceived.Keys(s.ctx, store, between(firstTime, s.now.Add(-age))))
		for origin := receipts.Stranger; origin <= receipts.Last && err == nil; origin++ {
			old := originBetween(origin, time.Time{}, s.now.Add(-age))
			err = s.removeReceipts(primaries(receipts.ByOrigin.Keys(s.ctx, store, old)))
		}
	}
	if err == nil {
		err = s.leftovers()
	}
	return err
}

func (s *expiry) removeValues(found iter.Seq2[models.Entry[time.Time, []byte], error]) error {
	return sweepKeys(s, primaries(found), func(l *ledger, key []byte) (int, error) {
		v, err := valueTree.Get(s.ctx, l.tx, key)
		if err != nil || v.Received.Before(firstTime) || !s.isDue(v.Received, v.TTL) {
			return 0, err
		}
		_, err = l.deleteValue(key)
		return 1, err
	})
}

// removeReceipts takes records of models out of the DHT. If a record is out already, its
// receipt is removed once its row is gone; until then the sweep looks at it once every
// MaxRecordAge, and sets its time anew for that.
func (s *expiry) removeReceipts(found iter.Seq2[receipts.Key, error]) error {
	return sweepKeys(s, found, func(l *ledger, key receipts.Key) (int, error) {
		tree := s.records.trees[key.First]
		if tree == nil {
			return 0, nil // see leftovers
		}
		st, err := tree.rowState(s.ctx, l.tx, key.Second)
		if err != nil || st.filed.Origin == 0 || !s.isDue(st.filed.Received, st.filed.TTL()) {
			return 0, err
		}
		if (st.filed.Origin == receipts.Withdrawn || st.filed.Origin == receipts.Changed) && st.Value != nil {
			kept := st.filed
			kept.Received = s.now
			return 0, l.putReceipt(&st.filed, &kept)
		}
		if tree.buries() && st.Tombstone() && !st.stale {
			return 0, tree.keepTombstone(l, &st, s.now)
		}
		return 1, tree.drop(l, key.Second)
	})
}

// sweepKeys calls remove with the keys, a page of them in each transaction. Remove
// returns how many records it has removed.
func sweepKeys[K any](s *expiry, keys iter.Seq2[K, error], remove func(*ledger, K) (int, error)) error {
	page := make([]K, 0, sweepPage)
	for key, err := range keys {
		if err != nil {
			return err
		}
		if page = append(page, key); len(page) == sweepPage {
			if err := removePage(s, page, remove); err != nil {
				return err
			}
			page = page[:0]
		}
	}
	return removePage(s, page, remove)
}

// removePage removes a page in one transaction if it can, and otherwise in as many as it
// takes to pass over those that cannot be read.
func removePage[K any](s *expiry, page []K, remove func(*ledger, K) (int, error)) error {
	if len(page) == 0 {
		return nil
	}
	removed := 0
	err := s.records.changeRelaxed(s.ctx, func(l *ledger) error {
		l.by = session.Expired
		removed = 0 // the transaction may run more than once
		for _, key := range page {
			n, err := remove(l, key)
			if err != nil && !errors.Is(err, models.ErrNotFound) {
				return err
			}
			removed += n
		}
		return nil
	})
	switch {
	case err == nil:
		s.removed += removed
	case !versioned.Unreadable(err) && !errors.Is(err, models.ErrTooLarge):
		return err
	case len(page) > 1:
		half := len(page) / 2
		if err := removePage(s, page[:half], remove); err != nil {
			return err
		}
		return removePage(s, page[half:], remove)
	case s.damage == nil:
		s.damage = err
	}
	return nil
}

// sweepDue removes the records that are due, for the sweeper.
func (r *Records) sweepDue(ctx context.Context) (next time.Time, err error) {
	now := time.Now()
	_, err = r.expire(ctx, now)
	next, dueErr := r.nextDue(ctx, now)
	return soon(next), errors.Join(err, dueErr)
}

// nextDue returns when the first record expires that expires after an instant, or the
// zero time if there is none.
func (r *Records) nextDue(ctx context.Context, after time.Time) (due time.Time, err error) {
	due, err = r.providers.Due(ctx, after)
	first := func(age time.Duration, times func(from time.Time) iter.Seq2[time.Time, error]) {
		if age < 0 || err != nil {
			return
		}
		for t, e := range times(after.Add(-age)) {
			if err = e; e == nil {
				due = earlier(due, t.Add(age))
			}
			break
		}
	}
	first(0, func(from time.Time) iter.Seq2[time.Time, error] {
		return indexKeys(valuesByExpiry.Keys(ctx, r.store, models.From(from).Limit(1)))
	})
	first(0, func(from time.Time) iter.Seq2[time.Time, error] {
		return indexKeys(receipts.ByExpiry.Keys(ctx, r.store, models.From(from).Limit(1)))
	})
	first(r.ages.record, func(from time.Time) iter.Seq2[time.Time, error] {
		return indexKeys(valuesByReceived.Keys(ctx, r.store, models.From(newer(firstTime, from)).Limit(1)))
	})
	for origin := receipts.Stranger; origin <= receipts.Last; origin++ {
		first(r.ages.record, func(from time.Time) iter.Seq2[time.Time, error] {
			one := originBetween(origin, newer(firstTime, from), time.Time{}).Limit(1)
			entries := receipts.ByOrigin.Keys(ctx, r.store, one)
			return func(yield func(time.Time, error) bool) {
				for key, err := range indexKeys(entries) {
					if !yield(key.Second, err) {
						return
					}
				}
			}
		})
	}
	return due, err
}

// indexKeys yields the index keys of index entries.
func indexKeys[I, K any](entries iter.Seq2[models.Entry[I, K], error]) iter.Seq2[I, error] {
	return func(yield func(I, error) bool) {
		for e, err := range entries {
			if !yield(e.Index, err) {
				return
			}
		}
	}
}

func newer(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// earlier returns the earlier of two times. It ignores a zero time.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
