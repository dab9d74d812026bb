package bolt

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/span"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/txn"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/writes"
)

type readTxn struct {
	txn.Life
	db   *db
	tx   *bbolt.Tx
	tree tree
	at   place // of Get and Scan, which seek first

	// writes is what a write transaction has written, which bbolt gets to see at
	// commit, in the order of keys: it would move all the keys that it has been given
	// for one page for each that comes between them. It is nil in a read transaction.
	writes *writes.Set

	// failed is why the transaction cannot be committed any more.
	failed error
}

func (t *readTxn) begin(writable bool) (err error) {
	if t.db.broken.Load() {
		return t.corrupt(engine.ErrCorrupt)
	}
	if t.tx, err = t.db.beginBolt(writable); err == nil {
		if err = t.findRows(); err == nil {
			return nil
		}
		if t.rollback() == nil {
			return t.corrupt(err)
		}
	}
	t.db.broken.Store(true)
	return t.corrupt(err)
}

func (d *db) beginBolt(writable bool) (tx *bbolt.Tx, err error) {
	defer damage.Recover(damage.Guard(), &err)
	return d.bolt.Begin(writable)
}

func (t *readTxn) findRows() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	t.at.tree = &t.tree
	return t.tree.begin(t.db.bolt, t.tx, t.db.unverified.Load())
}

func (t *readTxn) corrupt(err error) error { return fmt.Errorf("bolt: %s: %w", t.db.path, err) }

func (t *readTxn) Get(key []byte) (value []byte, err error) {
	if t.Done() {
		return nil, engine.ErrTxnDone
	}
	if t.writes != nil {
		if own, ok := t.writes.Get(key); ok {
			if own.Deleted {
				return nil, engine.ErrNotFound
			}
			return own.Value, nil
		}
	}
	var found bool
	if value, found, err = t.lookUp(key); err != nil {
		t.failed = t.corrupt(err)
		return nil, t.failed
	}
	if !found {
		return nil, engine.ErrNotFound
	}
	return value, nil
}

func (t *readTxn) lookUp(key []byte) (value []byte, found bool, err error) {
	defer damage.Recover(damage.Guard(), &err)
	if t.tree.unverified == nil {
		return t.tree.get(key)
	}
	if !t.at.find(key) {
		return nil, false, t.at.err
	}
	_, value = t.at.row()
	return value, true, nil
}

// Scan implements engine.Scanner. The rows lie in the mapped file, or are writes of the
// transaction.
func (t *readTxn) Scan(r engine.Range, most int, p *engine.Page) (more bool, err error) {
	p.Rows = p.Rows[:0]
	if err := t.Check(); err != nil {
		return false, err
	}
	if t.writes != nil && t.writes.Len() > 0 {
		more, err = t.scanMerged(r, most, p)
	} else if more, err = t.scanCommitted(r, most, p); err != nil {
		t.failed = t.corrupt(err)
		err = t.failed
	}
	if err != nil {
		p.Rows = p.Rows[:0]
		return false, err
	}
	return more, nil
}

func (t *readTxn) scanCommitted(r engine.Range, most int, p *engine.Page) (more bool, err error) {
	defer damage.Recover(damage.Guard(), &err)
	within := span.Span{Lower: r.Lower, Upper: r.Upper, Reverse: r.Reverse}
	rows := committed{place: &t.at, reverse: r.Reverse}
	rows.Start(within.First())
	for size := 0; rows.key != nil && !within.Beyond(rows.key); rows.Next() {
		p.Rows = append(p.Rows, engine.Row{Key: rows.key, Value: rows.value})
		size += len(rows.key) + len(rows.value)
		if len(p.Rows) >= most || size >= engine.ScanBytes {
			return true, nil
		}
	}
	return false, rows.err
}

// scanMerged scans what is committed with what the transaction has written.
func (t *readTxn) scanMerged(r engine.Range, most int, p *engine.Page) (more bool, err error) {
	c := newCursor(t, r)
	defer c.Close()
	for size := 0; c.Next(); {
		value := c.rowValue()
		p.Rows = append(p.Rows, engine.Row{Key: c.RowKey, Value: value})
		size += len(c.RowKey) + len(value)
		if len(p.Rows) >= most || size >= engine.ScanBytes {
			return true, nil
		}
	}
	return false, c.Err()
}

