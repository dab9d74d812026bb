package datastore

import (
	"context"
	"sync/atomic"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/finish"
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
//
// Beginning a transaction that writes ends with ctx; so do queries of any transaction.
// Other calls are done also if their context has ended.
func (f *Face) NewTransaction(ctx context.Context, readOnly bool) (ds.Txn, error) {
	t, err := f.Begin(ctx, readOnly)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Begin is NewTransaction, for a caller that also wants the trees.
func (f *Face) Begin(ctx context.Context, readOnly bool) (*Txn, error) {
	if f.closed.Load() {
		return nil, models.ErrClosed
	}
	if readOnly {
		ctx = finish.Detach(ctx) // it waits for nobody
	} else if err := f.checkInside(ctx); err != nil {
		return nil, err
	}
	ses, txn, err := f.store.begin(ctx, readOnly)
	if err != nil {
		return nil, err
	}
	t := &Txn{face: f, txn: txn}
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
	if err := s.addVersions(ctx); err != nil {
		return nil, nil, err
	}
	txn, err := s.db.Update(ctx)
	if err != nil {
		return nil, nil, err
	}
	ses := s.sessions.Get().(*session.Session)
	ses.Read, ses.Write, ses.Held = txn, txn, true
	ses.Followed = s.follow.trees.Load()
	return ses, txn, nil
}

var _ ds.Txn = (*Txn)(nil)

// Txn is a transaction with go-datastore's methods. See [Face.NewTransaction].
type Txn struct {
	face *Face
	tx   WriteTx
	// txn is nil where the transaction only reads.
	txn   engine.WriteTxn
	ended atomic.Bool
}

// Trees returns the same transaction for reading and writing trees; write is nil
// where it only reads. Both end with it.
func (t *Txn) Trees() (read *ReadTx, write *WriteTx) {
	if t.txn == nil {
		return &t.tx.ReadTx, nil
	}
	return &t.tx.ReadTx, &t.tx
}

// Get returns the value of key.
func (t *Txn) Get(ctx context.Context, key ds.Key) ([]byte, error) {
	return t.face.get(finish.Detach(ctx), &t.tx, key)
}

// Has reports whether key has a value.
func (t *Txn) Has(ctx context.Context, key ds.Key) (bool, error) {
	return t.face.has(finish.Detach(ctx), &t.tx, key)
}

// GetSize returns the length of key's value.
func (t *Txn) GetSize(ctx context.Context, key ds.Key) (int, error) {
	return t.face.size(finish.Detach(ctx), &t.tx, key)
}

// Query is that of [Face.Query], within the transaction.
func (t *Txn) Query(ctx context.Context, q dsq.Query) (dsq.Results, error) {
	return t.face.queryInside(ctx, t, q)
}

// Put stores value under key.
func (t *Txn) Put(ctx context.Context, key ds.Key, value []byte) error {
	if err := t.writable(); err != nil {
		return err
	}
	return t.face.put(finish.Detach(ctx), &t.tx, key, value)
}

// Delete removes key; one that is absent is no error.
func (t *Txn) Delete(ctx context.Context, key ds.Key) error {
	if err := t.writable(); err != nil {
		return err
	}
	return t.face.delete(finish.Detach(ctx), &t.tx, key)
}

// Writes reports whether the transaction writes and has not ended.
func (t *Txn) Writes() bool { return t.txn != nil && !t.ended.Load() }

func (t *Txn) writable() error {
	if !t.tx.done && t.txn == nil {
		return models.ErrReadOnly
	}
	return nil
}

// Commit makes what was written visible, and durable as Store.Update does, or returns
// models.ErrConflict.
func (t *Txn) Commit(ctx context.Context) error {
	if !t.ended.CompareAndSwap(false, true) {
		return models.ErrTxnDone
	}
	defer t.end()
	if t.txn == nil {
		return nil
	}
	return t.face.store.commit(finish.Detach(ctx), t.tx.session, t.txn, t.face.store.durability)
}

// Discard drops what was written. After Commit it does nothing.
func (t *Txn) Discard(context.Context) {
	if t.ended.CompareAndSwap(false, true) {
		t.end()
	}
}

func (t *Txn) end() {
	t.tx.done = true
	t.face.store.release(t.tx.session)
}
