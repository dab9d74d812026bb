package control

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dynamic"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// Bounds of a page of rows that are chosen or sorted.
const (
	// maxScan and scanTime are after how many rows, and after how long, a page ends although it
	// is not full, because few rows fulfil its conditions.
	maxScan  = 20_000
	scanTime = 500 * time.Millisecond
	// maxOrdered is how many rows the pages of an ordered list can have together, and
	// maxOrderedBytes how many bytes: they are in memory while the list is made.
	maxOrdered      = 10_000
	maxOrderedBytes = 64 << 20
)

// found is a row, and the key by which an index has found it.
type found struct {
	models.RawRow
	index []byte
	// err is why the row cannot be read.
	err error
}

func (f *found) size() int { return len(f.Key) + len(f.Value) + len(f.index) }

// choice says which rows of a range a list has, and in what order.
type choice struct {
	text       *dynamic.Tree
	conditions []func(*dynamic.Row) bool
	compare    func(a, b *dynamic.Row) int // nil for the order of the keys
}

func newChoice(x *exchange, tree *Tree) (c choice, err error) {
	c.text = tree.text
	for _, text := range x.r.URL.Query()["where"] {
		condition, err := tree.text.Condition(text)
		if err != nil {
			return c, invalid("where: %v", err)
		}
		c.conditions = append(c.conditions, condition)
	}
	if text := x.query("order"); text != "" {
		if c.compare, err = tree.text.Order(text); err != nil {
			return c, invalid("order: %v", err)
		}
	}
	return c, nil
}

// has reports whether a row fulfils the conditions.
func (c *choice) has(f *found) (bool, error) {
	if len(c.conditions) == 0 {
		return true, nil
	}
	if f.err != nil {
		return false, nil // it has no fields
	}
	row, err := c.text.Decode(f.Key, f.Value)
	if err != nil {
		return false, err
	}
	for _, condition := range c.conditions {
		if !condition(&row) {
			return false, nil
		}
	}
	return true, nil
}

// hostedPage returns a page of the rows of a model, by an index if there is one.
func (h *handler) hostedPage(x *exchange, tree *Tree, ix *index, l *listing) (page api.Page, err error) {
	c, err := newChoice(x, tree)
	if err != nil {
		return page, err
	}
	rows, err := h.rowsAsked(x, tree, ix, l, c.compare != nil)
	if err != nil {
		return page, err
	}
	if c.compare != nil {
		select {
		case h.Limits.ordered <- struct{}{}:
			defer func() { <-h.Limits.ordered }()
		case <-x.ctx().Done():
			return page, context.Cause(x.ctx())
		}
		return orderedPage(tree, ix, l, &c, rows)
	}
	page.Rows = []api.Row{}
	size, scanned, start := 0, 0, time.Now()
	var last *found
	for f, err := range rows {
		if err != nil {
			return page, err
		}
		if len(page.Rows) == l.limit || size > maxPageBytes ||
			scanned > 0 && (scanned >= maxScan || time.Since(start) > scanTime) {
			page.Next, err = l.next(place{Index: last.index, Primary: last.Key})
			return page, err
		}
		scanned++
		last = &f
		ok, err := c.has(&f)
		if err != nil {
			return page, err
		}
		if ok {
			row := tree.row(ix, &f)
			page.Rows, size = append(page.Rows, row), size+len(row.Key)+len(row.Index)+len(row.Value)
		}
	}
	return page, nil
}

// orderedPage returns a page of the rows in the order that was asked for. It reads all of them, and
// keeps those that are on this page or on one before.
func orderedPage(
	tree *Tree, ix *index, l *listing, c *choice, rows iter.Seq2[found, error],
) (page api.Page, err error) {
	skip := 0
	if l.at != nil {
		skip = l.at.Skip
	}
	most := skip + l.limit
	if most > maxOrdered {
		return page, &api.Error{
			Code: api.TooLarge, Message: "an ordered list has at most 10000 rows: ask for a smaller range, or without order",
		}
	}
	type ordered struct {
		found
		row dynamic.Row
	}
	compare := func(a, b ordered) int { return c.compare(&a.row, &b.row) }
	var best []ordered
	size, more := 0, false
	shrink := func() {
		slices.SortStableFunc(best, compare)
		if len(best) > most {
			more = true
			clear(best[most:])
			best = best[:most]
		}
		size = 0
		for i := range best {
			size += best[i].size()
		}
	}
	for f, err := range rows {
		if err != nil {
			return page, err
		}
		if f.err != nil {
			continue // it has no fields to sort by
		}
		ok, err := c.has(&f)
		if err != nil {
			return page, err
		}
		if !ok {
			continue
		}
		row, err := c.text.Decode(f.Key, f.Value)
		if err != nil {
			return page, err
		}
		best, size = append(best, ordered{f, row}), size+f.size()
		if len(best) >= 2*most+1000 || size > maxOrderedBytes {
			if shrink(); size > maxOrderedBytes {
				return page, &api.Error{Code: api.TooLarge, Message: "the rows of the ordered list are too large: ask for fewer"}
			}
		}
	}
	shrink()
	page.Rows = []api.Row{}
	for i := skip; i < len(best); i++ {
		page.Rows = append(page.Rows, tree.row(ix, &best[i].found))
	}
	if more {
		page.Next, err = l.next(place{Skip: most})
	}
	return page, err
}

