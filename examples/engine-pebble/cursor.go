package pebble

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

type cursor struct {
	txn     *readTxn
	reverse bool
	bounds  pebble.IterOptions
	iter    *pebble.Iterator // nil if the range is empty
	writes  uint64           // of the transaction, when iter last saw them
	at      place
	target  []byte // of Seek, or the place to return to
	err     error
}

// place is the position of the cursor.
type place uint8

const (
	atStart  place = iota // before the first key of the range
	atTarget              // before the first key at or beyond target
	pastIt                // before the first key beyond target
	onKey
	atEnd  // until Seek
	failed // it stays failed
)

func newCursor(t *readTxn, r engine.Range) *cursor {
	c := &cursor{txn: t, reverse: r.Reverse}
	if t.done {
		c.fail(engine.ErrTxnDone)
		return c
	}
	if r.Upper != nil && bytes.Compare(r.Lower, r.Upper) >= 0 {
		return c
	}
	c.bounds = pebble.IterOptions{LowerBound: bytes.Clone(r.Lower), UpperBound: bytes.Clone(r.Upper)}
	iter, err := t.source.NewIter(&c.bounds)
	if err != nil {
		c.fail(typed(err))
		return c
	}
	c.iter, c.writes = iter, t.writes
	return c
}

func (c *cursor) fail(err error) bool {
	c.at, c.err = failed, err
	return false
}

func (c *cursor) Next() bool {
	switch {
	case c.at == failed:
		return false
	case c.txn.done:
		return c.fail(engine.ErrTxnDone)
	case c.txn.ctx.Err() != nil:
		return c.fail(c.txn.ctx.Err())
	case c.at == atEnd:
		return false
	}
	if c.iter == nil {
		c.at = atEnd
		return false
	}
	c.seeWrites()
	if c.move() {
		c.at = onKey
		return true
	}
	if err := c.iter.Error(); err != nil {
		return c.fail(typed(err))
	}
	c.at = atEnd
	return false
}

// seeWrites lets the iterator see the writes since the last call. Afterwards the caller must
// move it back to its place.
func (c *cursor) seeWrites() {
	if c.writes == c.txn.writes {
		return
	}
	if c.at == onKey {
		c.target = append(c.target[:0], c.iter.Key()...)
		c.at = pastIt
	}
	c.writes = c.txn.writes
	c.iter.SetOptions(&c.bounds)
}

func (c *cursor) move() bool {
	switch {
	case c.at == onKey && c.reverse:
		return c.iter.Prev()
	case c.at == onKey:
		return c.iter.Next()
	case c.at == atStart && c.reverse:
		return c.iter.Last()
	case c.at == atStart:
		return c.iter.First()
	}
	// Nothing lies between target and this.
	after := append(c.target, 0)
	switch {
	case c.reverse && c.at == atTarget:
		return c.iter.SeekLT(after)
	case c.reverse:
		return c.iter.SeekLT(c.target)
	case c.at == atTarget:
		return c.iter.SeekGE(c.target)
	default:
		return c.iter.SeekGE(after)
	}
}

func (c *cursor) Seek(key []byte) {
	if c.at != failed {
		c.target = append(c.target[:0], key...)
		c.at = atTarget
	}
}

func (c *cursor) Key() []byte {
	if c.at != onKey || c.txn.done {
		return nil
	}
	return c.iter.Key()
}

// Value is the value that the key had when Next moved to it. A batch only grows, and the
// iterator reads the part of it that existed then.
func (c *cursor) Value() ([]byte, error) {
	switch {
	case c.err != nil:
		return nil, c.err
	case c.txn.done:
		return nil, engine.ErrTxnDone
	case c.at != onKey:
		return nil, engine.ErrNotFound
	}
	value, err := c.iter.ValueAndErr()
	return value, typed(err)
}

func (c *cursor) Err() error { return c.err }

func (c *cursor) Close() {
	if c.iter == nil {
		return
	}
	err := c.iter.Close()
	c.iter = nil
	if c.at == failed {
		return
	}
	c.at = failed
	if err != nil {
		c.err = typed(err)
	}
}
