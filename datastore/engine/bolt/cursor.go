package bolt

import (
	"bytes"

	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/txn"
)

type cursor struct {
	txn.Cursor
	txn        *readTxn
	at         *bbolt.Cursor
	key, value []byte
	writes     uint64 // of the transaction, when at was last placed
}

func newCursor(t *readTxn, r engine.Range) *cursor {
	c := &cursor{txn: t}
	if c.Open(&t.Life, r) {
		c.at = t.bucket.Cursor()
	}
	return c
}

func (c *cursor) Next() bool {
	if !c.Ready() {
		return false
	}
	if err := c.next(); err != nil {
		c.txn.failed = c.txn.corrupt(err)
		return c.Fail(c.txn.failed)
	}
	return c.State == txn.Placed
}

func (c *cursor) next() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	key, value := c.move()
	if err := c.txn.mapped.check(key); err != nil {
		return err
	}
	if key == nil || c.Span.Beyond(key) {
		c.key, c.value, c.State = nil, nil, txn.Ended
		return nil
	}
	c.key, c.value, c.State, c.writes = key, value, txn.Placed, c.txn.writes
	return c.txn.mapped.check(value)
}

// move returns the next key, whatever the bound ahead, and nil at the end.
func (c *cursor) move() (key, value []byte) {
	switch c.State {
	case txn.Before:
		bound := c.Span.First()
		switch {
		case c.Span.Reverse && bound == nil:
			return c.last()
		case c.Span.Reverse:
			return c.seekBelow(bound)
		default:
			return c.at.Seek(bound)
		}
	case txn.Sought:
		key, value = c.at.Seek(c.Target)
		if c.Span.Reverse && !bytes.Equal(key, c.Target) {
			return c.seekBelow(c.Target)
		}
		return key, value
	}
	if c.writes != c.txn.writes { // the pages under the cursor may have changed
		if c.Span.Reverse {
			return c.seekBelow(c.key)
		}
		if key, value = c.at.Seek(c.key); bytes.Equal(key, c.key) {
			return c.at.Next()
		}
		return key, value
	}
	if c.Span.Reverse {
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

func (c *cursor) Key() []byte {
	if !c.Current() {
		return nil
	}
	return c.key
}

func (c *cursor) Value() ([]byte, error) {
	if !c.Current() {
		return nil, c.NoValue()
	}
	return c.value, nil
}

func (c *cursor) Close() {
	c.at, c.key, c.value = nil, nil, nil
	c.State = txn.Closed
}
