package datastore

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/models"
)

// Face is a store, or one tree of it, as a go-datastore. Rows and index entries
// have these keys; see docs/format.md for keys as text:
//
//	/<tree>/primary/<key>                           a row's value
//	/<tree>/secondary/<index>/<index key>/<key>     the same, by an index entry
//
// Putting a row checks its value as models.Raw.Check does and keeps every index
// true. Index entries can be read, and are listed by a query whose prefix names
// secondary, but not written: that returns ErrIndexKey. The face of a whole
// store keeps every other key and its value just as they are given.
//
// Writes are durable when they return. Values returned are the caller's, values
// passed in are not kept. All methods may be called concurrently. Closing a face
// ends the face, not the store; both return models.ErrClosed from then on.
// Absence is go-datastore's ErrNotFound itself.
type Face struct {
	store *Store
	// tree is the only one seen through the face, nil for the whole store.
	tree   *models.Raw
	closed atomic.Bool
}

var (
	_ ds.Batching            = (*Face)(nil)
	_ ds.PersistentDatastore = (*Face)(nil)
	_ ds.GCDatastore         = (*Face)(nil)
)

// Errors of the go-datastore face.
var (
	// ErrIndexKey is returned for a write to a key under secondary: an index
	// follows its rows.
	ErrIndexKey = errors.New("index entries cannot be written, write the row under primary")
	// ErrForeignKey is returned by the face of one tree for a key outside it,
	// and for one inside a tree that is neither a row's nor an entry's.
	ErrForeignKey = errors.New("key is not one of the tree's")
)

// Datastore returns the whole store as a go-datastore.
func (s *Store) Datastore() *Face { return &Face{store: s} }

// Tree returns one tree of the store as a go-datastore. Its calls return
// models.ErrUnknownTree if the store was not opened with the tree.
func (s *Store) Tree(tree models.AnyTree) *Face { return &Face{store: s, tree: tree.Raw()} }

// target is what a key stands for: a row of a tree, of the plain one too, or an
// index entry of one.
type target struct {
	raw *models.Raw
	key []byte
	// index is set for an index entry, with the index key.
	index    *models.RawIndex
	indexKey []byte
}

// find says what key stands for.
func (f *Face) find(key ds.Key) (target, error) {
	path := key.String()
	name, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	raw := f.lookup(name)
	if raw == nil {
		if f.tree != nil {
			return target{}, &KeyError{Key: path, Err: ErrForeignKey}
		}
		return target{raw: plain.Raw(), key: []byte(path)}, nil
	}
	t, err := findInTree(raw, rest)
	if err != nil {
		return target{}, &KeyError{Key: path, Err: err}
	}
	return t, nil
}

// lookup returns the typed tree that a path begins with, or nil.
func (f *Face) lookup(name string) *models.Raw {
	if f.tree != nil {
		if f.tree.Name() == name {
			return f.tree
		}
		return nil
	}
	if tree, ok := f.store.trees[name]; ok && name != plain.Name() {
		return tree.Raw()
	}
	return nil
}

const (
	primary   = "primary"
	secondary = "secondary"
)

func findInTree(raw *models.Raw, path string) (t target, err error) {
	t.raw = raw
	parts := strings.Split(path, "/")
	switch {
	case len(parts) == 2 && parts[0] == primary:
		t.key, err = raw.ParseKeyText(parts[1])
		return t, err
	case len(parts) == 4 && parts[0] == secondary:
		if t.index = findIndex(raw, parts[1]); t.index == nil {
			return t, ErrForeignKey
		}
		if t.indexKey, err = t.index.ParseKeyText(parts[2]); err != nil {
			return t, err
		}
		t.key, err = raw.ParseKeyText(parts[3])
		return t, err
	}
	return t, ErrForeignKey
}

func findIndex(raw *models.Raw, name string) *models.RawIndex {
	for _, ix := range raw.Indexes() {
		if ix.Name() == name {
			return &ix
		}
	}
	return nil
}

// KeyError says which go-datastore key could not be used. It matches what Err
// matches.
type KeyError struct {
	Key string
	Err error
}

func (e *KeyError) Error() string { return "key " + e.Key + ": " + e.Err.Error() }
func (e *KeyError) Unwrap() error { return e.Err }

// Get returns the value of key.
func (f *Face) Get(ctx context.Context, key ds.Key) (value []byte, err error) {
	err = f.read(ctx, key, func(r models.Reader, t target) error {
		value, err = t.raw.Get(ctx, r, t.key)
		return err
	})
	return value, err
}

// Has reports whether key has a value.
func (f *Face) Has(ctx context.Context, key ds.Key) (bool, error) {
	_, err := f.GetSize(ctx, key)
	if err == ds.ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

// GetSize returns the length of key's value.
func (f *Face) GetSize(ctx context.Context, key ds.Key) (size int, err error) {
	size = -1
	err = f.read(ctx, key, func(r models.Reader, t target) error {
		n, err := t.raw.Size(ctx, r, t.key)
		if err == nil {
			size = n
		}
		return err
	})
	return size, err
}

// read calls fn with what key stands for and where to read it.
func (f *Face) read(ctx context.Context, key ds.Key, fn func(models.Reader, target) error) error {
	if f.closed.Load() {
		return models.ErrClosed
	}
	t, err := f.find(key)
	switch {
	case errors.Is(err, models.ErrInvalid), errors.Is(err, ErrForeignKey):
		// No row can be there. The store is asked all the same whether it is
		// open.
		err = models.ErrNotFound
		if viewErr := f.store.View(ctx, func(*ReadTx) error { return nil }); viewErr != nil {
			err = viewErr
		}
	case t.index != nil:
		err = f.store.View(ctx, func(tx *ReadTx) error {
			has, err := t.index.Has(ctx, tx, t.indexKey, t.key)
			if err == nil && !has {
				err = models.ErrNotFound
			}
			if err != nil {
				return err
			}
			return fn(tx, t)
		})
	default:
		err = fn(f.store, t)
	}
	if errors.Is(err, models.ErrNotFound) {
		return ds.ErrNotFound // itself: callers compare with ==
	}
	return err
}

// Put stores value under key. It returns models.ErrInvalid for a row's value
// that is not one, ErrIndexKey and ErrForeignKey.
func (f *Face) Put(ctx context.Context, key ds.Key, value []byte) error {
	t, err := f.findWrite(key)
	if err != nil {
		return err
	}
	return t.raw.Put(ctx, f.store, t.key, value)
}

// Delete removes key; one that is absent is no error.
func (f *Face) Delete(ctx context.Context, key ds.Key) error {
	t, err := f.findWrite(key)
	if err != nil {
		return err
	}
	return t.raw.Delete(ctx, f.store, t.key)
}

func (f *Face) findWrite(key ds.Key) (target, error) {
	if f.closed.Load() {
		return target{}, models.ErrClosed
	}
	t, err := f.find(key)
	if err == nil && t.index != nil {
		err = &KeyError{Key: key.String(), Err: ErrIndexKey}
	}
	return t, err
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

// Close ends the face and leaves the store open.
func (f *Face) Close() error {
	f.closed.Store(true)
	return nil
}
