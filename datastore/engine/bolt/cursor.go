package bolt

import (
	"bytes"

	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/span"
)

type cursor struct {
	txn        *readTxn
	at         *bbolt.Cursor
	span       span.Span
	target     []byte // of Seek
	key, value []byte
	state      state
	writes     uint64 // of the transaction, when at was last placed
	err        error
}

type state uint8

const (
	before state = iota // the first key of the range is next
	sought              // the first key at or beyond target is next
	placed              // at is at the current key
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
	c.at = t.bucket.Cursor()
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
	if err := c.next(); err != nil {
		c.txn.failed = c.txn.corrupt(err)
		return c.fail(c.txn.failed)
	}
	return c.state == placed
}

func (c *cursor) next() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	key, value := c.move()
	if err := c.txn.mapped.check(key); err != nil {
		return err
	}
	if key == nil || c.span.Beyond(key) {
		c.key, c.value, c.state = nil, nil, ended
		return nil
	}
	c.key, c.value, c.state, c.writes = key, value, placed, c.txn.writes
	return c.txn.mapped.check(value)
}

// move returns the next key, whatever the bound ahead, and nil at the end.
func (c *cursor) move() (key, value []byte) {
	switch c.state {
	case before:
		bound := c.span.First()
		switch {
		case c.span.Reverse && bound == nil:
			return c.last()
		case c.span.Reverse:
			return c.seekBelow(bound)
		default:
			return c.at.Seek(bound)
		}
	case sought:
		key, value = c.at.Seek(c.target)
		if c.span.Reverse && !bytes.Equal(key, c.target) {
			return c.seekBelow(c.target)
		}
		return key, value
	}
	if c.writes != c.txn.writes { // the pages under the cursor may have changed
		if c.span.Reverse {
			return c.seekBelow(c.key)
		}
		if key, value = c.at.Seek(c.key); bytes.Equal(key, c.key) {
			return c.at.Next()
		}
		return key, value
	}
	if c.span.Reverse {
		return c.previous(c.key)
	}
	return c.at.Next()
}

// seekBelow moves to the last key before bound.
func (c *cursor) seekBelow(bound []byte) (key, value []byte) {
	if key, _ = c.at.Seek(bound); key == nil {
		return c.last()
	}
	return c.previous(bound)
}

// last moves to the last key. bbolt does not return from looking for it where
// the transaction has deleted all there were.
func (c *cursor) last() (key, value []byte) {
	if c.txn.writes > 0 {
		if key, _ = c.at.First(); key == nil {
			return nil, nil
		}
	}
	return c.at.Last()
}

// previous moves back, from the first key at or beyond bound. bbolt stops at a
// page that the transaction has deleted all keys of, as if it were the end.
func (c *cursor) previous(bound []byte) (key, value []byte) {
	key, value = c.at.Prev()
	if key != nil || c.txn.writes == 0 {
		return key, value
	}
	if first, _ := c.txn.bucket.Cursor().First(); first == nil || bytes.Compare(first, bound) >= 0 {
		return nil, nil
	}
	for key == nil {
		key, value = c.at.Prev()
	}
	return key, value
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
	return c.key
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
	return c.value, nil
}

func (c *cursor) Err() error { return c.err }

func (c *cursor) Close() {
	c.at, c.key, c.value = nil, nil, nil
	c.state = closed
}

func (c *cursor) fail(err error) bool {
	c.key, c.value = nil, nil
	c.state, c.err = ended, err
	return false
}
