package record

import (
	"context"
	"errors"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/internal/finish"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
)

var _ ds.TxnDatastore = (*Records)(nil)

// NewTransaction starts a transaction over the snapshot of now, like
// [datastore.Face.NewTransaction]. A Put of a record that is refused returns the error at
// once, and the record is not part of the transaction. A commit is durable. On commit the
// bounds evict older records, and the transaction's provider records are checked against
// the bounds again: those for which there is no room any more are left out.
func (r *Records) NewTransaction(ctx context.Context, readOnly bool) (ds.Txn, error) {
	if r.closed.Load() {
		return nil, models.ErrClosed
	}
	if !readOnly {
		if err := r.checkInside(ctx); err != nil {
			return nil, err
		}
	}
	plain, err := r.plain.Begin(ctx, readOnly)
	if err != nil {
		return nil, err
	}
	t := &txn{records: r, plain: plain, batch: r.providers.NewBatch()}
	read, write := plain.Trees()
	t.from = read
	if write != nil {
		t.from, t.ledger = write, &ledger{records: r, ctx: ctx, tx: write, providers: t.batch}
	}
	return t, nil
}

// txn is a transaction over all trees.
type txn struct {
	records *Records
	plain   *datastore.Txn
	from    models.Reader
	// ledger is nil where the transaction only reads.
	ledger *ledger
	// provided are the changes of provider records. They are applied on Commit, to what
	// is stored then: others may change provider records while the transaction is open.
	provided []providers.Change
	batch    *providers.Batch
	changes  []change
}

func (t *txn) Get(ctx context.Context, key ds.Key) ([]byte, error) {
	ctx = finish.Detach(ctx)
	p, err := t.find(ctx, key)
	switch {
	case err != nil:
		return nil, err
	case p.isPlain():
		return t.plain.Get(ctx, key)
	}
	return t.records.get(ctx, t.from, &p, t.provided)
}

func (t *txn) Has(ctx context.Context, key ds.Key) (bool, error) {
	_, err := t.GetSize(ctx, key)
	if err == ds.ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

func (t *txn) GetSize(ctx context.Context, key ds.Key) (int, error) {
	ctx = finish.Detach(ctx)
	p, err := t.find(ctx, key)
	switch {
	case err != nil:
		return -1, err
	case p.isPlain():
		return t.plain.GetSize(ctx, key)
	}
	return t.records.size(ctx, t.from, &p, t.provided)
}

// find is Records.find, but a key that can have no value has none, unless the transaction
// cannot be read at all.
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
	// The plain part tells whether the transaction has ended.
	if _, err := t.plain.Has(ctx, ds.NewKey(q.Prefix)); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return t.records.query(ctx, t.from, t.plain, t.provided, q)
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
	case p.isPlain():
		return t.plain.Put(ctx, key, value)
	case t.ledger == nil:
		return models.ErrReadOnly
	}
	ctx = finish.Detach(ctx)
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
	case p.isPlain():
		return t.plain.Delete(ctx, key)
	case t.ledger == nil:
		return models.ErrReadOnly
	}
	return t.change(finish.Detach(ctx), change{place: p, delete: true})
}

func (t *txn) change(ctx context.Context, c change) error {
	if c.isProvider() {
		return t.changeProvider(ctx, c)
	}
	var refused []error
	t.ledger.ctx = ctx
	if err := t.ledger.apply(&c, &refused); err != nil {
		return err
	}
	t.records.metrics.refused(ctx, refused...)
	c.value, c.data, c.more = nil, nil, nil // the rest says when it expires
	t.changes = append(t.changes, c)
	return errors.Join(refused...)
}

// changeProvider is change of a provider record.
func (t *txn) changeProvider(ctx context.Context, c change) error {
	change := c.providerChange()
	if !c.delete {
		if err := t.records.providers.CheckBounds(ctx, t.provided, &change); err != nil {
			refused := []error{err}
			asBoundErrors(refused)
			t.records.metrics.refused(ctx, refused...)
			return c.fail("put", refused[0])
		}
	}
	t.provided = append(t.provided, change)
	return nil
}

func (t *txn) Commit(ctx context.Context) error {
	if t.records.closed.Load() {
		return models.ErrClosed
	}
	ctx = finish.Detach(ctx)
	defer t.records.metrics.took(ctx, opCommit, time.Now())
	if len(t.changes)+len(t.provided) == 0 {
		return t.plain.Commit(ctx)
	}
	refused, err := t.commit(ctx)
	if err != nil {
		return err
	}
	asBoundErrors(refused)
	t.records.applied(ctx, refused)
	t.records.armFor(t.changes...)
	t.records.armForProviders(t.provided)
	t.changes, t.provided = nil, nil
	return t.records.keepBounds(ctx)
}

// commit applies the changes of provider records, and commits all.
func (t *txn) commit(ctx context.Context) (refused []error, err error) {
	defer t.batch.Close()
	t.ledger.ctx = ctx
	if refused, err = t.batch.Apply(ctx, t.ledger.tx, t.records.store, t.provided); err == nil {
		err = t.ledger.finish()
	}
	if err != nil {
		t.plain.Discard(ctx)
		return nil, err
	}
	if err = t.plain.Commit(ctx); err == nil {
		t.ledger.committed()
	}
	return refused, err
}

func (t *txn) Discard(ctx context.Context) { t.plain.Discard(ctx) }
