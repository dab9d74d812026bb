package record

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// storedTotal is how many records of a tree came from the DHT, with the bytes of their
// keys and values. The program's own rows are not counted.
type storedTotal struct {
	// Of is the full name of the tree, or empty for the mark that all totals are there.
	Of          string
	Rows, Bytes int64
}

// totals holds the counts of an earlier process, for the next to begin with: those of
// Values, and of each tree of models. Writing them with every record would be one more
// row. So there is a mark beside them. The first transaction that changes anything
// removes the mark, and Close puts it back. If the mark is missing, records are counted.
//
// Records of a model that is not registered have a total and count for no bound:
// they are not evicted, they only expire.
var totals = models.NewTree("total", models.String,
	func(t *storedTotal) string { return t.Of },
	models.WithCodec(versioned.Of[storedTotal](totalCodec{})),
	models.WithKey(func(t *storedTotal, key string) { t.Of = key }))

// complete is the key of the mark.
const complete = ""

// totalCodec writes rows and bytes as zigzag varints. The row's key says which tree they
// count.
type totalCodec struct{}

func (totalCodec) Name() string { return "libp2p-total" }

func (totalCodec) Fields() []models.Field { return nil }

func (totalCodec) Append(dst []byte, t *storedTotal) ([]byte, error) {
	return binary.AppendVarint(binary.AppendVarint(dst, t.Rows), t.Bytes), nil
}

func (totalCodec) Decode(src []byte, t *storedTotal) error {
	*t = storedTotal{}
	rows, n := binary.Varint(src)
	if n <= 0 {
		return fmt.Errorf("%w: total of %d bytes", models.ErrInvalid, len(src))
	}
	bytes, m := binary.Varint(src[n:])
	if m <= 0 || n+m != len(src) {
		return fmt.Errorf("%w: total of %d bytes", models.ErrInvalid, len(src))
	}
	t.Rows, t.Bytes = rows, bytes
	return nil
}

// loadTotals reads the totals that an earlier process has left, or has them counted.
func (r *Records) loadTotals(ctx context.Context) error {
	missing := false
	err := r.store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
		if _, err := totals.Get(ctx, tx, complete); err != nil {
			missing = errors.Is(err, models.ErrNotFound)
			return err
		}
		values, err := storedTotalOf(ctx, tx, valueTree.Name())
		r.records.add(values)
		for name, tree := range r.trees {
			if err == nil {
				var found amount
				found, err = storedTotalOf(ctx, tx, name)
				tree.total.add(found)
				r.records.add(found)
			}
		}
		return err
	})
	if missing || versioned.Damaged(err) {
		r.records.set(amount{})
		for _, tree := range r.trees {
			tree.total.set(amount{})
		}
		return r.startCount(ctx)
	}
	return err
}

func storedTotalOf(ctx context.Context, from models.Reader, tree string) (amount, error) {
	t, err := totals.Get(ctx, from, tree)
	if errors.Is(err, models.ErrNotFound) {
		err = nil
	}
	return amount{t.Rows, t.Bytes}, err
}

