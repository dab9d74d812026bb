package record

import (
	"errors"
	"iter"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
)

// evictMost is how much one transaction evicts at most. Each evicts what it has
// put and more, so that a store whose bounds have been lowered comes below them.
const evictMost = 1024

// evictable is something that a bound may drop, and when it came.
type evictable struct {
	received time.Time
	// drop tells whether there was something to drop.
	drop func() (bool, error)
}

// evict drops the oldest of what there is too much of: provider records for
// their number, records for theirs, and either for the bytes of both. What has
// no time of receipt is the oldest.
func (l *ledger) evict() error {
	r := l.records
	over := func(limit, have, change int64) bool { return limit >= 0 && have+change > limit }
	for _, bound := range [...]struct {
		over               func() bool
		records, providers bool
	}{
		{
			func() bool { return over(int64(r.bounds.Providers), r.providers.rows.Load(), l.providers.rows) },
			false, true,
		},
		{
			func() bool { return over(int64(r.bounds.Records), r.strangers.rows.Load(), l.strangers.rows) },
			true, false,
		},
		{
			func() bool {
				have := r.providers.bytes.Load() + r.strangers.bytes.Load()
				return over(r.bounds.Bytes, have, l.providers.bytes+l.strangers.bytes)
			},
			true, true,
		},
	} {
		if !bound.over() {
			continue
		}
		var from []iter.Seq2[evictable, error]
		if bound.records {
			from = append(from, l.oldValues(), l.oldStrangers())
		}
		if bound.providers {
			if ok, err := l.canEvictProviders(); err != nil {
				return err
			} else if ok {
				from = append(from, l.oldProviders())
			}
		}
		for old, err := range merge(from, func(a, b *evictable) bool { return a.received.Before(b.received) }) {
			if err != nil {
				return err
			}
			dropped, err := old.drop()
			if err != nil && !errors.Is(err, models.ErrCorrupt) { // which is for Scrub
				return err
			}
			if dropped {
				l.evicted++
			}
			if l.evicted >= evictMost || !bound.over() {
				break
			}
		}
	}
	return nil
}

// canEvictProviders reports whether provider records can be evicted by this
// transaction: not while others have been filed in part, whose references are not
// there yet. Who files them evicts afterwards.
func (l *ledger) canEvictProviders() (bool, error) {
	if l.files != nil {
		return false, nil
	}
	err := l.own()
	return l.records.pending.isAtRest(), err
}

// oldProviders yields the offers of the oldest minutes. Those of one minute are
// in the order of their keys.
func (l *ledger) oldProviders() iter.Seq2[evictable, error] {
	return func(yield func(evictable, error) bool) {
		for p, err := range l.records.providersReceived(l.ctx, l.tx, models.Range[RefKey]{}) {
			drop := func() (bool, error) {
				n, err := l.deleteOffers(p.hash, func(o *FiledOffer) bool { return o.Peer == p.number })
				return n > 0, err
			}
			if !yield(evictable{p.Received, drop}, err) || err != nil {
				return
			}
		}
	}
}

func (l *ledger) oldValues() iter.Seq2[evictable, error] {
	return oldest(ValueByReceived.Keys(l.ctx, l.tx, models.Range[time.Time]{}), func(e models.Entry[time.Time, []byte]) evictable {
		return evictable{e.Index, func() (bool, error) { return l.deleteValue(e.Primary) }}
	})
}

func (l *ledger) oldStrangers() iter.Seq2[evictable, error] {
	entries := ReceiptByOrigin.Keys(l.ctx, l.tx, models.FirstIs[Origin, time.Time](Stranger))
	return oldest(entries, func(e models.Entry[models.Pair[Origin, time.Time], ReceiptKey]) evictable {
		return evictable{e.Index.Second, func() (bool, error) {
			tree := l.records.trees[e.Primary.First]
			if tree == nil {
				return false, nil // of a model that is not registered now
			}
			return true, tree.drop(l, e.Primary.Second)
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
