package record

import (
	"iter"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// Records are stamped with the time at which they came, by this peer's own clock. A
// clock can run ahead for a while and be set right. The records it stamped meanwhile then
// lie in the future: they came before now, but nobody knows when. They are evicted first,
// and a sweep stamps them anew. Otherwise they would stay until the clock reaches their
// time, and push out all the records that come until then.

// clockSlack is how far in the future a time may be that still counts: the clocks of
// machines are set by less than that all the time.
const clockSlack = time.Second

// sweepPause is the shortest time between two sweeps, and so about how long an expired
// record may stay. Records that expire one by one are removed together.
const sweepPause = time.Minute

// sweepAtLeast is the longest time between two sweeps while anything is to expire. If the
// next record seems due only far in the future, the clock may have been wrong.
const sweepAtLeast = time.Hour

// ahead is the first instant that lies in the future.
func ahead() time.Time { return time.Now().Add(clockSlack) }

// isAhead reports whether a time of receipt lies in the future.
func isAhead(received time.Time) bool { return !received.Before(ahead()) }

// soon has a sweep that is due some time, the zero time for never, be due within
// sweepAtLeast.
func soon(due time.Time) time.Time {
	if due.IsZero() {
		return due
	}
	return earlier(due, time.Now().Add(sweepAtLeast))
}

// inOrder yields the items of several sources, one source after the other.
func inOrder[T any](sources ...iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, source := range sources {
			for item, err := range source {
				if !yield(item, err) || err != nil {
					return
				}
			}
		}
	}
}

// restampAhead gives records whose time is in the future the time of now.
func (s *expiry) restampAhead() error {
	store := s.records.store
	found := valuesByReceived.Keys(s.ctx, store, models.From(ahead()))
	err := sweepKeys(s, primaries(found), func(l *ledger, key []byte) (int, error) {
		v, err := valueTree.Get(s.ctx, l.tx, key)
		if err != nil || !isAhead(v.Received) {
			return 0, err
		}
		v = parseValue(wire.WithTime(v.Raw, time.Now()))
		v.Key = key
		return 0, l.putValue(&v)
	})
	for origin := receipts.Stranger; origin <= receipts.Last && err == nil; origin++ {
		found := receipts.ByOrigin.Keys(s.ctx, store, originBetween(origin, ahead(), time.Time{}))
		err = sweepKeys(s, primaries(found), func(l *ledger, key receipts.Key) (int, error) {
			receipt, err := receipts.Tree.Get(s.ctx, l.tx, key)
			if err != nil || receipt.Origin != origin || !isAhead(receipt.Received) {
				return 0, err
			}
			old := receipt
			receipt.Received = time.Now()
			return 0, l.putReceipt(&old, &receipt)
		})
	}
	return err
}
