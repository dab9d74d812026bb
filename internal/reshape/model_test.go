package reshape

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

// The model of this test knows which field of a version is which of another because the test has
// made the change, and converts values step by step, as plain Go maps and lists.

// mtype is a type of the model, and mfield a field of it.
type mtype struct {
	kind   shape.Kind
	elem   *mtype
	fields []*mfield
}

type mfield struct {
	ident int // the same in all versions
	name  string
	was   []string
	omit  bool
	def   any // nil for none
	typ   *mtype
}

func (t *mtype) shape() shape.Type {
	out := shape.Type{Kind: t.kind}
	if t.elem != nil {
		elem := t.elem.shape()
		out.Elem = &elem
	}
	for _, f := range t.fields {
		field := shape.Field{Name: f.name, Was: f.was, Omit: f.omit, Type: f.typ.shape()}
		if f.def != nil {
			field.Default = encode(f.def)
		}
		out.Fields = append(out.Fields, field)
	}
	return out
}

// absent is the zero value of a byte string or list that a value does not have. It may be that of an
// array, so it is not the empty one.
type absent struct{}

// zero is the zero value of t.
func (t *mtype) zero() any {
	switch t.kind {
	case shape.Bool:
		return false
	case shape.Float32, shape.Float64:
		return 0.0
	case shape.String:
		return ""
	case shape.Bytes, shape.List:
		return absent{}
	case shape.Time, shape.Optional:
		return nil
	case shape.Map:
		return object{}
	case shape.Struct:
		v := object{}
		for _, f := range t.fields {
			v[f.name] = f.typ.zero()
		}
		return v
	default:
		return 0
	}
}

// missing is the value of a field that a value does not have.
func (f *mfield) missing() any {
	switch {
	case f.def != nil:
		return f.def
	case f.typ.kind != shape.Struct:
		return f.typ.zero()
	}
	v := object{}
	for _, f := range f.typ.fields {
		v[f.name] = f.missing()
	}
	return v
}

// rewrite makes a value of t. Of each struct in v, which is a value of from, field returns the type of
// the value and the value that a field takes.
func (t *mtype) rewrite(from *mtype, v any, field func(from *mtype, v object, f *mfield) (*mtype, any)) any {
	switch {
	case v == nil:
		return nil
	case v == absent{}:
		if t.kind == shape.Optional {
			return nil
		}
		return v
	}
	t, from = t.bare(), from.bare()
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, elem := range v {
			out = append(out, t.elem.rewrite(from.elem, elem, field))
		}
		return out
	case object:
		out := object{}
		if t.kind == shape.Map {
			for key, elem := range v {
				out[key] = t.elem.rewrite(from.elem, elem, field)
			}
			return out
		}
		for _, f := range t.fields {
			if within, value := field(from, v, f); within == nil {
				out[f.name] = f.missing()
			} else {
				out[f.name] = f.typ.rewrite(within, value, field)
			}
		}
		return out
	default:
		return v
	}
}

// convert makes a value of the type to from one of t, of which to is the next version. Both have all
// fields.
func (t *mtype) convert(to *mtype, v any) any {
	return to.rewrite(t, v, func(from *mtype, v object, f *mfield) (*mtype, any) {
		for _, g := range from.fields {
			if g.ident == f.ident {
				return g.typ, v[g.name]
			}
		}
		return nil, nil
	})
}

// full adds to a value of t the fields that it does not have, which are zero.
func (t *mtype) full(v any) any {
	return t.rewrite(t, v, func(_ *mtype, v object, f *mfield) (*mtype, any) {
		if value, ok := v[f.name]; ok {
			return f.typ, value
		}
		return f.typ, f.typ.zero()
	})
}

// byName makes a value of t from one of another type, of which all that t has is of its type.
func (t *mtype) byName(v any) any {
	return t.rewrite(t, v, func(_ *mtype, v object, f *mfield) (*mtype, any) {
		if value, ok := v[f.name]; ok {
			return f.typ, value
		}
		return nil, nil
	})
}

// lean is a value without the fields that are zero.
func (t *mtype) lean(v any) any {
	t = t.bare()
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, elem := range v {
			out = append(out, t.elem.lean(elem))
		}
		return out
	case object:
		out := object{}
		for key, value := range v {
			if t.kind == shape.Map {
				out[key] = t.elem.lean(value)
			}
		}
		for _, f := range t.fields {
			if value := f.typ.lean(v[f.name]); !isZero(value) {
				out[f.name] = value
			}
		}
		return out
	default:
		return v
	}
}

