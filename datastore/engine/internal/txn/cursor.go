package txn

import (
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/span"
)

// State is where a cursor stands.
type State uint8

const (
	// Before means that the first key of the range comes next.
	Before State = iota
	// Sought means that the first key at or beyond Target comes next.
	Sought
	// Placed means that the cursor is at the current key.
	Placed
	// Ended means that the cursor is beyond the last key, until Seek, or has failed.
	Ended
	// Closed means that Close has been called.
	Closed
)

// Cursor is what the cursors of all engines have in common. Engines embed it; its
// Seek and Err are those of engine.Cursor.
type Cursor struct {
	life  *Life
	ends  uint64 // of life, when the cursor was opened
	State State
	err   error

	Span   span.Span
	Target []byte // of Seek
}

// Open makes c a cursor over r in a transaction. It reports false, and c has
// failed, if that has ended.
func (c *Cursor) Open(l *Life, r engine.Range) bool {
	c.life, c.ends = l, l.ends
	if l.done {
		return c.Fail(engine.ErrTxnDone)
	}
	c.Span.Set(r)
	return true
}

// Ready is what Next begins with. It reports false where there is nothing to move
// to, and fails the cursor if its transaction or the context has ended.
func (c *Cursor) Ready() bool {
	if c.State >= Ended {
		return false
	}
	if c.ends != c.life.ends {
		return c.Fail(engine.ErrTxnDone)
	}
	if err := c.life.ctx.Err(); err != nil {
		return c.Fail(err)
	}
	return true
}

// Fail ends the cursor for good. It returns false, for Next to return.
func (c *Cursor) Fail(err error) bool {
	c.State, c.err = Ended, err
	return false
}

// Seek implements engine.Cursor.
func (c *Cursor) Seek(key []byte) {
	switch {
	case c.err != nil || c.State == Closed:
	case c.Span.Before(key):
		c.State = Before
	case len(key) > 0:
		c.Target = append(c.Target[:0], key...)
		c.State = Sought
	case c.Span.Reverse: // nothing comes before the empty key
		c.State = Ended
	default:
		c.State = Before
	}
}

// Current reports whether there is a current key, which can still be read.
func (c *Cursor) Current() bool { return c.State == Placed && c.ends == c.life.ends }

// NoValue is what Value returns where Current reports false.
func (c *Cursor) NoValue() error {
	switch {
	case c.err != nil:
		return c.err
	case c.ends != c.life.ends:
		return engine.ErrTxnDone
	}
	return engine.ErrNotFound
}

// Err implements engine.Cursor.
func (c *Cursor) Err() error { return c.err }
