package record

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/newsnet-africa/netabase-go/models"
)

// Provider records are found by peer and by time through references: the hash of
// the provided key, once for each offer, in the group of the peer or the minute.
// An index entry for each would take ten times the space, since it is nearly all
// overhead. So a row has many of them, but never more than some hundreds: a group
// that has more is divided by the first bits of the hashes.
//
// References are in no index of package models, so that Verify does not know of
// them. Records.Check compares them with the rows, and Scrub makes them anew.

// RefSet is a row of references.
type RefSet struct {
	// Group is what they have in common: the number of a peer, or of a minute.
	Group uint32
	// Part is 0 for the first row of a group, and otherwise one more than the
	// number that the first bits of the row's references are.
	Part uint32
	// Count is how many references the group has, and Bits by how many bits it
	// is divided. Only part 0 has them, and if Bits is not 0 nothing else.
	Count uint64
	Bits  uint8
	// Refs are in order. An offer more of the same key is the same hash again.
	Refs []uint64
}

// RefKey is the primary key of a RefSet: its Group, then its Part.
type RefKey = models.Pair[uint32, uint32]

// refTree is a tree of references.
type refTree = models.Tree[RefSet, RefKey]

func newRefTree(name string) *refTree {
	return models.NewTree(name, models.PairOf(models.Uint32, models.Uint32),
		func(s *RefSet) RefKey { return models.MakePair(s.Group, s.Part) },
		models.WithCodec(models.Codec[RefSet](refCodec{})),
		models.WithKey(func(s *RefSet, key RefKey) { s.Group, s.Part = key.First, key.Second }))
}

var (
	// Shares has what each peer provides.
	Shares = newRefTree("share")
	// Arrivals has the offers by the minute in which they came, the oldest first.
	// What expires in days needs no more.
	Arrivals = newRefTree("arrival")
)

const (
	// refsInPart is how many references a part takes before its group is divided
	// further, as long as there are refsInPart/4 to a part on average: hashes do
	// not crowd.
	refsInPart = 256
	maxRefBits = 24
)

// refCodec writes of part 0 Count and Bits, and of each reference by how much it
// is more than the one before. Numbers are varints.
type refCodec struct{}

func (refCodec) Name() string { return "libp2p-refs" }

func (refCodec) Fields() []models.Field { return nil }

func (refCodec) Append(dst []byte, s *RefSet) ([]byte, error) {
	dst = binary.AppendUvarint(dst, s.Count)
	dst = append(dst, s.Bits)
	before := uint64(0)
	for _, ref := range s.Refs {
		dst = binary.AppendUvarint(dst, ref-before)
		before = ref
	}
	return dst, nil
}

func (refCodec) Decode(src []byte, s *RefSet) error {
	*s = RefSet{}
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
		s.Refs = append(s.Refs, ref)
	}
	return nil
}

// refChange is a reference that is to be there a number of times more or, if exact
// is set, just as many times.
type refChange struct {
	ref   uint64
	group uint32
	n     int16
	exact bool
}

// refChanges are those of some transactions.
type refChanges []refChange

func (c *refChanges) add(group uint32, ref uint64, n int) {
	*c = append(*c, refChange{ref: ref, group: group, n: int16(n)})
}

func (c *refChanges) set(group uint32, ref uint64, n int) {
	*c = append(*c, refChange{ref: ref, group: group, n: int16(n), exact: true})
}

// compact puts the changes in order, each reference once.
func (c refChanges) compact() refChanges {
	slices.SortStableFunc(c, func(a, b refChange) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.ref, b.ref))
	})
	done := c[:0]
	for _, change := range c {
		if n := len(done); n > 0 && done[n-1].group == change.group && done[n-1].ref == change.ref {
			if change.exact {
				done[n-1] = change
			} else {
				done[n-1].n += change.n
			}
			continue
		}
		done = append(done, change)
	}
	return done
}

// group returns how many changes from the first on are of one group.
func (c refChanges) group() (n int) {
	for n < len(c) && c[n].group == c[0].group {
		n++
	}
	return n
}

// file makes changes, which are in order, in a tree of references, and calls
// emptied with every group that has none afterwards.
func (c refChanges) file(l *ledger, tree *refTree, emptied func(group uint32) error) error {
	for len(c) > 0 {
		n := c.group()
		left, err := fileGroup(l, tree, c[:n])
		if err == nil && left == 0 {
			err = emptied(c[0].group)
		}
		if err != nil {
			return err
		}
		c = c[n:]
	}
	return nil
}

