package reshape

import (
	"fmt"
	"slices"
	"strings"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

const (
	// maxDepth is how deep structs, lists and maps may nest, in a value as in a shape.
	maxDepth = shape.MaxDepth
	// maxElements is how many elements a list or map may have.
	maxElements = 131_072
)

// Version is a schema version of a tree. It does not change once it has been made.
type Version struct {
	// Shape is the shape of the model.
	Shape shape.Type
	// IDs has the number of each field of each struct in Shape, in the order of a walk that visits
	// a field before those within it, and fields of one struct in the order in which they are
	// stored. No two are the same, and none is 0.
	IDs []uint32
}

// First returns the first version of a tree. Its fields are numbered from 1 on. Its shape has its
// fields in the order in which they are stored, and nothing of earlier names. The first version of a
// shape that is no model's does not pass Check.
func First(t shape.Type) Version {
	v, _ := Next(Version{Shape: shape.StructOf()}, 0, t, Options{})
	return v
}

// Check returns an error that matches [shape.ErrInvalid] for a version that cannot be used: a shape
// out of bounds, two fields of one name, or numbers that do not belong to the fields.
func (v Version) Check() error {
	_, err := treeOf(v)
	return err
}

// tree is a type with all that a walk over it needs.
type tree struct {
	kind   shape.Kind
	size   int // of a list or byte string, if all values have it
	elem   *tree
	fields []*branch // of a struct, in stored order
}

// branch is a field of a struct.
type branch struct {
	shape.Field
	key  string // the name, encoded
	id   uint32
	tree *tree
}

// treeOf returns the tree of a version.
func treeOf(v Version) (*tree, error) {
	b := builder{}
	t, err := b.tree(v.Shape, 0)
	if err != nil {
		return nil, err
	}
	if b.fields != len(v.IDs) {
		return nil, fmt.Errorf("%w: a shape of %d fields has %d numbers", shape.ErrInvalid, b.fields, len(v.IDs))
	}
	seen := make(map[uint32]bool, b.fields)
	for f := range t.walk {
		f.id, v.IDs = v.IDs[0], v.IDs[1:]
		if f.id == 0 || seen[f.id] {
			return nil, fmt.Errorf("%w: the field %q has the number %d, which is 0 or another field's", shape.ErrInvalid,
				f.Name, f.id)
		}
		seen[f.id] = true
	}
	return t, nil
}

// builder makes trees. It counts their fields, and numbers them for want of better numbers.
type builder struct{ fields int }

// tree returns the tree of a type. Depth is that of the structs, lists and maps around it.
func (b *builder) tree(t shape.Type, depth int) (*tree, error) {
	out := &tree{kind: t.Kind, size: t.Size}
	switch t.Kind {
	case shape.Uint8, shape.Uint16, shape.Uint32, shape.Uint64, shape.Int8, shape.Int16, shape.Int32, shape.Int64,
		shape.Bool, shape.Float32, shape.Float64, shape.String, shape.Bytes, shape.Time:
		return out, nil
	case shape.Optional:
		if t.Elem != nil && t.Elem.Kind == shape.Optional {
			return nil, fmt.Errorf("%w: an optional holds an optional", shape.ErrInvalid)
		}
	case shape.List, shape.Map, shape.Struct:
		if depth++; depth > maxDepth {
			return nil, fmt.Errorf("%w: a shape nests more than %d deep", shape.ErrInvalid, maxDepth)
		}
	default:
		return nil, fmt.Errorf("%w: no type is of the kind %.40q", shape.ErrInvalid, t.Kind)
	}
	if t.Kind != shape.Struct {
		if t.Elem == nil {
			return nil, fmt.Errorf("%w: the type %s has no elements", shape.ErrInvalid, t.Kind)
		}
		elem, err := b.tree(*t.Elem, depth)
		out.elem = elem
		return out, err
	}
	out.fields = make([]*branch, len(t.Fields))
	for i, f := range t.Fields {
		if b.fields == shape.MaxFields {
			return nil, fmt.Errorf("%w: a shape has more than %d fields", shape.ErrInvalid, shape.MaxFields)
		}
		within, err := b.tree(f.Type, depth)
		if err != nil {
			return nil, err
		}
		b.fields++
		out.fields[i] = &branch{Field: f, key: string(cbor.AppendText(nil, f.Name)), id: uint32(b.fields), tree: within}
	}
	slices.SortFunc(out.fields, func(a, b *branch) int { return strings.Compare(a.key, b.key) })
	for i := 1; i < len(out.fields); i++ {
		if out.fields[i].key == out.fields[i-1].key {
			return nil, fmt.Errorf("%w: two fields are named %q", shape.ErrInvalid, out.fields[i].Name)
		}
	}
	return out, nil
}

// walk yields all fields, each before those within it.
func (t *tree) walk(yield func(*branch) bool) { t.walkOn(yield) }

func (t *tree) walkOn(yield func(*branch) bool) bool {
	if t.elem != nil {
		return t.elem.walkOn(yield)
	}
	for _, f := range t.fields {
		if !yield(f) || !f.tree.walkOn(yield) {
			return false
		}
	}
	return true
}

// version returns the version that t stands for.
func (t *tree) version() Version {
	v := Version{Shape: t.shape()}
	for f := range t.walk {
		v.IDs = append(v.IDs, f.id)
	}
	return v
}

// shape returns the type that t stands for, without earlier names.
func (t *tree) shape() shape.Type {
	out := t.outline()
	if t.elem != nil {
		*out.Elem = t.elem.shape()
	}
	for _, f := range t.fields {
		out.Fields = append(out.Fields, shape.Field{Name: f.Name, Type: f.tree.shape(), Omit: f.Omit, Default: f.Default})
	}
	return out
}

// outline is the shape with structs that have no fields.
func (t *tree) outline() shape.Type {
	out := shape.Type{Kind: t.kind, Size: t.size}
	if t.elem != nil {
		elem := t.elem.outline()
		out.Elem = &elem
	}
	return out
}
