package memory

import (
	"bytes"

	"github.com/tidwall/btree"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

type cursor struct {
	txn  *readTxn
	iter btree.IterG[item]

	// lower, upper and target are copies, in room where they fit.
	lower, upper []byte
	target       []byte
	reverse      bool

	state  state
	writes uint64 // of the transaction, when iter was last placed
	err    error
	room   [48]byte
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
	c := &cursor{txn: t, reverse: r.Reverse}
	if t.done {
		c.fail(engine.ErrTxnDone)
		return c
	}
	bounds := append(append(c.room[:0], r.Lower...), r.Upper...)
	if r.Lower != nil {
		c.lower = bounds[:len(r.Lower):len(r.Lower)]
	}
	if r.Upper != nil {
		c.upper = bounds[len(r.Lower):]
	}
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
	if !c.move() || !c.inRange() {
		c.state = ended
		return false
	}
	c.state, c.writes = placed, c.txn.writes
	return true
}

// move places iter at the next key, whatever the bound ahead.
func (c *cursor) move() bool {
	switch {
	case c.state == before && !c.reverse:
		if c.lower == nil {
			return c.iter.First()
		}
		return c.iter.Seek(item{key: c.lower})
	case c.state == before:
		if c.upper == nil {
			return c.iter.Last()
		}
		return c.seekBelow(c.upper)
	case c.state == sought && !c.reverse:
		return c.iter.Seek(item{key: c.target})
	case c.state == sought:
		if c.iter.Seek(item{key: c.target}) && bytes.Equal(c.iter.Item().key, c.target) {
			return true
		}
		return c.seekBelow(c.target)
	case c.writes != c.txn.writes: // the nodes under iter may have changed
		last := c.iter.Item().key
		if c.reverse {
			return c.seekBelow(last)
		}
		return c.iter.Seek(item{key: last}) && (!bytes.Equal(c.iter.Item().key, last) || c.iter.Next())
	case c.reverse:
		return c.iter.Prev()
	default:
		return c.iter.Next()
	}
}

// seekBelow places iter at the last key before key.
func (c *cursor) seekBelow(key []byte) bool {
	if c.iter.Seek(item{key: key}) {
		return c.iter.Prev()
	}
	return c.iter.Last()
}

func (c *cursor) inRange() bool {
	if c.reverse {
		return c.lower == nil || bytes.Compare(c.iter.Item().key, c.lower) >= 0
	}
	return c.upper == nil || bytes.Compare(c.iter.Item().key, c.upper) < 0
}

func (c *cursor) Seek(key []byte) {
	if c.err != nil || c.state == closed {
		return
	}
	// A target behind the range is moved to where the range begins.
	if !c.reverse && c.lower != nil && bytes.Compare(key, c.lower) < 0 ||
		c.reverse && c.upper != nil && bytes.Compare(key, c.upper) >= 0 {
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