// fileGroup makes the changes of one group, and returns how many references it has
// afterwards.
func fileGroup(l *ledger, tree *refTree, changes refChanges) (left uint64, err error) {
	group := changes[0].group
	head, err := getRefs(l, tree, models.MakePair(group, uint32(0)))
	if err != nil {
		return 0, err
	}
	before := head.Count
	if head.Bits == 0 {
		head.Count += uint64(head.merge(changes))
	} else if err := fileParts(l, tree, &head, changes); err != nil {
		return 0, err
	}
	if head.Count == 0 {
		if before == 0 {
			return 0, nil
		}
		return 0, tree.Delete(l.ctx, l.tx, models.MakePair(group, uint32(0)))
	}
	if head.Bits == 0 && len(head.Refs) > refsInPart {
		refs := head.Refs
		head.Refs = nil
		if err := divide(l, tree, &head, refs, 0); err != nil {
			return 0, err
		}
	}
	return head.Count, tree.Put(l.ctx, l.tx, &head)
}

// fileParts makes the changes of a group that is divided.
func fileParts(l *ledger, tree *refTree, head *RefSet, changes refChanges) error {
	crowded := false
	for len(changes) > 0 {
		part := head.part(changes[0].ref)
		n := 1
		for n < len(changes) && head.part(changes[n].ref) == part {
			n++
		}
		s, err := getRefs(l, tree, models.MakePair(head.Group, part))
		if err != nil {
			return err
		}
		head.Count += uint64(s.merge(changes[:n]))
		if err := putRefs(l, tree, &s); err != nil {
			return err
		}
		crowded = crowded || len(s.Refs) > refsInPart
		changes = changes[n:]
	}
	if !crowded || head.Count < refsInPart/4<<head.Bits {
		return nil
	}
	// All of the group is read here, each time that it has become twice as large.
	var refs []uint64
	for part := range uint32(1) << head.Bits {
		s, err := getRefs(l, tree, models.MakePair(head.Group, part+1))
		if err != nil {
			return err
		}
		refs = append(refs, s.Refs...)
	}
	return divide(l, tree, head, refs, uint32(1)<<head.Bits)
}

// divide writes the references of a group as parts, in place of the first had
// parts.
func divide(l *ledger, tree *refTree, head *RefSet, refs []uint64, had uint32) error {
	for head.Bits < maxRefBits && len(refs)>>head.Bits > refsInPart/4 {
		head.Bits++
	}
	for part := range uint32(1) << head.Bits {
		s := RefSet{Group: head.Group, Part: part + 1}
		n, _ := slices.BinarySearchFunc(refs, part+1, func(ref uint64, part uint32) int {
			return cmp.Compare(head.part(ref), part+1)
		})
		s.Refs, refs = refs[:n], refs[n:]
		if n == 0 && part >= had {
			continue
		}
		if err := putRefs(l, tree, &s); err != nil {
			return err
		}
	}
	return nil
}

// part returns the part of a divided group that a reference belongs to.
func (s *RefSet) part(ref uint64) uint32 { return uint32(ref>>(64-s.Bits)) + 1 }

// merge makes changes, and returns how many references there are more.
func (s *RefSet) merge(changes refChanges) (more int) {
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
		want := int(c.n)
		if !c.exact {
			want += had
		}
		for range max(want, 0) {
			refs = append(refs, c.ref)
		}
	}
	refs = append(refs, old...)
	more = len(refs) - len(s.Refs)
	s.Refs = refs
	return more
}

func getRefs(l *ledger, tree *refTree, key RefKey) (RefSet, error) {
	s, err := tree.Get(l.ctx, l.tx, key)
	if errors.Is(err, models.ErrNotFound) || errors.Is(err, models.ErrCorrupt) { // Scrub makes them anew
		return RefSet{Group: key.First, Part: key.Second}, nil
	}
	return s, err
}

// putRefs stores a part that is not the first.
func putRefs(l *ledger, tree *refTree, s *RefSet) error {
	if len(s.Refs) == 0 {
		return tree.Delete(l.ctx, l.tx, models.MakePair(s.Group, s.Part))
	}
	return tree.Put(l.ctx, l.tx, s)
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

// refsIn yields the references of a range of groups, each once.
func refsIn(ctx context.Context, from models.Reader, tree *refTree, groups models.Range[RefKey]) iter.Seq2[ref, error] {
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
