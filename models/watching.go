package models

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// watched is how a watch sees the rows of a tree, which it finds in the tree or by an index. R is
// what it makes of a row.
//
// Each of the rows has a place in the order of the watch: the stored key of the row, or that of the
// first of its entries that lie in the range.
type watched[R any] struct {
	raw    *Raw
	walk   walk
	within bounds
	read   reading[R]
	// decode makes a row of what is stored at key, also if it has expired.
	decode func(p *session.Place, key, stored []byte) (R, error)
	// keys adds the keys of a row in the index. It is nil where the range is one of primary keys.
	keys func(p *session.Place, keys *keyList, row *R)
	// lower and upper are the range of encoded primary keys where keys is nil.
	lower, upper []byte
	// fault is why there can be no watch.
	fault error

	// at is where the tree is in the store, and span the range as stored keys, once the watch has
	// begun.
	at   *session.Place
	span span
	// given is the place of the last row of a snapshot that was given, nil if there was none, and all
	// says that there are no more to be given.
	given []byte
	all   bool
	list  keyList
}

// fail and failAt name what is watched, and failAt the row under the encoded primary key.
func (w *watched[R]) fail(err error) error { return w.walk.fail("watch", err) }

func (w *watched[R]) failAt(primary []byte, err error) error {
	return &Error{Op: "watch", Tree: w.walk.tree.Name, Index: w.walk.index, Key: w.walk.tree.FormatKey(primary), Err: err}
}

// seen is a row before or after a change.
type seen[R any] struct {
	row *R
	// place is where the row is in the order of the watch, nil if it is not in the range.
	place []byte
	// unknown says that there is a row that cannot be read, so its place in an index is not known.
	unknown bool
}

// see reads what is stored under the encoded primary key before or after a change.
func (w *watched[R]) see(primary, stored []byte) (s seen[R], err error) {
	if stored == nil {
		return s, nil
	}
	key := append(bytes.Clone(w.at.Space), primary...)
	if w.keys == nil {
		s.place = key
	}
	row, err := w.decode(w.at, key, stored)
	if err != nil {
		s.unknown = w.keys != nil
		return s, err
	}
	s.row = &row
	if w.keys != nil {
		s.place = w.first(primary, &row)
	}
	return s, nil
}

// first returns the key of the first entry of a row that lies in the range, nil if none does.
func (w *watched[R]) first(primary []byte, row *R) []byte {
	ix, space := w.walk.tree.Indexes[w.walk.number], w.at.Indexes[w.walk.number]
	w.list.reset()
	w.keys(w.at, &w.list, row)
	for i := range w.list.len() {
		entry := format.EntryKey(space, w.list.at(i), primary, ix.Kind == session.Unique)
		if bytes.Compare(entry, w.span.lower) >= 0 && (w.span.upper == nil || bytes.Compare(entry, w.span.upper) < 0) {
			return entry
		}
	}
	return nil
}

// has reports whether a place counts as watched.
func (w *watched[R]) has(place []byte) bool {
	return place != nil && (w.all || w.given != nil && bytes.Compare(place, w.given) <= 0)
}

// begin finds the tree in the store of a watch, which may begin with a snapshot.
func (w *watched[R]) begin(at *session.Place, snapshot bool) (err error) {
	w.at, w.all = at, !snapshot
	w.span, err = w.within(at, nil)
	return err
}

// event is what a watch comes across.
type event[R any] struct {
	// of is nil at the end of a snapshot.
	of *watched[R]
	// change has the encoded primary key.
	change Change[R, []byte]
	// was and is are the row before and after the change.
	was, is seen[R]
}

// watch begins a watch. Show makes what it yields.
func watch[R, C any](
	ctx context.Context, store Watchable, all []*watched[R], o WatchOptions, show func(*event[R]) (C, error),
) (iter.Seq2[C, error], error) {
	loop, err := beginWatch(ctx, store, all, o)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, loop.watch.Close)
	var begun atomic.Bool
	return func(yield func(C, error) bool) {
		if !begun.CompareAndSwap(false, true) {
			yield(*new(C), loop.fail(ErrClosed))
			return
		}
		defer stop()
		defer loop.watch.Close()
		err := loop.run(func(e *event[R]) (bool, error) {
			out, err := show(e)
			if err != nil {
				return false, err
			}
			return yield(out, nil), nil
		})
		if err != nil {
			yield(*new(C), err)
		}
	}, nil
}

