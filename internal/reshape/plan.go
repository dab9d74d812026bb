package reshape

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Plan rewrites values from one shape to another. It may be used concurrently.
type Plan struct {
	root *node
	err  error
}

// Between returns the plan that rewrites values of the first version of history as values of the
// last. What a value costs does not depend on how many versions lie between. A field takes the value
// of the field with its number. If the first version has none, it takes its default, which is that
// of the version that brought it in, or else the zero value; fields within it have their own
// defaults. A field that the first version has, and that is missing in a value, is zero there. It
// stays missing if it is zero in the last version, too.
//
// History has at least one version. If it has one that does not pass Check, or the last does not
// follow the first, every Append of the plan returns an error; see [Plan.Err].
func Between(history []Version) *Plan {
	from, err := treeOf(history[0])
	if err != nil {
		return &Plan{err: err}
	}
	to, err := treeOf(history[len(history)-1])
	if err != nil {
		return &Plan{err: err}
	}
	n, err := compile(from, to)
	return &Plan{n, err}
}

// ByName returns the plan that rewrites values of shapes that are not known as values of to. A
// field takes the value of the field with its name, or else its default or zero value. Fields that
// to does not have are left out; they may be anything canonical. A field that to has must have its
// type.
func ByName(to shape.Type) *Plan {
	t, err := new(builder).tree(to, 1)
	if err != nil {
		return &Plan{err: err}
	}
	n, err := compileOpen(t)
	return &Plan{n, err}
}

// Same reports whether the plan changes no value that has its shape. Then Append only checks and
// copies.
func (p *Plan) Same() bool { return p.err == nil && p.root.same }

// Err returns why the plan cannot rewrite anything, or nil.
func (p *Plan) Err() error { return p.err }

// form is what a kind looks like when it is encoded.
type form uint8

const (
	formUint form = iota
	formInt
	formBool
	formFloat32
	formFloat64
	formText
	formBytes
	formTime
	formList
	formMap
	formStruct
)

var forms = map[shape.Kind]form{
	shape.Uint8: formUint, shape.Uint16: formUint, shape.Uint32: formUint, shape.Uint64: formUint,
	shape.Int8: formInt, shape.Int16: formInt, shape.Int32: formInt, shape.Int64: formInt,
	shape.Bool: formBool, shape.Float32: formFloat32, shape.Float64: formFloat64, shape.String: formText,
	shape.Bytes: formBytes, shape.Time: formTime, shape.List: formList, shape.Map: formMap, shape.Struct: formStruct,
}

// node tells how values of one type are read and rewritten.
type node struct {
	form form
	bits int  // of an integer
	null bool // null is a value
	same bool // values are written as they are read
	elem *node
	// structs says that values may have structs in them, of which not all fields may be known.
	structs bool
	// Of a struct:
	steps []step
	open  bool // the source may have fields that are not known
	// order has the numbers of the steps in the order of the result, if that is another.
	order []int
	// more is how many more fields the result has than the source if no field is missing.
	more int
}

// step is a field of the source, in the order of the source, or one that is added between.
type step struct {
	// key is the field's key in the source, encoded. Empty for a field that is added.
	key  string
	node *node
	// drop says that the result does not have the field.
	drop bool
	// rename is the field's key in the result, if that is another.
	rename string
	// add is the key and the value of a field that is added: always if key is empty, and otherwise
	// where the source does not have it. A field without one then stays missing.
	add string
	// target is the place of the field among those of the result.
	target int
	// empty is the zero value of a field that is left out of values where it is empty.
	empty string
}

// compile returns the node that rewrites values of from as values of to.
func compile(from, to *tree) (*node, error) {
	n := &node{}
	for from.kind == shape.Optional {
		if to.kind != shape.Optional {
			return nil, misfit(from, to)
		}
		n.null, from, to = true, from.elem, to.elem
	}
	for to.kind == shape.Optional {
		to = to.elem
	}
	if !holds(from, to, false) {
		return nil, misfit(from, to)
	}
	n.read(from)
	switch n.form {
	case formList, formMap:
		elem, err := compile(from.elem, to.elem)
		if err != nil {
			return nil, err
		}
		n.elem, n.same = elem, elem.same
	case formStruct:
		return n, n.compileFields(from.fields, to.fields)
	default:
		n.same = true
	}
	return n, nil
}

// read says which items n reads.
func (n *node) read(t *tree) {
	n.form = forms[t.kind]
	n.bits, _ = integer(t.kind)
	n.null = n.null || n.form == formTime
}

// left returns the key and the value of the field to if a value has left out from, since it was
// zero. It returns nothing if that is the zero value of to and may be left out as well.
func left(from, to *branch, n *node) (string, error) {
	value, err := (&Plan{root: n}).Append(nil, from.appendZero(nil))
	if err != nil || (to.Omit || !from.Omit) && bytes.Equal(value, to.appendZero(nil)) {
		return "", err
	}
	return to.key + string(value), nil
}

func misfit(from, to *tree) error {
	return fmt.Errorf("%w: a %s does not follow a %s", shape.ErrInvalid, to.kind, from.kind)
}

