package badger

import (
	"bytes"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/span"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/txn"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/writes"
)

type cursor struct {
	writes.Cursor
	txn       *readTxn
	committed committed

	next, prev *cursor // in txn.cursors
}

// committed goes over what is committed.
type committed struct {
	iterator   *badger.Iterator
	item       *badger.Item // where iterator stands, nil at its end
	reverse    bool
	meetHidden bool // the range has hidden keys in it
}

func newCursor(t *readTxn, r engine.Range) *cursor {
	c := &cursor{txn: t}
	if !c.Open(&t.Life, r) {
		return c
	}
	if err := c.open(); err != nil {
		c.Fail(t.corrupt(err))
		return c
	}
	if c.next = t.cursors; c.next != nil {
		c.next.prev = c
	}
	t.cursors = c
	return c
}

func (c *cursor) open() (err error) {
	begin := prefix(&c.Span)
	if err := c.txn.db.verifiedPrefix(begin, c.txn.Check); err != nil {
		return err
	}
	defer damage.Recover(damage.Guard(), &err)
	// Prefetching would start a goroutine for every row.
	c.committed = committed{
		iterator:   c.txn.txn.NewIterator(badger.IteratorOptions{Reverse: c.Span.Reverse, Prefix: begin}),
		reverse:    c.Span.Reverse,
		meetHidden: mayMeetHidden(c.Span.Lower, c.Span.Upper),
	}
	c.Merge(&c.committed, c.txn.writes)
	return nil
}

// prefix returns what all keys of a range begin with, as far as it is of use to
// Badger, which leaves out tables that have no such keys.
func prefix(s *span.Span) []byte {
	if s.Lower == nil || s.Upper == nil {
		return nil
	}
	n := 0
	for n < len(s.Lower) && n < len(s.Upper) && s.Lower[n] == s.Upper[n] {
		n++
	}
	// From "ab" to "ac" all begin with "ab". Backwards Badger has to be given
	// "ac" to start from, and takes a key without the prefix for the end.
	if !s.Reverse && len(s.Upper) == n+1 && len(s.Lower) > n && s.Upper[n] == s.Lower[n]+1 {
		n++
	}
	return s.Lower[:n]
}

func (c *cursor) Next() bool {
	if !c.Ready() {
		return false
	}
	found, err := c.move()
	if err != nil {
		return c.Fail(c.txn.corrupt(err))
	}
	if !found || c.Span.Beyond(c.RowKey) {
		c.State = txn.Ended
		return false
	}
	c.State = txn.Placed
	return true
}

func (c *cursor) move() (found bool, err error) {
	defer damage.Recover(damage.Guard(), &err)
	return c.Move(), nil
}

// Start implements writes.Committed.
func (c *committed) Start(bound []byte) {
	if c.reverse && bound != nil && len(bound) == 0 {
		// Nothing comes before the empty key, which Badger takes for none.
		c.item = nil
		return
	}
	c.Seek(bound)
	if c.reverse && c.item != nil && bound != nil && bytes.Equal(c.item.Key(), bound) {
		c.Next()
	}
}

// Seek implements writes.Committed. A nil key is the start, whatever the direction.
func (c *committed) Seek(key []byte) {
	c.iterator.Seek(key)
	c.load()
}

// Next implements writes.Committed.
func (c *committed) Next() {
	c.iterator.Next()
	c.load()
}

func (c *committed) load() {
	c.item = nil
	if c.meetHidden {
		passHidden(c.iterator, c.reverse)
	}
	if c.iterator.Valid() {
		c.item = c.iterator.Item()
	}
}

// Key implements writes.Committed.
func (c *committed) Key() []byte {
	if c.item == nil {
		return nil
	}
	return c.item.Key()
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
	if value, own := c.Own(); own {
		return value, nil
	}
	value, err := c.value()
	if err != nil {
		return nil, c.txn.corrupt(err)
	}
	return value, nil
}

func (c *cursor) value() (value []byte, err error) {
	defer damage.Recover(damage.Guard(), &err)
	return c.txn.valueOf(c.committed.item)
}

func (c *cursor) Close() {
	c.release()
	c.State = txn.Closed
}

// release gives back what the cursor has of its transaction, which has to have all
// of it before it ends.
func (c *cursor) release() {
	if c.committed.iterator == nil {
		return
	}
	if err := c.closeCommitted(); err != nil && c.Err() == nil {
		c.Fail(c.txn.corrupt(err))
	}
	c.Release()
	c.committed = committed{}
	if c.next != nil {
		c.next.prev = c.prev
	}
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		c.txn.cursors = c.next
	}
}

func (c *cursor) closeCommitted() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	c.committed.iterator.Close()
	return nil
}
