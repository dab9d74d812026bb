package shape

import (
	"fmt"
	"slices"
)

// Compare says how the schema next of a tree relates to s, as [Compare] does for their shapes.
// Next is newer as well if it has more indexes or topics. Schemas diverge if they differ in a key, a
// codec, the policy, in whether rows are merged or deletions travel, in the unit that the clock then has, or
// in an index that both have. They differ in the fields of a key, or in the clock, only if both say them.
// Versions of keys and indexes, and the age of tombstones, do not count. Compare returns an error that
// matches [ErrOtherTree] if they are of different trees.
func (s Schema) Compare(next Schema) (Relation, error) {
	if s.Tree != next.Tree {
		return Diverged, fmt.Errorf("%w: %s in place of %s", ErrOtherTree, next.Tree, s.Tree)
	}
	if s.Key != next.Key || s.Codec != next.Codec || s.Policy != next.Policy || s.Merged != next.Merged ||
		!s.Tombstones.fit(next.Tombstones) ||
		!s.sameFields(next, s.KeyFields, next.KeyFields) ||
		s.Clock != "" && next.Clock != "" && !s.sameField(next, s.Clock, next.Clock) {
		return Diverged, nil
	}
	shapes, indexes := Compare(s.Shape, next.Shape), s.compareIndexes(next)
	switch {
	case indexes == Same || indexes == shapes:
		return shapes, nil
	case shapes == Same:
		return indexes, nil
	default:
		return Diverged, nil
	}
}

func (s Schema) compareIndexes(next Schema) Relation {
	mine, theirs := s.withTopics(), next.withTopics()
	named := make(map[string]Index, len(mine))
	for _, ix := range mine {
		named[ix.Name] = ix
	}
	both := 0
	for _, ix := range theirs {
		switch before, found := named[ix.Name]; {
		case !found:
		case !s.sameIndex(next, before, ix):
			return Diverged
		default:
			both++
		}
	}
	switch {
	case both == len(mine) && both == len(theirs):
		return Same
	case both == len(mine):
		return Newer
	case both == len(theirs):
		return Older
	default:
		return Diverged
	}
}

// withTopics returns the indexes, and the topics as indexes.
func (s Schema) withTopics() []Index {
	all := slices.Clone(s.Indexes)
	for _, topic := range s.Topics {
		all = append(all, Index{Name: topic.Name, Kind: "topic"})
	}
	return all
}

// sameIndex reports whether the index a of s and b of next, which have one name, are the same.
func (s Schema) sameIndex(next Schema, a, b Index) bool {
	return a.Kind == b.Kind && a.Key == b.Key && a.Partial == b.Partial && a.Blind == b.Blind &&
		s.sameFields(next, a.Fields, b.Fields) && s.sameFields(next, a.Optional, b.Optional)
}

// sameFields reports whether the fields a of s and b of next are the same. Nil is nothing said.
func (s Schema) sameFields(next Schema, a, b []string) bool {
	return a == nil || b == nil ||
		slices.EqualFunc(a, b, func(a, b string) bool { return s.sameField(next, a, b) })
}

// sameField reports whether the field a of s is the field b of next, which one of them may have
// renamed.
func (s Schema) sameField(next Schema, a, b string) bool {
	wasNamed := func(s Schema, name, was string) bool {
		f := s.field(name)
		return f != nil && slices.Contains(f.Was, was)
	}
	return a == b || wasNamed(next, b, a) || wasNamed(s, a, b)
}