func (t *readTxn) Cursor(r engine.Range) engine.Cursor { return newCursor(t, r) }

// Renew implements engine.Renewer.
func (t *readTxn) Renew(ctx context.Context) error {
	if err := t.db.gate.Enter(ctx); err != nil {
		return err
	}
	if err := t.begin(false); err != nil {
		t.db.gate.Leave()
		return err
	}
	t.Begin(ctx)
	t.failed = nil
	return nil
}

func (t *readTxn) Discard() {
	if t.end() {
		t.db.gate.Leave()
	}
}

// end ends the transaction, unless it has ended, which it reports.
func (t *readTxn) end() bool {
	if !t.End() {
		return false
	}
	if !t.db.broken.Load() {
		if err := t.rollback(); err != nil {
			t.db.broken.Store(true)
		}
	}
	t.forget()
	return true
}

// forget lets go of the pages.
func (t *readTxn) forget() {
	t.tx, t.writes, t.tree = nil, nil, tree{}
	t.at.steps = t.at.steps[:0]
}

func (t *readTxn) rollback() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	return t.tx.Rollback()
}

type writeTxn struct {
	readTxn
	own writes.Set
}

func (t *writeTxn) Put(key, value []byte) error {
	if err := t.CheckWrite(key); err != nil {
		return err
	}
	if size := int64(len(value)); size > bbolt.MaxValueSize {
		return &engine.TooLargeError{What: "value", Size: size, Limit: bbolt.MaxValueSize, Unit: "bytes"}
	}
	t.writes.Put(writes.Write{Key: key, Value: value})
	return nil
}

func (t *writeTxn) Delete(key []byte) error {
	if err := t.CheckWrite(key); err != nil {
		return err
	}
	t.writes.Put(writes.Write{Key: key, Deleted: true})
	return nil
}

func (t *writeTxn) Commit(ctx context.Context, _ engine.Durability) error {
	switch {
	case t.Done():
		return engine.ErrTxnDone
	case t.failed != nil:
		t.Discard()
		return t.failed
	case ctx.Err() != nil:
		t.Discard()
		return ctx.Err()
	case t.writes.Len() == 0:
		t.Discard()
		return nil
	}
	err := t.db.waitVerified(ctx)
	if err == nil && t.db.uncertain != nil {
		err = fmt.Errorf("an earlier commit has failed, and is in the file; open it anew: %w", t.db.uncertain)
	}
	if err != nil {
		t.Discard()
		return fmt.Errorf("bolt: commit to %s: %w", t.db.path, err)
	}
	t.End()
	err = t.commit()
	if errors.Is(err, engine.ErrCorrupt) {
		t.db.broken.Store(true)
	}
	t.forget()
	t.db.gate.LeaveWriter()
	if errors.Is(err, syscall.ENOSPC) {
		err = fmt.Errorf("%w: %w", engine.ErrNoSpace, err)
	}
	if err != nil {
		return fmt.Errorf("bolt: commit to %s: %w", t.db.path, err)
	}
	return nil
}

func (t *writeTxn) commit() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	rows := t.tx.Bucket(bucket)
	for w := range t.writes.All() {
		if err := apply(rows, w); err != nil {
			return errors.Join(err, t.tx.Rollback())
		}
	}
	t.db.closed = false
	id := t.tx.ID()
	if err := t.tx.Commit(); err != nil {
		if t.db.has(id) {
			t.db.uncertain = err
		}
		return err
	}
	return t.db.count()
}

// has reports whether the file has the transaction with a number, as far as the system tells. It has one whose
// last sync has failed: the page was written that leads to all others, and bbolt goes on from there.
func (d *db) has(id int) bool {
	tx, err := d.bolt.Begin(false)
	if err != nil {
		return true // nobody knows
	}
	last := tx.ID()
	return tx.Rollback() != nil || last >= id
}

func apply(rows *bbolt.Bucket, w writes.Write) error {
	if w.Deleted {
		return rows.Delete(w.Key)
	}
	return rows.Put(w.Key, w.Value)
}

func (t *writeTxn) Discard() {
	if t.end() {
		t.db.gate.LeaveWriter()
	}
}
