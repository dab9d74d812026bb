package models

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// A page read in a transaction of its own ends after pageMax results, or with
// the one that brings it to pageBytes of stored keys and values. The first page
// is short, for loops that stop early; the following ones double.
const (
	pageMin   = 16
	pageMax   = 512
	pageBytes = 1 << 20
)

// walk is a way through the keys of one tree or index.
type walk struct {
	tree *session.Tree
	// index is the name of the index walked and number its number, or empty for
	// the rows.
	index    string
	number   int
	keysOnly bool
	// place finds the tree in a store, span the keys of the walk.
	place func(*session.Session) (*session.Place, error)
	span  func(*session.Place) (span, error)
	// after, if set, is where an earlier walk ended: the stored key it came to,
	// without the space number.
	after []byte
}

func (w walk) fail(op string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Op: op, Tree: w.tree.Name, Index: w.index, Err: err}
}

// reading makes a result of a stored key and value, which are borrowed.
type reading[T any] func(s *session.Session, key, stored []byte) (T, error)

// scan yields what read makes of each stored key and value of the walk. Results
// for which read returns ErrNotFound are left out.
func scan[T any](ctx context.Context, r Reader, w walk, read reading[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		s, err := r.BeginRead(ctx)
		if err != nil {
			yield(*new(T), w.fail("range", err))
			return
		}
		sp, err := w.begin(s)
		switch {
		case err != nil:
			s.End()
		case s.Held:
			err = scanOpen(ctx, s, w, sp, read, yield)
		default:
			err = scanPages(ctx, r, s, w, sp, read, yield)
		}
		if err != nil {
			yield(*new(T), w.fail("range", err))
		}
	}
}

func (w walk) begin(s *session.Session) (span, error) {
	p, err := w.place(s)
	if err != nil {
		return span{}, err
	}
	sp, err := w.span(p)
	if err != nil || w.after == nil {
		return sp, err
	}
	space := p.Space
	if w.index != "" {
		space = p.Indexes[w.number]
	}
	last := append(bytes.Clone(space), w.after...)
	if sp.reverse {
		sp.upper = lowest(sp.upper, last)
	} else if last = append(last, 0); bytes.Compare(last, sp.lower) > 0 {
		sp.lower = last
	}
	return sp, nil
}

// scanOpen walks in a transaction that the user holds open. It returns nil once
// yield has asked to stop.
func scanOpen[T any](ctx context.Context, s *session.Session, w walk, sp span, read reading[T], yield func(T, error) bool) error {
	c := w.cursor(s, sp)
	defer c.Close()
	left := sp.limit
	for skip := sp.offset; c.Next(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		item, _, found, err := readAt(s, w, c, read)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		if !yield(item, nil) {
			return nil
		}
		if left--; left == 0 {
			return nil
		}
	}
	return c.Err()
}

// scanPages walks in pages, with a transaction of its own for each, beginning
// with s. None is open while yield runs.
func scanPages[T any](ctx context.Context, r Reader, s *session.Session, w walk, sp span, read reading[T], yield func(T, error) bool) error {
	var page []T
	left, skip := sp.limit, sp.offset
	for size := pageMin; ; size = min(size*2, pageMax) {
		if sp.limit > 0 {
			size = min(size, left)
		}
		page = page[:0]
		last, done, err := readPage(ctx, s, w, sp, size, &skip, &page, read)
		s.End()
		for i := range page {
			if !yield(page[i], nil) {
				return nil
			}
		}
		if err != nil {
			return err
		}
		left -= len(page)
		if done || sp.limit > 0 && left == 0 {
			return nil
		}
		if sp.reverse {
			sp.upper = last
		} else {
			sp.lower = append(last, 0)
		}
		clear(page)
		if s, err = r.BeginRead(ctx); err != nil {
			return err
		}
	}
}

// readPage reads up to most results into page. It returns the last stored key
// it has read, and whether the walk is done. What precedes an error is in page.
func readPage[T any](ctx context.Context, s *session.Session, w walk, sp span, most int, skip *int, page *[]T, read reading[T]) (last []byte, done bool, err error) {
	c := w.cursor(s, sp)
	defer c.Close()
	bytesRead := 0
	for c.Next() {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		item, size, found, err := readAt(s, w, c, read)
		if err != nil {
			return nil, false, err
		}
		bytesRead += size
		switch {
		case found && *skip > 0:
			*skip--
		case found:
			*page = append(*page, item)
		}
		if len(*page) >= most || bytesRead >= pageBytes {
			return bytes.Clone(c.Key()), false, nil
		}
	}
	return nil, true, c.Err()
}

// readAt makes a result of what c is at, and tells the size of that.
func readAt[T any](s *session.Session, w walk, c engine.Cursor, read reading[T]) (item T, size int, found bool, err error) {
	key := c.Key()
	var stored []byte
	if !w.keysOnly {
		if stored, err = c.Value(); err != nil {
			return item, 0, false, err
		}
	}
	item, err = read(s, key, stored)
	switch {
	case err == nil:
		return item, len(key) + len(stored), true, nil
	case isNotFound(err):
		return item, len(key) + len(stored), false, nil
	}
	return item, 0, false, fmt.Errorf("stored key %x: %w", key[:min(len(key), maxShown)], err)
}

// maxShown is how many bytes of a key an error shows.
const maxShown = 64

func (w walk) cursor(s *session.Session, sp span) engine.Cursor {
	return s.Read.Cursor(engine.Range{Lower: sp.lower, Upper: sp.upper, Reverse: sp.reverse, KeysOnly: w.keysOnly})
}

// count counts the stored keys of a walk, in one transaction.
func count(ctx context.Context, r Reader, w walk) (int, error) {
	s, err := r.BeginRead(ctx)
	if err != nil {
		return 0, w.fail("count", err)
	}
	defer s.End()
	sp, err := w.begin(s)
	if err != nil {
		return 0, w.fail("count", err)
	}
	c := w.cursor(s, sp)
	defer c.Close()
	n := 0
	for c.Next() {
		n++
		if sp.limit > 0 && n == sp.offset+sp.limit {
			break
		}
		if n%256 == 0 && ctx.Err() != nil {
			return 0, w.fail("count", ctx.Err())
		}
	}
	if err := c.Err(); err != nil {
		return 0, w.fail("count", err)
	}
	return max(n-sp.offset, 0), nil
}

// corruptKey turns a key codec's refusal of a stored key into corruption.
func corruptKey(err error) error {
	return fmt.Errorf("%w: key does not decode: %w", ErrCorrupt, err)
}
