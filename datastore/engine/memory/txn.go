package memory

import (
	"bytes"
	"context"

	"github.com/tidwall/btree"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/txn"
)

type readTxn struct {
	txn.Life
	db   *db
	tree *tree

	// writes counts the changes made to tree, for cursors to notice.
	writes uint64
}

func (t *readTxn) Get(key []byte) ([]byte, error) {
	if t.Done() {
		return nil, engine.ErrTxnDone
	}
	found, ok := t.tree.Get(item{key: key})
	if !ok {
		return nil, engine.ErrNotFound
	}
	return found.value, nil
}

func (t *readTxn) Cursor(r engine.Range) engine.Cursor { return newCursor(t, r) }

// Scan implements engine.Scanner. The rows live as long as the tree.
func (t *readTxn) Scan(r engine.Range, most int, p *engine.Page) (more bool, err error) {
	p.Rows = p.Rows[:0]
	if err := t.Check(); err != nil {
		return false, err
	}
	rows, size := p.Rows, 0
	take := func(i item) bool {
		rows = append(rows, engine.Row{Key: i.key, Value: i.value})
		size += len(i.key) + len(i.value)
		more = len(rows) >= most || size >= engine.ScanBytes
		return !more
	}
	switch {
	case !r.Reverse:
		t.tree.Ascend(item{key: r.Lower}, func(i item) bool {
			if r.Upper != nil && bytes.Compare(i.key, r.Upper) >= 0 {
				return false
			}
			// As take, without the call, for this is what nearly all scans do.
			rows = append(rows, engine.Row{Key: i.key, Value: i.value})
			size += len(i.key) + len(i.value)
			more = len(rows) >= most || size >= engine.ScanBytes
			return !more
		})
	case r.Upper == nil:
		t.tree.Reverse(func(i item) bool {
			return bytes.Compare(i.key, r.Lower) >= 0 && take(i)
		})
	default:
		t.tree.Descend(item{key: r.Upper}, func(i item) bool {
			return bytes.Equal(i.key, r.Upper) || bytes.Compare(i.key, r.Lower) >= 0 && take(i)
		})
	}
	p.Rows = rows
	return more, nil
}

// Renew implements engine.Renewer.
func (t *readTxn) Renew(ctx context.Context) error {
	if err := t.db.gate.Enter(ctx); err != nil {
		return err
	}
	t.Begin(ctx)
	t.tree = t.db.memory.tree.Load()
	return nil
}

func (t *readTxn) Discard() {
	if t.End() {
		t.tree = nil // which a caller may keep the transaction longer than
		t.db.gate.Leave()
	}
}

type writeTxn struct {
	readTxn

	// bytes is what the transaction adds to the sum of keys and values.
	bytes int64

	// hints say where Near has put the last keys, by their first bytes.
	hints [8]btree.PathHint
}

func (t *writeTxn) Put(key, value []byte) error {
	if err := t.CheckWrite(key); err != nil {
		return err
	}
	old, replaced := t.tree.Set(item{key, value})
	t.wrote(item{key, value}, old, replaced)
	return nil
}

// wrote counts a row that was put, in the place of an old one if it replaced one.
func (t *writeTxn) wrote(row, old item, replaced bool) {
	t.bytes += int64(len(row.value) - len(old.value))
	if !replaced {
		t.bytes += int64(len(row.key))
	}
	t.writes++
}

// Clear deletes all rows. It takes no longer for many.
func (t *writeTxn) Clear() {
	t.tree = newTree()
	t.bytes = -t.db.memory.bytes.Load()
	t.writes++
}

// Load is a Put that is faster where keys come in order.
func (t *writeTxn) Load(key, value []byte) error {
	if err := t.CheckWrite(key); err != nil {
		return err
	}
	old, replaced := t.tree.Load(item{key, value})
	t.wrote(item{key, value}, old, replaced)
	return nil
}

// Near is a Put that is faster where the key is near the last one with the same first byte, as rows and index
// entries are that were written in the order of their keys.
func (t *writeTxn) Near(key, value []byte) error {
	if err := t.CheckWrite(key); err != nil {
		return err
	}
	row := item{key, value}
	old, replaced := t.tree.SetHint(row, &t.hints[int(key[0])%len(t.hints)])
	t.wrote(row, old, replaced)
	return nil
}

func (t *writeTxn) Delete(key []byte) error {
	if err := t.CheckWrite(key); err != nil {
		return err
	}
	if old, ok := t.tree.Delete(item{key: key}); ok {
		t.bytes -= int64(len(old.key) + len(old.value))
		t.writes++
	}
	return nil
}

func (t *writeTxn) Commit(ctx context.Context, _ engine.Durability) error {
	if t.Done() {
		return engine.ErrTxnDone
	}
	defer t.Discard()
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.writes > 0 {
		t.db.memory.tree.Store(t.tree)
		t.db.memory.bytes.Add(t.bytes)
	}
	return nil
}

func (t *writeTxn) Discard() {
	if t.End() {
		t.tree = nil
		t.db.gate.LeaveWriter()
	}
}
