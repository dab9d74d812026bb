package models

import (
	"context"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models/internal/borrow"
)

// BorrowedRow is a row as it lies in the engine's memory. It is lent to one
// call of a function. Once that function has returned, neither the row nor
// anything read from it without a copy may be used. Programs built with the tag
// netabase_debug panic if it is.
type BorrowedRow struct {
	// Key is the encoded primary key, in its last form.
	Key BorrowedBytes
	// Value is what the tree's codec wrote. The view types that modelgen
	// writes read it without copying: see their method Decode.
	Value BorrowedBytes
}

// Borrow calls fn with the row under the primary key, without copying or decoding
// it, or returns ErrNotFound. It returns fn's own error as it is.
//
// Given a store, Borrow keeps a read transaction open while fn runs, as
// datastore.Store.View does: fn should be short and must not wait for a write
// to the same store.
func (t *Tree[M, K]) Borrow(ctx context.Context, r Reader, key K, fn func(BorrowedRow) error) error {
	s, err := r.BeginRead(ctx)
	if err != nil {
		return t.failAt("borrow", key, err)
	}
	defer s.End()
	row, err := t.borrow(s, key)
	if err != nil {
		return t.failAt("borrow", key, err)
	}
	// Keys that fn builds in the same transaction must not overwrite this one.
	scratch := s.Scratch
	s.Scratch = nil
	err = lend(row, fn)
	s.Scratch = scratch
	return err
}

// lend calls fn with a row whose loan ends with the call, even if fn panics.
func lend(row BorrowedRow, fn func(BorrowedRow) error) error {
	defer borrow.End(row.Value.memory)
	return fn(row)
}

// BorrowRange calls fn with each row whose primary key rng selects, in their
// order, as Borrow does with one. Every row is lent for its own call. The first
// error that fn returns ends the walk and is returned as it is.
func (t *Tree[M, K]) BorrowRange(ctx context.Context, r Reader, rng Range[K], fn func(BorrowedRow) error) error {
	return borrowRange(ctx, r, t.walk(), t.bounds(rng), t.borrowRow, fn)
}

// Borrow calls fn with the row whose key is key, or returns ErrNotFound. See
// [Tree.Borrow].
func (ix *Unique[M, K, I]) Borrow(ctx context.Context, r Reader, key I, fn func(BorrowedRow) error) error {
	found := false
	err := ix.BorrowRange(ctx, r, Only(key).Limit(1), func(row BorrowedRow) error {
		found = true
		return fn(row)
	})
	if err == nil && !found {
		return ix.failAt("borrow", key, ErrNotFound)
	}
	return err
}

// BorrowRange calls fn with each row whose index key rng selects, in the order of
// the index keys and then of the primary keys. See [Tree.BorrowRange].
func (ix *shared[M, K, I]) BorrowRange(ctx context.Context, r Reader, rng Range[I], fn func(BorrowedRow) error) error {
	return borrowRange(ctx, r, ix.walk(), ix.bounds(rng), ix.borrowRow, fn)
}

func borrowRange(
	ctx context.Context, r Reader, w walk, within bounds, read reading[BorrowedRow], fn func(BorrowedRow) error,
) error {
	s, err := r.BeginRead(ctx)
	if err != nil {
		return w.fail("borrow", err)
	}
	defer s.End()
	var stop error
	err = scanOpen(ctx, s, w, within, read, func(row BorrowedRow, _ error) bool {
		stop = lend(row, fn)
		return stop == nil
	})
	if err != nil {
		return w.fail("borrow", err)
	}
	return stop
}

// borrow reads the row with the primary key. Its key lies in s.Scratch.
func (t *Tree[M, K]) borrow(s *session.Session, key K) (row BorrowedRow, err error) {
	p, stored, err := t.stored(s, key)
	if err == nil {
		row, err = t.borrowRow(s, p, s.Scratch, stored)
	}
	return row, err
}

// borrowRow lends the row stored at key.
func (t *Tree[M, K]) borrowRow(_ *session.Session, p *session.Place, key, stored []byte) (BorrowedRow, error) {
	row, err := parse(p, key, stored)
	if err != nil {
		return BorrowedRow{}, err
	}
	return lendRow(key[len(p.Space):], row.Value), nil
}

// borrowRow lends the row that an entry points to.
func (ix *shared[M, K, I]) borrowRow(s *session.Session, p *session.Place, key, stored []byte) (BorrowedRow, error) {
	_, primary, err := ix.split(p, key, stored)
	if err != nil {
		return BorrowedRow{}, err
	}
	row, err := ix.follow(s, p, primary)
	if err != nil {
		return BorrowedRow{}, err
	}
	return lendRow(primary, row.Value), nil
}

func lendRow(primary, value []byte) BorrowedRow {
	loan := borrow.Begin()
	return BorrowedRow{
		Key:   BorrowedBytes{borrow.New(primary, loan)},
		Value: BorrowedBytes{borrow.New(value, loan)},
	}
}
