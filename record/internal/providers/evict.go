package providers

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// Oldest returns the arrival time of the record that Evict would remove first, and whether
// there is a record. The time is zero for a record without a time, and for one from later than
// now, whose age nobody knows.
func (s *Store) Oldest(ctx context.Context) (received time.Time, found bool, err error) {
	if err := s.File(ctx); err != nil {
		return received, false, err
	}
	for old, err := range s.oldest(ctx, s.store) {
		return old.Received, true, err
	}
	return received, false, nil
}

// oldest yields the records in the order in which Evict removes them. Records from later than
// now come first, with the zero time. Records of the same minute come in no particular order.
func (s *Store) oldest(ctx context.Context, from models.Reader) iter.Seq2[storedRecord, error] {
	return func(yield func(storedRecord, error) bool) {
		now := time.Now()
		for r, err := range s.received(ctx, from, future(now)) {
			r.Received = time.Time{}
			if !versioned.Unreadable(err) && !yield(r, err) {
				return
			}
		}
		for r, err := range s.received(ctx, from, past(now)) {
			if !versioned.Unreadable(err) && !yield(r, err) {
				return
			}
		}
	}
}

// Evict removes the oldest records, in one transaction, until enough returns true for the
// usage, or all other records came in a later minute than until. It returns how many it has
// removed. There may be more to remove.
func (s *Store) Evict(ctx context.Context, until time.Time, enough func(Usage) bool) (removed int, err error) {
	if err := s.File(ctx); err != nil { // references find the oldest
		return 0, err
	}
	for most := atOnce; ; most /= 2 {
		err := s.update(ctx, func(t *txn) (err error) {
			removed, err = t.evict(until, most, enough)
			return err
		})
		if !errors.Is(err, models.ErrTooLarge) || most == 1 {
			return removed, err
		}
	}
}

func (t *txn) evict(until time.Time, most int, enough func(Usage) bool) (removed int, err error) {
	now := t.s.cache.usageNow()
	for old, err := range t.s.oldest(t.ctx, t.tx) {
		if err != nil {
			return 0, err
		}
		if removed == most || minuteOf(old.Received) > minuteOf(until) ||
			enough(Usage{now.Rows + t.usage.Rows, now.Bytes + t.usage.Bytes}) {
			break
		}
		n, err := t.edit(old.hash, func(p *provider) bool { return p.Peer != old.number })
		if removed += n; err != nil && !versioned.Unreadable(err) { // Repair mends damage
			return 0, err
		}
	}
	return removed, nil
}
