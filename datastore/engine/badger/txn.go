package badger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/txn"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/writes"
)

type readTxn struct {
	txn.Life
	db     *db
	txn    *badger.Txn
	shared *snapshot // that txn is of, nil where txn is this transaction's own

	// writes is what a write transaction has written, which Badger gets to see
	// at commit: it would sort all of it anew for every cursor. It is nil in a
	// read transaction.
	writes *writes.Set

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
		if own, ok := t.writes.Get(key); ok {
			if own.Deleted {
				return nil, engine.ErrNotFound
			}
			return own.Value, nil
		}
	}
	if isReserved(key) {
		return nil, engine.ErrNotFound
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
	if err := t.db.verifiedKey(key); err != nil {
		return nil, err
	}
	defer damage.Recover(damage.Guard(), &err)
	item, err := t.txn.Get(key)
	if err != nil {
		return nil, err
	}
	return t.valueOf(item)
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
	bytes int64 // of keys and values in writes, of a divided value what its row has
	apart int64 // of divided values
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
	return t.write(writes.Write{Key: key, Value: value})
}

func (t *writeTxn) Delete(key []byte) error { return t.write(writes.Write{Key: key, Deleted: true}) }

func (t *writeTxn) write(w writes.Write) error {
	if err := t.CheckWrite(w.Key); err != nil {
		return err
	}
	if isReserved(w.Key) {
		return fmt.Errorf("badger: %w: %q", ErrReservedKey, w.Key)
	}
	old, replaced := t.writes.Put(w)
	with, apart := t.sizes(w)
	size, ops := t.bytes+with, t.writes.Len()
	if replaced {
		oldWith, oldApart := t.sizes(old)
		size, apart = size-oldWith, apart-oldApart
	} else {
		size += int64(len(w.Key))
	}
	if err := t.fits(size, ops); err != nil {
		if replaced {
			t.writes.Put(old)
		} else {
			t.writes.Remove(w.Key)
		}
		return err
	}
	t.bytes = size
	t.apart += apart
	return nil
}

// sizes returns the bytes of the value that are written with the row, and those that
// are written in parts.
func (t *writeTxn) sizes(w writes.Write) (with, apart int64) {
	size := int64(len(w.Value))
	if t.isDivided(w) {
		return referenceBytes, size
	}
	return size, 0
}

func (t *writeTxn) isDivided(w writes.Write) bool { return len(w.Value) > t.db.inlineBytes }

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
	if err := t.db.mayFill(ctx, t.bytes+t.apart+entryBytes*int64(t.writes.Len())+endBytes); err != nil {
		return err
	}
	parts := t.divide()
	err := t.commit(parts)
	for _, p := range parts {
		t.db.large.end(p.owner, err == nil)
	}
	if err != nil {
		switch {
		case errors.Is(err, engine.ErrConflict):
			return engine.ErrConflict
		case errors.Is(err, errNoRoom): // the disk filled while parts were written
			return err
		case errors.Is(err, engine.ErrTooLarge): // limits are below Badger's: not reached
			return &engine.TooLargeError{What: "transaction", Size: t.bytes, Limit: t.db.limits.TxnBytes, Unit: "bytes"}
		}
		return t.db.fail(fmt.Errorf("badger: commit to %s: %w", t.db.options.Path, err))
	}
	t.db.dropReplaced(t.writes)
	if d == engine.Durable {
		return t.db.sync()
	}
	return nil
}

// divide returns the parts of the values that are too large for a row, in the order of
// their keys.
func (t *writeTxn) divide() (parts []part) {
	if t.apart == 0 {
		return nil
	}
	for w := range t.writes.All() {
		if t.isDivided(w) {
			o := owner{number: t.db.large.begin(), count: (len(w.Value) + partBytes - 1) / partBytes, key: w.Key}
			parts = append(parts, part{o, w.Value})
		}
	}
	return parts
}

// commit writes the parts in the same transaction as the rows if they fit.
func (t *writeTxn) commit(parts []part) error {
	size, ops := t.bytes, t.writes.Len()
	for _, p := range parts {
		_ = p.each(func(key, value []byte) error {
			size, ops = size+int64(len(key)+len(value)), ops+1
			return nil
		})
	}
	if t.fits(size, ops) == nil {
		return t.commitRows(size, ops, parts, nil)
	}
	err := t.db.writeParts(parts)
	if err == nil {
		err = t.commitRows(t.bytes, t.writes.Len(), nil, parts)
	}
	if err != nil {
		t.db.dropUnused(parts)
	}
	return err
}

// commitRows writes rows, the parts that go with them, and references to these and to
// the parts that were written before.
func (t *writeTxn) commitRows(size int64, ops int, with, before []part) (err error) {
	defer damage.Recover(damage.Guard(), &err)
	t.releaseCursors()
	for _, p := range with {
		if err := p.each(t.txn.Set); err != nil {
			return translate(err)
		}
	}
	parts := slices.Concat(with, before)
	for w := range t.writes.All() {
		switch {
		case w.Deleted:
			err = t.txn.Delete(w.Key)
		case t.isDivided(w):
			r := reference{parts[0].number, len(w.Value)}
			err = t.txn.SetEntry(badger.NewEntry(w.Key, r.encode()).WithMeta(divided))
			parts = parts[1:]
		default:
			err = t.txn.Set(w.Key, w.Value)
		}
		if err != nil {
			return translate(err)
		}
	}
	return t.db.commit(t.txn, size, ops)
}
