package models

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// Entry is an entry of an index: the index key and the primary key of the row.
type Entry[I, K any] struct {
	// Index is the key of the entry. In a Multi it is one of the row's keys.
	Index I
	// Primary is the row's primary key.
	Primary K
}

// Index finds rows by a key that they may share. See [NewIndex].
type Index[M, K, I any] struct{ shared[M, K, I] }

// Unique finds the one row that has a key. See [NewUnique].
type Unique[M, K, I any] struct{ shared[M, K, I] }

// Multi finds rows that have several keys each, by any of them. See [NewMulti].
type Multi[M, K, I any] struct{ shared[M, K, I] }

// IndexOption changes an index as it is declared.
type IndexOption[M any] func(*indexOptions[M])

type indexOptions[M any] struct {
	where   func(*M) bool
	version uint32
	// fields and optional are of Fields and OptionalFields.
	fields, optional []string
}

// Where makes an index partial: a row for which has returns false is not in the
// index. Has must depend on the row alone, like an extractor. In a Unique it
// allows rows without a key:
//
//	models.NewUnique(Users, "phone", models.String, func(u *User) string { return u.Phone },
//		models.Where(func(u *User) bool { return u.Phone != "" }))
func Where[M any](has func(*M) bool) IndexOption[M] {
	return func(o *indexOptions[M]) { o.where = has }
}

// NewIndex declares an index of t by the key that extract takes from a row.
// Name has 1 to 64 letters, digits, '_' and '-', and is the tree's only one.
// Extract must depend on the row alone.
//
// An index is declared before a definition takes the tree. One that comes later
// is refused: each of its methods returns ErrDefinition, and so does the next
// datastore.Open with the definition.
func NewIndex[M, K, I any](
	t *Tree[M, K], name string, key KeyCodec[I], extract func(*M) I, opts ...IndexOption[M],
) *Index[M, K, I] {
	ix := &Index[M, K, I]{}
	ix.declare(t, name, session.Plain, key, one(key, extract), opts, ix)
	return ix
}

// NewUnique declares an index of t in which no two rows have the same key: a
// write that would give a second row the key returns ErrUnique. The write
// checks this in its own transaction by reading one entry.
//
// In a tree whose rows come from other peers, with another policy than [Local],
// nobody can keep two peers from claiming one key, and the first claim must not
// keep the others' rows out. There the index holds all claims, and Get returns
// the row with the smallest primary key among them: every peer that has the
// same rows returns the same row.
func NewUnique[M, K, I any](
	t *Tree[M, K], name string, key KeyCodec[I], extract func(*M) I, opts ...IndexOption[M],
) *Unique[M, K, I] {
	ix := &Unique[M, K, I]{}
	ix.declare(t, name, uniqueKind(t.policy), key, one(key, extract), opts, ix)
	return ix
}

// uniqueKind is the kind of a unique index of a tree with the policy.
func uniqueKind(policy Policy) session.Kind {
	if policy == Local {
		return session.Unique
	}
	return session.Claim
}

