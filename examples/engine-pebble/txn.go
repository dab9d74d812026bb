package pebble

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// readTxn reads from a snapshot, or from a batch over the database.
type readTxn struct {
	ctx    context.Context
	source pebble.Reader
	end    func() error
	done   bool

	// writes counts the changes, so that cursors notice them.
	writes uint64
}

// Get copies the value. Pebble lends it with a block of its cache, and a transaction with many
// reads would hold many blocks until its end.
func (t *readTxn) Get(key []byte) ([]byte, error) {
	if t.done {
		return nil, engine.ErrTxnDone
	}
	lent, closer, err := t.source.Get(key)
	if err != nil {
		return nil, typed(err)
	}
	value := append(make([]byte, 0, len(lent)), lent...)
	return value, typed(closer.Close())
}

func (t *readTxn) Cursor(r engine.Range) engine.Cursor { return newCursor(t, r) }

func (t *readTxn) Discard() { t.finish() }

// finish ends the transaction, unless it has ended.
func (t *readTxn) finish() {
	if !t.done {
		t.done = true
		t.end()
	}
}

type writeTxn struct {
	readTxn
	batch *pebble.Batch
	sync  *pebble.WriteOptions
	size  int64 // of all keys and values written
}

// Put copies key and value into the batch.
func (t *writeTxn) Put(key, value []byte) error {
	if err := t.take(key, value); err != nil {
		return err
	}
	t.writes++
	return typed(t.batch.Set(key, value, nil))
}

func (t *writeTxn) Delete(key []byte) error {
	if err := t.take(key, nil); err != nil {
		return err
	}
	t.writes++
	return typed(t.batch.Delete(key, nil))
}

// take refuses a write, or counts it.
func (t *writeTxn) take(key, value []byte) error {
	if t.done {
		return engine.ErrTxnDone
	}
	if err := engine.CheckKey(key); err != nil {
		return err
	}
	if len(value) > maxValue {
		return &engine.TooLargeError{What: "value", Size: int64(len(value)), Limit: maxValue, Unit: "bytes"}
	}
	size := t.size + int64(len(key)+len(value))
	if size > maxTxn {
		return &engine.TooLargeError{What: "transaction", Size: size, Limit: maxTxn, Unit: "bytes"}
	}
	t.size = size
	return nil
}

func (t *writeTxn) Commit(ctx context.Context, d engine.Durability) error {
	if t.done {
		return engine.ErrTxnDone
	}
	defer t.finish()
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.writes == 0 {
		return nil
	}
	sync := t.sync
	if d == engine.Relaxed {
		sync = pebble.NoSync
	}
	if err := t.batch.Commit(sync); err != nil {
		return fmt.Errorf("pebble: commit: %w", typed(err))
	}
	return nil
}
