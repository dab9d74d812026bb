package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/span"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/txn"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/writes"
)

type readTxn struct {
	txn.Life
	db     *db
	tx     *bbolt.Tx
	bucket *bbolt.Bucket
	at     *bbolt.Cursor // of Get and Scan, made when first needed
	mapped mapping

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
	defer func() {
		if err != nil {
			t.db.broken.Store(true)
			err = t.corrupt(err)
		}
	}()
	defer damage.Recover(damage.Guard(), &err)
	if t.tx, err = t.db.bolt.Begin(writable); err != nil {
		return err
	}
	t.mapped = mapping{start: t.db.bolt.Info().Data, size: uintptr(t.tx.Size())}
	if t.bucket = t.tx.Bucket(bucket); t.bucket == nil {
		return fmt.Errorf("%w: bucket %q is gone", engine.ErrCorrupt, bucket)
	}
	return nil
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
	at, value := t.cursor().Seek(key)
	if at == nil || !bytes.Equal(at, key) {
		return nil, false, nil
	}
	if !t.mapped.holds(value) {
		return nil, false, errBeyond
	}
	return value, true, nil
}

// cursor returns a cursor for one call, which seeks first.
func (t *readTxn) cursor() *bbolt.Cursor {
	if t.at == nil {
		t.at = t.bucket.Cursor()
	}
	return t.at
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
	rows := committed{at: t.cursor(), mapped: &t.mapped, reverse: r.Reverse}
	rows.Start(within.First())
	for size := 0; rows.key != nil && !within.Beyond(rows.key); rows.Next() {
		p.Rows = append(p.Rows, engine.Row{Key: rows.key, Value: rows.value})
		size += len(rows.key) + len(rows.value)
		if len(p.Rows) >= most || size >= engine.ScanBytes {
			return true, nil
		}
	}
	if rows.beyond {
		return false, errBeyond
	}
	return false, nil
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
	t.tx, t.bucket, t.at, t.writes = nil, nil, nil, nil
	return true
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
	t.End()
	err := t.commit()
	if errors.Is(err, engine.ErrCorrupt) {
		t.db.broken.Store(true)
	}
	t.tx, t.bucket, t.at, t.writes = nil, nil, nil, nil
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
	for w := range t.writes.All() {
		if err := t.apply(w); err != nil {
			return errors.Join(err, t.tx.Rollback())
		}
	}
	t.db.listed = false
	if err := t.tx.Commit(); err != nil {
		return err
	}
	return t.db.count()
}

func (t *writeTxn) apply(w writes.Write) error {
	if w.Deleted {
		return t.bucket.Delete(w.Key)
	}
	return t.bucket.Put(w.Key, w.Value)
}

func (t *writeTxn) Discard() {
	if t.end() {
		t.db.gate.LeaveWriter()
	}
}

// mapping is where a transaction's pages lie in memory.
type mapping struct{ start, size uintptr }

// holds reports whether bytes lie within the pages. Where their length is damaged they
// reach beyond, and to read them would end the process.
func (m *mapping) holds(b []byte) bool {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b))) - m.start
	return len(b) == 0 || at <= m.size && uintptr(len(b)) <= m.size-at // at is large where b lies before start
}

var errBeyond = fmt.Errorf("%w: an entry reaches beyond the pages", engine.ErrCorrupt)
