package providers

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

const (
	// atOnce is how many keys one transaction of Expire reads, and how many records it changes.
	// With fewer, the commits take much of the time.
	atOnce = 1024
	// clockSlack is how many minutes a record may come from the future: somebody may have set
	// the clock back a little.
	clockSlack = 1
)

// firstTime is the first time after the zero time.
var firstTime = time.Time{}.Add(1)

// future is the range of arrivals with records from later than now: the clock was ahead when
// they came. Nobody knows their age.
func future(now time.Time) models.Range[refKey] {
	return models.From(models.MakePair(uint32(minuteOf(now)+1+clockSlack), uint32(0)))
}

// past is the range of all other arrivals.
func past(now time.Time) models.Range[refKey] {
	return models.Range[refKey]{}.Before(models.MakePair(uint32(minuteOf(now)+1+clockSlack), uint32(0)))
}

// Expire removes the records that are older than Options.Validity, and returns how
// many it removed. It sets the time of records that came later than now to now, so that
// they expire as well. The cost grows with the records to change, not with those stored.
//
// A record that is put again meanwhile stays: Expire reads each one again in the
// transaction that removes it. It passes over rows that it cannot read, and returns the error of the
// first one at the end.
func (s *Store) Expire(ctx context.Context, now time.Time) (removed int, err error) {
	if s.opts.Validity < 0 {
		return 0, nil
	}
	if err := s.File(ctx); err != nil {
		return 0, err
	}
	_, damage, err := s.editAll(ctx, future(now), func(p *provider) bool {
		if p.Raw == nil && minuteOfNanos(p.Nanos) > minuteOf(now)+clockSlack {
			p.Nanos = now.UnixNano()
		}
		return true
	})
	if err != nil {
		return 0, err
	}
	cutoff := now.Add(-s.opts.Validity)
	removed, more, err := s.editAll(ctx, minutesBetween(firstTime, cutoff), func(p *provider) bool {
		return p.Raw != nil || p.Nanos >= cutoff.UnixNano()
	})
	if damage == nil {
		damage = more
	}
	return removed, errors.Join(err, damage)
}

// editAll edits the records of all keys that have some in a range of arrivals.
func (s *Store) editAll(
	ctx context.Context, minutes models.Range[refKey], change func(*provider) bool,
) (n int, damage, err error) {
	page := make([]uint64, 0, atOnce)
	edit := func() error {
		done, bad, err := s.editKeys(ctx, page, change)
		n, page = n+done, page[:0]
		if damage == nil {
			damage = bad
		}
		return err
	}
	for ref, err := range refsIn(ctx, s.store, arrivals, minutes) {
		if err != nil {
			return n, damage, err
		}
		if page = append(page, ref.hash); len(page) == cap(page) {
			if err := edit(); err != nil {
				return n, damage, err
			}
		}
	}
	return n, damage, edit()
}

// editKeys edits the records of keys, in as many transactions as needed.
func (s *Store) editKeys(ctx context.Context, hashes []uint64, change func(*provider) bool) (n int, damage, err error) {
	hashes = slices.Clone(hashes)
	for most := atOnce; len(hashes) > 0; {
		changed, done := 0, 0
		err := s.update(ctx, func(t *txn) error {
			t.expect(min(len(hashes), most))
			for changed, done = 0, 0; done < len(hashes) && changed < most; {
				room := most - changed
				made, err := t.edit(hashes[done], func(p *provider) bool {
					if room == 0 {
						return true
					}
					before := *p
					keep := change(p)
					if !keep || p.Nanos != before.Nanos {
						room--
					}
					return keep
				})
				if err != nil {
					return err
				}
				if changed += made; room > 0 {
					done++ // all of its records are done
				}
			}
			return nil
		})
		switch {
		case versioned.Unreadable(err):
			hashes = slices.Delete(hashes, done, done+1)
			if damage == nil {
				damage = err
			}
		case errors.Is(err, models.ErrTooLarge) && most > 1:
			most /= 2
		case err != nil:
			return n, damage, err
		default:
			n += changed
			hashes = hashes[done:]
		}
	}
	return n, damage, nil
}

// Due returns the earliest time, later than after, at which a record expires; the zero time
// means never. Before the first Expire of a process it returns a time in the past.
func (s *Store) Due(ctx context.Context, after time.Time) (time.Time, error) {
	if s.opts.Validity < 0 {
		return time.Time{}, nil
	}
	if after.IsZero() && !s.log.isEmpty() {
		return firstTime, nil // the log does not find records by time
	}
	for range refsIn(ctx, s.store, arrivals, future(time.Now()).Limit(1)) {
		return firstTime, nil // Expire sets another time
	}
	from := firstTime
	if since := after.Add(-s.opts.Validity); since.After(from) {
		from = since
	}
	for key, err := range arrivals.Keys(ctx, s.store, minutesBetween(from, time.Time{}).Limit(1)) {
		// All records of the minute have expired at its end.
		return minute(key.First).end().Add(s.opts.Validity), err
	}
	return time.Time{}, nil
}

// DueOf returns when a record that came at a time expires, or the zero time if it never does.
func (s *Store) DueOf(received time.Time) time.Time {
	if s.opts.Validity < 0 || received.Before(firstTime) {
		return time.Time{}
	}
	return received.Add(s.opts.Validity)
}
