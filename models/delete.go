package models

import (
	"bytes"
	"context"
	"slices"

	"github.com/newsnet-africa/netabase-go/internal/paging"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// DeleteMany removes the rows with the primary keys in one transaction, as
// PutMany stores rows, and returns ErrTooLarge where they are too many for one.
// Rows that are absent are no error.
func (t *Tree[M, K]) DeleteMany(ctx context.Context, w Writer, keys []K) error {
	err := w.RunWrite(ctx, func(s *session.Session) error {
		for i, key := range keys {
			if i%64 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if err := t.delete(s, t.key.AppendLast(nil, key)); err != nil {
				return t.failAt("delete", key, err)
			}
		}
		return nil
	})
	if err != nil {
		return t.fail("delete", err)
	}
	return nil
}

// Clear removes every row, as [Tree.DeleteRange] of all.
func (t *Tree[M, K]) Clear(ctx context.Context, w Writer) error {
	_, err := t.DeleteRange(ctx, w, Range[K]{})
	return err
}

// deletePage is how many rows DeleteRange removes in one transaction of a store,
// if the engine takes them.
const deletePage = 256

// DeleteRange removes the rows that rng selects, with their index entries, and
// returns how many it removed. Expired rows that the sweep has not removed yet
// count as well. Given a transaction, it works as part of it. Given a store, it
// works in transactions of a few hundred rows, so that any number can be removed.
// On an error the counted rows are removed, and the rest are as they were.
func (t *Tree[M, K]) DeleteRange(ctx context.Context, w Writer, rng Range[K]) (removed int, err error) {
	of := func(p *session.Place, key, _ []byte) ([]byte, error) { return key[len(p.Space):], nil }
	return deleteRange(ctx, w, t, t.walk(), t.bounds, rng, of)
}

// DeleteRange removes the rows whose index keys rng selects, as
// [Tree.DeleteRange]. A row that a Multi has under several of the keys counts once.
func (ix *shared[M, K, I]) DeleteRange(ctx context.Context, w Writer, rng Range[I]) (removed int, err error) {
	of := func(p *session.Place, key, stored []byte) ([]byte, error) {
		_, primary, err := ix.split(p, key, stored)
		return primary, err
	}
	return deleteRange(ctx, w, ix.tree, ix.walk(), ix.bounds, rng, of)
}

// deleteRange removes rows of t. It walks over rng, and the function of gives
// the encoded primary key of a row for each stored key and value.
func deleteRange[M, K, I any](
	ctx context.Context, w Writer, t *Tree[M, K], over walk, within func(Range[I]) bounds, rng Range[I],
	of func(p *session.Place, key, stored []byte) ([]byte, error),
) (removed int, err error) {
	left := rng.limit
	err = paging.EachBesideWriters(deletePage, func(most int) (done bool, err error) {
		if rng.limit > 0 {
			most = min(most, left)
		}
		var seen, gone int
		err = w.RunWrite(ctx, func(s *session.Session) error {
			if err := t.mayWrite(s); err != nil {
				return err
			}
			keys := make([][]byte, 0, most)
			read := func(_ *session.Session, p *session.Place, key, stored []byte) ([]byte, error) {
				primary, err := of(p, key, stored)
				return bytes.Clone(primary), err
			}
			var failure error
			scan(ctx, lent{s}, over, within(rng.Limit(most)), read, func(key []byte, err error) bool {
				keys, failure = append(keys, key), err
				return err == nil
			})
			if failure != nil {
				return failure
			}
			seen = len(keys)
			slices.SortFunc(keys, bytes.Compare)
			keys = slices.CompactFunc(keys, bytes.Equal)
			gone = len(keys)
			for _, key := range keys {
				if err := t.remove(s, key); err != nil {
					return t.raw.failAt("delete", key, err)
				}
			}
			return nil
		})
		if err != nil {
			return false, err
		}
		removed += gone
		left -= seen
		return seen < most || rng.limit > 0 && left == 0, ctx.Err()
	})
	if err != nil {
		err = over.fail("delete", err)
	}
	return removed, err
}