func beginWatch[R any](
	ctx context.Context, store Watchable, all []*watched[R], o WatchOptions,
) (*watchLoop[R], error) {
	l := &watchLoop[R]{ctx: ctx, all: all, snapshot: o.Snapshot}
	o, err := o.check()
	if err != nil {
		return nil, l.fail(err)
	}
	r := session.WatchRequest{After: o.After, Resume: o.Resume, Changes: o.Buffer}
	if len(all) == 1 {
		r.Lower, r.Upper = all[0].lower, all[0].upper
	}
	for _, w := range all {
		if w.fault != nil {
			return nil, w.fail(w.fault)
		}
		if slices.Contains(r.Trees, w.walk.tree) {
			return nil, w.fail(fmt.Errorf("%w: the tree is given twice", ErrInvalid))
		}
		r.Trees = append(r.Trees, w.walk.tree)
	}
	l.request = r
	if l.watch, err = store.BeginWatch(ctx, r); err != nil {
		return nil, l.fail(err)
	}
	for _, w := range all {
		if err := w.begin(l.watch.Place(w.walk.tree), o.Snapshot); err != nil {
			l.watch.Close()
			return nil, w.fail(err)
		}
	}
	return l, nil
}

// watchLoop gives what a watch comes across to a function.
//
// While a snapshot is being read, the rows up to the place given of each tree were given, and all of
// these are as they were after the commit with the number of the last page. A page is read in a
// transaction, and given after the changes that others have committed before that. So a change either
// comes after all that was given of its row, or concerns a place that a later page has.
type watchLoop[R any] struct {
	ctx     context.Context
	watch   session.Watch
	request session.WatchRequest
	// all are in the order of the snapshot, if there is to be one.
	all      []*watched[R]
	snapshot bool
	// taken are commits that have come and were not given yet, and seq is the number of the last one that
	// was.
	taken []*session.Commit
	seq   uint64
	// idle, if set, is called when all commits that have come were given, and returns false to stop.
	idle func(seq uint64) bool
}

func (l *watchLoop[R]) fail(err error) error {
	if cause := context.Cause(l.ctx); cause != nil {
		err = cause // and not that the watch was closed because of it
	}
	if len(l.all) > 1 {
		return fmt.Errorf("watch: %w", err)
	}
	return l.all[0].fail(err)
}

// run gives events until give returns false or an error.
func (l *watchLoop[R]) run(give func(*event[R]) (bool, error)) error {
	if l.snapshot {
		more, err := l.runSnapshot(give)
		if !more || err != nil {
			return err
		}
	}
	for {
		if l.idle != nil && len(l.taken) == 0 && !l.idle(l.seq) {
			return nil
		}
		c, err := l.next()
		if err != nil {
			return l.fail(err)
		}
		more, err := l.commit(c, give)
		if !more || err != nil {
			return err
		}
	}
}

// next returns the next commit.
func (l *watchLoop[R]) next() (c *session.Commit, err error) {
	if err := l.ctx.Err(); err != nil {
		return nil, err
	}
	for len(l.taken) == 0 {
		if l.taken, err = l.watch.Next(l.ctx); err != nil {
			return nil, err
		}
	}
	c, l.taken[0] = l.taken[0], nil
	l.taken = l.taken[1:]
	return c, nil
}

// commit gives the changes of a commit.
func (l *watchLoop[R]) commit(c *session.Commit, give func(*event[R]) (bool, error)) (more bool, err error) {
	l.seq = c.Seq
	var held *event[R] // the last one, of which it is not known yet whether it is the last
	rows := c.Rows()
	for i := range rows {
		if !l.request.Wants(&rows[i]) {
			continue
		}
		e, err := l.changed(c.Seq, &rows[i])
		if err != nil || e != nil && held != nil {
			if more, err := l.give(held, give); !more || err != nil {
				return more, err
			}
			held = nil
		}
		if err != nil {
			return false, err
		}
		held = cmp.Or(e, held)
	}
	if held != nil {
		held.change.Last = true
	}
	return l.give(held, give)
}

func (l *watchLoop[R]) give(e *event[R], give func(*event[R]) (bool, error)) (more bool, err error) {
	if e == nil {
		return true, nil
	}
	if l.ctx.Err() != nil {
		return false, l.fail(l.ctx.Err())
	}
	return give(e)
}

// changed returns what the loop sees of a change, nil if nothing.
func (l *watchLoop[R]) changed(seq uint64, c *session.Change) (*event[R], error) {
	w := l.of(c.Tree)
	was, _ := w.see(c.Key, c.Old) // who cannot read it can know no more than that it was there
	is, err := w.see(c.Key, c.New)
	if err != nil {
		return nil, w.failAt(c.Key, err)
	}
	e := &event[R]{of: w, was: was, is: is, change: Change[R, []byte]{
		Seq: seq, Key: c.Key, Old: was.row, New: is.row, Was: was.unknown || w.has(was.place), Is: w.has(is.place),
		Origin: c.Origin,
	}}
	if !e.change.Was && !e.change.Is {
		return nil, nil
	}
	return e, nil
}

