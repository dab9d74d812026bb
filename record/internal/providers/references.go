package providers

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"slices"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// A reference is the hash of a provided key, in the group of a peer or of a minute. The group
// has the hash once for each record of the key from that peer, or of that minute. So records
// are found by peer and by time. An index entry for each record would take ten times the space,
// nearly all of it overhead of the engine.
//
// A row has some hundred references at most: a larger row is divided by the next bit of the
// hashes. References are no index of package models, so datastore.Verify does not know them.
// Check and Repair take its place.

// refRow is a row of references.
type refRow struct {
	// Group is the number of the peer or minute of all references of the row.
	Group uint32
	// Part is 0 for the first row of a group. In other rows it is a 1 followed by the bits that
	// all of the row's references begin with.
	Part uint32
	// Count is how many references the group has. Bits is the greatest number of bits that tell
	// a part from the others. Only part 0 has Count and Bits. If Bits is not 0, part 0 has
	// nothing else.
	Count uint64
	Bits  uint8
	// Refs are in order. A hash occurs once for each record of its key.
	Refs []uint64
}

// refKey is the primary key of a refRow: its Group, then its Part.
type refKey = models.Pair[uint32, uint32]

// refTree is a tree of references.
type refTree = models.Tree[refRow, refKey]

func newRefTree(name string) *refTree {
	return models.NewTree(name, models.PairOf(models.Uint32, models.Uint32),
		func(s *refRow) refKey { return models.MakePair(s.Group, s.Part) },
		models.WithCodec(versioned.Of[refRow](refCodec{})),
		models.WithKey(func(s *refRow, key refKey) { s.Group, s.Part = key.First, key.Second }))
}

var (
	// shares has the keys that each peer provides.
	shares = newRefTree("share")
	// arrivals has the records by the minute in which they came, the oldest first.
	// Records expire in days, so minutes are exact enough.
	arrivals = newRefTree("arrival")
)

const (
	// refsInPart is how many references a part takes before it is divided.
	refsInPart = 256
	// maxRefBits is the most bits that tell parts apart. Hashes are spread evenly, so a group
	// has billions of references by then.
	maxRefBits = 24
)

// refCodec writes Count and Bits, which are 0 except in part 0, and for each reference
// its difference from the one before. Count and the differences are varints.
type refCodec struct{}

func (refCodec) Name() string { return "libp2p-refs" }

func (refCodec) Fields() []models.Field { return nil }

func (refCodec) Append(dst []byte, s *refRow) ([]byte, error) {
	dst = binary.AppendUvarint(dst, s.Count)
	dst = append(dst, s.Bits)
	before := uint64(0)
	for _, ref := range s.Refs {
		dst = binary.AppendUvarint(dst, ref-before)
		before = ref
	}
	return dst, nil
}

func (refCodec) Decode(src []byte, s *refRow) error {
	*s = refRow{}
	count, n := binary.Uvarint(src)
	if n <= 0 || n >= len(src) || src[n] > maxRefBits {
		return fmt.Errorf("%w: references have no count", models.ErrInvalid)
	}
	s.Count, s.Bits = count, src[n]
	src = src[n+1:]
	if len(src) == 0 {
		return nil
	}
	s.Refs = make([]uint64, 0, len(src)/8+1)
	for ref := uint64(0); len(src) > 0; src = src[n:] {
		var more uint64
		if more, n = binary.Uvarint(src); n <= 0 || ref+more < ref {
			return fmt.Errorf("%w: reference %d is damaged", models.ErrInvalid, len(s.Refs))
		}
		ref += more
		s.Refs = append(withRoom(s.Refs, len(src)), ref)
	}
	return nil
}

// refChange changes how many times a reference is there.
type refChange struct {
	ref   uint64
	group uint32
	n     int32
}

func (c refChange) compare(d refChange) int {
	if c.group != d.group {
		return cmp.Compare(c.group, d.group)
	}
	return cmp.Compare(c.ref, d.ref)
}

// refChanges are the changes of some transactions.
type refChanges []refChange

func (c *refChanges) add(group uint32, ref uint64, n int) {
	*c = append(*c, refChange{ref: ref, group: group, n: int32(n)})
}

// compact sorts the changes and merges those of the same reference.
func (c refChanges) compact() refChanges {
	slices.SortFunc(c, refChange.compare)
	return c.once()
}

