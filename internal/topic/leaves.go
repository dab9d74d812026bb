package topic

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/newsnet-africa/netabase-go/internal/format"
)

const (
	// maxLeaf is how many ids a leaf has before it is divided.
	maxLeaf = 1024
	// minLeaves is how many ids the two halves of a leaf have together before they become one.
	minLeaves = 256
)

// Leaf has the sum of the ids with some prefix.
type Leaf struct {
	// Prefix has the first bits of the ids, as many as Depth says, from the highest bit on. Its other bits
	// are 0.
	Prefix uint64
	Depth  uint8
	Sum
}

// Last returns the head of the last id that belongs to the leaf.
func (l *Leaf) Last() uint64 {
	if l.Depth == format.MaxDepth {
		return l.Prefix
	}
	return l.Prefix | ^uint64(0)>>l.Depth
}

// halves returns the two halves of the leaf, without ids.
func (l *Leaf) halves() (low, high Leaf) {
	low = Leaf{Prefix: l.Prefix, Depth: l.Depth + 1}
	high = Leaf{Prefix: l.Prefix | 1<<(format.MaxDepth-1-l.Depth), Depth: l.Depth + 1}
	return low, high
}

// Large reports whether the leaf is to be divided.
func (l *Leaf) Large() bool { return l.Count > maxLeaf && l.Depth < format.MaxDepth }

// Leaves are the leaves of a topic, in the order of their prefixes. Each id belongs to one of them.
type Leaves []Leaf

// NewLeaves returns the leaves of a topic as they are stored, in any order, which it sorts. It returns an
// error if they are not such that each id belongs to one. No leaves are those of a topic without ids.
func NewLeaves(stored []Leaf) (Leaves, error) {
	if len(stored) == 0 {
		return Leaves{{}}, nil
	}
	slices.SortFunc(stored, func(a, b Leaf) int {
		return cmp.Or(cmp.Compare(a.Prefix, b.Prefix), cmp.Compare(a.Depth, b.Depth))
	})
	next, ended := uint64(0), false
	for i := range stored {
		l := &stored[i]
		if ended || l.Prefix < next {
			return nil, fmt.Errorf("the leaf of the prefix %016x of %d bits lies within another", l.Prefix, l.Depth)
		}
		if l.Prefix > next {
			return nil, fmt.Errorf("no leaf has the ids that begin with %016x", next)
		}
		next = l.Last() + 1
		ended = next == 0
	}
	if !ended {
		return nil, fmt.Errorf("no leaf has the ids that begin with %016x", next)
	}
	return stored, nil
}

// At returns the number of the leaf to which the ids with a head belong.
func (ls Leaves) At(head uint64) int {
	return sort.Search(len(ls), func(i int) bool { return ls[i].Prefix > head }) - 1
}

// Sibling returns the numbers of the two leaves that are the halves of one, of which number i is one, if
// there are two and they have so few ids that they are to be one.
func (ls Leaves) sibling(i int) (low int, small bool) {
	l := &ls[i]
	if l.Depth == 0 {
		return 0, false
	}
	low = i
	if l.Prefix&(1<<(format.MaxDepth-l.Depth)) != 0 {
		low--
	}
	if low < 0 || low+1 >= len(ls) || ls[low].Depth != l.Depth || ls[low+1].Depth != l.Depth {
		return 0, false
	}
	return low, ls[low].Count+ls[low+1].Count <= minLeaves
}

// Small reports whether leaf number i and the other half of the leaf that both are halves of are to be
// one.
func (ls Leaves) Small(i int) bool {
	_, small := ls.sibling(i)
	return small
}

// Joined returns the leaf that leaf number i is to be part of, and the numbers of the first and the last
// leaf that it takes the place of.
func (ls Leaves) Joined(i int) (joined Leaf, first, last int) {
	rest := slices.Clone(ls)
	for {
		low, small := rest.sibling(i)
		if !small {
			break
		}
		l := rest[low]
		l.Depth--
		l.Merge(&rest[low+1].Sum)
		rest[low] = l
		rest, i = slices.Delete(rest, low+1, low+2), low
	}
	joined = rest[i]
	return joined, ls.At(joined.Prefix), ls.At(joined.Last())
}

var errOrder = errors.New("ids are out of order")

// Build returns the leaves that the part of a topic is divided into which belongs to the leaf within, whose
// sum does not count. Next returns its ids in their order, and false after the last.
func Build(within Leaf, next func() (id ID, ok bool, err error)) ([]Leaf, error) {
	b := builder{next: next}
	within.Sum = Sum{}
	if err := b.build(within); err != nil {
		return nil, err
	}
	if len(b.ahead) > 0 {
		return nil, errOrder
	}
	return b.leaves, nil
}

type builder struct {
	next   func() (ID, bool, error)
	leaves []Leaf
	// ahead are ids that were read and are in no leaf yet.
	ahead []ID
	ended bool
}

// fill reads ahead until there are so many ids, or the end.
func (b *builder) fill(most int) error {
	for !b.ended && len(b.ahead) < most {
		id, ok, err := b.next()
		if err != nil {
			return err
		}
		if b.ended = !ok; ok {
			b.ahead = append(b.ahead, id)
		}
	}
	return nil
}

// build adds the leaves of the ids that belong to l.
func (b *builder) build(l Leaf) error {
	if err := b.fill(maxLeaf + 1); err != nil {
		return err
	}
	last := l.Last()
	mine := 0
	for mine < len(b.ahead) && Head(&b.ahead[mine]) <= last {
		mine++
	}
	if mine > maxLeaf && l.Depth < format.MaxDepth {
		low, high := l.halves()
		if err := b.build(low); err != nil {
			return err
		}
		return b.build(high)
	}
	for mine > 0 {
		for i := range b.ahead[:mine] {
			if Head(&b.ahead[i]) < l.Prefix {
				return errOrder
			}
			l.Add(&b.ahead[i])
		}
		b.ahead = append(b.ahead[:0], b.ahead[mine:]...)
		mine = 0
		if len(b.ahead) == 0 && l.Depth == format.MaxDepth { // there may be more than fit ahead
			if err := b.fill(maxLeaf + 1); err != nil {
				return err
			}
			for mine < len(b.ahead) && Head(&b.ahead[mine]) <= last {
				mine++
			}
		}
	}
	b.leaves = append(b.leaves, l)
	return nil
}
