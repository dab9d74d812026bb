package models

import (
	"bytes"
	"context"
	"errors"
	"fmt"

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
//
// What a walk does beyond that, its bounds and its reading, are functions that
// go from call to call beside it and are never stored: so they stay on the
// stack of whoever loops.
type walk struct {
	tree *session.Tree
	// index is the name of the index walked and number its number, or empty for
	// the rows.
	index    string
	number   int
	keysOnly bool
	// after, if set, is where an earlier walk ended: the stored key it came to,
	// without the space number.
	after []byte
}

// bounds builds the span of a walk over the keys of a space, in room where it
// fits.
type bounds func(space, room []byte) (span, error)

// reading makes a result of a stored key and value, which are borrowed. Into is
// zero.
type reading[T any] func(s *session.Session, p *session.Place, key, stored []byte, into *T) error

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
	p, sp, err := w.begin(s, within)
	switch {
	case err != nil:
		s.End()
	case s.Held:
		err = scanOpen(ctx, s, w, p, sp, read, yield)
	default:
		err = scanPages(ctx, r, s, w, p, sp, read, yield)
	}
	if err != nil {
		yield(*new(T), w.fail("range", err))
	}
}

// begin finds where the walk is in a store, and what it goes over. The span
// lies in memory of the session and holds until anybody else begins with it.
func (w walk) begin(s *session.Session, within bounds) (*session.Place, span, error) {
	p, err := placeOf(s, w.tree)
	if err != nil {
		return nil, span{}, err
	}
	space := p.Space
	if w.index != "" {
		space = p.Indexes[w.number]
	}
	sp, err := within(space, s.Bounds[:0])
	if err != nil {
		return nil, span{}, err
	}
	s.Bounds = sp.room
	if w.after == nil {
		return p, sp, nil
	}
	last := append(bytes.Clone(space), w.after...)
	if sp.reverse {
		sp.upper = lowest(sp.upper, last)
	} else if last = append(last, 0); bytes.Compare(last, sp.lower) > 0 {
		sp.lower = last
	}
	return p, sp, nil
}

// scanOpen walks in a transaction that the user holds open. It returns nil once
// yield has asked to stop.
func scanOpen[T any](ctx context.Context, s *session.Session, w walk, p *session.Place, sp span, read reading[T], yield func(T, error) bool) error {
	c := w.cursor(s, sp)
	defer c.Close()
	left := sp.limit
	item := new(T)
	for skip := sp.offset; c.Next(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, found, err := readAt(s, p, w, c, read, item)
		if err != nil {
			return err
		}
		if found && skip > 0 {
			skip--
			found = false
		}
		if found {
			if !yield(*item, nil) {
				return nil
			}
			if left--; left == 0 {
				return nil
			}
		}
		*item = *new(T)
	}
	return c.Err()
}

// scanPages walks in pages, with a transaction of its own for each, beginning
// with s. None is open while yield runs.
func scanPages[T any](ctx context.Context, r Reader, s *session.Session, w walk, p *session.Place, sp span, read reading[T], yield func(T, error) bool) error {
	left := sp.limit
	var page []T
	for size := pageMin; ; size = min(size*2, pageMax) {
		if sp.limit > 0 {
			size = min(size, left)
		}
		if cap(page) < size {
			page = make([]T, 0, size)
		}
		var done bool
		var err error
		page, done, err = readPage(s, w, p, &sp, page[:0], size, read)
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
		clear(page)
		if s, err = r.BeginRead(ctx); err != nil {
			return err
		}
	}
}

// readPage adds up to most results to page and tells whether the walk is done.
// If not, sp is what is left of it, in memory of its own. What precedes an
// error is in the page.
func readPage[T any](s *session.Session, w walk, p *session.Place, sp *span, page []T, most int, read reading[T]) (_ []T, done bool, err error) {
	c := w.cursor(s, *sp)
	defer c.Close()
	for bytesRead := 0; c.Next(); {
		page = append(page, *new(T))
		size, found, err := readAt(s, p, w, c, read, &page[len(page)-1])
		if found && sp.offset > 0 {
			sp.offset--
			found = false
		}
		if !found {
			page[len(page)-1] = *new(T)
			page = page[:len(page)-1]
		}
		if err != nil {
			return page, false, err
		}
		if bytesRead += size; len(page) >= most || bytesRead >= pageBytes {
			*sp = sp.behind(c.Key())
			return page, false, nil
		}
	}
	return page, true, c.Err()
}

// readAt makes a result of what c is at, and tells the size of that.
func readAt[T any](s *session.Session, p *session.Place, w walk, c engine.Cursor, read reading[T], into *T) (size int, found bool, err error) {
	key := c.Key()
	var stored []byte
	if !w.keysOnly {
		if stored, err = c.Value(); err != nil {
			return 0, false, err
		}
	}
	err = read(s, p, key, stored, into)
	switch {
	case err == nil:
		return len(key) + len(stored), true, nil
	case isNotFound(err):
		return len(key) + len(stored), false, nil
	}
	return 0, false, fmt.Errorf("stored key %x: %w", key[:min(len(key), maxShown)], err)
}

func (w walk) cursor(s *session.Session, sp span) engine.Cursor {
	return s.Read.Cursor(engine.Range{Lower: sp.lower, Upper: sp.upper, Reverse: sp.reverse, KeysOnly: w.keysOnly})
}

// count counts the stored keys of a walk, in one transaction.
func count(ctx context.Context, r Reader, w walk, within bounds) (int, error) {
	s, err := r.BeginRead(ctx)
	if err != nil {
		return 0, w.fail("count", err)
	}
	defer s.End()
	_, sp, err := w.begin(s, within)
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