// NewMulti declares an index of t by all keys that extract takes from a row.
// There may be none, one or many; repeated keys count once.
func NewMulti[M, K, I any](
	t *Tree[M, K], name string, key KeyCodec[I], extract func(*M) []I, opts ...IndexOption[M],
) *Multi[M, K, I] {
	ix := &Multi[M, K, I]{}
	ix.declare(t, name, session.Multi, key, func(keys *keyList, m *M) {
		for _, k := range extract(m) {
			appendKey(keys, key, k)
		}
		keys.sortUnique()
	}, opts, ix)
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

// Find yields the rows that have key among their keys, in the order of their
// primary keys. See [Tree.Range] for what it reads and when.
func (ix *Multi[M, K, I]) Find(ctx context.Context, r Reader, key I) iter.Seq2[M, error] {
	return ix.Range(ctx, r, Only(key))
}

// Get returns the row whose key is key, or ErrNotFound.
func (ix *Unique[M, K, I]) Get(ctx context.Context, r Reader, key I) (M, error) {
	var m M
	err := ix.with(ctx, r, ix.entryOf(key), func(s *session.Session, p *session.Place, primary []byte) (err error) {
		m, err = ix.read(s, p, primary)
		return err
	})
	if err != nil {
		return *new(M), ix.failAt("get", key, err)
	}
	return m, nil
}

// Key returns the primary key of the row whose key is key, or ErrNotFound. It
// reads no row.
func (ix *Unique[M, K, I]) Key(ctx context.Context, r Reader, key I) (K, error) {
	var k K
	err := ix.with(ctx, r, ix.entryOf(key), func(_ *session.Session, _ *session.Place, primary []byte) (err error) {
		k, err = ix.tree.decodeKey(primary)
		return err
	})
	if err != nil {
		return k, ix.failAt("get", key, err)
	}
	return k, nil
}

// entryOf appends key as entries have it.
func (ix *Unique[M, K, I]) entryOf(key I) appendEntry {
	return func(_ *session.Place, dst []byte) []byte { return ix.key.Append(dst, key) }
}

// appendEntry appends an index key as entries in a place have it.
type appendEntry func(p *session.Place, dst []byte) []byte

// with calls fn with the encoded primary key of the row whose key is key,
// borrowed from a transaction. The index is a unique one.
func (ix *shared[M, K, I]) with(
	ctx context.Context, r Reader, key appendEntry, fn func(*session.Session, *session.Place, []byte) error,
) error {
	s, err := r.BeginRead(ctx)
	if err != nil {
		return err
	}
	defer s.End()
	p, err := ix.tree.place(s)
	if err != nil {
		return err
	}
	if ix.fault != nil {
		return ix.fault
	}
	s.Scratch = key(p, append(s.Scratch[:0], p.Indexes[ix.number]...))
	if ix.core.Kind == session.Claim {
		return ix.withFirst(s, p, fn)
	}
	stored, err := s.Read.Get(s.Scratch)
	if err != nil {
		return err
	}
	primary, err := format.CutChecksum(s.Scratch, stored)
	if err != nil {
		return err
	}
	return fn(s, p, primary)
}

// withFirst calls fn with the first of the primary keys that claim the key whose
// entries begin with s.Scratch, and whose row has not expired.
func (ix *shared[M, K, I]) withFirst(
	s *session.Session, p *session.Place, fn func(*session.Session, *session.Place, []byte) error,
) error {
	prefix := bytes.Clone(s.Scratch)
	c := s.Read.Cursor(engine.Range{Lower: prefix, Upper: format.PrefixEnd(prefix)})
	defer c.Close()
	for c.Next() {
		stored, err := c.Value()
		if err != nil {
			return err
		}
		_, primary, err := ix.split(p, c.Key(), stored)
		if err != nil {
			return err
		}
		primary = bytes.Clone(primary)
		if _, err = ix.follow(s, p, primary); err == nil {
			return fn(s, p, primary)
		}
		if !isNotFound(err) {
			return err
		}
	}
	if err := c.Err(); err != nil {
		return err
	}
	return ErrNotFound
}

// shared is the part that all kinds of index have in common.
type shared[M, K, I any] struct {
	tree   *Tree[M, K]
	number int
	core   *session.Index
	key    KeyCodec[I]
	append func(*keyList, *M)
	// fault is set where the index was declared too late.
	fault error
	// size is that of every key, or 0 where they differ.
	size int

	// entries holds the batches of walks.
	entries sync.Pool
}

func (ix *shared[M, K, I]) appendKeys(_ *session.Place, keys *keyList, m *M, _, _ []byte) {
	ix.append(keys, m)
}

func (ix *shared[M, K, I]) appendPlain(keys *keyList, m *M) { ix.append(keys, m) }

func (ix *shared[M, K, I]) declare(
	t *Tree[M, K], name string, kind session.Kind, key KeyCodec[I], appendKeys func(*keyList, *M),
	opts []IndexOption[M], self indexer[M],
) {
	var o indexOptions[M]
	for _, opt := range opts {
		opt(&o)
	}
	if has, all := o.where, appendKeys; has != nil {
		appendKeys = func(keys *keyList, m *M) {
			if has(m) {
				all(keys, m)
			}
		}
	}
	ix.tree, ix.number, ix.key, ix.append = t, len(t.indexes), key, appendKeys
	if c, ok := key.(SizedCodec); ok {
		ix.size = c.KeySize()
	}
	ix.core = &session.Index{
		Name: name, Kind: kind, Key: key.Name(), Partial: o.where != nil, Version: o.version,
		Fields: o.fields, Optional: o.optional,
		FormatKey: func(encoded []byte) string { return formatKey(decodeWhole(key), key, encoded) },
		PathText: func(encoded []byte) (string, error) {
			return pathText(decodeWhole(key), key, encoded)
		},
		ParsePathText: func(text string) ([]byte, error) { return parsePathText(key, key.Append, text) },
		CutKey:        func(entry []byte) ([]byte, []byte, error) { return cutKey(key, entry) },
	}
	ix.fault = t.declare(ix.core, self, nil)
}

// declare adds an index to the tree. Fault is what is wrong with its declaration, or nil. It returns an
// error, and does not add the index, if that comes too late.
func (t *Tree[M, K]) declare(core *session.Index, self indexer[M], fault error) error {
	if err := t.declareIndex(core, fault); err != nil {
		return err
	}
	t.indexes = append(t.indexes, self)
	return nil
}

// declareIndex is the part of declare that does not depend on the types.
func (t *table) declareIndex(core *session.Index, fault error) error {
	if t.core.Definition != "" {
		late := fmt.Errorf("%w: %s %q of tree %s is declared after the definition that holds the tree; declare it before",
			ErrDefinition, word(core.Kind), core.Name, t.core.Name)
		t.core.Late.CompareAndSwap(nil, &late)
		return late
	}
	if err := checkName(core.Name); err != nil {
		fault = err
	}
	for _, other := range t.core.Indexes {
		if other.Name == core.Name {
			fault = fmt.Errorf("%w: declared twice", ErrDefinition)
		}
	}
	if fault != nil && t.core.Fault == nil {
		t.core.Fault = fmt.Errorf("%s %q of tree %q: %w", word(core.Kind), core.Name, t.core.Name, fault)
	}
	t.core.Indexes = append(t.core.Indexes, core)
	return nil
}

// word is what errors call an index of a kind.
func word(kind session.Kind) string {
	if kind == session.Topical {
		return "topic"
	}
	return "index"
}

// Name returns the index's own name.
func (ix *shared[M, K, I]) Name() string { return ix.core.Name }

// PathText returns an index key as text that sorts as the key does: part of the
// path of its entries in the go-datastore face.
func (ix *shared[M, K, I]) PathText(key I) string { return string(ix.key.AppendText(nil, key)) }

// Range yields the rows whose index keys rng selects, in the order of the index
// keys and then of the primary keys. See [Tree.Range] for what it reads and
// when.
func (ix *shared[M, K, I]) Range(ctx context.Context, r Reader, rng Range[I]) iter.Seq2[M, error] {
	return func(yield func(M, error) bool) {
		w := ix.walk()
		w.results = &ix.tree.rows
		scan(ctx, r, w, ix.bounds(rng), ix.row, yield)
	}
}

// row reads the row that an entry points to.
func (ix *shared[M, K, I]) row(s *session.Session, p *session.Place, key, stored []byte) (m M, err error) {
	_, primary, err := ix.split(p, key, stored)
	if err != nil {
		return m, err
	}
	return ix.read(s, p, primary)
}

// read reads the row under the encoded primary key that an entry points to.
func (ix *shared[M, K, I]) read(s *session.Session, p *session.Place, primary []byte) (m M, err error) {
	row, err := ix.follow(s, p, primary)
	if err != nil {
		return m, err
	}
	return ix.tree.decode(primary, row.Value)
}

// follow reads the row under the encoded primary key that an entry points to,
// borrowed from the transaction.
func (ix *shared[M, K, I]) follow(s *session.Session, p *session.Place, primary []byte) (format.Row, error) {
	s.Scratch = append(append(s.Scratch[:0], p.Space...), primary...)
	stored, err := s.Read.Get(s.Scratch)
	if isNotFound(err) {
		err = fmt.Errorf("%w: an entry has no row", ErrCorrupt)
	}
	if err != nil {
		return format.Row{}, err
	}
	return parse(p, s.Scratch, stored)
}

// split takes an entry of this index apart, as splitEntry.
func (ix *shared[M, K, I]) split(p *session.Place, key, stored []byte) (encoded, primary []byte, err error) {
	space := len(p.Indexes[ix.number])
	if end := space + ix.size; ix.size > 0 && len(key) >= end && ix.core.Kind != session.Unique {
		_, err = format.CutChecksum(key, stored)
		return key[space:end], key[end:], err
	}
	return splitEntry(ix.core, key, space, stored)
}

// Keys yields the entries whose index keys rng selects, in the order of the
// index keys and then of the primary keys. It reads no row, as [Tree.Keys].
func (ix *shared[M, K, I]) Keys(ctx context.Context, r Reader, rng Range[I]) iter.Seq2[Entry[I, K], error] {
	return func(yield func(Entry[I, K], error) bool) {
		w := ix.walk()
		w.results = &ix.entries
		scan(ctx, r, w, ix.bounds(rng), ix.entry, yield)
	}
}

// entry reads an entry. Where index keys differ in size, decoding one tells
// where it ends.
func (ix *shared[M, K, I]) entry(_ *session.Session, p *session.Place, key, stored []byte) (e Entry[I, K], err error) {
	value, err := format.CutChecksum(key, stored)
	if err != nil {
		return e, err
	}
	rest := key[len(p.Indexes[ix.number]):]
	if ix.size > 0 && len(rest) >= ix.size {
		e.Index, err = ix.key.DecodeLast(rest[:ix.size])
		rest = rest[ix.size:]
	} else {
		e.Index, rest, err = ix.key.Decode(rest)
	}
	if err != nil {
		return e, corruptKey(err)
	}
	if ix.core.Kind == session.Unique {
		rest = value
	}
	if e.Primary, err = ix.tree.key.DecodeLast(rest); err != nil {
		return e, corruptKey(err)
	}
	return e, nil
}

// Count returns how many entries rng selects, from one snapshot. That is the
// number of rows; a Multi counts a row once for each of its keys in rng. It
// reads no row.
func (ix *shared[M, K, I]) Count(ctx context.Context, r Reader, rng Range[I]) (int, error) {
	w := ix.walk()
	w.keysOnly = true
	return count(ctx, r, w, ix.bounds(rng))
}

// walk is a walk over the entries.
func (ix *shared[M, K, I]) walk() walk {
	return walk{tree: ix.tree.core, index: ix.core.Name, number: ix.number, fault: ix.fault}
}

// bounds are those of a walk over the entries that rng selects.
func (ix *shared[M, K, I]) bounds(rng Range[I]) bounds {
	return func(p *session.Place, room []byte) (span, error) {
		return rng.entries(ix.key, p.Indexes[ix.number], room)
	}
}

func (ix *shared[M, K, I]) failAt(op string, key I, err error) error {
	return &Error{Op: op, Tree: ix.tree.core.Name, Index: ix.core.Name, Key: ix.key.Format(key), Err: err}
}
