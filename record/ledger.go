package record

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// ledger is a transaction that keeps the tallies of what it changes, and the
// bounds. Every change of records goes through one.
type ledger struct {
	records *Records
	ctx     context.Context
	tx      *datastore.WriteTx
	// tallies are those of keys and peers that have been looked at.
	tallies map[tallyName]*Tally
	changed map[tallyName]bool
	// providers and strangers are the changes of the totals.
	providers, strangers amount
	evicted              int
}

// tallyName is a TallyKey that can be compared.
type tallyName struct {
	of   TallyOf
	name string
}

// amount is a number of rows and of their bytes, or a change of both.
type amount struct{ rows, bytes int64 }

func (a *amount) add(rows, bytes int) {
	a.rows += int64(rows)
	a.bytes += int64(bytes)
}

// total is a total that Records keep in memory beside its tallies.
type total struct{ rows, bytes atomic.Int64 }

func (t *total) add(a amount) {
	t.rows.Add(a.rows)
	t.bytes.Add(a.bytes)
}

func (t *total) load() amount { return amount{t.rows.Load(), t.bytes.Load()} }

// change runs fn in a transaction that keeps tallies and bounds. It evicts what
// there is too much of afterwards, in the same transaction.
func (r *Records) change(ctx context.Context, update func(context.Context, func(*datastore.WriteTx) error) error, fn func(*ledger) error) error {
	var done *ledger
	err := update(ctx, func(tx *datastore.WriteTx) error {
		l := &ledger{records: r, ctx: ctx, tx: tx, tallies: map[tallyName]*Tally{}, changed: map[tallyName]bool{}}
		done = l
		if err := fn(l); err != nil {
			return err
		}
		if err := l.evict(); err != nil {
			return err
		}
		return l.save()
	})
	if err != nil {
		return err
	}
	r.providers.add(done.providers)
	r.strangers.add(done.strangers)
	r.metrics.evicted(ctx, done.evicted)
	return nil
}

// putProvider stores a provider record. One that is new is refused where its key
// or its peer has as many as there may be.
func (l *ledger) putProvider(encoded, value []byte) error {
	key, err := providerKeyCodec.DecodeLast(encoded)
	if err != nil {
		return err
	}
	rows, size := 0, 0
	err = Providers.Raw().PutIf(l.ctx, l.tx, encoded, value, func(old int) error {
		if size = old; old >= 0 {
			return nil
		}
		rows, size = 1, -len(encoded)
		bounds := l.records.bounds
		if err := l.checkBound(OfKey, key.First, "providers of the key", bounds.ProvidersPerKey); err != nil {
			return err
		}
		return l.checkBound(OfPeer, []byte(key.Second), "keys of the peer", bounds.KeysPerPeer)
	})
	if err != nil {
		return err
	}
	if rows == 0 && len(value) == size {
		return nil // a refresh: the tallies stay as they are
	}
	return l.countProvider(key, rows, len(value)-size)
}

// deleteProvider deletes a provider record, and tells whether it was there.
func (l *ledger) deleteProvider(encoded []byte) (bool, error) {
	size, err := l.size(Providers.Raw(), encoded)
	if err != nil || size < 0 {
		return false, err
	}
	key, err := providerKeyCodec.DecodeLast(encoded)
	if err != nil {
		return false, err
	}
	if err := Providers.Raw().Delete(l.ctx, l.tx, encoded); err != nil {
		return false, err
	}
	return true, l.countProvider(key, -1, -size-len(encoded))
}

func (l *ledger) countProvider(key ProviderKey, rows, bytes int) error {
	l.providers.add(rows, bytes)
	if err := l.count(OfKey, key.First, rows, bytes); err != nil {
		return err
	}
	return l.count(OfPeer, []byte(key.Second), rows, bytes)
}

// putValue stores a record of no model.
func (l *ledger) putValue(key, value []byte) error {
	size := 0
	err := Values.Raw().PutIf(l.ctx, l.tx, key, value, func(old int) error { size = old; return nil })
	if err != nil {
		return err
	}
	if size < 0 {
		l.strangers.add(1, len(key)+len(value))
	} else {
		l.strangers.add(0, len(value)-size)
	}
	return nil
}

// deleteValue deletes a record of no model, and tells whether it was there.
func (l *ledger) deleteValue(key []byte) (bool, error) {
	size, err := l.size(Values.Raw(), key)
	if err != nil || size < 0 {
		return false, err
	}
	l.strangers.add(-1, -len(key)-size)
	return true, Values.Raw().Delete(l.ctx, l.tx, key)
}

// putReceipt stores a receipt in place of old, which may be none.
func (l *ledger) putReceipt(old, receipt *Receipt) error {
	l.countReceipt(old, -1)
	l.countReceipt(receipt, 1)
	return Receipts.Put(l.ctx, l.tx, receipt)
}