func (n *node) compileFields(from, to []*branch) error {
	target := make(map[uint32]int, len(to))
	for i, f := range to {
		target[f.id] = i
	}
	kept := make([]bool, len(to))
	n.same = true
	last, sorted := -1, true
	for _, f := range from {
		s := step{key: f.key, target: -1}
		var err error
		if i, ok := target[f.id]; ok {
			kept[i], s.target = true, i
			if s.node, err = compile(f.tree, to[i].tree); err == nil {
				s.add, err = left(f, to[i], s.node)
			}
			if to[i].key != f.key {
				s.rename, n.same = to[i].key, false
			}
			sorted = sorted && i > last
			last = i
		} else {
			s.drop, n.same = true, false
			n.more--
			s.node, err = compile(f.tree, f.tree)
		}
		if err != nil {
			return err
		}
		n.same = n.same && s.node.same && s.add == ""
		n.steps = append(n.steps, s)
	}
	// Added fields come before the first field that is taken over and has a later place.
	var steps []step
	next := 0
	addUntil := func(end int) error {
		for ; next < end; next++ {
			if kept[next] {
				continue
			}
			value, err := to[next].missing()
			if err != nil {
				return err
			}
			if value != "" {
				steps = append(steps, step{add: to[next].key + value, target: next})
				n.more++
				n.same = false
			}
		}
		return nil
	}
	for _, s := range n.steps {
		if err := addUntil(s.target); err != nil {
			return err
		}
		steps = append(steps, s)
	}
	if err := addUntil(len(to)); err != nil {
		return err
	}
	n.steps = steps
	if !sorted {
		for i, s := range steps {
			if !s.drop {
				n.order = append(n.order, i)
			}
		}
		slices.SortFunc(n.order, func(a, b int) int { return cmp.Compare(steps[a].target, steps[b].target) })
	}
	return nil
}

// compileOpen returns the node that reads values by the names of their fields.
func compileOpen(t *tree) (*node, error) {
	n := &node{}
	for ; t.kind == shape.Optional; t = t.elem {
		n.null = true
	}
	n.read(t)
	switch n.form {
	case formList, formMap:
		elem, err := compileOpen(t.elem)
		if err != nil {
			return nil, err
		}
		n.elem, n.same, n.structs = elem, elem.same, elem.structs
	case formStruct:
		n.open, n.structs = true, true
		for _, f := range t.fields {
			within, err := compileOpen(f.tree)
			if err != nil {
				return nil, err
			}
			value, err := f.missing()
			if err != nil {
				return nil, err
			}
			s := step{key: f.key, node: within}
			if value != "" {
				s.add = f.key + value
			}
			if f.Omit {
				s.empty = string(f.appendZero(nil))
			}
			n.steps = append(n.steps, s)
		}
	default:
		n.same = true
	}
	return n, nil
}

// missing returns the value of a field that a row does not have, or nothing if the field is then left
// out of the row.
func (f *branch) missing() (string, error) {
	value, err := f.appendMissing(nil)
	if err != nil || f.Omit && bytes.Equal(value, f.appendZero(nil)) {
		return "", err
	}
	return string(value), nil
}

// appendMissing appends the default of a field, or else its zero value, with the defaults of the
// fields within it.
func (f *branch) appendMissing(dst []byte) ([]byte, error) {
	if f.Default == nil {
		if f.tree.kind == shape.Struct {
			return f.tree.appendStruct(dst)
		}
		return f.appendZero(dst), nil
	}
	n, err := compile(f.tree, f.tree)
	if err != nil {
		return dst, err
	}
	if _, err := (&Plan{root: n}).Append(nil, f.Default); err != nil {
		return dst, fmt.Errorf("default of the field %q: %w", f.Name, err)
	}
	return append(dst, f.Default...), nil
}

// appendStruct appends a struct whose fields are all missing.
func (t *tree) appendStruct(dst []byte) ([]byte, error) {
	var fields []string
	for _, f := range t.fields {
		value, err := f.missing()
		if err != nil {
			return dst, err
		}
		if value != "" {
			fields = append(fields, f.key, value)
		}
	}
	dst = appendHead(dst, majorMap, uint64(len(fields)/2))
	for _, s := range fields {
		dst = append(dst, s...)
	}
	return dst, nil
}

// appendZero appends the zero value of a field. A byte string or a list may have one that is not
// empty, that of an array; its default is then that value, since none can be declared.
func (f *branch) appendZero(dst []byte) []byte {
	if f.Default != nil && (f.tree.kind == shape.Bytes || f.tree.kind == shape.List) {
		return append(dst, f.Default...)
	}
	return f.tree.appendZero(dst)
}

// appendZero appends the zero value of a type, without declared defaults.
func (t *tree) appendZero(dst []byte) []byte {
	switch t.kind {
	case shape.Bool:
		return append(dst, itemFalse)
	case shape.Float32, shape.Float64:
		return append(dst, itemFloat64, 0, 0, 0, 0, 0, 0, 0, 0)
	case shape.String:
		return appendHead(dst, majorText, 0)
	case shape.Bytes:
		return appendHead(dst, majorBytes, 0)
	case shape.List:
		return appendHead(dst, majorList, 0)
	case shape.Map:
		return appendHead(dst, majorMap, 0)
	case shape.Time, shape.Optional:
		return append(dst, itemNull)
	case shape.Struct:
		count := 0
		for _, f := range t.fields {
			if !f.Omit {
				count++
			}
		}
		dst = appendHead(dst, majorMap, uint64(count))
		for _, f := range t.fields {
			if !f.Omit {
				dst = f.appendZero(append(dst, f.key...))
			}
		}
		return dst
	default: // an integer
		return appendHead(dst, majorUint, 0)
	}
}
