package bolt

import (
	"bytes"

	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/txn"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/writes"
)

type cursor struct {
	writes.Cursor
	txn       *readTxn
	committed committed
}

func newCursor(t *readTxn, r engine.Range) *cursor {
	c := &cursor{txn: t}
	if c.Open(&t.Life, r) {
		c.committed = committed{at: t.bucket.Cursor(), mapped: &t.mapped, reverse: r.Reverse}
		c.Merge(&c.committed, t.writes)
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
	found := c.Move()
	switch {
	case c.committed.beyond:
		return errBeyond
	case !found || c.Span.Beyond(c.RowKey):
		c.State = txn.Ended
	default:
		c.State = txn.Placed
	}
	return nil
}

func (c *cursor) Key() []byte {
	if !c.Current() {
		return nil
	}
	return c.RowKey
}

func (c *cursor) Value() ([]byte, error) {
	if !c.Current() {
		return nil, c.NoValue()
	}
	return c.rowValue(), nil
}

// rowValue returns the value of the row that there is.
func (c *cursor) rowValue() []byte {
	if value, own := c.Own(); own {
		return value
	}
	return c.committed.value
}

func (c *cursor) Close() {
	c.Release()
	c.committed = committed{}
	c.State = txn.Closed
}

// committed goes over what is committed. The pages are as they were when the
// transaction began: bbolt is given its writes at commit.
type committed struct {
	at         *bbolt.Cursor
	mapped     *mapping
	key, value []byte
	reverse    bool
	beyond     bool // the row that it came to reaches beyond the pages
}

// Start implements writes.Committed.
func (c *committed) Start(bound []byte) {
	switch {
	case c.reverse && bound == nil:
		c.set(c.at.Last())
	case c.reverse:
		c.seekBelow(bound)
	default:
		c.set(c.at.Seek(bound))
	}
}

// Seek implements writes.Committed.
func (c *committed) Seek(key []byte) {
	if at, value := c.at.Seek(key); !c.reverse || bytes.Equal(at, key) {
		c.set(at, value)
		return
	}
	c.seekBelow(key)
}

// seekBelow moves to the last key before bound.
func (c *committed) seekBelow(bound []byte) {
	if key, _ := c.at.Seek(bound); key == nil {
		c.set(c.at.Last())
	} else {
		c.set(c.at.Prev())
	}
}

// Next implements writes.Committed.
func (c *committed) Next() {
	if c.reverse {
		c.set(c.at.Prev())
	} else {
		c.set(c.at.Next())
	}
}

// Key implements writes.Committed.
func (c *committed) Key() []byte { return c.key }

// set notes the row that a move came to, unless it reaches beyond the pages.
func (c *committed) set(key, value []byte) {
	if c.beyond = !c.mapped.holds(key) || !c.mapped.holds(value); c.beyond {
		key, value = nil, nil
	}
	c.key, c.value = key, value
}
