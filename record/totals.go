package record

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// storedTotal is how many records there are, with the bytes of their keys and values,
// that came from the DHT and are not of the program's own rows.
type storedTotal struct {
	// Of is ofRecords.
	Of          uint8
	Rows, Bytes int64
}

// ofRecords is the key of the one total.
const ofRecords = 2

// totals holds what an earlier process has counted, for the next to begin with. It
// would be one more row to write with every value: the first transaction that changes
// anything takes it away, and Close puts it back. Where it is missing, New counts.
var totals = models.NewTree("total", models.UintOf[uint8](),
	func(t *storedTotal) uint8 { return t.Of },
	models.WithCodec(models.Codec[storedTotal](totalCodec{})),
	models.WithKey(func(t *storedTotal, key uint8) { t.Of = key }))

// totalCodec writes rows and bytes as zigzag varints. What they count is in the
// row's key alone.
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

// loadTotal reads the total that an earlier process has left, and counts the records
// if that has not been closed.
func (r *Records) loadTotal(ctx context.Context, tx *datastore.ReadTx) error {
	t, err := totals.Get(ctx, tx, ofRecords)
	found := amount{t.Rows, t.Bytes}
	if errors.Is(err, models.ErrNotFound) || errors.Is(err, models.ErrCorrupt) {
		found, err = countRecords(ctx, tx)
		if errors.Is(err, models.ErrCorrupt) {
			err = nil // Scrub finds it, and counts anew
		}
	}
	r.strangers.set(found)
	return err
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
	for receipt, err := range receipts.Tree.All(ctx, from) {
		if err != nil {
			return n, err
		}
		if receipt.Origin == receipts.Stranger {
			n.add(1, receipt.Counted())
		}
	}
	return n, nil
}

// leaveTotal writes the total for the next process to read.
func (r *Records) leaveTotal() error {
	if !r.counted.Load() {
		return nil
	}
	now := r.strangers.load()
	return totals.Put(context.Background(), r.store, &storedTotal{Of: ofRecords, Rows: now.rows, Bytes: now.bytes})
}

// recount counts the records. What is written meanwhile may count twice or not at all.
func (r *Records) recount(ctx context.Context) error {
	strangers, err := countRecords(ctx, r.store)
	if err != nil {
		return err
	}
	r.strangers.set(strangers)
	err = totals.Delete(ctx, r.store, ofRecords)
	r.counted.Store(err == nil)
	return err
}

// Usage is how much of a kind there is. Bytes are those of keys and values as
// they are put; what the store takes on disk for them is more.
type Usage struct{ Rows, Bytes int64 }

// ProviderUsage returns how many provider records there are.
func (r *Records) ProviderUsage() Usage { return Usage(r.providers.Usage()) }

// RecordUsage returns how many records there are that came from the DHT, without
// those of the program's own rows.
func (r *Records) RecordUsage() Usage { return r.strangers.load().usage() }

func (a amount) usage() Usage { return Usage{a.rows, a.bytes} }