func isZero(v any) bool {
	switch v := v.(type) {
	case []byte:
		return len(bytes.Trim(v, "\x00")) == 0
	case []any:
		return !slices.ContainsFunc(v, func(elem any) bool { return !isZero(elem) })
	case object:
		return len(v) == 0
	case nil, absent:
		return true
	default:
		return reflect.ValueOf(v).IsZero() || v == 0.0
	}
}

// plain returns a value in which what is absent is empty.
func (t *mtype) plain(v any) any {
	t = t.bare()
	switch v := v.(type) {
	case absent:
		if t.kind == shape.Bytes {
			return []byte{}
		}
		return []any{}
	case []any:
		out := []any{}
		for _, elem := range v {
			out = append(out, t.elem.plain(elem))
		}
		return out
	case object:
		out := object{}
		for key, value := range v {
			if t.kind == shape.Map {
				out[key] = t.elem.plain(value)
			}
		}
		for _, f := range t.fields {
			out[f.name] = f.typ.plain(v[f.name])
		}
		return out
	default:
		return v
	}
}

// bare is t without its optionals.
func (t *mtype) bare() *mtype {
	for t.kind == shape.Optional {
		t = t.elem
	}
	return t
}

// merge puts the fields of before that t does not have into a value of t.
func (t *mtype) merge(known, before any) any {
	switch known := known.(type) {
	case []any:
		before, ok := before.([]any)
		if !ok {
			return known
		}
		elem := t.bare().elem
		out := slices.Clone(known)
		used := make([]bool, len(before))
		for i, k := range known {
			for j, b := range before {
				if len(known) == len(before) && i != j || used[j] {
					continue
				}
				if len(known) == len(before) ||
					string(encode(elem.lean(elem.byName(k)))) == string(encode(elem.lean(elem.byName(b)))) {
					out[i], used[j] = elem.merge(k, b), true
					break
				}
			}
		}
		return out
	case object:
		before, ok := before.(object)
		if !ok {
			return known
		}
		out := maps.Clone(known)
		if t.bare().kind == shape.Map {
			for key := range known {
				if b, ok := before[key]; ok {
					out[key] = t.bare().elem.merge(known[key], b)
				}
			}
			return out
		}
		mine := map[string]*mtype{}
		for _, f := range t.bare().fields {
			mine[f.name] = f.typ
		}
		for name, b := range before {
			k, has := known[name]
			if within := mine[name]; within == nil {
				out[name] = b
			} else if has {
				out[name] = within.merge(k, b)
			}
		}
		return out
	default:
		return known
	}
}

// world makes random types, changes and values.
type world struct {
	*rapid.T
	idents int
	// travels keeps to the changes that are allowed where values travel.
	travels bool
	// replace allows changes that need a function.
	replace bool
	gone    []string
}

func (w *world) chance(label string, of int) bool { return rapid.IntRange(1, of).Draw(w.T, label) == 1 }

func (w *world) typ(depth int) *mtype {
	kinds := slices.Clone(scalars)
	if depth < 3 {
		kinds = append(kinds, shape.Struct, shape.Struct, shape.Struct, shape.List, shape.List, shape.Map, shape.Optional)
	}
	t := &mtype{kind: rapid.SampledFrom(kinds).Draw(w.T, "kind")}
	switch t.kind {
	case shape.List, shape.Map:
		t.elem = w.typ(depth + 1)
	case shape.Optional:
		for t.elem = w.typ(depth + 1); t.elem.kind == shape.Optional; {
			t.elem = t.elem.elem
		}
	case shape.Struct:
		w.fields(t, depth)
	}
	return t
}

func (w *world) fields(t *mtype, depth int) {
	for range rapid.IntRange(0, 4).Draw(w.T, "fields") {
		t.fields = append(t.fields, w.field(depth))
	}
}

func (w *world) field(depth int) *mfield {
	w.idents++
	f := &mfield{ident: w.idents, name: w.name(), omit: w.chance("omit", 4), typ: w.typ(depth + 1)}
	scalar := f.typ
	if scalar.kind == shape.List { // an array
		scalar = scalar.elem
	}
	if slices.Contains(scalars, scalar.kind) && w.chance("default", 3) {
		f.def = w.value(f.typ)
	}
	return f
}

// name returns a name that no other field has.
func (w *world) name() string {
	return fmt.Sprintf("%s%d", rapid.SampledFrom([]string{"", "a", "zz", "m", "long name of more than twenty-four bytes"}).
		Draw(w.T, "name"), w.idents)
}

