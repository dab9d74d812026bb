package datastore

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	ds "github.com/ipfs/go-datastore"

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
// Writes are durable when they return. Values returned are the caller's, values
// passed in are not kept. All methods may be called concurrently. Closing a face
// ends the face, not the store; both return models.ErrClosed from then on.
// Absence is go-datastore's ErrNotFound itself.
type Face struct {
	store *Store
	paths
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

// Datastore returns the whole store as a go-datastore.
func (s *Store) Datastore() *Face { return &Face{store: s, paths: paths{trees: s.trees}} }

// Tree returns one tree of the store as a go-datastore. Its calls return
// models.ErrUnknownTree if the store was not opened with the tree.
func (s *Store) Tree(tree models.AnyTree) *Face {
	return &Face{store: s, paths: paths{tree: tree.Raw()}}
}

// Get returns the value of key.
func (f *Face) Get(ctx context.Context, key ds.Key) ([]byte, error) {
	if f.closed.Load() {
		return nil, models.ErrClosed
	}
	return f.get(ctx, f.store, key)
}

// Has reports whether key has a value.
func (f *Face) Has(ctx context.Context, key ds.Key) (bool, error) {
	if f.closed.Load() {
		return false, models.ErrClosed
	}
	return f.has(ctx, f.store, key)
}

// GetSize returns the length of key's value.
func (f *Face) GetSize(ctx context.Context, key ds.Key) (int, error) {
	if f.closed.Load() {
		return -1, models.ErrClosed
	}
	return f.size(ctx, f.store, key)
}

// Put stores value under key. It returns models.ErrInvalid for a row's value
// that is not one, ErrIndexKey and ErrForeignKey.
func (f *Face) Put(ctx context.Context, key ds.Key, value []byte) error {
	if f.closed.Load() {
		return models.ErrClosed
	}
	return f.put(ctx, f.store, key, value)
}

// Delete removes key; one that is absent is no error.
func (f *Face) Delete(ctx context.Context, key ds.Key) error {
	if f.closed.Load() {
		return models.ErrClosed
	}
	return f.delete(ctx, f.store, key)
}

// Sync makes durable everything written before the call, under any prefix.
func (f *Face) Sync(ctx context.Context, _ ds.Key) error {
	if f.closed.Load() {
		return models.ErrClosed
	}
	return f.store.Sync(ctx)
}

// DiskUsage returns the bytes the store takes, all of it even for one tree.
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
func (f *Face) Scrub(ctx context.Context) error { return f.examine(ctx, Repair) }

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

// Close ends the face and leaves the store open.
func (f *Face) Close() error {
	f.closed.Store(true)
	return nil
}
