package datastore

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/finish"
	"github.com/newsnet-africa/netabase-go/models"
)

// Face is a store, or one tree of it, as a go-datastore. Rows and index entries
// have these keys; see docs/format.md for keys as text:
//
//	/<tree>/primary/<key>                           a row's value
//	/<tree>/index/<index>/<index key>/<key>     the same, by an index entry
//
// Putting a row checks its value as models.Raw.Validate does and keeps every index
// true. Index entries can be read, and are listed by a query whose prefix names
// index, but not written: that returns ErrIndexKey. The face of a whole
// store keeps every other key and its value just as they are given.
//
// Writes are durable when they return, or after Sync in a store that was opened with
// OpenOptions.Relaxed. Values returned are the caller's. A value
// passed in is copied, once, before the call returns, so the caller may use its
// memory again. All methods may be called concurrently. Absence is go-datastore's
// ErrNotFound itself. After Close every call returns models.ErrClosed.
//
// # Contexts
//
// A write of a key, a batch or a transaction, a Sync, and a read of one key are done
// also if their context has ended, as by most go-datastores: programs that close
// write with contexts that they have cancelled. Where such a call has to wait for
// another writer it waits for a minute at most, and no longer than until the store
// is closed. Queries, CollectGarbage, Check, Scrub, DiskUsage, and beginning a
// transaction that writes end with their context.
//
// A batch or transaction of this store that a program has put into a context, by
// WithWrite and WithRead of go-datastore's package context, takes the writes and the
// reads with that context. Writing to the store otherwise with a context that has an
// open transaction for writes returns models.ErrNested.
type Face struct {
	store *Store
	paths
	// owns says that closing the face closes the store.
	owns   bool
	closed atomic.Bool
}

var (
	_ ds.Batching            = (*Face)(nil)
	_ ds.TxnDatastore        = (*Face)(nil)
	_ ds.PersistentDatastore = (*Face)(nil)
	_ ds.GCDatastore         = (*Face)(nil)
	_ ds.CheckedDatastore    = (*Face)(nil)
	_ ds.ScrubbedDatastore   = (*Face)(nil)
)

// Errors of the go-datastore face.
var (
	// ErrIndexKey is returned for a write to a key under index: only writes of
	// rows change an index.
	ErrIndexKey = errors.New("index entries cannot be written, write the row under primary")
	// ErrForeignKey is returned by the face of one tree for a key outside the
	// tree, and for a key inside a tree that belongs neither to a row nor to an
	// entry.
	ErrForeignKey = errors.New("key is not one of the tree's")
)

// OpenDatastore opens a store as [Open] does, and returns all of it as a go-datastore that
// owns it: closing the Face closes the store. It is for a program or plugin that only
// wants a datastore:
//
//	d, err := datastore.OpenDatastore(ctx, badger.Engine(dir))
//	defer d.Close()
func OpenDatastore(ctx context.Context, eng engine.Engine, options ...OpenOption) (*Face, error) {
	s, err := Open(ctx, eng, options...)
	if err != nil {
		return nil, err
	}
	f := s.Datastore()
	f.owns = true
	return f, nil
}

// Datastore returns the whole store as a go-datastore. Closing it leaves the store open.
func (s *Store) Datastore() *Face { return &Face{store: s, paths: paths{trees: s.trees}} }

// Tree returns one tree of the store as a go-datastore. Closing it leaves the store
// open. Its calls return
// models.ErrUnknownTree if the store was not opened with the tree.
func (s *Store) Tree(tree models.AnyTree) *Face {
	return &Face{store: s, paths: paths{tree: tree.Raw()}}
}

// Get returns the value of key.
func (f *Face) Get(ctx context.Context, key ds.Key) (value []byte, err error) {
	if f.closed.Load() {
		return nil, models.ErrClosed
	}
	err = finish.Do(ctx, func(ctx context.Context) (err error) {
		value, err = f.get(ctx, f.reader(ctx), key)
		return err
	})
	return value, err
}

// Has reports whether key has a value.
func (f *Face) Has(ctx context.Context, key ds.Key) (has bool, err error) {
	if f.closed.Load() {
		return false, models.ErrClosed
	}
	err = finish.Do(ctx, func(ctx context.Context) (err error) {
		has, err = f.has(ctx, f.reader(ctx), key)
		return err
	})
	return has, err
}

