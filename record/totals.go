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

// Totals holds the totals as the last transaction that changed them knew them:
// transactions that ran at the same time count once the next has been made. Close
// leaves them right, and Scrub counts anew.
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

// saveTotals writes the totals that the transaction changes. That of provider
// records it has read, so that every two that change some conflict; that of other
// records it has not.
func (l *ledger) saveTotals() error {
	changed := map[TotalOf]amount{AllProviders: l.providers, AllRecords: l.strangers}
	for of, counted := range l.records.totals() {
		change := changed[of]
		if change == (amount{}) && !(of == AllProviders && l.owned) {
			continue
		}
		now := counted.load()
		t := Total{Of: of, Rows: now.rows + change.rows, Bytes: now.bytes + change.bytes}
		if err := Totals.Put(l.ctx, l.tx, &t); err != nil {
			return err
		}
	}
	return nil
}

// loadTotals reads the totals that an earlier process has left.
func (r *Records) loadTotals(ctx context.Context, tx *datastore.ReadTx) error {
	for of, counted := range r.totals() {
		t, err := Totals.Get(ctx, tx, of)
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			return err
		}
		counted.set(amount{t.Rows, t.Bytes})
	}
	return nil
}

// leaveTotals writes the totals for the next process to read.
func (r *Records) leaveTotals() error {
	if !r.counted.Load() {
		return nil
	}
	ctx := context.Background()
	return r.store.UpdateRelaxed(ctx, func(tx *datastore.WriteTx) error {
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
	var providers, strangers amount
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
	for row, err := range Values.Raw().Scan(ctx, r.store, models.Range[[]byte]{}) {
		if err != nil {
			return err
		}
		strangers.add(1, len(row.Key)+len(row.Value))
	}
	for receipt, err := range Receipts.All(ctx, r.store) {
		if err != nil {
			return err
		}
		if receipt.Origin == Stranger {
			strangers.add(1, receipt.counted())
		}
	}
	r.providers.set(providers)
	r.strangers.set(strangers)
	r.counted.Store(true)
	return r.leaveTotals()
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
