package models

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"

	"github.com/newsnet-africa/netabase-go/internal/session"
)

// Blind finds rows by a key that they may share, without showing the key to those who
// can read the store's files. See [NewBlind].
type Blind[M, K, I any] struct{ blind[M, K, I] }

// BlindUnique finds the one row that has a key, without showing the key to those who can
// read the store's files. See [NewBlindUnique].
type BlindUnique[M, K, I any] struct{ blind[M, K, I] }

// NewBlind declares an index of t, as [NewIndex] does, for a store that is encrypted. Its
// entries have a keyed hash of 128 bits in place of the index key. So the store finds rows
// by a whole key only: there are no ranges, and rows have no order by the index.
//
// Who reads the files without the store's key can still see which rows have the same index
// key, how many there are, and their primary keys, which are not hidden. Index keys that
// people know or guess cannot be tried out.
//
// Opening a store that has no key with such an index returns ErrDefinition.
func NewBlind[M, K, I any](
	t *Tree[M, K], name string, key KeyCodec[I], extract func(*M) I, opts ...IndexOption[M],
) *Blind[M, K, I] {
	ix := &Blind[M, K, I]{}
	ix.declare(t, name, session.Plain, key, extract, opts)
	return ix
}

// NewBlindUnique declares an index of t in which no two rows have the same key, as
// [NewUnique] does, and which hides its keys, as [NewBlind] does.
func NewBlindUnique[M, K, I any](
	t *Tree[M, K], name string, key KeyCodec[I], extract func(*M) I, opts ...IndexOption[M],
) *BlindUnique[M, K, I] {
	ix := &BlindUnique[M, K, I]{}
	ix.declare(t, name, uniqueKind(t.policy), key, extract, opts)
	return ix
}

// blind is the part that both kinds of blind index have in common. It has none of the
// methods of hashes: a range of hashes selects nothing that makes sense.
type blind[M, K, I any] struct {
	// hashes is the index as the store has it.
	hashes shared[M, K, []byte]
	key    KeyCodec[I]
}

func (ix *blind[M, K, I]) declare(
	t *Tree[M, K], name string, kind session.Kind, key KeyCodec[I], extract func(*M) I, opts []IndexOption[M],
) {
	ix.key = key
	ix.hashes.declare(t, name, kind, blindKey, one(key, extract), opts, ix)
	ix.hashes.core.Key, ix.hashes.core.Blind = key.Name(), true
}

// appendKeys adds the hash of the key under which m is to be found.
func (ix *blind[M, K, I]) appendKeys(p *session.Place, keys *keyList, m *M, _, _ []byte) {
	ix.hashes.append(keys, m)
	if keys.len() > 0 { // a partial index may have none
		keys.buf = ix.hash(p, keys.buf, 0)
		keys.ends[0] = len(keys.buf)
	}
}

func (ix *blind[M, K, I]) appendPlain(keys *keyList, m *M) { ix.hashes.append(keys, m) }

// hash replaces the key that dst has from start on by its hash.
func (ix *blind[M, K, I]) hash(p *session.Place, dst []byte, start int) []byte {
	hashed := p.Blind(ix.hashes.number, dst, dst[start:])
	return append(hashed[:start], hashed[len(dst):]...)
}

// entryOf appends key as entries have it.
func (ix *blind[M, K, I]) entryOf(key I) appendEntry {
	return func(p *session.Place, dst []byte) []byte { return ix.hash(p, ix.key.Append(dst, key), len(dst)) }
}

// only are the bounds of a walk over the entries of a key.
func (ix *blind[M, K, I]) only(key I) bounds {
	return func(p *session.Place, room []byte) (span, error) {
		room = ix.entryOf(key)(p, room)
		return Only(room).entries(blindKey, p.Indexes[ix.hashes.number], room)
	}
}

// Name returns the index's own name.
func (ix *blind[M, K, I]) Name() string { return ix.hashes.Name() }

