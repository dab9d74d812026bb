package badger

import (
	"context"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/txn"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/writes"
)

type readTxn struct {
	txn.Life
	db  *db
	txn *badger.Txn
	// snapshot is nil in a write transaction, which has entered the horizon itself.
	snapshot *snapshot
	entered  uint64

	// writes is what a write transaction has written, which Badger gets to see
	// at commit: it would sort all of it anew for every cursor. It is nil in a
	// read transaction.
	writes *writes.Set

	cursors *cursor // those that are open, a list
	scans   [2]scan // forwards and backwards
}

// begin begins a read transaction.
func (t *readTxn) begin() error {
	if t.snapshot = t.db.snapshots.use(); t.snapshot == nil {
		if err := t.take(); err != nil {
			return err
		}
	}
	t.txn = t.snapshot.txn
	return nil
}

func (t *readTxn) take() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	t.snapshot = t.db.snapshots.take(t.db.badger)
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
	if t.snapshot != nil {
		t.snapshot.leave()
	} else {
		t.txn.Discard()
		t.db.horizon.leave(t.entered)
	}
	return nil
}

type writeTxn struct {
	readTxn
	bytes int64 // of keys and values in writes, of a value apart what its rows have
	apart int64 // of values that get files of their own
	files int   // how many
}

func (t *writeTxn) begin() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	t.entered = t.db.horizon.enter()
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
	rows, apart := t.sizes(w)
	size, files := t.bytes+rows, t.files+count(apart)
	if replaced {
		oldRows, oldApart := t.sizes(old)
		size, apart, files = size-oldRows, apart-oldApart, files-count(oldApart)
	} else {
		size += int64(len(w.Key))
	}
	if err := t.fits(size, t.writes.Len()+files); err != nil {
		if replaced {
			t.writes.Put(old)
		} else {
			t.writes.Remove(w.Key)
		}
		return err
	}
	t.bytes, t.files = size, files
	t.apart += apart
	return nil
}

// count returns how many files are of use for the bytes.
func count(apart int64) int {
	if apart > 0 {
		return 1
	}
	return 0
}

// sizes returns what the value adds to the rows, and to files.
func (t *writeTxn) sizes(w writes.Write) (rows, files int64) {
	size := int64(len(w.Value))
	if t.isApart(w) {
		return int64(referenceBytes + ownerBytes + len(w.Key)), size
	}
	return size, 0
}

func (t *writeTxn) isApart(w writes.Write) bool { return len(w.Value) > t.db.inlineBytes }

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
	if err := t.db.hasRoom(t.apart); err != nil {
		return err
	}
	if err := t.db.mayFill(ctx, t.bytes+entryBytes*int64(t.ops())+endBytes); err != nil {
		return err
	}
	files, err := t.writeFiles()
	if err != nil {
		return err
	}
	err = t.commitRows(files)
	t.db.large.end(files, err == nil)
	switch {
	case err == nil:
	case errors.Is(err, engine.ErrConflict):
		t.db.horizon.remove(numbersOf(files))
		return engine.ErrConflict
	case errors.Is(err, engine.ErrTooLarge): // limits are below Badger's: not reached
		t.db.horizon.remove(numbersOf(files))
		return &engine.TooLargeError{What: "transaction", Size: t.bytes, Limit: t.db.limits.TxnBytes, Unit: "bytes"}
	default:
		// The rows may be there after a recovery, so the files have to stay.
		return t.db.fail(fmt.Errorf("badger: commit to %s: %w", t.db.options.Path, err))
	}
	t.db.noteReplaced(t.writes)
	if d == engine.Durable {
		return t.db.sync()
	}
	return nil
}

// ops returns how many rows are written: a value apart has two.
func (t *writeTxn) ops() int { return t.writes.Len() + t.files }

// writeFiles writes the values that get files of their own, in the order of their keys.
func (t *writeTxn) writeFiles() ([]valueFile, error) {
	if t.files == 0 {
		return nil, nil
	}
	files, contents := make([]valueFile, 0, t.files), make([][]byte, 0, t.files)
	for w := range t.writes.All() {
		if t.isApart(w) {
			files = append(files, valueFile{key: w.Key})
			contents = append(contents, w.Value)
		}
	}
	t.db.large.begin(files)
	refs, err := t.db.values.Write(files[0].Number, contents)
	if err != nil {
		t.db.large.end(files, false)
		return nil, fmt.Errorf("badger: commit to %s: %w", t.db.options.Path, translate(err))
	}
	for i, ref := range refs {
		files[i].Ref = ref
	}
	return files, nil
}

// commitRows writes the rows, and the owners of files.
func (t *writeTxn) commitRows(files []valueFile) (err error) {
	defer damage.Recover(damage.Guard(), &err)
	t.releaseCursors()
	size, ops := t.bytes, t.ops()
	for w := range t.writes.All() {
		switch {
		case w.Deleted:
			err = t.txn.Delete(w.Key)
		case t.isApart(w):
			f := files[0]
			files = files[1:]
			if err = t.txn.Set(ownerKey(f.Number), owner{f.Number, f.Size, w.Key}.encode()); err == nil {
				err = t.txn.SetEntry(badger.NewEntry(w.Key, encodeReference(f.Ref)).WithMeta(apart))
			}
		default:
			err = t.txn.Set(w.Key, w.Value)
		}
		if err != nil {
			return translate(err)
		}
	}
	return t.db.commit(t.txn, size, ops)
}
