package badger

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/txn"
)

type readTxn struct {
	txn.Life
	db     *db
	txn    *badger.Txn
	shared *snapshot // that txn is of, nil where txn is this transaction's own

	// writes is what a write transaction has written, which Badger gets to see
	// at commit: it would sort all of it anew for every cursor. It is nil in a
	// read transaction; changes counts how often it was changed.
	writes  *writes
	changes uint64

	cursors *cursor // those that are open, a list
	scans   [2]scan // forwards and backwards
}

// begin begins a read transaction.
func (t *readTxn) begin() error {
	if t.shared = t.db.snapshots.use(); t.shared != nil {
		t.txn = t.shared.txn
		return nil
	}
	return t.take()
}

func (t *readTxn) take() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	t.txn, t.shared = t.db.snapshots.take(t.db.badger)
	return nil
}

func (t *readTxn) Get(key []byte) ([]byte, error) {
	if t.Done() {
		return nil, engine.ErrTxnDone
	}
	if t.writes != nil {
		if own, ok := t.writes.Get(write{key: key}); ok {
			if own.deleted {
				return nil, engine.ErrNotFound
			}
			return own.value, nil
		}
	}
	value, err := t.get(key)
	switch {
	case err == nil:
		return value, nil
	case errors.Is(err, badger.ErrKeyNotFound), errors.Is(err, badger.ErrEmptyKey):
		return nil, engine.ErrNotFound
	default:
		return nil, t.corrupt(err)
	}
}

func (t *readTxn) get(key []byte) (value []byte, err error) {
	defer damage.Recover(damage.Guard(), &err)
	item, err := t.txn.Get(key)
	if err != nil {
		return nil, err
	}
	err = item.Value(func(v []byte) error { value = v; return nil })
	return value, err
}

func (t *readTxn) corrupt(err error) error {
	return fmt.Errorf("badger: %s: %w", t.db.options.Path, translate(err))
}

func (t *readTxn) Cursor(r engine.Range) engine.Cursor { return newCursor(t, r) }

// Renew implements engine.Renewer.
func (t *readTxn) Renew(ctx context.Context) error {
	if err := t.db.gate.Enter(ctx); err != nil {
		return err
	}
	if err := t.begin(); err != nil {
		t.db.gate.Leave()
		return err
	}
	t.Begin(ctx)
	return nil
}

func (t *readTxn) Discard() {
	if !t.End() {
		return
	}
	t.releaseCursors()
	t.writes = nil
	if err := t.discard(); err != nil {
		t.db.fail(t.corrupt(err))
	}
	t.db.gate.Leave()
}

// releaseCursors takes from the cursors that are open what Badger's transaction
// panics over when it ends.
func (t *readTxn) releaseCursors() {
	for t.cursors != nil {
		t.cursors.release()
	}
}

func (t *readTxn) discard() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	t.closeScans()
	if t.shared != nil {
		t.shared.leave()
	} else {
		t.txn.Discard()
	}
	return nil
}

type writeTxn struct {
	readTxn
	bytes int64 // of keys and values in writes
}

func (t *writeTxn) begin() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	t.txn = t.db.badger.NewTransaction(true)
	return nil
}

func (t *writeTxn) Put(key, value []byte) error {
	if size, limit := len(value), t.db.limits.ValueBytes; size > limit {
		if t.Done() {
			return engine.ErrTxnDone
		}
		return &engine.TooLargeError{What: "value", Size: int64(size), Limit: int64(limit), Unit: "bytes"}
	}
	return t.write(write{key: key, value: value})
}

func (t *writeTxn) Delete(key []byte) error { return t.write(write{key: key, deleted: true}) }

func (t *writeTxn) write(w write) error {
	if err := t.CheckWrite(w.key); err != nil {
		return err
	}
	if bytes.HasPrefix(w.key, []byte(reservedPrefix)) {
		return fmt.Errorf("badger: %w: %q", ErrReservedKey, w.key)
	}
	old, replaced := t.writes.Set(w)
	t.changes++
	size, ops := t.bytes+int64(len(w.value)), t.writes.Len()
	if replaced {
		size -= int64(len(old.value))
	} else {
		size += int64(len(w.key))
	}
	if err := t.fits(size, ops); err != nil {
		if replaced {
			t.writes.Set(old)
		} else {
			t.writes.Delete(w)
		}
		return err
	}
	t.bytes = size
	return nil
}

func (t *writeTxn) fits(size int64, ops int) error {
	limits := t.db.limits
	switch {
	case ops > limits.TxnOps:
		return &engine.TooLargeError{What: "transaction", Size: int64(ops), Limit: int64(limits.TxnOps), Unit: "ops"}
	case size > limits.TxnBytes:
		return &engine.TooLargeError{What: "transaction", Size: size, Limit: limits.TxnBytes, Unit: "bytes"}
	}
	return nil
}

func (t *writeTxn) Commit(ctx context.Context, d engine.Durability) error {
	if t.Done() {
		return engine.ErrTxnDone
	}
	defer t.Discard()
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.writes.Len() == 0 {
		return nil
	}
	if err := t.db.hasRoom(); err != nil {
		return err
	}
	size := t.bytes + entryBytes*int64(t.writes.Len()) + endBytes
	t.db.volume.begun.Add(size)
	t.db.snapshots.begin()
	err := t.commit()
	t.db.snapshots.end()
	t.db.volume.done.Add(size)
	if err != nil {
		switch {
		case errors.Is(err, engine.ErrConflict):
			return engine.ErrConflict
		case errors.Is(err, engine.ErrTooLarge): // limits are below Badger's: not reached
			return &engine.TooLargeError{What: "transaction", Size: t.bytes, Limit: t.db.limits.TxnBytes, Unit: "bytes"}
		}
		return t.db.fail(fmt.Errorf("badger: commit to %s: %w", t.db.options.Path, err))
	}
	if d == engine.Durable {
		return t.db.sync()
	}
	return nil
}

func (t *writeTxn) commit() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	t.releaseCursors()
	t.writes.Scan(func(w write) bool {
		if w.deleted {
			err = t.txn.Delete(w.key)
		} else {
			err = t.txn.Set(w.key, w.value)
		}
		return err == nil
	})
	if err == nil {
		err = t.txn.Commit()
	}
	return translate(err)
}
