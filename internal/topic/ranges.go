package topic

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/newsnet-africa/netabase-go/internal/format"
)

// Bound is a place between ids: before all that are as high as its own or higher.
type Bound struct {
	id ID
	// end is behind all ids.
	end bool
}

// Lower returns the bound before all ids that begin with prefix, or are higher. It uses IDSize bytes of a
// longer one.
func Lower(prefix []byte) (b Bound) {
	copy(b.id[:], prefix)
	return b
}

// Upper is Lower, and the end for a prefix that is nil.
func Upper(prefix []byte) Bound {
	if prefix == nil {
		return Bound{end: true}
	}
	return Lower(prefix)
}

// Behind returns the bound behind an id.
func Behind(id *ID) (b Bound) {
	b.id = *id
	for i := IDSize - 1; i >= 0; i-- {
		if b.id[i]++; b.id[i] != 0 {
			return b
		}
	}
	return Bound{end: true}
}

func boundAt(head uint64) (b Bound) {
	binary.BigEndian.PutUint64(b.id[:], head)
	return b
}

// Before reports whether b comes before o.
func (b *Bound) Before(o *Bound) bool {
	if b.end || o.end {
		return !b.end
	}
	return bytes.Compare(b.id[:], o.id[:]) < 0
}

// Above reports whether an id comes before b.
func (b *Bound) Above(id *ID) bool { return b.end || bytes.Compare(id[:], b.id[:]) < 0 }

// Append appends what the stored keys of entries from b on begin with, where prefix is what those of all
// entries begin with.
func (b *Bound) Append(dst, prefix []byte) []byte {
	if b.end {
		return format.AppendPrefixEnd(dst, prefix)
	}
	return append(append(dst, prefix...), b.id[:]...)
}

// Bounds returns the bounds of a leaf.
func (l *Leaf) Bounds() (lower, upper Bound) {
	lower = boundAt(l.Prefix)
	if next := l.Last() + 1; next != 0 {
		return lower, boundAt(next)
	}
	return lower, Bound{end: true}
}

// Part is a part of a leaf. Leaves do not tell its sum.
type Part struct {
	// Range is the number of the range that the part belongs to.
	Range        int
	Lower, Upper Bound
}

// Sums returns the sums of the ranges between consecutive bounds, which are in order, as far as whole
// leaves and the log tell them. The ids of the entries in the parts, which are in order as well, have to be
// added.
func (s *State) Sums(bounds []Bound) (sums []Sum, parts []Part) {
	ls := s.Leaves
	sums = make([]Sum, max(len(bounds)-1, 0))
	for i := range sums {
		lower, upper := &bounds[i], &bounds[i+1]
		if !lower.Before(upper) {
			continue
		}
		for n := ls.At(Head(&lower.id)); n < len(ls); n++ {
			from, to := ls[n].Bounds()
			if !from.Before(upper) {
				break
			}
			if !from.Before(lower) && !upper.Before(&to) {
				sums[i].Merge(&ls[n].Sum)
				for c := range s.logged[n].changes {
					s.logged[n].changes[c].apply(&sums[i])
				}
				continue
			}
			part := Part{Range: i, Lower: *lower, Upper: *upper}
			if lower.Before(&from) {
				part.Lower = from
			}
			if to.Before(upper) {
				part.Upper = to
			}
			for _, c := range s.logged[n].between(&part.Lower, &part.Upper) {
				s.logged[n].changes[c].apply(&sums[i])
			}
			if ls[n].Count > 0 {
				parts = append(parts, part)
			}
		}
	}
	return sums, parts
}

// maxHalving is how often Divide halves a leaf at most.
const maxHalving = 16

// Divide returns bounds that divide the range from lower to upper into parts with about the same number of
// ids: fewer than parts, in order. It takes the ids of a leaf to be evenly distributed, as hashes are.
func (s *State) Divide(lower, upper Bound, parts int) (bounds []Bound) {
	ls := s.Leaves
	first := ls.At(Head(&lower.id))
	total := 0.0
	for n := first; n < len(ls) && ls[n].begins(&upper); n++ {
		total += s.count(n) * ls[n].share(&lower, &upper)
	}
	if parts < 2 || total == 0 || !lower.Before(&upper) {
		return nil
	}
	target := total / float64(parts)
	seen, next := 0.0, target
	for n := first; n < len(ls) && ls[n].begins(&upper); n++ {
		cells, halvings := s.count(n), 0
		for cells > target && halvings < maxHalving && int(ls[n].Depth)+halvings < format.MaxDepth {
			cells /= 2
			halvings++
		}
		cell := Leaf{Prefix: ls[n].Prefix, Depth: ls[n].Depth + uint8(halvings)}
		for last := ls[n].Last(); ; {
			seen += cells * cell.share(&lower, &upper)
			_, end := cell.Bounds()
			if !end.Before(&upper) {
				return bounds
			}
			if seen >= next && lower.Before(&end) && len(bounds) < parts-1 {
				bounds = append(bounds, end)
				next = (math.Floor(seen/target) + 1) * target
			}
			if cell.Last() == last {
				break
			}
			cell.Prefix = cell.Last() + 1
		}
	}
	return bounds
}

// begins reports whether the leaf has ids before a bound.
func (l *Leaf) begins(before *Bound) bool {
	from, _ := l.Bounds()
	return from.Before(before)
}

// share returns which part of the ids that can belong to the leaf lies between two bounds.
func (l *Leaf) share(lower, upper *Bound) float64 {
	from, to := float64(l.Prefix), float64(l.Last())+1
	size := to - from
	if size == 0 {
		return 1
	}
	if low := float64(Head(&lower.id)); low > from {
		from = low
	}
	if high := float64(Head(&upper.id)); !upper.end && high < to {
		to = high
	}
	return max(to-from, 0) / size
}

// Bytes returns the shortest prefix that b is the bound of. It is nil for the end.
func (b *Bound) Bytes() []byte {
	if b.end {
		return nil
	}
	return append([]byte{}, bytes.TrimRight(b.id[:], "\x00")...)
}
