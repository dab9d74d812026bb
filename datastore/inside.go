package datastore

import (
	"context"

	contextds "github.com/ipfs/go-datastore/context"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/models"
)

// This file lets a Face take part in a batch or transaction that the program has put into
// the context, with WithWrite and WithRead of go-datastore's package context. A batch or
// transaction of another store, or one inside a wrapper, is not for this store: the
// wrapper or contextds.WrapDatastore has to bring the calls to it.

// given returns the batch or the transaction of this store that ctx has for writes, or
// neither.
func (f *Face) given(ctx context.Context) (*batch, *Txn) {
	write, _ := contextds.GetWrite(ctx)
	switch w := write.(type) {
	case *batch:
		if w.face.store == f.store {
			return w, nil
		}
	case *Txn:
		if w.face.store == f.store {
			return nil, w
		}
	}
	return nil, nil
}

// writer returns what a write goes to: a transaction that the context has, or the store.
func (f *Face) writer(t *Txn) (models.Writer, error) {
	if t == nil {
		return f.store, nil
	}
	return &t.tx, t.writable()
}

// reader returns where a read with ctx looks: in a transaction of this store that ctx has
// for reads, or in the store.
func (f *Face) reader(ctx context.Context) models.Reader {
	if t := f.reading(ctx); t != nil {
		return &t.tx
	}
	return f.store
}

func (f *Face) reading(ctx context.Context) *Txn {
	read, _ := contextds.GetRead(ctx)
	if t, ok := read.(*Txn); ok && t.face.store == f.store {
		return t
	}
	return nil
}

// checkInside returns ErrNested for a write that needs a transaction of its own although
// ctx has an open one: it would wait for that on an engine with one writer.
func (f *Face) checkInside(ctx context.Context) error {
	if err := f.store.checkNested(ctx); err != nil {
		return err
	}
	if _, t := f.given(ctx); t != nil && t.Writes() {
		return models.ErrNested
	}
	return nil
}

// queryInside is Query in the transaction of a context.
func (f *Face) queryInside(ctx context.Context, t *Txn, q dsq.Query) (dsq.Results, error) {
	if t.tx.done {
		return nil, models.ErrTxnDone
	}
	return f.query(ctx, &t.tx, q, &f.closed), ctx.Err()
}