func (w *world) value(t *mtype) any {
	switch t.kind {
	case shape.Bool:
		return rapid.Bool().Draw(w.T, "bool")
	case shape.Float32:
		return float64(rapid.Float32().Draw(w.T, "float32"))
	case shape.Float64:
		return rapid.Float64().Draw(w.T, "float64")
	case shape.String:
		return rapid.StringN(0, 30, 60).Draw(w.T, "string")
	case shape.Bytes:
		return rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(w.T, "bytes")
	case shape.Time:
		if w.chance("zero", 4) {
			return nil
		}
		seconds := rapid.Int64Range(-62167219200, 253402300799).Draw(w.T, "seconds")
		at := time.Unix(seconds, rapid.Int64Range(0, 999_999_999).Draw(w.T, "nanoseconds")).UTC()
		if at.IsZero() {
			return nil
		}
		return at.Format(time.RFC3339Nano)
	case shape.Optional:
		if w.chance("nil", 3) {
			return nil
		}
		return w.value(t.elem)
	case shape.List:
		out := []any{}
		for range rapid.IntRange(0, 4).Draw(w.T, "length") {
			out = append(out, w.value(t.elem))
		}
		return out
	case shape.Map:
		out := object{}
		for range rapid.IntRange(0, 4).Draw(w.T, "keys") {
			out[rapid.SampledFrom([]string{"", "a1", "a2", "zz3", "x", "y"}).Draw(w.T, "key")] = w.value(t.elem)
		}
		return out
	case shape.Struct:
		out := object{}
		for _, f := range t.fields {
			if !f.omit || w.chance("there", 2) {
				out[f.name] = w.value(f.typ)
			}
		}
		return out
	}
	bits := integerBits(t.kind)
	if forms[t.kind] == formInt {
		return rapid.Int64Range(-1<<(bits-1), 1<<(bits-1)-1).Draw(w.T, "int")
	}
	return rapid.Uint64Range(0, 1<<bits-1).Draw(w.T, "uint")
}

// change returns the next version of a type. Path is that of its fields.
func (w *world) change(t *mtype, path string, depth int) *mtype {
	next := &mtype{kind: t.kind}
	switch t.kind {
	case shape.List:
		next.elem = w.change(t.elem, strings.TrimSuffix(path, ".")+"[].", depth+1)
	case shape.Map:
		next.elem = w.change(t.elem, strings.TrimSuffix(path, ".")+"{}.", depth+1)
	case shape.Optional:
		for next.elem = w.change(t.elem, path, depth+1); next.elem.kind == shape.Optional; {
			next.elem = next.elem.elem
		}
	case shape.Struct:
		for _, f := range t.fields {
			if w.chance("give up", 6) {
				w.gone = append(w.gone, path+f.name)
				continue
			}
			next.fields = append(next.fields, w.changeField(f, path, depth))
		}
		for w.chance("add", 3) {
			next.fields = append(next.fields, w.field(depth))
		}
		next.fields = rapid.Permutation(next.fields).Draw(w.T, "order")
	default:
		if wide := wider[t.kind]; len(wide) > 0 && !w.travels && w.chance("widen", 3) {
			next.kind = rapid.SampledFrom(wide).Draw(w.T, "wider")
		}
	}
	if depth > 0 && t.kind != shape.Optional && !w.travels && w.chance("optional", 8) {
		return &mtype{kind: shape.Optional, elem: next}
	}
	return next
}

var wider = map[shape.Kind][]shape.Kind{
	shape.Uint8: {shape.Uint16, shape.Int16, shape.Int64}, shape.Uint16: {shape.Uint32, shape.Int32},
	shape.Int8: {shape.Int16}, shape.Int32: {shape.Int64}, shape.Float32: {shape.Float64},
}

func (w *world) changeField(f *mfield, path string, depth int) *mfield {
	next := *f
	next.was = nil
	if w.replace && w.chance("replace", 5) {
		// A type that nothing else becomes.
		w.idents++
		next.ident, next.def = w.idents, nil
		next.typ = &mtype{kind: shape.List, elem: &mtype{kind: shape.Map, elem: f.typ}}
		return &next
	}
	next.typ = w.change(f.typ, path+f.name+".", depth+1)
	next.omit = next.omit != w.chance("omit", 10)
	if !w.travels && w.chance("rename", 5) {
		w.idents++
		next.name, next.was = w.name(), []string{"never", f.name}
	}
	return &next
}

