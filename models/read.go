package models

import (
	"context"
	"errors"
	"iter"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// Get returns the row with the primary key, or ErrNotFound.
func (t *Tree[M, K]) Get(ctx context.Context, r Reader, key K) (M, error) {
	s, err := r.BeginRead(ctx)
	if err != nil {
		return *new(M), t.failAt("get", key, err)
	}
	defer s.End()
	m, err := t.load(s, key)
	if err != nil {
		return m, t.failAt("get", key, err)
	}
	return m, nil
}

// Has reports whether there is a row with the primary key. It does not decode
// the row.
func (t *Tree[M, K]) Has(ctx context.Context, r Reader, key K) (bool, error) {
	s, err := r.BeginRead(ctx)
	if err != nil {
		return false, t.failAt("has", key, err)
	}
	defer s.End()
	p, stored, err := t.stored(s, key)
	if err == nil {
		_, err = parse(p, s.Scratch, stored)
	}
	if isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, t.failAt("has", key, err)
	}
	return true, nil
}

// GetMany returns the rows with the primary keys, from one snapshot and in the
// order of the keys, nil where there is none.
func (t *Tree[M, K]) GetMany(ctx context.Context, r Reader, keys []K) ([]*M, error) {
	s, err := r.BeginRead(ctx)
	if err != nil {
		return nil, t.fail("get", err)
	}
	defer s.End()
	models := make([]*M, len(keys))
	for i, key := range keys {
		if err := ctx.Err(); err != nil {
			return nil, t.failAt("get", key, err)
		}
		m, err := t.load(s, key)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return nil, t.failAt("get", key, err)
		}
		models[i] = &m
	}
	return models, nil
}

// All yields every row in the order of the primary keys. See [Tree.Range].
func (t *Tree[M, K]) All(ctx context.Context, r Reader) iter.Seq2[M, error] {
	return t.Range(ctx, r, Range[K]{})
}

// Range yields the rows whose primary keys rng selects, in the order of the
// keys. An error is yielded once, as the last item.
//
// Given a transaction, it reads that transaction's snapshot, and the loop's
// body may write through it. Given a store, it reads in pages, each a snapshot
// of its own, and no transaction is open while the loop's body runs: rows
// written or deleted meanwhile may or may not be seen, and every other row is
// seen exactly once.
func (t *Tree[M, K]) Range(ctx context.Context, r Reader, rng Range[K]) iter.Seq2[M, error] {
	return func(yield func(M, error) bool) {
		w := t.walk()
		w.results = &t.rows
		scan(ctx, r, w, t.bounds(rng), t.row, yield)
	}
}

// Keys yields the primary keys that rng selects, in their order, as Range does
// the rows. It reads no row, and so yields the keys of rows that have expired
// and are not yet swept away.
func (t *Tree[M, K]) Keys(ctx context.Context, r Reader, rng Range[K]) iter.Seq2[K, error] {
	return func(yield func(K, error) bool) {
		w := t.walk()
		w.keysOnly, w.results = true, &t.keys
		scan(ctx, r, w, t.bounds(rng), t.keyOf, yield)
	}
}

// keyOf reads the primary key of the row stored at key.
func (t *Tree[M, K]) keyOf(_ *session.Session, p *session.Place, key, _ []byte) (K, error) {
	return t.decodeKey(key[len(p.Space):])
}

// Count returns how many rows rng selects, from one snapshot. It reads no row,
// as [Tree.Keys].
func (t *Tree[M, K]) Count(ctx context.Context, r Reader, rng Range[K]) (int, error) {
	w := t.walk()
	w.keysOnly = true
	return count(ctx, r, w, t.bounds(rng))
}

// walk is a walk over the rows.
func (t *Tree[M, K]) walk() walk { return walk{tree: t.core} }

// bounds are those of a walk over the rows that rng selects.
func (t *Tree[M, K]) bounds(rng Range[K]) bounds {
	return func(p *session.Place, room []byte) (span, error) { return rng.rows(t.key, p.Space, room) }
}

// load reads and decodes the row with the primary key.
func (t *Tree[M, K]) load(s *session.Session, key K) (m M, err error) {
	place, stored, err := t.stored(s, key)
	if err != nil {
		return m, err
	}
	return t.row(s, place, s.Scratch, stored)
}

// row reads the row stored at key.
func (t *Tree[M, K]) row(s *session.Session, p *session.Place, key, stored []byte) (m M, err error) {
	row, err := format.ParseRow(key, stored)
	if err == nil && expired(row) {
		err = ErrNotFound
	}
	if err == nil {
		row, err = p.Decrypt(s, row)
	}
	if err == nil {
		row.Value, err = valueOf(p, row)
	}
	if err != nil {
		return m, err
	}
	return t.decode(key[len(p.Space):], row.Value)
}

// stored reads the row with the primary key, borrowed from the transaction, and
// leaves the key it is stored at in s.Scratch.
func (t *Tree[M, K]) stored(s *session.Session, key K) (*session.Place, []byte, error) {
	place, err := t.place(s)
	if err != nil {
		return nil, nil, err
	}
	s.Scratch = t.key.AppendLast(append(s.Scratch[:0], place.Space...), key)
	stored, err := s.Read.Get(s.Scratch)
	return place, stored, err
}

// decodeKey decodes a stored primary key.
func (t *Tree[M, K]) decodeKey(primary []byte) (K, error) {
	k, err := t.key.DecodeLast(primary)
	if err != nil {
		return k, corruptKey(err)
	}
	return k, nil
}

func isNotFound(err error) bool {
	return err == ErrNotFound || err != nil && errors.Is(err, ErrNotFound)
}
