package merge

import (
	"cmp"
	"iter"
	"maps"
	"math"
	"slices"
)

// Element is the type of an element of a set. It has one encoding for each value, which floats do not:
// 0 and -0 are equal.
type Element interface {
	~string | ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Set is a set to which elements are added, and from which none is removed. Its elements are sorted. It
// grows with each element.
type Set[E Element] []E

// Add adds an element.
func (s *Set[E]) Add(e E) {
	if i, found := slices.BinarySearch(*s, e); !found {
		*s = slices.Insert(slices.Clip(*s), i, e)
	}
}

// Has reports whether the set has an element.
func (s Set[E]) Has(e E) bool {
	_, found := slices.BinarySearch(s, e)
	return found
}

// Merge returns the set of the elements of both.
func (s Set[E]) Merge(other Set[E]) Set[E] {
	both := slices.Concat(s, other)
	slices.Sort(both)
	return slices.Compact(both)
}

// AddRemoveSet is a set whose elements can be removed and added again. An element that one peer removes
// and another adds at the same time stays: a removal removes what the peer has seen, and nothing else.
// (The literature calls it an observed-remove set without tombstones.)
//
// It grows by each element that is in it, with the names of the peers that have added it at the same
// time, and by one number for each peer that has ever added an element. A removed element takes no
// space.
type AddRemoveSet[E Element] struct {
	// Elements are those that are in the set, sorted.
	Elements []Added[E]
	// Seen has for each peer how many elements it has added as far as is known here. An addition of a
	// peer that is not above it, and is not in Elements, has been removed.
	Seen map[string]uint64
}

// Added is an element of an AddRemoveSet.
type Added[E Element] struct {
	Element E
	// By are the additions of the element that nobody is known to have removed: for each peer the number
	// of its addition, counted from 1 on over all elements.
	By map[string]uint64
}

func byElement[E Element](a Added[E], e E) int { return cmp.Compare(a.Element, e) }

// Add adds an element by a peer.
func (s *AddRemoveSet[E]) Add(by string, e E) {
	if s.Seen == nil {
		s.Seen = map[string]uint64{}
	}
	if s.Seen[by] < math.MaxUint64 {
		s.Seen[by]++
	}
	added := Added[E]{e, map[string]uint64{by: s.Seen[by]}} // it stands for those before
	i, found := slices.BinarySearchFunc(s.Elements, e, byElement)
	if found {
		s.Elements[i] = added
	} else {
		s.Elements = slices.Insert(s.Elements, i, added)
	}
}

// Remove removes an element.
func (s *AddRemoveSet[E]) Remove(e E) {
	if i, found := slices.BinarySearchFunc(s.Elements, e, byElement); found {
		s.Elements = slices.Delete(s.Elements, i, i+1)
	}
}

// Has reports whether an element is in the set.
func (s AddRemoveSet[E]) Has(e E) bool {
	_, found := slices.BinarySearchFunc(s.Elements, e, byElement)
	return found
}

// Len returns how many elements are in the set.
func (s AddRemoveSet[E]) Len() int { return len(s.Elements) }

// All yields the elements in their order.
func (s AddRemoveSet[E]) All() iter.Seq[E] {
	return func(yield func(E) bool) {
		for _, a := range s.Elements {
			if !yield(a.Element) {
				return
			}
		}
	}
}

// Merge returns the set of the elements that both have, and of those that one has and the other has not
// seen.
func (s AddRemoveSet[E]) Merge(other AddRemoveSet[E]) AddRemoveSet[E] {
	mine, mySeen := s.additions()
	theirs, theirSeen := other.additions()
	merged := AddRemoveSet[E]{Seen: Counter(mySeen).Merge(theirSeen)}
	keep := func(from, in map[addition[E]]bool, seen map[string]uint64) {
		for a := range from {
			if in[a] || a.number > seen[a.by] {
				merged.Elements = append(merged.Elements, Added[E]{a.element, map[string]uint64{a.by: a.number}})
			}
		}
	}
	keep(mine, theirs, theirSeen)
	maps.DeleteFunc(theirs, func(a addition[E], _ bool) bool { return mine[a] })
	keep(theirs, mine, mySeen)
	merged.Elements = collect(merged.Elements)
	return merged
}

// addition is one peer's addition of an element.
type addition[E Element] struct {
	element E
	by      string
	number  uint64
}

// additions returns the additions of the set, and how many of each peer it has seen. A stranger may have
// made a set whose parts contradict each other: an addition counts as seen, the highest of one peer
// stands for the others of an element, and one without a number is none.
func (s AddRemoveSet[E]) additions() (map[addition[E]]bool, map[string]uint64) {
	seen := maps.Clone(s.Seen)
	if seen == nil {
		seen = map[string]uint64{}
	}
	found := make(map[addition[E]]bool, len(s.Elements))
	for _, a := range collect(slices.Clone(s.Elements)) {
		for by, number := range a.By {
			if number > 0 {
				found[addition[E]{a.Element, by, number}] = true
				seen[by] = max(seen[by], number)
			}
		}
	}
	return found, seen
}

// collect sorts elements, and makes one of those that are the same.
func collect[E Element](elements []Added[E]) []Added[E] {
	slices.SortFunc(elements, func(a, b Added[E]) int { return cmp.Compare(a.Element, b.Element) })
	all := elements[:0]
	for _, a := range elements {
		if last := len(all) - 1; last >= 0 && all[last].Element == a.Element {
			all[last].By = Counter(all[last].By).Merge(a.By)
		} else {
			all = append(all, a)
		}
	}
	return all
}
