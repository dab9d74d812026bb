package bolt

import (
	"bytes"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/txn"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/writes"
)

type cursor struct {
	writes.Cursor
	txn       *readTxn
	at        place
	committed committed
}

func newCursor(t *readTxn, r engine.Range) *cursor {
	c := &cursor{txn: t}
	if c.Open(&t.Life, r) {
		c.at.tree = &t.tree
		c.committed = committed{place: &c.at, reverse: r.Reverse}
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
	case c.at.err != nil:
		return c.at.err
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
	c.committed, c.at = committed{}, place{}
	c.State = txn.Closed
}

// committed goes over what is committed.
type committed struct {
	*place
	key, value []byte
	reverse    bool
}

// Start implements writes.Committed.
func (c *committed) Start(bound []byte) {
	switch {
	case c.reverse && bound == nil:
		c.last()
	case c.reverse:
		c.seekBelow(bound)
	case bound == nil:
		c.first()
	default:
		c.seek(bound)
	}
	c.key, c.value = c.row()
}

// Seek implements writes.Committed.
func (c *committed) Seek(key []byte) {
	c.seek(key)
	if c.key, c.value = c.row(); c.reverse && !bytes.Equal(c.key, key) {
		c.seekBelow(key)
		c.key, c.value = c.row()
	}
}

// Next implements writes.Committed.
func (c *committed) Next() {
	if c.reverse {
		c.move(-1)
	} else {
		c.move(1)
	}
	c.key, c.value = c.row()
}

// Key implements writes.Committed.
func (c *committed) Key() []byte { return c.key }
