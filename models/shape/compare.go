package shape

import "slices"

// Relation says how one shape relates to another.
type Relation uint8

const (
	// Same is the relation of shapes that have the same fields.
	Same Relation = iota
	// Newer is the relation of a shape to one that it [Type.Holds].
	Newer
	// Older is the relation of a shape to one that holds it.
	Older
	// Diverged is the relation of shapes neither of which holds the other.
	Diverged
)

// String returns same, newer, older or diverged.
func (r Relation) String() string {
	return [...]string{"same", "newer", "older", "diverged"}[min(r, Diverged)]
}

// Compare says how the shape next relates to the shape old: Newer if a store with rows of old
// can be opened with a model of the shape next, and nothing gets lost. Omit and Default do not
// count, as in [Type.Hash].
func Compare(old, next Type) Relation {
	switch {
	case old.Hash() == next.Hash():
		return Same
	case next.Holds(old):
		return Newer
	case old.Holds(next):
		return Older
	default:
		return Diverged
	}
}

// Holds reports whether every value of old can become a value of t without a loss: if both are
// the same; if t is a wider integer or float; if t is an Optional and its element holds old; or if
// both are a List, Map, Optional or Struct and the parts of t hold those of old. Where t has a Size,
// old has the same. A struct holds
// another one if it has a field for each of the other's: the one of the same name, or else one
// that Was named so.
func (t Type) Holds(old Type) bool {
	switch {
	case t.Kind == Optional && old.Kind == Optional:
		return t.Elem.Holds(*old.Elem)
	case t.Kind == Optional:
		return t.Elem.Holds(old)
	case t.Kind != old.Kind:
		return t.Kind.Widens(old.Kind)
	case t.Size != 0 && t.Size != old.Size:
		return false
	case t.Kind == List || t.Kind == Map:
		return t.Elem.Holds(*old.Elem)
	case t.Kind != Struct:
		return true
	}
	named := make(map[string]*Field, len(t.Fields))
	for i, f := range t.Fields {
		for _, was := range f.Was {
			named[was] = &t.Fields[i]
		}
	}
	for i, f := range t.Fields {
		named[f.Name] = &t.Fields[i]
	}
	return !slices.ContainsFunc(old.Fields, func(f Field) bool {
		now := named[f.Name]
		return now == nil || !now.Type.Holds(f.Type)
	})
}

// Widens reports whether k is a kind of wider numbers than old is: every number of old is one of k.
func (k Kind) Widens(old Kind) bool {
	switch old {
	case Uint8, Uint16, Uint32:
		return (k.unsigned() || k.signed()) && k.bits() > old.bits()
	case Int8, Int16, Int32:
		return k.signed() && k.bits() > old.bits()
	case Float32:
		return k == Float64
	default:
		return false
	}
}

func (k Kind) unsigned() bool { return k == Uint8 || k == Uint16 || k == Uint32 || k == Uint64 }
func (k Kind) signed() bool   { return k == Int8 || k == Int16 || k == Int32 || k == Int64 }