func (l *watchLoop[R]) of(t *session.Tree) *watched[R] {
	for _, w := range l.all {
		if w.walk.tree == t {
			return w
		}
	}
	return nil // not reached: the watch wants changes of its trees only
}

// runSnapshot gives the rows that there are, and between them the changes of those that were given.
func (l *watchLoop[R]) runSnapshot(give func(*event[R]) (bool, error)) (more bool, err error) {
	for _, w := range l.all {
		var after []byte
		for size, done := pageMin, false; !done; size = min(size*2, pageMax) {
			var page []*event[R]
			var seq uint64
			if page, seq, done, err = l.readPage(w, &after, size); err != nil {
				return false, l.fail(err)
			}
			if more, err := l.catchUp(seq, give); !more || err != nil {
				return more, err
			}
			if w.all = done; after != nil {
				w.given = append(bytes.Clone(w.space()), after...)
			}
			for _, e := range page {
				if more, err := l.give(e, give); !more || err != nil {
					return more, err
				}
			}
		}
	}
	return l.give(&event[R]{change: Change[R, []byte]{Kind: SnapshotDone, Seq: l.seq}}, give)
}

// catchUp gives the changes of the commits up to seq, which is that of a read.
func (l *watchLoop[R]) catchUp(seq uint64, give func(*event[R]) (bool, error)) (more bool, err error) {
	for {
		c, err := l.next()
		if err != nil {
			return false, l.fail(err)
		}
		if len(c.Changes) == 0 && c.Seq == seq {
			l.seq = seq
			return true, nil
		}
		if more, err := l.commit(c, give); !more || err != nil {
			return more, err
		}
	}
}

// space is that of the keys that the snapshot goes over.
func (w *watched[R]) space() []byte {
	if w.walk.index != "" {
		return w.at.Indexes[w.walk.number]
	}
	return w.at.Space
}

// readPage reads the next rows of a snapshot. After is the stored key that it came to, without the
// space.
func (l *watchLoop[R]) readPage(
	w *watched[R], after *[]byte, most int,
) (page []*event[R], seq uint64, done bool, err error) {
	s, seq, err := l.watch.Read(l.ctx)
	if err != nil {
		return nil, 0, false, err
	}
	defer s.End()
	over := w.walk
	over.after = *after
	src, err := over.open(s, w.within)
	if err != nil {
		return nil, 0, false, err
	}
	defer src.close()
	for size, n := 0, 0; !done && n < most && size < pageBytes; {
		more, err := src.next(most - n)
		if err != nil {
			return nil, 0, false, err
		}
		n += len(src.page.Rows)
		for i := range src.page.Rows {
			row := &src.page.Rows[i]
			size += len(row.Key) + len(row.Value)
			*after = append((*after)[:0], row.Key[len(w.space()):]...)
			e, err := w.snapshotRow(s, seq, row.Key, row.Value)
			if isNotFound(err) {
				continue
			}
			if err != nil {
				return nil, 0, false, w.failAtEntry(row.Key, err)
			}
			if e != nil {
				page = append(page, e)
			}
		}
		done = !more
	}
	return page, seq, done, nil
}

func (w *watched[R]) failAtEntry(key []byte, err error) error {
	failure := w.walk.failAt(w.at, key, err)
	if e, ok := failure.(*Error); ok {
		e.Op = "watch"
	}
	return failure
}

// snapshotRow reads the row at a stored key that the snapshot has come to, nil if it has come to the
// row before.
func (w *watched[R]) snapshotRow(s *session.Session, seq uint64, key, stored []byte) (*event[R], error) {
	row, err := w.read(s, w.at, key, stored)
	if err != nil {
		return nil, err
	}
	primary := key[len(w.space()):]
	if w.walk.index != "" {
		if _, primary, err = splitEntry(w.walk.tree.Indexes[w.walk.number], key, len(w.space()), stored); err != nil {
			return nil, err
		}
		if !bytes.Equal(w.first(primary, &row), key) {
			return nil, nil
		}
	}
	return &event[R]{
		of: w, is: seen[R]{row: &row, place: bytes.Clone(key)},
		change: Change[R, []byte]{Kind: SnapshotRow, Seq: seq, Key: bytes.Clone(primary), New: &row, Is: true},
	}, nil
}
