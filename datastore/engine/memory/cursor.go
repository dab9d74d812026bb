package memory

import (
	"bytes"

	"github.com/tidwall/btree"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/txn"
)

type cursor struct {
	txn.Cursor
	txn    *readTxn
	iter   btree.IterG[item]
	writes uint64 // of the transaction, when iter was last placed
}

func newCursor(t *readTxn, r engine.Range) *cursor {
	c := &cursor{txn: t}
	if c.Open(&t.Life, r) {
		c.iter.Init(t.tree, false)
	}
	return c
}

func (c *cursor) Next() bool {
	if !c.Ready() {
		return false
	}
	if !c.move() || c.Span.Beyond(c.iter.Item().key) {
		c.State = txn.Ended
		return false
	}
	c.State, c.writes = txn.Placed, c.txn.writes
	return true
}

// move places iter at the next key, whatever the bound ahead.
func (c *cursor) move() bool {
	switch c.State {
	case txn.Before:
		bound := c.Span.First()
		switch {
		case c.Span.Reverse && bound == nil:
			return c.iter.Last()
		case c.Span.Reverse:
			return c.seekBelow(bound)
		default:
			return c.iter.Seek(item{key: bound})
		}
	case txn.Sought:
		if !c.Span.Reverse {
			return c.iter.Seek(item{key: c.Target})
		}
		if c.iter.Seek(item{key: c.Target}) && bytes.Equal(c.iter.Item().key, c.Target) {
			return true
		}
		return c.seekBelow(c.Target)
	}
	if c.writes != c.txn.writes { // the nodes under iter may have changed
		last := c.iter.Item().key
		if c.Span.Reverse {
			return c.seekBelow(last)
		}
		return c.iter.Seek(item{key: last}) && (!bytes.Equal(c.iter.Item().key, last) || c.iter.Next())
	}
	if c.Span.Reverse {
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

func (c *cursor) Key() []byte {
	if !c.Current() {
		return nil
	}
	return c.iter.Item().key
}

func (c *cursor) Value() ([]byte, error) {
	if !c.Current() {
		return nil, c.NoValue()
	}
	return c.iter.Item().value, nil
}

func (c *cursor) Close() {
	c.iter.Release()
	c.State = txn.Closed
}