func (l *ledger) deleteReceipt(old *Receipt) error {
	l.countReceipt(old, -1)
	return Receipts.Delete(l.ctx, l.tx, models.MakePair(old.Tree, old.Key))
}

// countReceipt counts the record of a row that came from the DHT. The program's
// own rows are no soft state.
func (l *ledger) countReceipt(receipt *Receipt, sign int) {
	if receipt.Origin == Stranger {
		l.strangers.add(sign, sign*(len(receipt.Key)+int(receipt.Size)))
	}
}

// size returns the length of a value, -1 where there is none.
func (l *ledger) size(raw *models.Raw, key []byte) (int, error) {
	size, err := raw.Size(l.ctx, l.tx, key)
	if errors.Is(err, models.ErrNotFound) {
		return -1, nil
	}
	return size, err
}

func (l *ledger) tally(of TallyOf, name []byte) (*Tally, error) {
	at := tallyName{of, string(name)}
	if t := l.tallies[at]; t != nil {
		return t, nil
	}
	t, err := Tallies.Get(l.ctx, l.tx, models.MakePair(of, name))
	if errors.Is(err, models.ErrNotFound) {
		t, err = Tally{Of: of, Name: bytes.Clone(name)}, nil
	}
	if err != nil {
		return nil, err
	}
	l.tallies[at] = &t
	return &t, nil
}

func (l *ledger) count(of TallyOf, name []byte, rows, size int) error {
	t, err := l.tally(of, name)
	if err != nil {
		return err
	}
	t.Rows += int64(rows)
	t.Bytes += int64(size)
	l.changed[tallyName{of, string(name)}] = true
	return nil
}

func (l *ledger) checkBound(of TallyOf, name []byte, what string, limit int) error {
	t, err := l.tally(of, name)
	if err == nil && limit >= 0 && t.Rows >= int64(limit) {
		err = &BoundError{Bound: what, Limit: int64(limit)}
	}
	return err
}

// totalParts is in how many parts a total is kept.
const totalParts = 16

// save writes the tallies that have changed.
func (l *ledger) save() error {
	part := []byte{byte(l.records.part.Add(1) % totalParts)}
	for of, a := range map[TallyOf]amount{AllProviders: l.providers, AllRecords: l.strangers} {
		if a == (amount{}) {
			continue
		}
		if err := l.count(of, part, int(a.rows), int(a.bytes)); err != nil {
			return err
		}
	}
	for at := range l.changed {
		t := l.tallies[at]
		var err error
		if t.Rows == 0 && t.Bytes == 0 {
			err = Tallies.Delete(l.ctx, l.tx, models.MakePair(t.Of, t.Name))
		} else {
			err = Tallies.Put(l.ctx, l.tx, t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// loadTotals reads the totals that earlier processes have left.
func (r *Records) loadTotals(ctx context.Context, tx *datastore.ReadTx) error {
	for of, sum := range map[TallyOf]*total{AllProviders: &r.providers, AllRecords: &r.strangers} {
		for t, err := range Tallies.Range(ctx, tx, models.FirstIs[TallyOf, []byte](of)) {
			if err != nil {
				return err
			}
			sum.add(amount{t.Rows, t.Bytes})
		}
	}
	return nil
}

// Usage is how much of a kind there is. Bytes are those of keys and values as
// they are put; what the store takes on disk for them is more.
type Usage struct{ Rows, Bytes int64 }

// ProviderUsage returns how many provider records there are.
func (r *Records) ProviderUsage() Usage {
	a := r.providers.load()
	return Usage{a.rows, a.bytes}
}

// RecordUsage returns how many records there are that came from the DHT, without
// those of the program's own rows.
func (r *Records) RecordUsage() Usage {
	a := r.strangers.load()
	return Usage{a.rows, a.bytes}
}

// PeerUsage returns how many provider records a peer has here.
func (r *Records) PeerUsage(ctx context.Context, p peer.ID) (Usage, error) {
	return r.usage(ctx, OfPeer, []byte(p))
}

// KeyUsage returns how many provider records a key has.
func (r *Records) KeyUsage(ctx context.Context, key []byte) (Usage, error) {
	return r.usage(ctx, OfKey, slices.Clone(key))
}

func (r *Records) usage(ctx context.Context, of TallyOf, name []byte) (Usage, error) {
	if r.closed.Load() {
		return Usage{}, models.ErrClosed
	}
	t, err := Tallies.Get(ctx, r.store, models.MakePair(of, name))
	if errors.Is(err, models.ErrNotFound) {
		err = nil
	}
	return Usage{t.Rows, t.Bytes}, err
}
