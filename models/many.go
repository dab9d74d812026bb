package models

import (
	"context"
	"iter"

	"github.com/newsnet-africa/netabase-go/internal/session"
)

// IsEmpty reports whether the tree has no row. It reads no row, as Keys.
func (t *Tree[M, K]) IsEmpty(ctx context.Context, r Reader) (bool, error) {
	for _, err := range t.Keys(ctx, r, Range[K]{}.Limit(1)) {
		return false, err
	}
	return true, nil
}

// First returns the first row that rng selects, or ErrNotFound.
func (t *Tree[M, K]) First(ctx context.Context, r Reader, rng Range[K]) (M, error) {
	m, err := lastOf(t.Range(ctx, r, rng.Limit(1)))
	if err == ErrNotFound {
		err = t.fail("first", err)
	}
	return m, err
}

// Last returns the last row that rng selects, or ErrNotFound. It reads from the
// end; for a range with a limit or an offset it goes over all rows.
func (t *Tree[M, K]) Last(ctx context.Context, r Reader, rng Range[K]) (M, error) {
	m, err := lastOf(t.Range(ctx, r, rng.toLast()))
	if err == ErrNotFound {
		err = t.fail("last", err)
	}
	return m, err
}

// First returns the first row whose index key rng selects, in the order of
// Range, or ErrNotFound.
func (ix *shared[M, K, I]) First(ctx context.Context, r Reader, rng Range[I]) (M, error) {
	m, err := lastOf(ix.Range(ctx, r, rng.Limit(1)))
	if err == ErrNotFound {
		err = ix.walk().fail("first", err)
	}
	return m, err
}

// Last returns the last row whose index key rng selects, in the order of Range,
// or ErrNotFound. See [Tree.Last].
func (ix *shared[M, K, I]) Last(ctx context.Context, r Reader, rng Range[I]) (M, error) {
	m, err := lastOf(ix.Range(ctx, r, rng.toLast()))
	if err == ErrNotFound {
		err = ix.walk().fail("last", err)
	}
	return m, err
}

// toLast is a range whose last key is that of r, and if possible the only one.
func (r Range[K]) toLast() Range[K] {
	if r.limit == 0 && r.offset == 0 {
		r.reverse = !r.reverse
		r.limit = 1
	}
	return r
}

// lastOf returns the last of rows, or ErrNotFound if there are none.
func lastOf[M any](rows iter.Seq2[M, error]) (last M, err error) {
	err = ErrNotFound
	for m, failure := range rows {
		if failure != nil {
			return *new(M), failure
		}
		last, err = m, nil
	}
	return last, err
}

// FindMany returns, for each of the keys and in their order, the rows under it,
// all from one snapshot.
func (ix *Index[M, K, I]) FindMany(ctx context.Context, r Reader, keys []I) ([][]M, error) {
	return ix.findMany(ctx, r, keys, 0)
}

// FindMany returns, for each of the keys and in their order, the rows that have
// it, all from one snapshot.
func (ix *Multi[M, K, I]) FindMany(ctx context.Context, r Reader, keys []I) ([][]M, error) {
	return ix.findMany(ctx, r, keys, 0)
}

// GetMany returns the rows with the keys in their order, nil where there is
// none, all from one snapshot.
func (ix *Unique[M, K, I]) GetMany(ctx context.Context, r Reader, keys []I) ([]*M, error) {
	found, err := ix.findMany(ctx, r, keys, 1)
	if err != nil {
		return nil, err
	}
	rows := make([]*M, len(keys))
	for i := range found {
		if len(found[i]) > 0 {
			rows[i] = &found[i][0]
		}
	}
	return rows, nil
}

// findMany returns the first rows under each key, most at most, or all where most
// is zero.
func (ix *shared[M, K, I]) findMany(ctx context.Context, r Reader, keys []I, most int) ([][]M, error) {
	s, err := r.BeginRead(ctx)
	if err != nil {
		return nil, ix.walk().fail("find", err)
	}
	held := s.Held
	s.Held = true // until all keys are read
	defer func() { s.Held = held; s.End() }()
	found := make([][]M, len(keys))
	for i, key := range keys {
		for m, err := range ix.Range(ctx, lent{s}, Only(key).Limit(most)) {
			if err != nil {
				return nil, err
			}
			found[i] = append(found[i], m)
		}
	}
	return found, nil
}

// lent is a Reader over a transaction that an operation has open already.
type lent struct{ *session.Session }

func (l lent) BeginRead(ctx context.Context) (*session.Session, error) {
	return l.Session, ctx.Err()
}
