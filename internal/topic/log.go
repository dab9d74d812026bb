package topic

import (
	"bytes"
	"cmp"
	"slices"
	"sort"
)

// leafLog has the changes in the log that belong to one leaf.
type leafLog struct {
	// changes are in the order in which they were made.
	changes []Change
	// more is how many ids they add, less those that they remove.
	more int64
	// order has the numbers of changes in the order of their ids, and of those of one id in the order in
	// which they were made. The last changes are put in their places when somebody asks.
	order []int32
}

func (l *leafLog) add(c Change) {
	l.changes = append(l.changes, c)
	if c.Added {
		l.more++
	} else {
		l.more--
	}
}

// without returns the log without some changes. It keeps the order of the others, so that they need not be
// sorted once more.
func (l *leafLog) without(gone func(*Change) bool) (left leafLog) {
	numbers := make([]int32, len(l.changes)) // in left, of those that stay
	for i := range l.changes {
		if numbers[i] = -1; !gone(&l.changes[i]) {
			numbers[i] = int32(len(left.changes))
			left.add(l.changes[i])
		}
	}
	for _, i := range l.order {
		if numbers[i] >= 0 {
			left.order = append(left.order, numbers[i])
		}
	}
	return left
}

// between returns the numbers of the changes of ids in a range, in the order of the ids. They are valid
// until the next change.
func (l *leafLog) between(lower, upper *Bound) []int32 {
	l.sort()
	from := sort.Search(len(l.order), func(i int) bool { return !lower.Above(&l.changes[l.order[i]].ID) })
	rest := l.order[from:]
	return rest[:sort.Search(len(rest), func(i int) bool { return !upper.Above(&l.changes[rest[i]].ID) })]
}

// sort puts the changes that order lacks in their places. A few among many cost little more than to look
// for the places.
func (l *leafLog) sort() {
	sorted := len(l.order)
	if sorted == len(l.changes) {
		return
	}
	for i := sorted; i < len(l.changes); i++ {
		l.order = append(l.order, int32(i))
	}
	compare := func(a, b int32) int {
		return cmp.Or(bytes.Compare(l.changes[a].ID[:], l.changes[b].ID[:]), cmp.Compare(a, b))
	}
	late := slices.Clone(l.order[sorted:])
	slices.SortFunc(late, compare)
	for k := len(late) - 1; k >= 0; k-- {
		place, _ := slices.BinarySearchFunc(l.order[:sorted], late[k], compare)
		copy(l.order[place+k+1:], l.order[place:sorted]) // k more come before these
		l.order[place+k] = late[k]
		sorted = place
	}
}