// counting counts, in the background, the records of an earlier process that did not
// close its Records.
type counting struct {
	// since is the change since the count began. While the count is under way, the total
	// is the records counted so far, plus since.
	since  total
	active atomic.Bool
	// others are the totals of trees that are not registered.
	others map[string]amount
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// startCount begins to count, from a snapshot of now. Each transaction from now on adds
// its own changes to the totals.
func (r *Records) startCount(ctx context.Context) error {
	background, cancel := context.WithCancel(context.Background())
	r.counting.cancel = cancel
	r.counting.active.Store(true)
	begun := make(chan error, 1)
	r.counting.done.Go(func() {
		err := r.store.View(background, func(ctx context.Context, tx *datastore.ReadTx) error {
			begun <- nil
			return r.count(ctx, tx)
		})
		select {
		case begun <- err: // it has not begun
		default:
		}
		// Scrub finds damaged records, and counts anew.
		if err != nil && !versioned.Unreadable(err) {
			return // the next process counts
		}
		r.counting.active.Store(false)
		r.counted.Store(true)
		_ = r.keepBounds(background) // the next put reports it
	})
	select {
	case err := <-begun:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// countChange adds the change of a transaction.
func (r *Records) countChange(change amount) {
	if change == (amount{}) {
		return
	}
	r.records.add(change)
	r.counted.Store(true)
	if r.counting.active.Load() {
		r.counting.since.add(change)
	}
}

// endCount ends a count that is under way.
func (r *Records) endCount() {
	if r.counting.cancel != nil {
		r.counting.cancel()
		r.counting.done.Wait()
	}
}

// count adds the records that there are to the totals, up to one that is damaged.
func (r *Records) count(ctx context.Context, from models.Reader) error {
	r.counting.others = map[string]amount{}
	for row, err := range valueTree.Raw().Sizes(ctx, from, models.Range[[]byte]{}) {
		if err != nil {
			return err
		}
		r.records.add(amount{1, int64(len(row.Key) + row.Size - versioned.Size)})
	}
	for receipt, err := range receipts.Tree.All(ctx, from) {
		if err != nil {
			return err
		}
		if receipt.Origin != receipts.Stranger {
			continue
		}
		counts := amount{1, int64(receipt.Counted())}
		if tree := r.trees[receipt.Tree]; tree != nil {
			tree.total.add(counts)
			r.records.add(counts)
			continue
		}
		other := r.counting.others[receipt.Tree]
		other.add(1, receipt.Counted())
		r.counting.others[receipt.Tree] = other
	}
	return nil
}

// assumed is the total of records that is compared with the bounds. While records are
// counted, an eighth of the bounds may come on top of those there may have been.
func (r *Records) assumed() amount {
	known := r.records.load()
	if !r.counting.active.Load() {
		return known
	}
	since := r.counting.since.load()
	if most := int64(r.bounds.Records); most >= 0 {
		known.rows = max(known.rows, most-most/8+since.rows)
	}
	if most := r.bounds.Bytes; most >= 0 {
		known.bytes = max(known.bytes, most-most/8-r.providers.Usage().Bytes+since.bytes)
	}
	return known
}

// leaveTotals writes the totals for the next process to read.
func (r *Records) leaveTotals() error {
	if !r.counted.Load() || r.counting.active.Load() {
		return nil
	}
	return r.store.UpdateRelaxed(context.Background(), func(ctx context.Context, tx *datastore.WriteTx) error {
		values := r.records.load()
		put := func(name string, a amount) error {
			if _, err := storedTotalOf(ctx, tx, name); errors.Is(err, models.ErrVersion) {
				return err
			}
			return totals.Put(ctx, tx, &storedTotal{Of: name, Rows: a.rows, Bytes: a.bytes})
		}
		for name, tree := range r.trees {
			counts := tree.total.load()
			values.rows, values.bytes = values.rows-counts.rows, values.bytes-counts.bytes
			if err := put(name, counts); err != nil {
				return err
			}
		}
		for name, counts := range r.counting.others {
			if err := put(name, counts); err != nil {
				return err
			}
		}
		return errors.Join(put(valueTree.Name(), values), put(complete, amount{}))
	})
}

// recount counts the records. A record that is written meanwhile may count twice or not
// at all.
func (r *Records) recount(ctx context.Context) error {
	r.endCount()
	r.records.set(amount{})
	for _, tree := range r.trees {
		tree.total.set(amount{})
	}
	if err := r.count(ctx, r.store); err != nil {
		return err
	}
	r.counting.active.Store(false)
	err := totals.Delete(ctx, r.store, complete)
	r.counted.Store(err == nil)
	return err
}

// Usage is the number of records of one kind, and the bytes of their keys and values as
// they are put. The store takes more on disk.
type Usage struct{ Rows, Bytes int64 }

// ProviderUsage returns how many provider records there are.
func (r *Records) ProviderUsage() Usage { return Usage(r.providers.Usage()) }

// RecordUsage returns how many records came from the DHT, without those of the program's
// own rows. If an earlier process did not close its Records, they are counted in the
// background, and RecordUsage returns fewer until that is done.
func (r *Records) RecordUsage() Usage { return r.records.load().usage() }

func (a amount) usage() Usage { return Usage{a.rows, a.bytes} }
