package models

import (
	"context"
	"fmt"
	"iter"

	"github.com/newsnet-africa/netabase-go/internal/session"
)

// Entry is what an index holds of a row: the index key and the row's primary
// key.
type Entry[I, K any] struct {
	Index   I
	Primary K
}

// Index finds rows by a key that they may share. See [NewIndex].
type Index[M, K, I any] struct{ shared[M, K, I] }

// Unique finds the one row that has a key. See [NewUnique].
type Unique[M, K, I any] struct{ shared[M, K, I] }

// Multi finds rows by any of several keys each. See [NewMulti].
type Multi[M, K, I any] struct{ shared[M, K, I] }

// NewIndex declares an index of t by the key that extract takes from a row.
// Name has 1 to 64 letters, digits, '_' and '-', and is the tree's only one.
// Extract must depend on the row alone.
func NewIndex[M, K, I any](t *Tree[M, K], name string, key KeyCodec[I], extract func(*M) I) *Index[M, K, I] {
	ix := &Index[M, K, I]{}
	ix.declare(t, name, session.Plain, key, one(key, extract), ix)
	return ix
}

// NewUnique declares an index of t in which no two rows have the same key: a
// write that would give a second row the key returns ErrUnique. That is found
// out by reading the one entry, in the write's own transaction.
func NewUnique[M, K, I any](t *Tree[M, K], name string, key KeyCodec[I], extract func(*M) I) *Unique[M, K, I] {
	ix := &Unique[M, K, I]{}
	ix.declare(t, name, session.Unique, key, one(key, extract), ix)
	return ix
}

// NewMulti declares an index of t by all keys that extract takes from a row:
// none, one or many, of which repeated ones count once.
func NewMulti[M, K, I any](t *Tree[M, K], name string, key KeyCodec[I], extract func(*M) []I) *Multi[M, K, I] {
	ix := &Multi[M, K, I]{}
	ix.declare(t, name, session.Multi, key, func(keys *keyList, m *M) {
		for _, k := range extract(m) {
			appendKey(keys, key, k)
		}
		keys.sortUnique()
	}, ix)
	return ix
}

func one[M, I any](key KeyCodec[I], extract func(*M) I) func(*keyList, *M) {
	return func(keys *keyList, m *M) { appendKey(keys, key, extract(m)) }
}

// Find yields the rows whose key is key, in the order of their primary keys.
// See [Tree.Range] for what it reads and when.
func (ix *Index[M, K, I]) Find(ctx context.Context, r Reader, key I) iter.Seq2[M, error] {
	return ix.Range(ctx, r, Only(key))
}

// Find yields the rows that key is one of the keys of, in the order of their
// primary keys. See [Tree.Range] for what it reads and when.
func (ix *Multi[M, K, I]) Find(ctx context.Context, r Reader, key I) iter.Seq2[M, error] {
	return ix.Range(ctx, r, Only(key))
}

// Get returns the row whose key is key, or ErrNotFound.
func (ix *Unique[M, K, I]) Get(ctx context.Context, r Reader, key I) (M, error) {
	for m, err := range ix.Range(ctx, r, Only(key)) {
		return m, err
	}
	return *new(M), ix.failAt("get", key, ErrNotFound)
}

// Key returns the primary key of the row whose key is key, or ErrNotFound. It
// reads no row.
func (ix *Unique[M, K, I]) Key(ctx context.Context, r Reader, key I) (K, error) {
	for e, err := range ix.Keys(ctx, r, Only(key)) {
		return e.Primary, err
	}
	return *new(K), ix.failAt("get", key, ErrNotFound)
}

// shared is what all kinds of index have.
type shared[M, K, I any] struct {
	tree   *Tree[M, K]
	number int
	core   *session.Index
	key    KeyCodec[I]
	append func(*keyList, *M)
}

func (ix *shared[M, K, I]) appendKeys(keys *keyList, m *M) { ix.append(keys, m) }

