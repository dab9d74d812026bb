package record

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// Total is how much there is of something that Options bound.
type Total struct {
	Of TotalOf
	// Rows is how many there are, Bytes those of their keys and values.
	Rows, Bytes int64
}

// TotalOf says what a Total counts.
type TotalOf uint8

const (
	// AllProviders counts the provider records.
	AllProviders TotalOf = 1
	// AllRecords counts the records that came from the DHT and are not of the
	// program's own rows.
	AllRecords TotalOf = 2
)

// Totals holds what an earlier process has counted, for the next to begin with.
// That of provider records is as the last transaction that changed some has left
// it. That of records would be one more row to write with every value: the first
// transaction that changes anything takes it away, and Close puts it back. Where
// it is missing, New counts.
var Totals = models.NewTree("total", models.UintOf[TotalOf](),
	func(t *Total) TotalOf { return t.Of },
	models.WithCodec(models.Codec[Total](totalCodec{})),
	models.WithKey(func(t *Total, key TotalOf) { t.Of = key }))

// totalCodec writes rows and bytes as zigzag varints. What they count is in the
// row's key alone.
type totalCodec struct{}

func (totalCodec) Name() string { return "libp2p-total" }

func (totalCodec) Fields() []models.Field { return nil }

func (totalCodec) Append(dst []byte, t *Total) ([]byte, error) {
	return binary.AppendVarint(binary.AppendVarint(dst, t.Rows), t.Bytes), nil
}

func (totalCodec) Decode(src []byte, t *Total) error {
	*t = Total{}
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

// totals returns what is counted in memory.
func (r *Records) totals() map[TotalOf]*total {
	return map[TotalOf]*total{AllProviders: &r.providers, AllRecords: &r.strangers}
}

// changed reports whether the transaction changes a total.
func (l *ledger) changed() bool { return l.providers != (amount{}) || l.strangers != (amount{}) }

// saveTotals writes the total of provider records if the transaction can have
// changed some. It has read it, so that every two of those conflict.
func (l *ledger) saveTotals() error {
	if l.changed() && !l.records.counted.Load() {
		if err := Totals.Delete(l.ctx, l.tx, AllRecords); err != nil {
			return err
		}
	}
	if !l.owned {
		return nil
	}
	now := l.records.providers.load()
	t := Total{Of: AllProviders, Rows: now.rows + l.providers.rows, Bytes: now.bytes + l.providers.bytes}
	return Totals.Put(l.ctx, l.tx, &t)
}

// loadTotals reads the totals that an earlier process has left, and counts the
// records if it has not been closed.
func (r *Records) loadTotals(ctx context.Context, tx *datastore.ReadTx) error {
	for of, counted := range r.totals() {
		t, err := Totals.Get(ctx, tx, of)
		found := amount{t.Rows, t.Bytes}
		switch missing := errors.Is(err, models.ErrNotFound); {
		case of == AllRecords && (missing || errors.Is(err, models.ErrCorrupt)):
			found, err = countRecords(ctx, tx)
			if errors.Is(err, models.ErrCorrupt) {
				err = nil // Scrub finds it, and counts anew
			}
		case missing:
			err = nil
		}
		if err != nil {
			return err
		}
		counted.set(found)
	}
	return nil
}

// countRecords counts the records that came from the DHT, up to one that is
// damaged.
func countRecords(ctx context.Context, from models.Reader) (n amount, err error) {
	for row, err := range Values.Raw().Sizes(ctx, from, models.Range[[]byte]{}) {
		if err != nil {
			return n, err
		}
		n.add(1, len(row.Key)+row.Size)
	}
	for receipt, err := range Receipts.All(ctx, from) {
		if err != nil {
			return n, err
		}
		if receipt.Origin == Stranger {
			n.add(1, receipt.counted())
		}
	}
	return n, nil
}

// leaveTotals writes the totals for the next process to read.
func (r *Records) leaveTotals() error {
	if !r.counted.Load() {
		return nil
	}
	ctx := context.Background()
	return r.store.UpdateRelaxed(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		for of, counted := range r.totals() {
			now := counted.load()
			if err := Totals.Put(ctx, tx, &Total{Of: of, Rows: now.rows, Bytes: now.bytes}); err != nil {
				return err
			}
		}
		return nil
	})
}

// recount counts everything. What is written meanwhile may count twice or not at
// all.
func (r *Records) recount(ctx context.Context) error {
	var providers amount
	for set, err := range Providers.All(ctx, r.store) {
		if err != nil {
			return err
		}
		for i := range set.Offers {
			o := &set.Offers[i]
			id, err := r.idOf(ctx, r.store, o.Peer)
			if err != nil {
				return err
			}
			providers.add(1, len(set.Key)+len(id)+o.size())
		}
	}
	strangers, err := countRecords(ctx, r.store)
	if err != nil {
		return err
	}
	r.providers.set(providers)
	r.strangers.set(strangers)
	err = r.store.UpdateRelaxed(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		t := Total{Of: AllProviders, Rows: providers.rows, Bytes: providers.bytes}
		return errors.Join(Totals.Put(ctx, tx, &t), Totals.Delete(ctx, tx, AllRecords))
	})
	r.counted.Store(err == nil)
	return err
}

// Usage is how much of a kind there is. Bytes are those of keys and values as
// they are put; what the store takes on disk for them is more.
type Usage struct{ Rows, Bytes int64 }

// ProviderUsage returns how many provider records there are, without those that
// are not filed yet: the batches of the last ten seconds, or since Sync.
func (r *Records) ProviderUsage() Usage { return r.providers.load().usage() }

// RecordUsage returns how many records there are that came from the DHT, without
// those of the program's own rows.
func (r *Records) RecordUsage() Usage { return r.strangers.load().usage() }

func (a amount) usage() Usage { return Usage{a.rows, a.bytes} }