// GetSize returns the length of key's value.
func (f *Face) GetSize(ctx context.Context, key ds.Key) (size int, err error) {
	if f.closed.Load() {
		return -1, models.ErrClosed
	}
	err = finish.Do(ctx, func(ctx context.Context) (err error) {
		size, err = f.size(ctx, f.reader(ctx), key)
		return err
	})
	return size, err
}

// Put stores value under key. It returns models.ErrInvalid for a row's value
// that is not one, ErrIndexKey and ErrForeignKey.
func (f *Face) Put(ctx context.Context, key ds.Key, value []byte) error {
	if f.closed.Load() {
		return models.ErrClosed
	}
	b, t := f.given(ctx)
	if b != nil {
		return b.put(ctx, f.paths, key, value, time.Time{})
	}
	w, err := f.writer(t)
	if err != nil {
		return err
	}
	return finish.Do(ctx, func(ctx context.Context) error { return f.put(ctx, w, key, value) })
}

// Delete removes key; one that is absent is no error.
func (f *Face) Delete(ctx context.Context, key ds.Key) error {
	if f.closed.Load() {
		return models.ErrClosed
	}
	b, t := f.given(ctx)
	if b != nil {
		return b.delete(ctx, f.paths, key)
	}
	w, err := f.writer(t)
	if err != nil {
		return err
	}
	return finish.Do(ctx, func(ctx context.Context) error { return f.delete(ctx, w, key) })
}

// Sync makes durable everything written before the call, under any prefix.
func (f *Face) Sync(ctx context.Context, _ ds.Key) error {
	if f.closed.Load() {
		return models.ErrClosed
	}
	return finish.Do(ctx, f.store.Sync)
}

// DiskUsage returns the bytes that the store has in use, all of it even for one tree: space
// that the engine keeps for later writes does not count. It is what Store.Size returns.
func (f *Face) DiskUsage(ctx context.Context) (uint64, error) {
	if f.closed.Load() {
		return 0, models.ErrClosed
	}
	size, err := f.store.Size(ctx)
	return uint64(max(size, 0)), err
}

// CollectGarbage is Store.Compact.
func (f *Face) CollectGarbage(ctx context.Context) error {
	if f.closed.Load() {
		return models.ErrClosed
	}
	return f.store.Compact(ctx)
}

// Check verifies the whole store. For damage it returns a *DamageError.
func (f *Face) Check(ctx context.Context) error { return f.examine(ctx, Verify) }

// Scrub repairs the whole store. For damage it could not mend, and for rows that
// it has set aside because nobody can read them, it returns a *DamageError.
func (f *Face) Scrub(ctx context.Context) error {
	if err := f.checkInside(ctx); err != nil {
		return err
	}
	return f.examine(ctx, Repair)
}

func (f *Face) examine(ctx context.Context, how func(context.Context, *Store, ...VerifyOptions) (Report, error)) error {
	if f.closed.Load() {
		return models.ErrClosed
	}
	report, err := how(ctx, f.store)
	if err == nil && (report.Left() > 0 || report.BadRows > 0) { // a row that is set aside is lost
		err = &DamageError{report}
	}
	return err
}

// DamageError says what damage Check has found, or Scrub has not mended. It
// matches models.ErrCorrupt.
type DamageError struct {
	// Report is what Verify or Repair returned.
	Report Report
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("store is damaged: %d bad rows, %d orphan entries, %d missing entries, %d of these repaired "+
		"or set aside",
		e.Report.BadRows, e.Report.Orphans, e.Report.Missing, e.Report.Repaired)
}

// Is reports whether target is models.ErrCorrupt.
func (e *DamageError) Is(target error) bool { return target == models.ErrCorrupt }

// Store returns the store that the face shows, for its trees.
func (f *Face) Store() *Store { return f.store }

// Close ends the face. It closes the store only if OpenDatastore has opened it, and then
// waits for open transactions to end. Later calls do nothing and return nil.
func (f *Face) Close() error {
	f.closed.Store(true)
	if f.owns {
		return f.store.Close()
	}
	return nil
}
