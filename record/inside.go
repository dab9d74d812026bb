package record

import (
	"context"

	ds "github.com/ipfs/go-datastore"
	contextds "github.com/ipfs/go-datastore/context"

	"github.com/newsnet-africa/netabase-go/models"
)

// This file lets Records take part in a batch or transaction of theirs that the program
// has put into the context, with WithWrite and WithRead of go-datastore's package context.

// given returns the batch or the transaction of these Records that ctx has for writes, or
// nil.
func (r *Records) given(ctx context.Context) ds.Write {
	write, _ := contextds.GetWrite(ctx)
	switch w := write.(type) {
	case *batch:
		if w.records == r {
			return w
		}
	case *txn:
		if w.records == r {
			return w
		}
	}
	return nil
}

// reading returns the transaction of these Records that ctx has for reads, or nil.
func (r *Records) reading(ctx context.Context) *txn {
	read, _ := contextds.GetRead(ctx)
	if t, ok := read.(*txn); ok && t.records == r {
		return t
	}
	return nil
}

// forPlain returns a context that has the plain part of the batch or the transaction that
// ctx has, for the plain face.
func (r *Records) forPlain(ctx context.Context) context.Context {
	switch w := r.given(ctx).(type) {
	case *batch:
		ctx = contextds.WithWrite(ctx, w.plain)
	case *txn:
		ctx = contextds.WithWrite(ctx, w.plain)
	}
	if t := r.reading(ctx); t != nil {
		ctx = contextds.WithRead(ctx, t.plain)
	}
	return ctx
}

// checkInside returns models.ErrNested for a write that needs a transaction of its own
// although ctx has an open one: it would wait for that on an engine with one writer.
func (r *Records) checkInside(ctx context.Context) error {
	if t, ok := r.given(ctx).(*txn); ok && t.plain.Writes() {
		return models.ErrNested
	}
	return nil
}
