package models

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"sort"
)

// Version is the rows of a range as they were after a commit: see [Tree.Live]. It does not change,
// and can be used concurrently and kept. The models in it belong to all versions that have them, so
// they must not be changed.
type Version[M any] struct {
	seq    uint64
	chunks []*chunk[M]
	// starts are the numbers of the first rows of the chunks.
	starts []int
	rows   int
}

// Seq returns the number of a commit after which the rows were these.
func (v *Version[M]) Seq() uint64 { return v.seq }

// Len returns how many rows there are.
func (v *Version[M]) Len() int { return v.rows }

// At returns row i, of 0 to Len()-1, in time that grows with the logarithm of their number.
func (v *Version[M]) At(i int) *M {
	c := sort.SearchInts(v.starts, i+1) - 1
	return v.chunks[c].rows[i-v.starts[c]].row
}

// All yields the rows in their order.
func (v *Version[M]) All() iter.Seq[*M] {
	return func(yield func(*M) bool) {
		for _, c := range v.chunks {
			for i := range c.rows {
				if !yield(c.rows[i].row) {
					return
				}
			}
		}
	}
}

// Backward yields the rows from the last to the first.
func (v *Version[M]) Backward() iter.Seq[*M] {
	return func(yield func(*M) bool) {
		for _, c := range slices.Backward(v.chunks) {
			for i := range slices.Backward(c.rows) {
				if !yield(c.rows[i].row) {
					return
				}
			}
		}
	}
}

// Live yields the rows whose primary keys rng selects, in the order of the keys, and yields them again
// whenever they have changed:
//
//	for version, err := range Users.Live(ctx, store, models.From(uint64(100))) {
//		… version.Len(), version.All() …
//	}
//
// Each version is what the rows were after a commit. Commits that come while the loop's body runs make one
// version together, so a slow loop gets fewer versions, and never ErrLagging. All rows of the range are in
// memory. Versions share the rows, and lists of up to 512 of them, in which nothing has changed: a version
// costs a list for each row that has changed, and some bytes for every few hundred rows of the range.
//
// It ends as [Tree.Watch] does, and refuses the same ranges: to have the first rows only, leave the loop
// over a version.
func (t *Tree[M, K]) Live(ctx context.Context, store Watchable, rng Range[K]) iter.Seq2[*Version[M], error] {
	return live(ctx, store, func() *watched[M] { return t.watched(rng) })
}

// Live yields the rows whose index keys rng selects, in the order of the index keys and then of the
// primary keys, as [Tree.Live]. A [Multi] has each row once, at the first of its keys that rng selects.
func (ix *shared[M, K, I]) Live(ctx context.Context, store Watchable, rng Range[I]) iter.Seq2[*Version[M], error] {
	return live(ctx, store, func() *watched[M] { return ix.watched(rng) })
}

// errAgain has a live query read its rows anew.
var errAgain = errors.New("a row was damaged before it changed")

func live[M any](ctx context.Context, store Watchable, w func() *watched[M]) iter.Seq2[*Version[M], error] {
	return func(yield func(*Version[M], error) bool) {
		for {
			err := liveSince(ctx, store, w(), yield)
			switch {
			case errors.Is(err, errAgain) || errors.Is(err, ErrLagging):
				continue
			case err != nil:
				yield(nil, err)
			}
			return
		}
	}
}

// liveSince yields versions from now on. It returns nil once yield has asked to stop.
func liveSince[M any](
	ctx context.Context, store Watchable, w *watched[M], yield func(*Version[M], error) bool,
) error {
	loop, err := beginWatch(ctx, store, []*watched[M]{w}, WatchOptions{Snapshot: true})
	if err != nil {
		return err
	}
	defer loop.watch.Close()
	var rows chunks[M]
	changed, done := true, false
	loop.idle = func(seq uint64) bool {
		if !changed || !done {
			return true
		}
		changed = false
		return yield(rows.version(seq), nil)
	}
	return loop.run(func(e *event[M]) (bool, error) {
		done = done || e.change.Kind == SnapshotDone
		changed = changed || e.of != nil
		if e.was.unknown {
			return false, errAgain
		}
		if e.change.Was && !(e.change.Is && bytes.Equal(e.was.place, e.is.place)) {
			rows.remove(e.was.place)
		}
		if e.change.Is {
			rows.put(e.is.place, e.is.row)
		}
		return true, nil
	})
}