// once merges neighbouring changes of the same reference.
func (c refChanges) once() refChanges {
	done := c[:0]
	for _, change := range c {
		if n := len(done); n > 0 && done[n-1].compare(change) == 0 {
			done[n-1].n += change.n
			continue
		}
		done = append(done, change)
	}
	return done
}

// after returns the changes behind one of them. They are in order.
func (c refChanges) after(last refChange) refChanges {
	n, found := slices.BinarySearchFunc(c, last, refChange.compare)
	if found {
		n++
	}
	return c[n:]
}

// mergeRefs merges lists of changes, each of which is in order.
func mergeRefs(lists []refChanges) refChanges {
	all := slices.Concat(lists...)
	room := make(refChanges, len(all))
	for ends := listEnds(lists); len(ends) > 1; all, room = room, all {
		ends = mergePairs(room, all, ends)
	}
	return all.once()
}

func listEnds(lists []refChanges) (ends []int) {
	end := 0
	for _, list := range lists {
		end += len(list)
		ends = append(ends, end)
	}
	return ends
}

// mergePairs merges every two neighbouring lists in from, whose ends are in ends, and returns
// the ends of the lists in to.
func mergePairs(to, from refChanges, ends []int) []int {
	merged, start := ends[:0], 0
	for i := 0; i < len(ends); i += 2 {
		end := ends[min(i+1, len(ends)-1)]
		a, b := from[start:ends[i]], from[ends[i]:end]
		for k := start; k < end; k++ {
			if len(b) == 0 || len(a) > 0 && a[0].compare(b[0]) <= 0 {
				to[k], a = a[0], a[1:]
			} else {
				to[k], b = b[0], b[1:]
			}
		}
		start, merged = end, append(merged, end)
	}
	return merged
}

// group returns how many changes, counted from the first, belong to its group.
func (c refChanges) group() (n int) {
	for n < len(c) && c[n].group == c[0].group {
		n++
	}
	return n
}

// file applies changes, which are in order, to a tree of references. It calls emptied with the
// group of every change that leaves the group without references.
func (c refChanges) file(t *txn, tree *refTree, emptied func(made refChanges) error) error {
	for len(c) > 0 {
		n := c.group()
		left, err := fileGroup(t, tree, c[:n])
		if err == nil && left == 0 {
			err = emptied(c[:n])
		}
		if err != nil {
			return err
		}
		c = c[n:]
	}
	return nil
}

// fileGroup applies the changes of one group, and returns how many references the group has
// afterwards.
func fileGroup(t *txn, tree *refTree, changes refChanges) (left uint64, err error) {
	head, err := getRefs(t, tree, models.MakePair(changes[0].group, uint32(0)))
	if err != nil {
		return 0, err
	}
	before := head.Count
	if head.Bits == 0 {
		head.Count += uint64(head.merge(changes))
		if len(head.Refs) > refsInPart {
			whole := refRow{Group: head.Group, Part: 1, Refs: head.Refs}
			head.Refs = nil
			err = split(t, tree, &head, &whole)
		}
	} else {
		err = fileParts(t, tree, &head, changes)
	}
	switch {
	case err != nil:
		return 0, err
	case head.Count > 0:
		return head.Count, tree.Put(t.ctx, t.tx, &head)
	case before > 0:
		return 0, tree.Delete(t.ctx, t.tx, models.MakePair(head.Group, uint32(0)))
	}
	return 0, nil
}

// fileParts applies the changes of a divided group.
func fileParts(t *txn, tree *refTree, head *refRow, changes refChanges) error {
	for len(changes) > 0 {
		s, err := findPart(t, tree, head, changes[0].ref)
		if err != nil {
			return err
		}
		n := 1
		for n < len(changes) && s.has(changes[n].ref) {
			n++
		}
		head.Count += uint64(s.merge(changes[:n]))
		if err := split(t, tree, head, &s); err != nil {
			return err
		}
		changes = changes[n:]
	}
	return nil
}

// findPart reads the part that a reference belongs to. If there is none yet, it returns a new
// one with the most bits, so that no other part lies within it.
func findPart(t *txn, tree *refTree, head *refRow, ref uint64) (refRow, error) {
	for bits := head.Bits; bits > 0; bits-- {
		s, err := getRefs(t, tree, models.MakePair(head.Group, partOf(ref, bits)))
		if err != nil || len(s.Refs) > 0 {
			return s, err
		}
	}
	return refRow{Group: head.Group, Part: partOf(ref, head.Bits)}, nil
}