// row writes a row as people read it.
func (t *Tree) row(ix *index, f *found) (row api.Row) {
	row.Key = t.FormatKey(f.Key)
	if ix != nil && !ix.blind {
		row.Index = ix.keys.format(f.index)
	}
	if !f.Expiry.IsZero() {
		row.Expires = new(f.Expiry.UTC())
	}
	err := f.err
	if err == nil {
		row.Value, err = t.appendJSON(nil, f.Key, f.Value)
	}
	if err != nil {
		row.Value, row.Error = nil, err.Error()
	}
	return row
}

// rowsAsked yields the rows that a list asks for, from the place on where the page before ended. An
// ordered list is read from the beginning.
func (h *handler) rowsAsked(
	x *exchange, tree *Tree, ix *index, l *listing, ordered bool,
) (iter.Seq2[found, error], error) {
	at := l.at
	if ordered {
		at = nil
	}
	if ix != nil && ix.blind {
		return h.blindRows(x, tree, ix, l, at)
	}
	of := tree.keys
	if ix != nil {
		of = ix.keys
	}
	rng, err := of.asked(x, ix == nil)
	if err != nil {
		return nil, err
	}
	if l.reverse {
		rng = rng.Reverse()
	}
	if ix != nil {
		return h.indexRows(x.ctx(), tree, ix, rng, at), nil
	}
	switch {
	case at == nil:
	case l.reverse:
		rng = rng.Before(at.Primary)
	default:
		rng = rng.After(at.Primary)
	}
	return func(yield func(found, error) bool) {
		for row, err := range tree.Raw().Scan(x.ctx(), h.Node.Store, rng) {
			if !yield(found{RawRow: row}, err) {
				return
			}
		}
	}, nil
}

// indexRows yields the rows that an index has in a range, from a place on.
func (h *handler) indexRows(
	ctx context.Context, tree *Tree, ix *index, rng models.Range[[]byte], at *place,
) iter.Seq2[found, error] {
	entries := ix.raw.Scan(ctx, h.Node.Store, rng)
	if at != nil {
		entries = ix.raw.ScanAfter(ctx, h.Node.Store, rng, models.RawEntry{Index: at.Index, Primary: at.Primary})
	}
	return func(yield func(found, error) bool) {
		for entry, err := range entries {
			if err != nil {
				yield(found{}, err)
				return
			}
			f := found{index: entry.Index}
			f.RawRow, err = tree.Raw().Row(ctx, h.Node.Store, entry.Primary)
			switch {
			case errors.Is(err, models.ErrNotFound):
				continue // deleted since, or expired
			case isDamage(err):
				f.Key, f.err, err = entry.Primary, err, nil
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// isDamage reports whether an error is of one row, and not of the store.
func isDamage(err error) bool {
	for _, of := range []error{models.ErrCorrupt, models.ErrTampered, models.ErrVersion, models.ErrUpgrade} {
		if errors.Is(err, of) {
			return true
		}
	}
	return false
}

// blindRows yields the rows that a blind index has under a key, from a place on. It has them in the
// order of their keys.
func (h *handler) blindRows(
	x *exchange, tree *Tree, ix *index, l *listing, at *place,
) (iter.Seq2[found, error], error) {
	query := x.r.URL.Query()
	if !query.Has("key") || query.Has("from") || query.Has("to") || query.Has("prefix") || l.reverse {
		return nil, invalid("the index %s hides its keys, and finds rows by a whole key only", ix.raw.Name())
	}
	of, ok := tree.text.Index(ix.raw.Name())
	if !ok {
		return nil, invalid("the index %s cannot be searched", ix.raw.Name())
	}
	key, err := of.ParseKey(query.Get("key"))
	if err != nil {
		return nil, invalid("key %q: %v", shorten(query.Get("key")), err)
	}
	return func(yield func(found, error) bool) {
		for row, err := range of.Find(x.ctx(), h.Node.Store, key) {
			var f found
			if err == nil {
				f.Key, f.Value, err = tree.text.Encode(&row)
			}
			if err == nil && at != nil && bytes.Compare(f.Key, at.Primary) <= 0 {
				continue
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}, nil
}
