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
)

type readTxn struct {
	txn.Life
	db     *db
	tx     *bbolt.Tx
	bucket *bbolt.Bucket
	at     *bbolt.Cursor // of Get and Scan, made when first needed
	mapped mapping

	// writes counts the changes made, for cursors to notice; failed is why
	// the transaction cannot be committed any more.
	writes uint64
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
	t.mapped = mapping{start: t.db.bolt.Info().Data, size: uintptr(t.tx.Size()), strict: !writable}
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
	return value, true, t.mapped.check(value)
}

// cursor returns a cursor for one call, which seeks first.
func (t *readTxn) cursor() *bbolt.Cursor {
	if t.at == nil {
		t.at = t.bucket.Cursor()
	}
	return t.at
}

// Scan implements engine.Scanner. The rows lie in the mapped file or in pages of the
// transaction.
func (t *readTxn) Scan(r engine.Range, most int, p *engine.Page) (more bool, err error) {
	p.Rows = p.Rows[:0]
	if err := t.Check(); err != nil {
		return false, err
	}
	if more, err = t.scan(r, most, p); err != nil {
		p.Rows = p.Rows[:0]
		t.failed = t.corrupt(err)
		return false, t.failed
	}
	return more, nil
}

func (t *readTxn) scan(r engine.Range, most int, p *engine.Page) (more bool, err error) {
	defer damage.Recover(damage.Guard(), &err)
	c := cursor{txn: t, at: t.cursor()}
	c.Span = span.Span{Lower: r.Lower, Upper: r.Upper, Reverse: r.Reverse}
	key, value := c.move()
	for size := 0; ; {
		if err := t.mapped.check(key); err != nil {
			return false, err
		}
		if key == nil || c.Span.Beyond(key) {
			return false, nil
		}
		if err := t.mapped.check(value); err != nil {
			return false, err
		}
		p.Rows = append(p.Rows, engine.Row{Key: key, Value: value})
		size += len(key) + len(value)
		if len(p.Rows) >= most || size >= engine.ScanBytes {
			return true, nil
		}
		if r.Reverse {
			key, value = c.previous(key)
		} else {
			key, value = c.at.Next()
		}
	}
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
	t.tx, t.bucket, t.at = nil, nil, nil
	return true
}

func (t *readTxn) rollback() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	return t.tx.Rollback()
}

type writeTxn struct{ readTxn }

func (t *writeTxn) Put(key, value []byte) error {
	if err := t.CheckWrite(key); err != nil {
		return err
	}
	if size := int64(len(value)); size > bbolt.MaxValueSize {
		return &engine.TooLargeError{What: "value", Size: size, Limit: bbolt.MaxValueSize, Unit: "bytes"}
	}
	return t.write(key, value, true)
}

func (t *writeTxn) Delete(key []byte) error {
	if err := t.CheckWrite(key); err != nil {
		return err
	}
	return t.write(key, nil, false)
}

func (t *writeTxn) write(key, value []byte, put bool) error {
	t.writes++
	if err := t.change(key, value, put); err != nil {
		t.failed = t.corrupt(err)
		return t.failed
	}
	return nil
}

func (t *writeTxn) change(key, value []byte, put bool) (err error) {
	defer damage.Recover(damage.Guard(), &err)
	if put {
		return t.bucket.Put(key, value)
	}
	return t.bucket.Delete(key)
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
	case t.writes == 0:
		t.Discard()
		return nil
	}
	t.End()
	err := t.commit()
	if errors.Is(err, engine.ErrCorrupt) {
		t.db.broken.Store(true)
	}
	t.tx, t.bucket, t.at = nil, nil, nil
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
	return t.tx.Commit()
}

func (t *writeTxn) Discard() {
	if t.end() {
		t.db.gate.LeaveWriter()
	}
}

// mapping is where a transaction's pages lie in memory.
type mapping struct {
	start, size uintptr
	strict      bool // there is nothing outside it: no writes of its own
}

// check refuses bytes that reach beyond the pages, as they do where their length is
// damaged. To read them would end the process.
func (m *mapping) check(b []byte) error {
	if m.holds(b) {
		return nil
	}
	return fmt.Errorf("%w: an entry reaches beyond the pages", engine.ErrCorrupt)
}

func (m *mapping) holds(b []byte) bool {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b))) - m.start
	outside := at > m.size // also where b lies before start
	return len(b) == 0 || outside && !m.strict || !outside && uintptr(len(b)) <= m.size-at
}
