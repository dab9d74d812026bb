// Package txn is what the transactions and cursors of all engines share: when a
// transaction has ended, and where a cursor stands in its range.
package txn

import (
	"context"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Life tells whether a transaction is under way. Begin begins it, and may begin it
// anew after End.
type Life struct {
	ctx  context.Context
	done bool
	// ends counts how often the transaction has ended. A cursor that finds another
	// number than when it was opened has outlived its transaction.
	ends uint64
}

// Begin says that the transaction is under way from now on.
func (l *Life) Begin(ctx context.Context) { l.ctx, l.done = ctx, false }

// End says that it has ended, and reports whether it was under way until now.
func (l *Life) End() bool {
	if l.done {
		return false
	}
	l.done = true
	l.ends++
	return true
}

// Done reports whether the transaction has ended.
func (l *Life) Done() bool { return l.done }

// Check returns engine.ErrTxnDone, the error of the context that the transaction
// began with, or nil.
func (l *Life) Check() error {
	if l.done {
		return engine.ErrTxnDone
	}
	return l.ctx.Err()
}

// CheckWrite returns engine.ErrTxnDone, the error for a key that cannot be written,
// or nil.
func (l *Life) CheckWrite(key []byte) error {
	if l.done {
		return engine.ErrTxnDone
	}
	return engine.CheckKey(key)
}
