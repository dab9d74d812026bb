package models

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// A page read in a transaction of its own ends after pageMax results, or with
// the one that brings it to pageBytes of stored keys and values. The first page
// is short, for loops that stop early; the following ones double.
const (
	pageMin   = 16
	pageMax   = 512
	pageBytes = engine.ScanBytes
)

// walk is a way through the keys of one tree or index.
//
// Its bounds and its reading are functions, which are passed beside it from call to
// call and never stored, so that they stay on the caller's stack.
type walk struct {
	tree *session.Tree
	// index is the name of the index walked and number its number, or empty for
	// the rows.
	index    string
	number   int
	keysOnly bool
	// fault is why the index cannot be used, or nil.
	fault error
	// after, if set, is where an earlier walk ended: the stored key it came to,
	// without the space number.
	after []byte
	// results, if set, has a batch for the results of earlier walks of the kind.
	results *sync.Pool
}

// batch is memory for the results of a page.
type batch[T any] struct{ items []T }

// takeBatch returns a batch for giveBatch to take back.
func takeBatch[T any](w walk) *batch[T] {
	if w.results != nil {
		if b, ok := w.results.Get().(*batch[T]); ok {
			return b
		}
	}
	return new(batch[T])
}

func giveBatch[T any](w walk, b *batch[T]) {
	if w.results != nil {
		clear(b.items)
		w.results.Put(b)
	}
}

// bounds builds the span of a walk over the keys of a tree or an index in its
// place, in room where it fits.
type bounds func(p *session.Place, room []byte) (span, error)

// reading makes a result of a stored key and value, which are borrowed.
type reading[T any] func(s *session.Session, p *session.Place, key, stored []byte) (T, error)

func (w walk) fail(op string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Op: op, Tree: w.tree.Name, Index: w.index, Err: err}
}

// scan yields what read makes of each stored key and value of the walk. Results
// for which read returns ErrNotFound are left out.
func scan[T any](ctx context.Context, r Reader, w walk, within bounds, read reading[T], yield func(T, error) bool) {
	s, err := r.BeginRead(ctx)
	if err != nil {
		yield(*new(T), w.fail("range", err))
		return
	}
	if s.Held {
		err = scanOpen(ctx, s, w, within, read, yield)
	} else {
		err = scanPages(ctx, r, s, w, within, read, yield)
	}
	if err != nil {
		yield(*new(T), w.fail("range", err))
	}
}

