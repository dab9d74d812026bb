package dynamic

import (
	"fmt"

	"github.com/newsnet-africa/netabase-go/internal/dagjson"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Row is one row of a [Tree]. It is made by [Tree.ParseJSON] or [Tree.ParseCells], or read from a
// store. A Row does not change and may be copied; the zero Row is the row of no tree, and writing it
// returns models.ErrInvalid.
type Row struct {
	// value is canonical DAG-CBOR with all fields of the model.
	value []byte
	// key is the primary key in a tree whose values do not have it.
	key any
	of  *model
}

// model is what all rows of a tree have in common.
type model struct {
	*node
	// tree is the tree's full name.
	tree string
	// omits says that some fields may be left out of a value.
	omits bool
	// changes says that this may change one of them: see field.changes.
	changes bool
}

func newModel(tree string, t shape.Type) (*model, error) {
	root, err := newNode(t)
	if err != nil {
		return nil, err
	}
	m := &model{node: root, tree: tree}
	for n := range root.walk {
		for i := range n.fields {
			m.omits = m.omits || n.fields[i].Omit
			m.changes = m.changes || n.fields[i].Omit && n.fields[i].changes()
		}
	}
	return m, nil
}

// walk yields n and all nodes in it.
func (n *node) walk(yield func(*node) bool) { n.walkOn(yield) }

func (n *node) walkOn(yield func(*node) bool) bool {
	if !yield(n) || n.elem != nil && !n.elem.walkOn(yield) {
		return false
	}
	for i := range n.fields {
		if !n.fields[i].node.walkOn(yield) {
			return false
		}
	}
	return true
}

// AppendJSON appends the row as DAG-JSON, which is how datastore.Inspect shows it: a byte string is
// {"/":{"bytes":base64}}, a time is text of RFC 3339, and fields are in bytewise order. A field that is
// zero and has another default is there as well. [Tree.ParseJSON] reads the same row again. The key of an
// immutable tree, which the value does not have, is not in it. An error matches models.ErrInvalid: the
// row is the zero Row.
func (r *Row) AppendJSON(dst []byte) ([]byte, error) {
	if r.of == nil {
		return dst, errZeroRow
	}
	value := r.value
	if r.of.changes {
		var err error
		if value, err = r.of.fill(nil, value, true); err != nil {
			return dst, err
		}
	}
	return dagjson.Append(dst, value)
}

var errZeroRow = fmt.Errorf("%w: the zero Row is the row of no tree", models.ErrInvalid)

// codec writes the rows of a tree. Its bytes are those of models.DagCBOR for a Go type of the shape.
type codec struct{ model *model }

// Name implements models.Codec.
func (codec) Name() string { return dagCBOR }

const dagCBOR = "dag-cbor"

// Fields implements models.Codec.
func (c codec) Fields() []models.Field { return c.model.typ.Fields }

// Append implements models.Codec. It takes the row of another tree if that is one of this tree.
func (c codec) Append(dst []byte, r *Row) ([]byte, error) {
	if r.of == c.model {
		return append(dst, r.value...), nil
	}
	if r.of == nil {
		return dst, errZeroRow
	}
	out, err := c.model.fill(dst, r.value, false)
	if err == nil && string(out[len(dst):]) != string(r.value) {
		err = fmt.Errorf("%w: it lacks a field or has one too much", models.ErrInvalid)
	}
	if err != nil {
		return dst, fmt.Errorf("a row of %s is none of %s: %w", r.of.tree, c.model.tree, err)
	}
	return out, nil
}

// Decode implements models.Codec.
func (c codec) Decode(src []byte, r *Row) (err error) {
	*r, err = c.DecodeValue(src)
	return err
}

// DecodeValue implements models.ValueDecoder.
func (c codec) DecodeValue(src []byte) (Row, error) {
	room := make([]byte, 0, len(src))
	if !c.model.omits && c.model.typ.CheckValue(src) == nil {
		return Row{value: append(room, src...), of: c.model}, nil
	}
	value, err := c.model.fill(room, src, false)
	if err != nil {
		return Row{}, err
	}
	return Row{value: value, of: c.model}, nil
}
