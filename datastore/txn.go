package datastore

import (
	"context"
	"sync/atomic"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// NewTransaction starts a transaction over the snapshot of now; reads see its
// own writes. Commit is durable, and returns models.ErrConflict where another
// commit changed what the transaction has read: nothing is written then. After
// Commit or Discard every call returns models.ErrTxnDone. Like all transactions
// it belongs to one goroutine at a time, and on an engine with one writer others
// wait until a transaction that writes has ended. Results of its queries have to
// be closed before it ends.
func (f *Face) NewTransaction(ctx context.Context, readOnly bool) (ds.Txn, error) {
	if f.closed.Load() {
		return nil, models.ErrClosed
	}
	if !readOnly {
		if err := f.store.updates.check(); err != nil {
			return nil, err
		}
	}
	ses, txn, err := f.store.begin(ctx, readOnly)
	if err != nil {
		return nil, err
	}
	t := &transaction{face: f, txn: txn}
	t.tx.session = ses
	return t, nil
}

// begin starts a transaction that the caller ends with release.
func (s *Store) begin(ctx context.Context, readOnly bool) (*session.Session, engine.WriteTxn, error) {
	if readOnly {
		ses, err := s.BeginRead(ctx)
		if err != nil {
			return nil, nil, err
		}
		ses.Held = true
		return ses, nil, nil
	}
	txn, err := s.db.Update(ctx)
	if err != nil {
		return nil, nil, err
	}
	ses := s.sessions.Get().(*session.Session)
	ses.Read, ses.Write, ses.Held = txn, txn, true
	return ses, txn, nil
}

// transaction is a WriteTx with go-datastore's methods.
type transaction struct {
	face *Face
	tx   WriteTx
	// txn is nil where the transaction only reads.
	txn   engine.WriteTxn
	ended atomic.Bool
}

func (t *transaction) Get(ctx context.Context, key ds.Key) ([]byte, error) {
	return t.face.get(ctx, &t.tx, key)
}

func (t *transaction) Has(ctx context.Context, key ds.Key) (bool, error) {
	return t.face.has(ctx, &t.tx, key)
}

func (t *transaction) GetSize(ctx context.Context, key ds.Key) (int, error) {
	return t.face.size(ctx, &t.tx, key)
}

func (t *transaction) Query(ctx context.Context, q dsq.Query) (dsq.Results, error) {
	if t.tx.done {
		return nil, models.ErrTxnDone
	}
	return t.face.query(ctx, &t.tx, q, &t.face.closed), ctx.Err()
}

func (t *transaction) Put(ctx context.Context, key ds.Key, value []byte) error {
	if err := t.writable(); err != nil {
		return err
	}
	return t.face.put(ctx, &t.tx, key, value)
}

func (t *transaction) Delete(ctx context.Context, key ds.Key) error {
	if err := t.writable(); err != nil {
		return err
	}
	return t.face.delete(ctx, &t.tx, key)
}

func (t *transaction) writable() error {
	if !t.tx.done && t.txn == nil {
		return models.ErrReadOnly
	}
	return nil
}

func (t *transaction) Commit(ctx context.Context) error {
	if !t.ended.CompareAndSwap(false, true) {
		return models.ErrTxnDone
	}
	defer t.end()
	if t.txn == nil {
		return nil
	}
	return t.face.store.commit(ctx, t.tx.session, t.txn, engine.Durable)
}

func (t *transaction) Discard(context.Context) {
	if t.ended.CompareAndSwap(false, true) {
		t.end()
	}
}

func (t *transaction) end() {
	t.tx.done = true
	t.face.store.release(t.tx.session)
}
