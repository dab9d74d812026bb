package datastore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models"
)

// ErrNotEmpty is returned for restoring a backup into a database that has
// something in it already.
var ErrNotEmpty = errors.New("the database is not empty")

// Restore reads what [Store.Backup] has written into the empty database of eng,
// which it leaves closed: a store for Open then. The engine may be another than
// the one that was backed up.
//
// It returns ErrBackup for a stream that is no backup or is damaged, ErrVersion for one
// of a newer version or of a store with a feature that this version does not know, which
// it refuses before it opens eng, ErrNotEmpty for a database with anything in it, and
// ErrTooLarge for a value that the engine does not take. Before it reads on it marks
// the database as one that is being restored. So after an error, and if the process
// ends before Restore does, the database is no store: Open refuses it with
// ErrNotStore, and so does Restore with ErrNotEmpty. Delete it and restore again.
// Memory is bounded. Progress functions are called after every chunk.
func Restore(
	ctx context.Context, eng engine.Engine, r io.Reader, options ...BackupOptions,
) (done BackupProgress, err error) {
	if given(options).Plain {
		return done, fmt.Errorf("restore: %w: Plain is for Backup alone", models.ErrInvalid)
	}
	in := backupReader{r: r, digest: sha256.New()}
	if err := in.header(); err != nil { // before there is a database
		return done, fmt.Errorf("restore: %w", err)
	}
	db, err := eng.Open(ctx)
	if err != nil {
		return done, fmt.Errorf("restore: %w", err)
	}
	defer func() { // also where the reader or the progress function panics
		if err = errors.Join(err, db.Close()); err != nil {
			err = fmt.Errorf("restore: %w", err)
		}
	}()
	err = restore(ctx, db, &in, given(options).Progress)
	return in.read, err
}

func restore(ctx context.Context, db engine.DB, in *backupReader, progress func(BackupProgress)) error {
	if err := checkEmpty(ctx, db); err != nil {
		return err
	}
	w := restoreWriter{ctx: ctx, db: db}
	defer w.discard()
	if err := w.begin(); err != nil {
		return err
	}
	for more := true; more; {
		var err error
		if more, err = in.next(w.put); err != nil {
			return err
		}
		if progress != nil {
			progress(in.read)
		}
	}
	if w.store == nil {
		return fmt.Errorf("%w: it has no catalog", ErrBackup)
	}
	if err := in.checkStore(w.store); err != nil {
		return err
	}
	return w.finish()
}

func checkEmpty(ctx context.Context, db engine.DB) error {
	txn, err := db.View(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	c := txn.Cursor(engine.Range{KeysOnly: true})
	defer c.Close()
	if c.Next() {
		return ErrNotEmpty
	}
	return c.Err()
}

// restoreWriter puts keys in as many transactions as it takes, and that which
// makes the database a store in the last.
type restoreWriter struct {
	ctx  context.Context
	db   engine.DB
	txn  engine.WriteTxn
	size int
	// store is the value of storeKey.
	store []byte
}

// restoreBytes is what a transaction has, unless the engine takes less.
const restoreBytes = 4 << 20

// begin makes the database, durably, one that no store can be opened in until finish.
func (w *restoreWriter) begin() (err error) {
	if w.txn, err = w.db.Update(w.ctx); err != nil {
		return err
	}
	if err := putCatalog(w.txn, storeKey, storeCodec,
		&storeEntry{Format: format.Version, Magic: restoringMagic}); err != nil {
		return err
	}
	return w.commit(engine.Durable)
}

// put puts a key, which it does not keep.
func (w *restoreWriter) put(key, value []byte) error {
	value = append(make([]byte, 0, len(value)), value...)
	if bytes.Equal(key, storeKey) {
		w.store = value
		return nil
	}
	if w.size >= restoreBytes {
		if err := w.commit(engine.Relaxed); err != nil {
			return err
		}
	}
	key = bytes.Clone(key)
	err := w.write(key, value)
	if errors.Is(err, engine.ErrTooLarge) && w.size > 0 { // the transaction is full, or the value is too large for any
		if err = w.commit(engine.Relaxed); err == nil {
			err = w.write(key, value)
		}
	}
	if err != nil {
		return fmt.Errorf("key %x: %w", key[:min(len(key), 64)], err)
	}
	return nil
}

func (w *restoreWriter) write(key, value []byte) (err error) {
	if w.txn == nil {
		if w.txn, err = w.db.Update(w.ctx); err != nil {
			return err
		}
	}
	if err := w.txn.Put(key, value); err != nil {
		return err
	}
	w.size += len(key) + len(value)
	return nil
}

func (w *restoreWriter) commit(how engine.Durability) error {
	txn := w.txn
	w.txn, w.size = nil, 0
	if txn == nil {
		return nil
	}
	defer txn.Discard()
	return txn.Commit(w.ctx, how)
}

func (w *restoreWriter) discard() {
	if w.txn != nil {
		w.txn.Discard()
	}
}

// finish makes the rest durable, and then the database a store.
func (w *restoreWriter) finish() error {
	if err := w.commit(engine.Relaxed); err != nil {
		return err
	}
	if err := w.db.Sync(w.ctx); err != nil {
		return err
	}
	if err := w.write(storeKey, w.store); err != nil {
		return err
	}
	return w.commit(engine.Durable)
}