// TestPlansAgainstModel rewrites random values through random versions.
func TestPlansAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{T: t}
		model := &mtype{kind: shape.Struct}
		w.fields(model, 0)
		w.fields(model, 0)
		versions, history := []*mtype{model}, []Version{First(model.shape())}
		maxID := uint32(0)
		for range rapid.IntRange(1, 5).Draw(t, "versions") {
			w.gone, w.replace = nil, w.chance("function", 4)
			last := history[len(history)-1]
			maxID = slices.Max(append(slices.Clone(last.IDs), maxID))
			model = w.change(model, "", 0)
			v, found := Next(last, maxID, model.shape(), Options{GivenUp: w.gone, Replace: w.replace})
			if len(found) > 0 {
				t.Fatalf("%s after %s: %v, given up %q", model.shape(), last.Shape, found, w.gone)
			}
			if err := v.Check(); err != nil {
				t.Fatal(err)
			}
			versions, history = append(versions, model), append(history, v)
		}
		for from := range versions {
			plan := Between(history[from:])
			for range 3 {
				value := w.value(versions[from])
				src := encode(value)
				value = versions[from].full(value)
				for i := from; i+1 < len(versions); i++ {
					value = versions[i].convert(versions[i+1], value)
				}
				got, err := plan.Append(nil, src)
				if err != nil {
					t.Fatalf("%s: %v", show(src), err)
				}
				want := encode(model.plain(value))
				if string(encode(model.plain(model.full(decoded(t, got))))) != string(want) {
					t.Fatalf("version %d\nfrom %s\nto   %s\nsrc  %s\ngot  %s\nwant %s",
						from, history[from].Shape, history[len(history)-1].Shape, show(src), show(got), show(want))
				}
				if plan.Same() && string(got) != string(src) {
					t.Fatal("the plan says it changes nothing")
				}
				if again, err := Between(history[len(history)-1:]).Append(nil, got); err != nil || string(again) != string(got) {
					t.Fatalf("%s does not have its shape: %v", show(got), err)
				}
			}
		}
	})
}

// TestPeersAgainstModel takes random values of other versions by name, changes them, and puts back
// what is not known.
func TestPeersAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{T: t, travels: true}
		common := &mtype{kind: shape.Struct}
		w.fields(common, 0)
		w.fields(common, 0)
		mine, theirs := w.change(common, "", 0), w.change(common, "", 0)
		value := w.value(theirs)
		before := encode(value)
		want := encode(mine.plain(mine.byName(value)))
		got, err := ByName(mine.shape()).Append(nil, before)
		if err != nil {
			t.Fatalf("%s: %v", show(before), err)
		}
		if filled := encode(mine.plain(mine.full(decoded(t, got)))); string(filled) != string(want) {
			t.Fatalf("from %s\nto   %s\nsrc  %s\ngot  %s\nwant %s",
				theirs.shape(), mine.shape(), show(before), show(got), show(want))
		}
		if again, err := ByName(mine.shape()).Append(nil, got); err != nil || string(again) != string(got) {
			t.Fatalf("in %s, %s becomes %s, %v", mine.shape(), show(got), show(again), err)
		}
		changed := w.edit(mine, mine.plain(mine.byName(value)))
		known := encode(changed)
		want = encode(mine.merge(changed, value))
		got, err = Merge(nil, known, before, mine.shape())
		if err != nil {
			t.Fatalf("%s: %v", show(known), err)
		}
		if string(got) != string(want) {
			t.Fatalf("shape  %s\nknown  %s\nbefore %s\ngot    %s\nwant   %s",
				mine.shape(), show(known), show(before), show(got), show(want))
		}
		if len(got) > len(known)+len(before) {
			t.Fatalf("%d and %d bytes become %d", len(known), len(before), len(got))
		}
	})
}

// decoded returns a value that has to be canonical.
func decoded(t *rapid.T, encoded []byte) any {
	value, canonical := decode(encoded)
	if !canonical {
		t.Fatalf("%s is not canonical", show(encoded))
	}
	return value
}

// edit changes some of a value.
func (w *world) edit(t *mtype, v any) any {
	if t.kind == shape.Optional && v != nil {
		return w.edit(t.elem, v)
	}
	switch v := v.(type) {
	case []any:
		var out []any = []any{}
		for _, elem := range v {
			switch {
			case w.chance("remove", 5):
			case w.chance("insert", 5):
				out = append(out, w.value(t.elem), elem)
			default:
				out = append(out, w.edit(t.elem, elem))
			}
		}
		return out
	case object:
		out := object{}
		if t.kind == shape.Map {
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if !w.chance("remove", 5) {
					out[key] = w.edit(t.elem, v[key])
				}
			}
			return out
		}
		for _, f := range t.fields {
			value := w.edit(f.typ, v[f.name])
			if !f.omit || !isZero(f.typ.lean(value)) {
				out[f.name] = value
			}
		}
		return out
	default:
		if w.chance("edit", 5) {
			return w.value(t)
		}
		return v
	}
}