// scanOpen walks in a transaction that the user holds open. It returns nil once
// yield has asked to stop.
func scanOpen[T any](
	ctx context.Context, s *session.Session, w walk, within bounds, read reading[T], yield func(T, error) bool,
) error {
	src, err := w.open(s, within)
	if err != nil {
		return err
	}
	defer src.close()
	skip, left := src.offset, src.limit
	for size := pageMin; ; size = min(size*2, pageMax) {
		more, err := src.next(min(size, reach(skip, left)))
		if err != nil {
			return err
		}
		for i := range src.page.Rows {
			row := &src.page.Rows[i]
			switch result, err := read(s, src.place, row.Key, row.Value); {
			case err != nil && !isNotFound(err):
				return w.failAt(src.place, row.Key, err)
			case err != nil:
			case skip > 0:
				skip--
			default:
				if !yield(result, nil) {
					return nil
				}
				if s.Ended { // and with it the memory of the rows in the page
					return ErrTxnDone
				}
				if left--; left == 0 {
					return nil
				}
			}
		}
		if !more {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// reach is how many results there are in an offset and a limit, of which zero or
// less is none.
func reach(offset, limit int) int {
	if limit <= 0 || offset > math.MaxInt-limit {
		return math.MaxInt
	}
	return offset + limit
}

// scanPages walks in pages, with a transaction of its own for each, beginning
// with s. None is open while yield runs.
func scanPages[T any](
	ctx context.Context, r Reader, s *session.Session, w walk, within bounds, read reading[T],
	yield func(T, error) bool,
) error {
	var src source
	results := takeBatch[T](w)
	for size := pageMin; ; size = min(size*2, pageMax) {
		done, err := scanPage(s, &src, w, within, size, results, read)
		for i := range results.items {
			if !yield(results.items[i], nil) {
				giveBatch(w, results)
				return nil
			}
		}
		clear(results.items)
		if err != nil {
			return err
		}
		if done {
			giveBatch(w, results)
			return nil
		}
		if s, err = r.BeginRead(ctx); err != nil {
			return err
		}
	}
}

// scanPage reads the next page of a walk, size results at most, in the
// transaction of s, which it ends even where a codec panics. It tells whether the
// walk is done. Results that precede an error are in the page.
func scanPage[T any](
	s *session.Session, src *source, w walk, within bounds, size int, results *batch[T], read reading[T],
) (done bool, err error) {
	defer s.End()
	results.items = results.items[:0]
	if src.page != nil {
		src.resume(s)
	} else if *src, err = w.open(s, within); err != nil {
		return false, err
	}
	goesOn := false
	defer func() {
		if goesOn {
			src.pause()
		} else {
			src.close()
		}
	}()
	limited := src.limit > 0
	if limited {
		size = min(size, src.limit)
	}
	if cap(results.items) < size {
		results.items = make([]T, 0, size)
	}
	results.items, done, err = readPage(src, w, results.items, size, read)
	if limited {
		src.limit -= len(results.items)
		done = done || src.limit == 0
	}
	goesOn = !done && err == nil
	return done, err
}

// readPage adds up to most results to page and tells whether the walk is done.
// Results that precede an error are in the page.
func readPage[T any](src *source, w walk, page []T, most int, read reading[T]) (_ []T, done bool, err error) {
	for size := 0; len(page) < most && size < pageBytes; {
		more, err := src.next(most - len(page))
		if err != nil {
			return page, false, err
		}
		for i := range src.page.Rows {
			row := &src.page.Rows[i]
			size += len(row.Key) + len(row.Value)
			switch result, err := read(src.s, src.place, row.Key, row.Value); {
			case err != nil && !isNotFound(err):
				return page, false, w.failAt(src.place, row.Key, err)
			case err != nil:
			case src.offset > 0:
				src.offset--
			default:
				page = append(page, result)
			}
		}
		if !more {
			return page, true, nil
		}
	}
	return page, false, nil
}

// failAt is fail with the stored key that the error is about.
func (w walk) failAt(p *session.Place, key []byte, err error) error {
	e := &Error{Op: "range", Tree: w.tree.Name, Index: w.index, Err: err}
	if w.index == "" {
		e.Key = w.tree.FormatKey(key[len(p.Space):])
		return e
	}
	ix, entry := w.tree.Indexes[w.number], key[len(p.Indexes[w.number]):]
	index, primary, cutErr := ix.CutKey(entry)
	switch {
	case cutErr != nil:
		e.Key = hexPrefix + hex.EncodeToString(entry)
		return e
	case !ix.Kind.KeyInValue():
		e.Err = fmt.Errorf("row %s: %w", shown(w.tree.FormatKey(primary)), err)
	}
	e.Key = ix.FormatKey(index)
	return e
}

// count counts the stored keys of a walk, in one transaction.
func count(ctx context.Context, r Reader, w walk, within bounds) (int, error) {
	s, err := r.BeginRead(ctx)
	if err != nil {
		return 0, w.fail("count", err)
	}
	defer s.End()
	src, err := w.open(s, within)
	if err != nil {
		return 0, w.fail("count", err)
	}
	defer src.close()
	n, most := 0, reach(src.offset, src.limit)
	for more := true; more && n < most; {
		if more, err = src.next(min(pageMax, most-n)); err == nil {
			n += len(src.page.Rows)
			err = ctx.Err()
		}
		if err != nil {
			return 0, w.fail("count", err)
		}
	}
	return max(n-src.offset, 0), nil
}

// corruptKey turns a key codec's refusal of a stored key into corruption.
func corruptKey(err error) error {
	return fmt.Errorf("%w: key does not decode: %w", ErrCorrupt, err)
}
