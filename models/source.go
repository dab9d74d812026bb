package models

import (
	"bytes"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// source gives the stored keys and values that a walk goes over, some at a time.
type source struct {
	s     *session.Session
	place *session.Place
	// page has the rows that next found last, and the memory of rest.
	page *session.Page
	rest engine.Range // what next is to read
	// scanner is nil where rows are read by cursor: one by one, so that a loop in
	// a write transaction sees what its body writes.
	scanner engine.Scanner
	cursor  engine.Cursor

	limit, offset int
}

// open begins a walk in the transaction of s.
func (w walk) open(s *session.Session, within bounds) (src source, err error) {
	src.s = s
	if w.fault != nil {
		return src, w.fault
	}
	if src.place, err = placeOf(s, w.tree); err != nil {
		return src, err
	}
	space := src.place.Space
	if w.index != "" {
		space = src.place.Indexes[w.number]
	}
	src.page = s.TakePage()
	sp, err := within(src.place, src.page.Bounds[:0])
	if err != nil {
		s.GivePage(src.page)
		return src, err
	}
	src.page.Bounds = sp.room
	src.limit, src.offset = sp.limit, sp.offset
	src.rest = engine.Range{Lower: sp.lower, Upper: sp.upper, Reverse: sp.reverse, KeysOnly: w.keysOnly}
	if w.after != nil {
		last := append(bytes.Clone(space), w.after...)
		if sp.reverse {
			src.rest.Upper = lowest(sp.upper, last)
		} else if last = append(last, 0); bytes.Compare(last, sp.lower) > 0 {
			src.rest.Lower = last
		}
	}
	src.begin()
	return src, nil
}

// begin decides how to read.
func (src *source) begin() {
	src.s.Walks++
	if src.s.Write == nil {
		src.scanner, _ = src.s.Read.(engine.Scanner)
	}
	if src.scanner == nil {
		src.cursor = src.s.Read.Cursor(src.rest)
	}
}

// next puts the next rows into the page, most at most, and tells whether there
// may be more. They are borrowed until next is called again.
func (src *source) next(most int) (more bool, err error) {
	if src.scanner != nil {
		src.skip()
		return src.scanner.Scan(src.rest, most, &src.page.Page)
	}
	c := src.cursor
	src.page.Rows = src.page.Rows[:0]
	if !c.Next() {
		return false, c.Err()
	}
	row := engine.Row{Key: c.Key()}
	if !src.rest.KeysOnly {
		if row.Value, err = c.Value(); err != nil {
			return false, err
		}
	}
	src.page.Rows = append(src.page.Rows, row)
	return true, nil
}

// skip has rest begin behind the rows in the page.
func (src *source) skip() {
	n := len(src.page.Rows)
	if n == 0 {
		return
	}
	src.page.Edge = append(src.page.Edge[:0], src.page.Rows[n-1].Key...)
	if src.rest.Reverse {
		src.rest.Upper = src.page.Edge
	} else {
		src.page.Edge = append(src.page.Edge, 0)
		src.rest.Lower = src.page.Edge
	}
}

// pause lets go of the session, which its owner ends. Resume goes on in another.
func (src *source) pause() {
	src.skip()
	src.page.Clear()
	src.release()
}

func (src *source) resume(s *session.Session) {
	src.s = s
	src.begin()
}

// close ends the walk.
func (src *source) close() {
	src.release()
	src.s.GivePage(src.page)
}

func (src *source) release() {
	src.s.Walks--
	if src.cursor != nil {
		src.cursor.Close()
	}
	src.scanner, src.cursor = nil, nil
}
