package writes

import (
	"bytes"

	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/txn"
)

// Committed goes over the rows that the database holds, in one direction.
type Committed interface {
	// Start moves to the first key at or beyond bound, in reverse to the last one
	// before it. A nil bound is open.
	Start(bound []byte)
	// Seek moves to the first key at or beyond key in the direction.
	Seek(key []byte)
	// Next moves on from a key.
	Next()
	// Key returns the key that Committed is at, or nil at the end. It is valid until
	// the next move.
	Key() []byte
}

// Cursor is what the cursors have in common that read the writes of their transaction
// over what is committed. Engines embed it.
type Cursor struct {
	txn.Cursor
	committed Committed
	set       *Set   // nil in a read transaction
	own       *place // nil until there are writes
	changes   uint64 // of set, when own was last placed

	// RowKey is the key that Move came to. The row is committed or one of the writes;
	// where it is both the write counts.
	RowKey             []byte
	isCommitted, isOwn bool
	write              Write // if isOwn
}

// Merge has the cursor go over committed, and over set if that is not nil. The cursor
// must be open.
func (c *Cursor) Merge(committed Committed, set *Set) { c.committed, c.set = committed, set }

// Move moves to the next row, whatever the bound ahead, and reports whether there is
// one. It leaves it to the caller to set State.
func (c *Cursor) Move() bool {
	c.advance()
	if c.set == nil {
		c.RowKey = c.committed.Key()
		return c.RowKey != nil
	}
	for {
		c.changes = c.set.changes
		c.choose()
		if !c.isCommitted && !c.isOwn {
			return false
		}
		if !c.isOwn {
			c.RowKey = c.committed.Key()
			return true
		}
		c.write = *c.own.current()
		c.RowKey = c.write.Key
		if !c.write.Deleted {
			return true
		}
		c.State = txn.Placed // on the deleted row, to advance from it
		c.advance()
	}
}

// advance moves committed and own beyond the current row, or to where the cursor
// starts.
func (c *Cursor) advance() {
	if c.own == nil && c.set != nil && c.set.Len() > 0 {
		c.own = newPlace(c.set, c.Span.Reverse)
	}
	switch c.State {
	case txn.Before:
		bound := c.Span.First()
		c.committed.Start(bound)
		if c.own != nil {
			c.own.start(bound)
		}
	case txn.Sought:
		c.committed.Seek(c.Target)
		if c.own != nil {
			c.own.seek(c.Target, true)
		}
	default:
		if c.set == nil {
			c.committed.Next()
			return
		}
		// own first: the key may be committed's, and go with its move.
		if c.changes != c.set.changes {
			c.own.seek(c.RowKey, false)
		} else if c.isOwn {
			c.own.next()
		}
		if c.isCommitted {
			c.committed.Next()
		}
	}
}

// choose tells which of committed and own is next: the nearer, or both.
func (c *Cursor) choose() {
	key := c.committed.Key()
	c.isCommitted, c.isOwn = key != nil, c.own != nil && c.own.placed
	if !c.isCommitted || !c.isOwn {
		return
	}
	order := bytes.Compare(key, c.own.current().Key)
	if c.Span.Reverse {
		order = -order
	}
	c.isCommitted, c.isOwn = order <= 0, order >= 0
}

// Own returns the value of the row that Move came to, if that is one of the writes.
func (c *Cursor) Own() (value []byte, own bool) {
	if !c.isOwn {
		return nil, false
	}
	return c.write.Value, true
}

// Release gives back the writes, and the row.
func (c *Cursor) Release() {
	c.committed, c.set, c.own = nil, nil, nil
	c.RowKey, c.isCommitted, c.isOwn, c.write = nil, false, false, Write{}
}
