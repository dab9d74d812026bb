package record

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// ledger is a transaction that counts the records it changes. Every change of records
// goes through one.
type ledger struct {
	records *Records
	ctx     context.Context
	tx      *datastore.WriteTx
	// providers changes provider records in the same transaction.
	providers *providers.Batch
	// strangers is the change of the total of records.
	strangers amount
	// models are the parts of that change in the trees of models.
	models map[*modelTree]amount
	// by says who makes the changes of rows.
	by session.Origin
}

// trusted is the transaction for writing rows that have been checked against the policy
// of their tree.
func (l *ledger) trusted() models.Writer { return session.Trusted{Writer: l.tx, Origin: l.by} }

// amount is a number of records and of their bytes, or a change of both.
type amount struct{ rows, bytes int64 }

func (a *amount) add(rows, bytes int) {
	a.rows += int64(rows)
	a.bytes += int64(bytes)
}

// total is a total that Records keep in memory.
type total struct{ rows, bytes atomic.Int64 }

func (t *total) add(a amount) {
	t.rows.Add(a.rows)
	t.bytes.Add(a.bytes)
}

func (t *total) set(a amount) {
	t.rows.Store(a.rows)
	t.bytes.Store(a.bytes)
}

func (t *total) load() amount { return amount{t.rows.Load(), t.bytes.Load()} }

// transactor is Store.Update or Store.UpdateRelaxed.
type transactor func(context.Context, func(context.Context, *datastore.WriteTx) error) error

// change runs fn in a transaction that keeps the counts, and afterwards evicts records
// that exceed a bound.
func (r *Records) change(ctx context.Context, update transactor, fn func(*ledger) error) error {
	if err := r.transact(ctx, update, fn); err != nil {
		return err
	}
	return r.keepBounds(ctx)
}

// changeRelaxed is change in a transaction that is durable some time later.
func (r *Records) changeRelaxed(ctx context.Context, fn func(*ledger) error) error {
	return r.change(ctx, r.store.UpdateRelaxed, fn)
}

// transact runs fn in a transaction that keeps the counts.
func (r *Records) transact(ctx context.Context, update transactor, fn func(*ledger) error) error {
	batch := r.providers.NewBatch()
	defer batch.Close()
	var done *ledger
	err := update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		done = &ledger{records: r, ctx: ctx, tx: tx, providers: batch}
		if err := fn(done); err != nil {
			return err
		}
		return done.finish()
	})
	if err == nil {
		done.committed()
	}
	return err
}

// finish does the work that is left before the transaction commits.
func (l *ledger) finish() error {
	if l.strangers == (amount{}) || l.records.counted.Load() {
		return nil
	}
	return totals.Delete(l.ctx, l.tx, complete)
}

// committed is called once the transaction has been committed.
func (l *ledger) committed() {
	r := l.records
	l.providers.Committed()
	r.countChange(l.strangers)
	for tree, change := range l.models {
		tree.total.add(change)
	}
}

// putValueUnlessShorter stores a record of no model, unless the same one is stored and
// expires later.
func (l *ledger) putValueUnlessShorter(c *change) error {
	v := Value{Key: c.key, Data: c.data, Received: c.received, TTL: c.ttl, Raw: c.value}
	if v.TTL > 0 {
		old, err := valueTree.Get(l.ctx, l.tx, c.key)
		switch {
		case errors.Is(err, models.ErrNotFound):
		case err != nil:
			return err
		case !old.Received.IsZero() && bytes.Equal(old.Data, v.Data) &&
			l.records.outlives(old.Received, old.TTL, v.Received, v.TTL):
			return nil
		}
	}
	return l.putValue(&v)
}

// putValue stores a record of no model.
func (l *ledger) putValue(v *Value) error {
	size := 0
	err := valueTree.PutIf(l.ctx, l.tx, v, func(old int) error { size = old; return nil })
	if err != nil {
		return err
	}
	if size < 0 {
		l.strangers.add(1, len(v.Key)+len(v.Raw))
	} else {
		l.strangers.add(0, len(v.Raw)+versioned.Size-size)
	}
	return nil
}

// deleteValue deletes a record of no model, and tells whether it was there.
func (l *ledger) deleteValue(key []byte) (bool, error) {
	size, err := l.size(valueTree.Raw(), key)
	if err != nil || size < 0 {
		return false, err
	}
	l.strangers.add(-1, versioned.Size-len(key)-size)
	return true, valueTree.Raw().Delete(l.ctx, l.tx, key)
}

// putReceipt stores a receipt in place of old, which may be none.
func (l *ledger) putReceipt(old, receipt *receipts.Receipt) error {
	l.countReceipt(old, -1)
	l.countReceipt(receipt, 1)
	return receipts.Tree.Put(l.ctx, l.tx, receipt)
}

func (l *ledger) deleteReceipt(old *receipts.Receipt) error {
	l.countReceipt(old, -1)
	return receipts.Tree.Delete(l.ctx, l.tx, models.MakePair(old.Tree, old.Key))
}

// countReceipt counts the record of a row that came from the DHT. The program's
// own rows are no soft state.
func (l *ledger) countReceipt(receipt *receipts.Receipt, sign int) {
	tree := l.records.trees[receipt.Tree]
	if receipt.Origin != receipts.Stranger || tree == nil {
		return
	}
	l.strangers.add(sign, sign*receipt.Counted())
	if l.models == nil {
		l.models = map[*modelTree]amount{}
	}
	change := l.models[tree]
	change.add(sign, sign*receipt.Counted())
	l.models[tree] = change
}

// size returns the length of a value, -1 where there is none.
func (l *ledger) size(raw *models.Raw, key []byte) (int, error) {
	size, err := raw.Size(l.ctx, l.tx, key)
	if errors.Is(err, models.ErrNotFound) {
		return -1, nil
	}
	return size, err
}