// Find yields the rows whose key is key, in the order of their primary keys. See
// [Tree.Range] for what it reads and when.
func (ix *Blind[M, K, I]) Find(ctx context.Context, r Reader, key I) iter.Seq2[M, error] {
	return func(yield func(M, error) bool) {
		w := ix.hashes.walk()
		w.results = &ix.hashes.tree.rows
		scan(ctx, r, w, ix.only(key), ix.hashes.row, yield)
	}
}

// Keys yields the primary keys of the rows whose key is key, in their order. It reads no
// row, as [Tree.Keys].
func (ix *Blind[M, K, I]) Keys(ctx context.Context, r Reader, key I) iter.Seq2[K, error] {
	return func(yield func(K, error) bool) {
		w := ix.hashes.walk()
		w.results = &ix.hashes.tree.keys
		scan(ctx, r, w, ix.only(key), ix.primaryOf, yield)
	}
}

// primaryOf reads the primary key of an entry.
func (ix *blind[M, K, I]) primaryOf(_ *session.Session, p *session.Place, key, stored []byte) (k K, err error) {
	_, primary, err := ix.hashes.split(p, key, stored)
	if err != nil {
		return k, err
	}
	return ix.hashes.tree.decodeKey(primary)
}

// Count returns how many rows have the key, from one snapshot. It reads no row.
func (ix *Blind[M, K, I]) Count(ctx context.Context, r Reader, key I) (int, error) {
	w := ix.hashes.walk()
	w.keysOnly = true
	return count(ctx, r, w, ix.only(key))
}

// Get returns the row whose key is key, or ErrNotFound. Its error does not show the key.
func (ix *BlindUnique[M, K, I]) Get(ctx context.Context, r Reader, key I) (M, error) {
	var m M
	err := ix.hashes.with(ctx, r, ix.entryOf(key), func(s *session.Session, p *session.Place, primary []byte) (err error) {
		m, err = ix.hashes.read(s, p, primary)
		return err
	})
	if err != nil {
		return *new(M), ix.hashes.walk().fail("get", err)
	}
	return m, nil
}

// Key returns the primary key of the row whose key is key, or ErrNotFound. It reads no row.
// Its error does not show the key.
func (ix *BlindUnique[M, K, I]) Key(ctx context.Context, r Reader, key I) (K, error) {
	var k K
	err := ix.hashes.with(ctx, r, ix.entryOf(key), func(_ *session.Session, _ *session.Place, primary []byte) (err error) {
		k, err = ix.hashes.tree.decodeKey(primary)
		return err
	})
	if err != nil {
		return k, ix.hashes.walk().fail("get", err)
	}
	return k, nil
}

// blindKey is the codec of hashes.
var blindKey KeyCodec[[]byte] = blindCodec{}

type blindCodec struct{}

func (blindCodec) Name() string { return "blind" }

func (blindCodec) Append(dst, key []byte) []byte { return append(dst, key...) }

func (c blindCodec) Decode(src []byte) (key, rest []byte, err error) {
	if len(src) < session.BlindSize {
		return nil, nil, badKey(c.Name(), fmt.Sprintf("%d bytes, not %d", len(src), session.BlindSize))
	}
	return append(key, src[:session.BlindSize]...), src[session.BlindSize:], nil
}

func (blindCodec) AppendLast(dst, key []byte) []byte { return append(dst, key...) }

func (c blindCodec) DecodeLast(src []byte) ([]byte, error) { return decodeOnly[[]byte](c, src) }

// KeySize implements [SizedCodec].
func (blindCodec) KeySize() int { return session.BlindSize }

func (c blindCodec) AppendText(dst, key []byte) []byte { return appendHexText[[]byte](c, dst, key) }

func (c blindCodec) ParseText(text string) ([]byte, error) {
	return parseHexText[[]byte](c, text, session.BlindSize)
}

func (blindCodec) Format(key []byte) string { return hex.EncodeToString(key) }

func (c blindCodec) Parse(text string) ([]byte, error) { return c.ParseText(text) }
