package reshape

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Plan rewrites values from one shape to another. It may be used concurrently.
type Plan struct {
	root *node
	err  error
}

// Between returns the plan that rewrites values of the first version of history as values of the
// last; history has those between, too. The cost of a value does not depend on their number.
//
// A field takes the value of the field with its number. If the first version has none, it takes its
// default, which is that of the version that brought it in. Fields within it have their own defaults.
// Where there is no default it stays missing, which is how a value may have a zero. A field that is
// optional by now, and was not when it was brought in, then is zero and not null, as if the value had
// been stored in between. A byte string or list is null all the same, since an array's zero value
// cannot be told from its type. All of this holds for a field that the first version has and a value
// leaves out, but that this has no default.
//
// History has at least one version. If one does not pass Check, or the last does not follow the
// first, every Append of the plan returns an error; see [Plan.Err].
func Between(history []Version) *Plan {
	c := compiler{optional: make(map[uint32]bool)}
	var from, to *tree
	for _, v := range history {
		var err error
		if to, err = treeOf(v); err != nil {
			return &Plan{err: err}
		}
		if from == nil {
			from = to
		}
		for f := range to.walk {
			if _, ok := c.optional[f.id]; !ok {
				c.optional[f.id] = f.tree.kind == shape.Optional
			}
		}
	}
	n, err := c.compile(from, to)
	return &Plan{n, err}
}

// ByName returns the plan that rewrites values of shapes that are not known as values of to. A
// field takes the value of the field with its name, or else its default. Without one it stays
// missing, which is how a value may have a zero. Fields that to does not have are left out; they may
// be anything canonical. A field that to has must have its type.
func ByName(to shape.Type) *Plan {
	t, err := new(builder).tree(to, 0)
	if err != nil {
		return &Plan{err: err}
	}
	n, err := new(compiler).compileOpen(t)
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
	size int  // of a list or byte string, if all values have it
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
}

// compiler makes nodes.
type compiler struct {
	// optional tells by the number of a field whether it was optional when it was brought in.
	optional map[uint32]bool
}

// compile returns the node that rewrites values of from as values of to.
func (c *compiler) compile(from, to *tree) (*node, error) {
	n := &node{}
	for from.kind == shape.Optional {
		if to.kind != shape.Optional {
			return nil, misfit(from, to)
		}
		n.null, from, to = true, from.elem, to.elem
	}
	to = to.bare()
	if !holds(from, to, false) {
		return nil, misfit(from, to)
	}
	n.read(from)
	switch n.form {
	case formList, formMap:
		elem, err := c.compile(from.elem, to.elem)
		if err != nil {
			return nil, err
		}
		n.elem, n.same = elem, elem.same
	case formStruct:
		return n, c.compileFields(n, from.fields, to.fields)
	default:
		n.same = true
	}
	return n, nil
}

// read says which items n reads.
func (n *node) read(t *tree) {
	n.form = forms[t.kind]
	n.bits, n.size = integerBits(t.kind), t.size
	n.null = n.null || n.form == formTime
}

func misfit(from, to *tree) error {
	return fmt.Errorf("%w: a %s does not follow a %s", shape.ErrInvalid, to.kind, from.kind)
}

func (c *compiler) compileFields(n *node, from, to []*branch) error {
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
			if s.node, err = c.compile(f.tree, to[i].tree); err == nil {
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
			s.node, err = c.compile(f.tree, f.tree)
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
			entry, err := c.missing(to[next])
			if err != nil {
				return err
			}
			if entry != "" {
				steps = append(steps, step{add: entry, target: next})
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
func (c *compiler) compileOpen(t *tree) (*node, error) {
	n := &node{}
	for ; t.kind == shape.Optional; t = t.elem {
		n.null = true
	}
	n.read(t)
	switch n.form {
	case formList, formMap:
		elem, err := c.compileOpen(t.elem)
		if err != nil {
			return nil, err
		}
		n.elem, n.same, n.structs = elem, elem.same, elem.structs
	case formStruct:
		n.open, n.structs = true, true
		for _, f := range t.fields {
			within, err := c.compileOpen(f.tree)
			if err != nil {
				return nil, err
			}
			entry, err := c.missing(f)
			if err != nil {
				return nil, err
			}
			n.steps = append(n.steps, step{key: f.key, node: within, add: entry})
		}
	default:
		n.same = true
	}
	return n, nil
}

// left returns the key and the value of the field to if a value has left out from, which is rewritten
// by n. It returns nothing if the field stays missing.
func left(from, to *branch, n *node) (string, error) {
	var fields []byte
	if n.form == formStruct {
		var err error
		if fields, err = (&Plan{root: n}).Append(nil, []byte{emptyMap}); err != nil {
			return "", err
		}
	}
	return to.withKey(to.zero(from.tree.kind == shape.Optional, fields)), nil
}

// missing returns the key and the value of a field that a value does not have, or nothing if the
// field stays missing.
func (c *compiler) missing(f *branch) (string, error) {
	if f.Default != nil {
		n, err := new(compiler).compile(f.tree, f.tree)
		if err != nil {
			return "", err
		}
		if _, err := (&Plan{root: n}).Append(nil, f.Default); err != nil {
			return "", fmt.Errorf("default of the field %q: %w", f.Name, err)
		}
		if f.tree.kind != shape.Optional && string(f.Default) == zeroItems[forms[f.tree.kind]] {
			return "", nil
		}
		return f.withKey(string(f.Default)), nil
	}
	var fields []byte
	if t := f.tree.bare(); t.kind == shape.Struct {
		var err error
		if fields, err = c.missingFields(t.fields); err != nil {
			return "", err
		}
	}
	optional, ok := c.optional[f.id]
	return f.withKey(f.zero(optional || !ok && f.tree.kind == shape.Optional, fields)), nil
}

// missingFields returns a struct that a value does not have.
func (c *compiler) missingFields(fields []*branch) ([]byte, error) {
	count, entries := 0, ""
	for _, f := range fields {
		entry, err := c.missing(f)
		if err != nil {
			return nil, err
		}
		if entry != "" {
			count, entries = count+1, entries+entry
		}
	}
	return append(cbor.AppendHead(nil, cbor.Map, uint64(count)), entries...), nil
}

// zero returns what is written for a field that is zero in a type that was optional or not, or
// nothing if the field stays missing. Fields are those of a struct that is zero but for their
// defaults.
func (f *branch) zero(wasOptional bool, fields []byte) string {
	if wasOptional {
		return ""
	}
	optional := f.tree.kind == shape.Optional
	switch kind := f.tree.bare().kind; kind {
	case shape.Struct:
		if optional || len(fields) > 1 {
			return string(fields)
		}
		return ""
	case shape.Time, shape.Bytes, shape.List:
		return ""
	default:
		if !optional {
			return ""
		}
		return zeroItems[forms[kind]]
	}
}

// zeroItems are the zero values of scalars and maps.
var zeroItems = map[form]string{
	formUint: "\x00", formInt: "\x00", formBool: "\xF4", formFloat32: zeroFloat, formFloat64: zeroFloat,
	formText: "\x60", formMap: "\xA0",
}

const zeroFloat = "\xFB\x00\x00\x00\x00\x00\x00\x00\x00"

// withKey returns the key of a field and a value, or nothing if there is no value.
func (f *branch) withKey(value string) string {
	if value == "" {
		return ""
	}
	return f.key + value
}

// bare returns what an optional may hold, and other types as they are.
func (t *tree) bare() *tree {
	for t.kind == shape.Optional {
		t = t.elem
	}
	return t
}