// maxChunk is how many rows a chunk has at most. One with less than minChunk is joined with the next.
const (
	maxChunk = 512
	minChunk = maxChunk / 8
)

// chunk is a part of the rows of a version.
type chunk[M any] struct {
	rows []placed[M]
	// age is the version that the chunk was made for. Once that was yielded, the chunk does not change.
	age uint64
}

// placed is a row and its place in the order of a watch.
type placed[M any] struct {
	place []byte
	row   *M
}

func (p placed[M]) compare(place []byte) int { return bytes.Compare(p.place, place) }

// chunks are the rows of the version that is being made. None of the chunks is empty.
type chunks[M any] struct {
	all []*chunk[M]
	// age counts the versions, and shared says that one of them has the slice all.
	age    uint64
	shared bool
}

// version returns the rows as they are.
func (s *chunks[M]) version(seq uint64) *Version[M] {
	v := &Version[M]{seq: seq, chunks: s.all, starts: make([]int, len(s.all))}
	for i, c := range s.all {
		v.starts[i] = v.rows
		v.rows += len(c.rows)
	}
	s.age++
	s.shared = true
	return v
}

// at returns the number of the chunk that has a place, or would have it.
func (s *chunks[M]) at(place []byte) int {
	i, found := slices.BinarySearchFunc(s.all, place, func(c *chunk[M], place []byte) int {
		return c.rows[0].compare(place)
	})
	if !found && i > 0 {
		i--
	}
	return i
}

// own makes chunk i one that may be changed.
func (s *chunks[M]) own(i int) *chunk[M] {
	s.ownAll()
	if c := s.all[i]; c.age != s.age {
		s.all[i] = &chunk[M]{slices.Clone(c.rows), s.age}
	}
	return s.all[i]
}

func (s *chunks[M]) ownAll() {
	if s.shared {
		s.all, s.shared = slices.Clone(s.all), false
	}
}

func (s *chunks[M]) put(place []byte, row *M) {
	if len(s.all) == 0 {
		s.all, s.shared = []*chunk[M]{{age: s.age, rows: []placed[M]{{place, row}}}}, false
		return
	}
	at := s.at(place)
	c := s.own(at)
	i, found := slices.BinarySearchFunc(c.rows, place, placed[M].compare)
	if found {
		c.rows[i].row = row
		return
	}
	c.rows = slices.Insert(c.rows, i, placed[M]{place, row})
	if len(c.rows) <= maxChunk {
		return
	}
	middle := len(c.rows) / 2
	if i == maxChunk {
		middle = maxChunk // rows that come in order fill each chunk
	}
	s.all = slices.Insert(s.all, at+1, &chunk[M]{slices.Clone(c.rows[middle:]), s.age})
	c.rows = slices.Delete(c.rows, middle, len(c.rows))
}

func (s *chunks[M]) remove(place []byte) {
	if len(s.all) == 0 {
		return
	}
	at := s.at(place)
	i, found := slices.BinarySearchFunc(s.all[at].rows, place, placed[M].compare)
	if !found {
		return
	}
	c := s.own(at)
	c.rows = slices.Delete(c.rows, i, i+1)
	next := at + 1
	switch {
	case len(c.rows) == 0:
		s.all = slices.Delete(s.all, at, next)
	case len(c.rows) < minChunk && next < len(s.all) && len(c.rows)+len(s.all[next].rows) <= maxChunk:
		c.rows = append(c.rows, s.all[next].rows...)
		s.all = slices.Delete(s.all, next, next+1)
	}
}
