package datastore

import (
	"context"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// ReadTx is a snapshot of a store. It belongs to one goroutine at a time, and
// returns models.ErrTxnDone once the function it was given to has returned.
type ReadTx struct {
	session *session.Session
	done    bool
}

// BeginRead is how trees read in the transaction.
func (tx *ReadTx) BeginRead(ctx context.Context) (*session.Session, error) {
	if tx.done {
		return nil, models.ErrTxnDone
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return tx.session, nil
}

// WriteTx is a transaction that reads and writes a store; reads see its own
// writes. It belongs to one goroutine at a time, and returns models.ErrTxnDone
// once the function it was given to has returned.
type WriteTx struct{ ReadTx }

// RunWrite is how trees write in the transaction.
func (tx *WriteTx) RunWrite(ctx context.Context, fn func(*session.Session) error) error {
	s, err := tx.BeginRead(ctx)
	if err != nil {
		return err
	}
	return fn(s)
}
