package record

import (
	"context"
	"errors"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

var _ ds.TxnDatastore = (*Records)(nil)

// NewTransaction starts a transaction over the snapshot of now, as that of
// [datastore.Face.NewTransaction]. A record that is refused returns the error at
// once, and is not part of the transaction; what a bound evicts for the others
// goes when it is committed, which is durable.
func (r *Records) NewTransaction(ctx context.Context, readOnly bool) (ds.Txn, error) {
	if r.closed.Load() {
		return nil, models.ErrClosed
	}
	if err := r.look(ctx); err != nil {
		return nil, err
	}
	plain, err := r.plain.Begin(ctx, readOnly)
	if err != nil {
		return nil, err
	}
	t := &txn{records: r, plain: plain}
	read, write := plain.Trees()
	t.from = read
	if write != nil {
		t.from, t.ledger = write, r.newLedger(ctx, write)
		t.ledger.shared = true
	}
	return t, nil
}

// txn is a transaction over all trees.
type txn struct {
	records *Records
	plain   *datastore.Txn
	from    models.Reader
	// ledger is nil where the transaction only reads.
	ledger  *ledger
	changes []change
}

func (t *txn) Get(ctx context.Context, key ds.Key) ([]byte, error) {
	p, err := t.find(ctx, key)
	switch {
	case err != nil:
		return nil, err
	case p.raw == nil:
		return t.plain.Get(ctx, key)
	}
	return t.records.get(ctx, t.from, &p)
}

func (t *txn) Has(ctx context.Context, key ds.Key) (bool, error) {
	_, err := t.GetSize(ctx, key)
	if err == ds.ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

func (t *txn) GetSize(ctx context.Context, key ds.Key) (int, error) {
	p, err := t.find(ctx, key)
	switch {
	case err != nil:
		return -1, err
	case p.raw == nil:
		return t.plain.GetSize(ctx, key)
	}
	return t.records.size(ctx, t.from, &p)
}

// find is that of Records, but that where nothing can lie there is nothing, unless
// the transaction cannot be read at all.
func (t *txn) find(ctx context.Context, key ds.Key) (place, error) {
	if t.records.closed.Load() {
		return place{}, models.ErrClosed
	}
	p, err := t.records.find(key.String())
	if err != nil {
		if _, err := t.plain.Has(ctx, key); err != nil {
			return place{}, err
		}
		return place{}, ds.ErrNotFound
	}
	return p, nil
}

func (t *txn) Query(ctx context.Context, q dsq.Query) (dsq.Results, error) {
	if t.records.closed.Load() {
		return nil, models.ErrClosed
	}
	// What the plain part says of a transaction that has ended, or a context.
	if _, err := t.plain.Has(ctx, ds.NewKey(q.Prefix)); err != nil {
		return nil, err
	}
	return t.records.query(ctx, t.from, t.plain, q)
}

func (t *txn) Put(ctx context.Context, key ds.Key, value []byte) error {
	if t.records.closed.Load() {
		return models.ErrClosed
	}
	p, err := t.records.find(key.String())
	switch {
	case err != nil:
		t.records.metrics.refused(ctx, err)
		return err
	case p.raw == nil:
		return t.plain.Put(ctx, key, value)
	case t.ledger == nil:
		return models.ErrReadOnly
	}
	c, err := t.records.put(ctx, p, value)
	if err != nil {
		return err
	}
	return t.change(ctx, c)
}

func (t *txn) Delete(ctx context.Context, key ds.Key) error {
	if t.records.closed.Load() {
		return models.ErrClosed
	}
	p, err := t.records.find(key.String())
	switch {
	case err != nil:
		return nil // nothing can be there
	case p.raw == nil:
		return t.plain.Delete(ctx, key)
	case t.ledger == nil:
		return models.ErrReadOnly
	}
	return t.change(ctx, change{place: p, delete: true})
}

func (t *txn) change(ctx context.Context, c change) error {
	var refused []error
	t.ledger.ctx = ctx
	if err := t.ledger.apply(&c, &refused); err != nil {
		return err
	}
	t.records.metrics.refused(ctx, refused...)
	c.value = nil // the rest says when it expires
	t.changes = append(t.changes, c)
	return errors.Join(refused...)
}

func (t *txn) Commit(ctx context.Context) error {
	if t.records.closed.Load() {
		return models.ErrClosed
	}
	defer t.records.metrics.took(ctx, opCommit, time.Now())
	if len(t.changes) == 0 {
		return t.plain.Commit(ctx)
	}
	t.ledger.ctx = ctx
	if err := t.ledger.finish(); err != nil {
		t.plain.Discard(ctx)
		return err
	}
	if err := t.plain.Commit(ctx); err != nil {
		return err
	}
	t.ledger.committed()
	t.records.armFor(t.changes...)
	t.changes = nil
	return t.records.keepBounds(ctx)
}

func (t *txn) Discard(ctx context.Context) { t.plain.Discard(ctx) }