func (ix *shared[M, K, I]) declare(t *Tree[M, K], name string, kind session.Kind, key KeyCodec[I], appendKeys func(*keyList, *M), self indexer[M]) {
	ix.tree, ix.number, ix.key, ix.append = t, len(t.indexes), key, appendKeys
	ix.core = &session.Index{
		Name: name, Kind: kind, Key: key.Name(),
		KeyText: func(encoded []byte) (string, error) {
			return keyText(decodeWhole(key), key, encoded)
		},
		ParseKeyText: func(text string) ([]byte, error) { return parseKeyText(key, key.Append, text) },
		CutKey:       func(entry []byte) ([]byte, []byte, error) { return cutKey(key, entry) },
	}
	fault := checkName(name)
	for _, other := range t.core.Indexes {
		if other.Name == name {
			fault = fmt.Errorf("%w: declared twice", ErrDefinition)
		}
	}
	if fault != nil && t.core.Fault == nil {
		t.core.Fault = fmt.Errorf("index %q of tree %q: %w", name, t.core.Name, fault)
	}
	t.core.Indexes = append(t.core.Indexes, ix.core)
	t.indexes = append(t.indexes, self)
}

// Name returns the index's own name.
func (ix *shared[M, K, I]) Name() string { return ix.core.Name }

// KeyText returns an index key as text that sorts as the key does: part of the
// path of its entries in the go-datastore face.
func (ix *shared[M, K, I]) KeyText(key I) string { return string(ix.key.AppendText(nil, key)) }

// Range yields the rows whose index keys rng selects, in the order of the index
// keys and then of the primary keys. See [Tree.Range] for what it reads and
// when.
func (ix *shared[M, K, I]) Range(ctx context.Context, r Reader, rng Range[I]) iter.Seq2[M, error] {
	return scan(ctx, r, ix.walk(rng, false), ix.row)
}

// row reads the row that an entry points to.
func (ix *shared[M, K, I]) row(s *session.Session, key, stored []byte) (M, error) {
	_, primary, err := splitEntry(ix.core, key, stored)
	if err != nil {
		return *new(M), err
	}
	row, err := ix.follow(s, primary)
	if err != nil {
		return *new(M), err
	}
	return ix.tree.open(s.Scratch, row)
}

// follow reads the row under the encoded primary key that an entry points to,
// and leaves the key it is stored at in s.Scratch.
func (ix *shared[M, K, I]) follow(s *session.Session, primary []byte) ([]byte, error) {
	s.Scratch = append(append(s.Scratch[:0], s.Place(ix.tree.core).Space...), primary...)
	row, err := s.Read.Get(s.Scratch)
	if isNotFound(err) {
		return nil, fmt.Errorf("%w: an entry has no row", ErrCorrupt)
	}
	return row, err
}

// Keys yields the entries whose index keys rng selects, in the order of the
// index keys and then of the primary keys. It reads no row, as [Tree.Keys].
func (ix *shared[M, K, I]) Keys(ctx context.Context, r Reader, rng Range[I]) iter.Seq2[Entry[I, K], error] {
	return scan(ctx, r, ix.walk(rng, false), func(_ *session.Session, key, stored []byte) (e Entry[I, K], err error) {
		encoded, primary, err := splitEntry(ix.core, key, stored)
		if err != nil {
			return e, err
		}
		if e.Index, _, err = ix.key.Decode(encoded); err != nil {
			return e, corruptKey(err)
		}
		e.Primary, err = ix.tree.decodeKey(primary)
		return e, err
	})
}

// Count returns how many entries rng selects, from one snapshot: the rows under
// the keys, or in a Multi once for every key of theirs. It reads no row.
func (ix *shared[M, K, I]) Count(ctx context.Context, r Reader, rng Range[I]) (int, error) {
	return count(ctx, r, ix.walk(rng, true))
}

func (ix *shared[M, K, I]) walk(rng Range[I], keysOnly bool) walk {
	return walk{
		tree: ix.tree.core, index: ix.core.Name, number: ix.number, keysOnly: keysOnly,
		place: ix.tree.place,
		span: func(p *session.Place) (span, error) {
			return rng.entries(ix.key, p.Indexes[ix.number])
		},
	}
}

func (ix *shared[M, K, I]) failAt(op string, key I, err error) error {
	return &Error{Op: op, Tree: ix.tree.core.Name, Index: ix.core.Name, Key: ix.KeyText(key), Err: err}
}
