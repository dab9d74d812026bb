package models

import (
	"container/heap"
	"iter"
	"slices"
)

// Filter yields the rows for which keep returns true. It is for searches that
// no index serves:
//
//	for user, err := range models.Filter(Users.All(ctx, store), func(u *User) bool { return u.Age > 60 }) { … }
//
// It reads and decodes every row of rows, and needs no memory beyond that of
// rows. A limit of the range counts rows before they are filtered: to stop after
// some rows, leave the loop. Errors of rows are yielded as they are. Keep gets a
// row that it may change and keep.
func Filter[M any](rows iter.Seq2[M, error], keep func(*M) bool) iter.Seq2[M, error] {
	return func(yield func(M, error) bool) {
		for m, err := range rows {
			if (err != nil || keep(&m)) && !yield(m, err) {
				return
			}
		}
	}
}

// Sort yields rows in the order of compare: the first most of them, or all if
// most is zero or less. It is for orders that no index has. Compare returns a
// negative number if a comes before b, a positive one if it comes after, and
// zero if their order is that of rows.
//
// It reads and decodes every row of rows before it yields the first, and needs the
// memory of the rows that it yields: set most where there may be many. An error of
// rows is yielded alone.
func Sort[M any](rows iter.Seq2[M, error], compare func(a, b *M) int, most int) iter.Seq2[M, error] {
	return func(yield func(M, error) bool) {
		kept := firstRows[M]{compare: compare}
		number := 0
		for m, err := range rows {
			if err != nil {
				yield(*new(M), err)
				return
			}
			kept.add(numbered[M]{m, number}, most)
			number++
		}
		slices.SortFunc(kept.rows, kept.order)
		for i := range kept.rows {
			if !yield(kept.rows[i].row, nil) {
				return
			}
		}
	}
}

// numbered is a row and its place among those it came with.
type numbered[M any] struct {
	row    M
	number int
}

// firstRows is a heap with the last of the rows at its top.
type firstRows[M any] struct {
	compare func(a, b *M) int
	rows    []numbered[M]
}

// add keeps a row if it is among the first most.
func (h *firstRows[M]) add(row numbered[M], most int) {
	switch {
	case most <= 0:
		h.rows = append(h.rows, row)
	case len(h.rows) < most:
		heap.Push(h, row)
	case h.order(row, h.rows[0]) < 0:
		h.rows[0] = row
		heap.Fix(h, 0)
	}
}

func (h *firstRows[M]) order(a, b numbered[M]) int {
	if order := h.compare(&a.row, &b.row); order != 0 {
		return order
	}
	return a.number - b.number
}

func (h *firstRows[M]) Len() int           { return len(h.rows) }
func (h *firstRows[M]) Less(i, j int) bool { return h.order(h.rows[i], h.rows[j]) > 0 }
func (h *firstRows[M]) Swap(i, j int)      { h.rows[i], h.rows[j] = h.rows[j], h.rows[i] }
func (h *firstRows[M]) Push(row any)       { h.rows = append(h.rows, row.(numbered[M])) }

func (h *firstRows[M]) Pop() any {
	last := len(h.rows) - 1
	row := h.rows[last]
	h.rows = h.rows[:last]
	return row
}
