package memory

import (
	"bytes"

	"github.com/tidwall/btree"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/span"
)

type cursor struct {
	txn    *readTxn
	iter   btree.IterG[item]
	span   span.Span
	target []byte // of Seek
	state  state
	writes uint64 // of the transaction, when iter was last placed
	err    error
}

type state uint8

const (
	before state = iota // the first key of the range is next
	sought              // the first key at or beyond target is next
	placed              // iter is at the current key
	ended               // until the next Seek
	closed
)

func newCursor(t *readTxn, r engine.Range) *cursor {
	c := &cursor{txn: t}
	if t.done {
		c.fail(engine.ErrTxnDone)
		return c
	}
	c.span.Set(r)
	c.iter.Init(t.tree, false)
	return c
}

func (c *cursor) Next() bool {
	if c.state >= ended {
		return false
	}
	if c.txn.done {
		return c.fail(engine.ErrTxnDone)
	}
	if err := c.txn.ctx.Err(); err != nil {
		return c.fail(err)
	}
	if !c.move() || c.span.Beyond(c.iter.Item().key) {
		c.state = ended
		return false
	}
	c.state, c.writes = placed, c.txn.writes
	return true
}

// move places iter at the next key, whatever the bound ahead.
func (c *cursor) move() bool {
	switch c.state {
	case before:
		bound := c.span.First()
		switch {
		case c.span.Reverse && bound == nil:
			return c.iter.Last()
		case c.span.Reverse:
			return c.seekBelow(bound)
		default:
			return c.iter.Seek(item{key: bound})
		}
	case sought:
		if !c.span.Reverse {
			return c.iter.Seek(item{key: c.target})
		}
		if c.iter.Seek(item{key: c.target}) && bytes.Equal(c.iter.Item().key, c.target) {
			return true
		}
		return c.seekBelow(c.target)
	}
	if c.writes != c.txn.writes { // the nodes under iter may have changed
		last := c.iter.Item().key
		if c.span.Reverse {
			return c.seekBelow(last)
		}
		return c.iter.Seek(item{key: last}) && (!bytes.Equal(c.iter.Item().key, last) || c.iter.Next())
	}
	if c.span.Reverse {
		return c.iter.Prev()
	}
	return c.iter.Next()
}

// seekBelow places iter at the last key before key.
func (c *cursor) seekBelow(key []byte) bool {
	if c.iter.Seek(item{key: key}) {
		return c.iter.Prev()
	}
	return c.iter.Last()
}

func (c *cursor) Seek(key []byte) {
	if c.err != nil || c.state == closed {
		return
	}
	if c.span.Before(key) {
		c.state = before
		return
	}
	c.target = append(c.target[:0], key...)
	c.state = sought
}

func (c *cursor) Key() []byte {
	if c.state != placed {
		return nil
	}
	return c.iter.Item().key
}

func (c *cursor) Value() ([]byte, error) {
	switch {
	case c.err != nil:
		return nil, c.err
	case c.txn.done:
		return nil, engine.ErrTxnDone
	case c.state != placed:
		return nil, engine.ErrNotFound
	}
	return c.iter.Item().value, nil
}

func (c *cursor) Err() error { return c.err }

func (c *cursor) Close() {
	c.iter.Release()
	c.state = closed
}

func (c *cursor) fail(err error) bool {
	c.state, c.err = ended, err
	return false
}
