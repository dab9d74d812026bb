package datastore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
)

// paths reads and writes rows and entries by their go-datastore keys, wherever
// it is told to: in a store or in a transaction.
type paths struct {
	// tree is the only one seen, or nil; then trees has all that are.
	tree  *models.Raw
	trees map[string]models.AnyTree
}

// target is what a key stands for: a row of a tree, of the plain one too, or an
// index entry of one.
type target struct {
	raw *models.Raw
	key []byte
	// index is set for an index entry, with the index key.
	index    *models.RawIndex
	indexKey []byte
}

// maxPath is the most bytes of a key that belongs to no typed tree. The engine
// needs a few for the number of the space and the expiry queue.
const maxPath = engine.MaxKeySize - 16

// fail is the error of a call for t, with a value of size bytes if it puts one. The error
// names a key that belongs to no tree as the caller wrote it, and tells the size of the
// value, not of its row.
func (t target) fail(size int, err error) error {
	if err == nil {
		return nil
	}
	var of *models.Error
	cause := err
	if errors.As(err, &of) {
		cause = of.Err
	}
	large := (*engine.TooLargeError)(nil)
	if errors.As(cause, &large) && large.What == "value" {
		more := large.Size - int64(size) // what the row has besides
		cause = &engine.TooLargeError{
			What: large.What, Size: int64(size), Limit: large.Limit - more, Unit: large.Unit,
		}
	}
	switch {
	case t.raw == plain.Raw():
		return &KeyError{Key: string(t.key), Err: cause}
	case of != nil && large != nil:
		return &models.Error{Op: of.Op, Tree: of.Tree, Key: of.Key, Err: cause}
	}
	return err
}

// find says what key stands for.
func (p paths) find(key ds.Key) (target, error) {
	path := key.String()
	name, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	raw := p.lookup(name)
	if raw == nil {
		if p.tree != nil {
			return target{}, &KeyError{Key: path, Err: ErrForeignKey}
		}
		if len(path) > maxPath {
			return target{}, &KeyError{
				Key: path, Err: fmt.Errorf("%w: %d bytes, the limit is %d", models.ErrKeySize, len(path), maxPath),
			}
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
func (p paths) lookup(name string) *models.Raw {
	if p.tree != nil {
		if p.tree.Name() == name {
			return p.tree
		}
		return nil
	}
	if tree, ok := p.trees[name]; ok && name != plain.Name() {
		return tree.Raw()
	}
	return nil
}

const (
	primaryPart = "primary"
	indexPart   = "index"
)

func findInTree(raw *models.Raw, path string) (t target, err error) {
	t.raw = raw
	parts := strings.Split(path, "/")
	switch {
	case len(parts) == 2 && parts[0] == primaryPart:
		t.key, err = raw.ParsePathText(parts[1])
		return t, err
	case len(parts) == 4 && parts[0] == indexPart:
		if t.index = findIndex(raw, parts[1]); t.index == nil {
			return t, ErrForeignKey
		}
		if t.indexKey, err = t.index.ParsePathText(parts[2]); err != nil {
			return t, err
		}
		t.key, err = raw.ParsePathText(parts[3])
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

// KeyError says for which go-datastore key a call failed. With errors.Is and
// errors.As it matches the errors that Err matches.
type KeyError struct {
	// Key is the whole key as it was given. The message shows the beginning of a
	// long one, and has escapes only if the key has characters that do not print.
	Key string
	// Err is why.
	Err error
}

func (e *KeyError) Error() string {
	const most = 200 // bytes of a key that came from anywhere
	key, more := e.Key, ""
	if len(key) > most {
		key, more = key[:most], "…"
	}
	if prints(key) {
		key = `"` + key + `"`
	} else {
		key = strconv.Quote(key)
	}
	return fmt.Sprintf("key %s%s: %v", key, more, e.Err)
}

// prints reports whether a text reads as it is written.
func prints(text string) bool {
	for _, r := range text {
		if !strconv.IsPrint(r) {
			return false
		}
	}
	return utf8.ValidString(text)
}

func (e *KeyError) Unwrap() error { return e.Err }

func (p paths) get(ctx context.Context, r models.Reader, key ds.Key) (value []byte, err error) {
	err = p.read(ctx, r, key, func(t target) error {
		value, err = t.raw.Get(ctx, r, t.key)
		return err
	})
	return value, err
}

func (p paths) has(ctx context.Context, r models.Reader, key ds.Key) (bool, error) {
	_, err := p.size(ctx, r, key)
	if err == ds.ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

func (p paths) size(ctx context.Context, r models.Reader, key ds.Key) (int, error) {
	size := -1
	err := p.read(ctx, r, key, func(t target) error {
		n, err := t.raw.Size(ctx, r, t.key)
		if err == nil {
			size = n
		}
		return err
	})
	return size, err
}

// read calls fn with what key stands for, and turns absence into go-datastore's
// error for it.
func (p paths) read(ctx context.Context, r models.Reader, key ds.Key, fn func(target) error) error {
	t, err := p.find(key)
	switch {
	case errors.Is(err, models.ErrInvalid), errors.Is(err, ErrForeignKey), errors.Is(err, models.ErrKeySize):
		// No row can be there; but the reader is to tell whether it is open.
		err = ds.ErrNotFound
		if s, readErr := r.BeginRead(ctx); readErr != nil {
			err = readErr
		} else {
			s.End()
		}
	case err != nil:
	case t.index != nil:
		// The entry is there, or was a moment before the row: an index never
		// lies, so that is the same.
		has, hasErr := t.index.Has(ctx, r, t.indexKey, t.key)
		if err = hasErr; err == nil && !has {
			err = ds.ErrNotFound
		}
		if err == nil {
			err = fn(t)
		}
	default:
		err = fn(t)
	}
	if errors.Is(err, models.ErrNotFound) {
		return ds.ErrNotFound // itself: callers compare with ==
	}
	if t.raw != nil {
		err = t.fail(0, err)
	}
	return err
}

func (p paths) put(ctx context.Context, w models.Writer, key ds.Key, value []byte) error {
	t, err := p.findRow(key)
	if err != nil {
		return err
	}
	return t.fail(len(value), t.raw.Put(ctx, w, t.key, value))
}

func (p paths) putUntil(ctx context.Context, w models.Writer, key ds.Key, value []byte, expiry time.Time) error {
	t, err := p.findRow(key)
	if err != nil {
		return err
	}
	return t.fail(len(value), t.raw.PutUntil(ctx, w, t.key, value, expiry))
}

func (p paths) delete(ctx context.Context, w models.Writer, key ds.Key) error {
	t, err := p.findRow(key)
	if errors.Is(err, models.ErrKeySize) {
		return nil // nothing can be there
	}
	if err != nil {
		return err
	}
	return t.fail(0, t.raw.Delete(ctx, w, t.key))
}

// findRow is find for a key that is to be written.
func (p paths) findRow(key ds.Key) (target, error) {
	t, err := p.find(key)
	if err == nil && t.index != nil {
		err = &KeyError{Key: key.String(), Err: ErrIndexKey}
	}
	return t, err
}
