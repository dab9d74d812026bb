package badger

import (
	"bytes"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/span"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/txn"
)

// cursor merges what is committed with what its transaction has written.
type cursor struct {
	txn.Cursor
	txn *readTxn

	committed *badger.Iterator
	meetParts bool         // the range has the keys of parts in it
	item      *badger.Item // where committed stands, nil at its end
	own       ownWrites
	changes   uint64 // of the transaction, when own was last placed

	// The current row is of item or of own, or of both, and then of own.
	key             []byte
	fromItem, isOwn bool

	next, prev *cursor // in txn.cursors
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
	defer damage.Recover(damage.Guard(), &err)
	c.meetParts = mayMeetParts(c.Span.Lower, c.Span.Upper)
	// Prefetching would start a goroutine for every row.
	c.committed = c.txn.txn.NewIterator(badger.IteratorOptions{
		Reverse: c.Span.Reverse,
		Prefix:  prefix(&c.Span),
	})
	if c.txn.writes != nil {
		c.own.init(c.txn.writes, c.Span.Reverse)
	}
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
	if !found || c.Span.Beyond(c.key) {
		c.State = txn.Ended
		return false
	}
	c.State = txn.Placed
	return true
}

// move moves to the next row, whatever the bound ahead.
func (c *cursor) move() (found bool, err error) {
	defer damage.Recover(damage.Guard(), &err)
	c.advance()
	for {
		c.changes = c.txn.changes
		c.choose()
		if !c.fromItem && !c.isOwn {
			return false, nil
		}
		if !c.isOwn {
			c.key = c.item.Key()
			return true, nil
		}
		own := c.own.current()
		c.key = own.key
		if !own.deleted {
			return true, nil
		}
		c.State = txn.Placed // on the deleted row, to advance from it
		c.advance()
	}
}

// advance moves committed and own beyond the current row, or to where the
// cursor starts.
func (c *cursor) advance() {
	switch c.State {
	case txn.Before:
		bound := c.Span.First()
		if c.Span.Reverse && bound != nil && len(bound) == 0 {
			// Nothing comes before the empty key, which Badger takes for none.
			c.item, c.own.placed = nil, false
			return
		}
		c.seekCommitted(bound)
		if c.Span.Reverse && c.item != nil && bound != nil && bytes.Equal(c.item.Key(), bound) {
			c.nextCommitted()
		}
		c.own.start(bound)
	case txn.Sought:
		c.seekCommitted(c.Target)
		c.own.seek(c.Target, true)
	default:
		// own first: the key may be committed's, and go with its move.
		if c.changes != c.txn.changes {
			c.own.seek(c.key, false)
		} else if c.isOwn {
			c.own.next()
		}
		if c.fromItem {
			c.nextCommitted()
		}
	}
}

// choose tells which of item and own is next: the nearer, or both.
func (c *cursor) choose() {
	c.fromItem, c.isOwn = c.item != nil, c.own.placed
	if !c.fromItem || !c.isOwn {
		return
	}
	order := bytes.Compare(c.item.Key(), c.own.current().key)
	if c.Span.Reverse {
		order = -order
	}
	c.fromItem, c.isOwn = order <= 0, order >= 0
}

// seekCommitted seeks without regard to direction; a nil key is the start.
func (c *cursor) seekCommitted(key []byte) {
	c.committed.Seek(key)
	c.load()
}

func (c *cursor) nextCommitted() {
	c.committed.Next()
	c.load()
}

func (c *cursor) load() {
	c.item = nil
	if c.meetParts {
		passParts(c.committed, c.Span.Reverse)
	}
	if c.committed.Valid() {
		c.item = c.committed.Item()
	}
}

func (c *cursor) Key() []byte {
	if !c.Current() {
		return nil
	}
	return c.key
}

func (c *cursor) Value() ([]byte, error) {
	switch {
	case !c.Current():
		return nil, c.NoValue()
	case c.isOwn:
		return c.own.current().value, nil
	}
	value, err := c.value()
	if err != nil {
		return nil, c.txn.corrupt(err)
	}
	return value, nil
}

func (c *cursor) value() (value []byte, err error) {
	defer damage.Recover(damage.Guard(), &err)
	return c.txn.valueOf(c.item)
}

func (c *cursor) Close() {
	c.release()
	c.State = txn.Closed
}

// release gives back what the cursor has of its transaction, which has to have all
// of it before it ends.
func (c *cursor) release() {
	if c.committed == nil {
		return
	}
	if err := c.closeCommitted(); err != nil && c.Err() == nil {
		c.Fail(c.txn.corrupt(err))
	}
	c.own.release()
	c.committed, c.item = nil, nil
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
	c.committed.Close()
	return nil
}
