package models

import (
	"context"

	"github.com/newsnet-africa/netabase-go/internal/session"
)

// Reader is where rows are read: a *datastore.Store, which gives each call a
// transaction of its own, or an open *datastore.ReadTx or *datastore.WriteTx.
// Only this module's types implement it.
type Reader interface {
	// BeginRead lends the transaction that one operation reads in.
	BeginRead(ctx context.Context) (*session.Session, error)
}

// Writer is where rows are written: a *datastore.Store, which commits each call
// by itself, or an open *datastore.WriteTx. A *datastore.ReadTx is not a
// Writer, so that writing through one does not compile. Only this module's
// types implement Writer.
type Writer interface {
	Reader
	// RunWrite calls fn with the transaction that one operation writes in. A
	// store commits it when fn returns nil, and calls fn again on a conflict.
	RunWrite(ctx context.Context, fn func(*session.Session) error) error
}
