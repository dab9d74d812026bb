package record

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
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

// limit is a bound that is kept by dropping the oldest of some kinds of records.
type limit struct {
	// exceeded reports whether there is too much, of provider records and of others.
	exceeded func(b *Bounds, providers, strangers amount) bool
	kinds    []evictableKind
}

// evictableKind yields the records of a kind, the oldest first.
type evictableKind func(*ledger) iter.Seq2[evictable, error]

// limits are those that are kept: provider records for their number, records for
// theirs, and either for the bytes of both.
var limits = []limit{
	{
		func(b *Bounds, providers, _ amount) bool {
			return b.Providers >= 0 && providers.rows > int64(b.Providers)
		},
		[]evictableKind{(*ledger).oldProviders},
	},
	{
		func(b *Bounds, _, strangers amount) bool { return b.Records >= 0 && strangers.rows > int64(b.Records) },
		[]evictableKind{(*ledger).oldValues, (*ledger).oldStrangers},
	},
	{
		func(b *Bounds, providers, strangers amount) bool {
			return b.Bytes >= 0 && providers.bytes+strangers.bytes > b.Bytes
		},
		[]evictableKind{(*ledger).oldValues, (*ledger).oldStrangers, (*ledger).oldProviders},
	},
}

// isExceeded reports whether a limit is exceeded, with what the transaction changes.
func (l *ledger) isExceeded(of *limit) bool {
	providers, strangers := l.records.providers.load(), l.records.strangers.load()
	providers.add(int(l.providers.rows), int(l.providers.bytes))
	strangers.add(int(l.strangers.rows), int(l.strangers.bytes))
	return of.exceeded(&l.records.bounds, providers, strangers)
}

// keepBounds drops the oldest of what there is too much of. What has no time of
// receipt is the oldest. It does so in transactions of its own, once what was too
// much has been put.
func (r *Records) keepBounds(ctx context.Context) error {
	isOver := func(of limit) bool { return of.exceeded(&r.bounds, r.providers.load(), r.strangers.load()) }
	for slices.ContainsFunc(limits, isOver) {
		if err := r.fileRefs(ctx); err != nil { // the oldest are found by theirs
			return err
		}
		evicted := 0
		err := r.transact(ctx, r.store.UpdateRelaxed, func(l *ledger) error {
			err := l.evict()
			evicted = l.evicted
			return err
		})
		if err != nil {
			return fmt.Errorf("keep the bounds: %w", err)
		}
		if evicted == 0 {
			break
		}
	}
	return nil
}

// evict is keepBounds as far as one transaction goes.
func (l *ledger) evict() error {
	if err := l.own(); err != nil {
		return err
	}
	for i := range limits {
		of := &limits[i]
		if !l.isExceeded(of) {
			continue
		}
		var from []iter.Seq2[evictable, error]
		for _, kind := range of.kinds {
			from = append(from, kind(l))
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
			if l.evicted >= evictMost || !l.isExceeded(of) {
				break
			}
		}
	}
	return nil
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
	from := func(rng models.Range[time.Time], received func(time.Time) time.Time) iter.Seq2[evictable, error] {
		return oldest(ValueByReceived.Keys(l.ctx, l.tx, rng), func(e models.Entry[time.Time, []byte]) evictable {
			return evictable{received(e.Index), func() (bool, error) { return l.deleteValue(e.Primary) }}
		})
	}
	now := ahead()
	return inOrder(from(models.From(now), unknown), from(models.Before(now), known))
}

func (l *ledger) oldStrangers() iter.Seq2[evictable, error] {
	from := func(from, before time.Time, received func(time.Time) time.Time) iter.Seq2[evictable, error] {
		entries := ReceiptByOrigin.Keys(l.ctx, l.tx, originBetween(Stranger, from, before))
		return oldest(entries, func(e models.Entry[models.Pair[Origin, time.Time], ReceiptKey]) evictable {
			return evictable{received(e.Index.Second), func() (bool, error) {
				tree := l.records.trees[e.Primary.First]
				if tree == nil {
					return false, nil // of a model that is not registered now
				}
				return true, tree.drop(l, e.Primary.Second)
			}}
		})
	}
	now := ahead()
	return inOrder(from(now, time.Time{}, unknown), from(time.Time{}, now, known))
}

// known and unknown are what a time of receipt counts as: one in the future for none.
func known(received time.Time) time.Time { return received }

func unknown(time.Time) time.Time { return time.Time{} }

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
