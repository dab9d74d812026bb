package dynamic

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// node is a type of a model, with all that reading and writing its values needs.
type node struct {
	typ shape.Type
	// elem is of a list, a map or an optional.
	elem *node
	// fields are those of a struct, in the order in which they are encoded.
	fields []field
	// structs says that values may have structs in them.
	structs bool
	// text is the codec by which people write a byte string.
	text models.KeyCodec[any]
}

// field is a field of a struct.
type field struct {
	shape.Field
	// key is the name, encoded.
	key  string
	node *node
	// zero is the encoded zero value.
	zero []byte
}

// maxZero bounds the zero value of a model, in bytes. Arrays in a schema file may have any length.
const maxZero = 1 << 20

// bytesText is the codec by which people write byte strings that are no other keys.
var bytesText = models.Untyped(models.Bytes)

// newNode returns the node of a type for which Check returns nil.
func newNode(t shape.Type) (*node, error) {
	if zeroSize(t) > maxZero {
		return nil, fmt.Errorf("its zero value has more than %d bytes", maxZero)
	}
	return makeNode(t), nil
}

func makeNode(t shape.Type) *node {
	n := &node{typ: t, structs: t.Kind == shape.Struct}
	switch {
	case t.Kind == shape.Bytes:
		n.text = bytesText
	case t.Elem != nil:
		n.elem = makeNode(*t.Elem)
		n.structs, n.typ.Elem = n.elem.structs, &n.elem.typ
	}
	for _, f := range t.Fields {
		within := makeNode(f.Type)
		n.fields = append(n.fields, field{
			Field: f, key: string(cbor.AppendText(nil, f.Name)), node: within, zero: within.appendZero(nil),
		})
	}
	slices.SortFunc(n.fields, func(a, b field) int { return strings.Compare(a.key, b.key) })
	n.typ.Fields = slices.Clone(t.Fields)
	for i := range n.fields { // in this order CheckValue need not sort them each time
		n.fields[i].Type = n.fields[i].node.typ
		n.typ.Fields[i] = n.fields[i].Field
	}
	return n
}

// zeroSize returns how many bytes the zero value of a type has, or more than maxZero.
func zeroSize(t shape.Type) int {
	size := 9
	switch t.Kind {
	case shape.Bytes:
		size += min(t.Size, maxZero)
	case shape.List:
		elem := zeroSize(*t.Elem)
		if t.Size > maxZero/elem {
			return maxZero + 1
		}
		size += t.Size * elem
	case shape.Struct:
		for _, f := range t.Fields {
			if size += 9 + len(f.Name) + zeroSize(f.Type); size > maxZero {
				break
			}
		}
	}
	return min(size, maxZero+1)
}

// appendZero appends the zero value of the node's type. A type that marshals itself is taken to do so
// with no bytes or characters.
func (n *node) appendZero(dst []byte) []byte {
	switch n.typ.Kind {
	case shape.Bool:
		return append(dst, cbor.False)
	case shape.Float32, shape.Float64:
		return append(dst, cbor.Float64, 0, 0, 0, 0, 0, 0, 0, 0)
	case shape.String:
		return append(dst, cbor.Text<<5)
	case shape.Bytes:
		dst = cbor.AppendHead(dst, cbor.Bytes, uint64(n.typ.Size))
		return append(dst, make([]byte, n.typ.Size)...)
	case shape.Time, shape.Optional:
		return append(dst, cbor.Null)
	case shape.List:
		dst = cbor.AppendHead(dst, cbor.List, uint64(n.typ.Size))
		for range n.typ.Size {
			dst = n.elem.appendZero(dst)
		}
		return dst
	case shape.Map:
		return append(dst, cbor.Map<<5)
	case shape.Struct:
		count := uint64(0)
		for i := range n.fields {
			if !n.fields[i].Omit {
				count++
			}
		}
		dst = cbor.AppendHead(dst, cbor.Map, count)
		for i := range n.fields {
			if f := &n.fields[i]; !f.Omit {
				dst = append(append(dst, f.key...), f.zero...)
			}
		}
		return dst
	default:
		return append(dst, 0)
	}
}

// isZero reports whether an item is the zero value of the field's type. -0 is, as it is for Go.
func (f *field) isZero(item []byte) bool {
	return string(item) == string(f.zero) || string(item) == negativeZero
}

const negativeZero = "\xFB\x80\x00\x00\x00\x00\x00\x00\x00"

// named returns the number of the field with a name, or -1.
func (n *node) named(name string) int {
	i, found := slices.BinarySearchFunc(n.fields, name, func(f field, name string) int {
		if len(f.Name) != len(name) {
			return len(f.Name) - len(name)
		}
		return strings.Compare(f.Name, name)
	})
	if !found {
		return -1
	}
	return i
}

// inner returns what an optional may hold, and other types as they are.
func (n *node) inner() *node {
	if n.typ.Kind == shape.Optional {
		return n.elem
	}
	return n
}

// pathError is an error at a path in a value.
type pathError struct {
	path string
	err  error
}

func (e *pathError) Error() string { return strings.TrimPrefix(e.path, ".") + ": " + e.err.Error() }

func (e *pathError) Unwrap() error { return e.err }

// in adds what leads to a value to the path of an error: ".Name" for a field, "[2]" for an element.
func in(step string, err error) error {
	var at *pathError
	if errors.As(err, &at) {
		at.path = step + at.path
		return err
	}
	return &pathError{step, err}
}

// inField is in for a field, or a value of a map.
func inField(name string, err error) error {
	switch {
	case name == "":
		name = `""`
	case len(name) > 40:
		name = fmt.Sprintf("%.40q…", name)
	}
	return in("."+name, err)
}

func inElement(i int, err error) error { return in(fmt.Sprintf("[%d]", i), err) }

// invalid makes err match models.ErrInvalid.
func invalid(err error) error {
	if err == nil || errors.Is(err, models.ErrInvalid) {
		return err
	}
	return fmt.Errorf("%w: %w", models.ErrInvalid, err)
}