// partOf returns the number of the part whose references begin with the same bits as ref: a 1
// followed by these bits.
func partOf(ref uint64, bits uint8) uint32 { return 1<<bits | uint32(ref>>(64-bits)) }

// has reports whether a reference belongs to a part.
func (s *refRow) has(ref uint64) bool {
	return partOf(ref, uint8(bits.Len32(s.Part)-1)) == s.Part
}

// split stores a part. If it has too many references, it stores two parts of one bit more.
func split(t *txn, tree *refTree, head, s *refRow) error {
	deep := uint8(bits.Len32(s.Part) - 1)
	if len(s.Refs) <= refsInPart || deep == maxRefBits {
		return putRefs(t, tree, s)
	}
	head.Bits = max(head.Bits, deep+1)
	upper := refRow{Group: s.Group, Part: 2*s.Part + 1}
	n, _ := slices.BinarySearchFunc(s.Refs, upper.Part, func(ref uint64, part uint32) int {
		return cmp.Compare(partOf(ref, deep+1), part)
	})
	upper.Refs = s.Refs[n:]
	lower := refRow{Group: s.Group, Part: 2 * s.Part, Refs: s.Refs[:n]}
	if deep > 0 { // part 0 holds part 1, which is all of the group
		if err := tree.Delete(t.ctx, t.tx, models.MakePair(s.Group, s.Part)); err != nil {
			return err
		}
	}
	if err := split(t, tree, head, &lower); err != nil {
		return err
	}
	return split(t, tree, head, &upper)
}

// merge applies changes, and returns by how many references the part has grown.
func (s *refRow) merge(changes refChanges) (more int) {
	refs := make([]uint64, 0, len(s.Refs)+len(changes))
	old := s.Refs
	for _, c := range changes {
		at, _ := slices.BinarySearch(old, c.ref)
		refs = append(refs, old[:at]...)
		old = old[at:]
		had := 0
		for had < len(old) && old[had] == c.ref {
			had++
		}
		old = old[had:]
		for range had + int(c.n) {
			refs = append(refs, c.ref)
		}
	}
	refs = append(refs, old...)
	more = len(refs) - len(s.Refs)
	s.Refs = refs
	return more
}

func getRefs(t *txn, tree *refTree, key refKey) (refRow, error) {
	s, err := tree.Get(t.ctx, t.tx, key)
	if errors.Is(err, models.ErrNotFound) || versioned.Damaged(err) { // Repair rebuilds the references
		return refRow{Group: key.First, Part: key.Second}, nil
	}
	return s, err
}

// putRefs stores a part that is not the first.
func putRefs(t *txn, tree *refTree, s *refRow) error {
	if len(s.Refs) == 0 {
		return tree.Delete(t.ctx, t.tx, models.MakePair(s.Group, s.Part))
	}
	return tree.Put(t.ctx, t.tx, s)
}

// timesRef returns how many times a reference is there.
func (t *txn) timesRef(tree *refTree, group uint32, ref uint64) (n int, err error) {
	s, err := getRefs(t, tree, models.MakePair(group, uint32(0)))
	if err == nil && s.Bits > 0 {
		s, err = findPart(t, tree, &s, ref)
	}
	at, _ := slices.BinarySearch(s.Refs, ref)
	for at+n < len(s.Refs) && s.Refs[at+n] == ref {
		n++
	}
	return n, err
}

// countRefs returns how many references a group has.
func countRefs(ctx context.Context, from models.Reader, tree *refTree, group uint32) (int, error) {
	head, err := tree.Get(ctx, from, models.MakePair(group, uint32(0)))
	if errors.Is(err, models.ErrNotFound) {
		err = nil
	}
	return int(head.Count), err
}

// ref is a reference, with how many times a group has it.
type ref struct {
	group uint32
	hash  uint64
	n     int
}

// refsIn yields the references of a range of groups, each hash once for its group.
func refsIn(ctx context.Context, from models.Reader, tree *refTree, groups models.Range[refKey]) iter.Seq2[ref, error] {
	return func(yield func(ref, error) bool) {
		for s, err := range tree.Range(ctx, from, groups) {
			if err != nil {
				yield(ref{}, err)
				return
			}
			for len(s.Refs) > 0 {
				n := 1
				for n < len(s.Refs) && s.Refs[n] == s.Refs[0] {
					n++
				}
				if !yield(ref{s.Group, s.Refs[0], n}, nil) {
					return
				}
				s.Refs = s.Refs[n:]
			}
		}
	}
}
