package gen

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"go/types"
	"strconv"
	"strings"

	modelshape "github.com/newsnet-africa/netabase-go/models/shape"
)

func (m *model) codecName() string { return m.name + "Codec" }

// codec writes the codec of a model.
func (w *writer) codec(m *model) {
	name, mp, dp := w.declare(m.codecName(), m.pos), w.modelsPkg(), w.dagcbor()
	full := w.src.pkg.Types.Name() + "." + m.name
	w.p("// %s encodes models of type %s as %s.DagCBOR does, without", name, m.name, mp)
	w.p("// reflection. It decodes no other encoding. A field that is missing stays zero.")
	w.p("type %s struct{}\n", name)
	w.p("var _ %s.Codec[%s] = %s{}\n", mp, m.name, name)
	w.p("// Name returns the name of the encoding.")
	w.p("func (%s) Name() string { return \"dag-cbor\" }\n", name)
	w.p("// Fields describes the fields in the order of their declaration.")
	w.p("func (%s) Fields() []%s.Field { return %s() }\n", name, mp, m.shape.fieldsName())
	w.p("// Append implements %s.Codec.", mp)
	w.p("func (%s) Append(dst []byte, m *%s) ([]byte, error) {", name, m.name)
	if m.shape.fallible() {
		w.p("grown, err := %s(dst, m)\nif err != nil {\nreturn dst, %s.AppendError(%q, err)\n}\nreturn grown, nil\n}\n",
			m.shape.appendName(), dp, full)
	} else {
		w.p("return %s(dst, m), nil\n}\n", m.shape.appendName())
	}
	w.p("// Decode implements %s.Codec.", mp)
	w.p("func (%s) Decode(src []byte, m *%s) error {", name, m.name)
	w.p("*m = %s{}\nr := %s.NewReader(src)\n%s(&r, m)\nreturn r.End(%q)\n}\n", m.name, dp, m.shape.readName(), full)
	w.p("// DecodeValue implements %s.ValueDecoder.", mp)
	w.p("func (%s) DecodeValue(src []byte) (m %s, err error) {", name, m.name)
	w.p("r := %s.NewReader(src)\n%s(&r, &m)\nreturn m, r.End(%q)\n}\n", dp, m.shape.readName(), full)
}

// fieldsFunc writes the function that describes the fields of a struct. It is a function because
// trees are declared by variables, which may be initialised before another variable is.
func (w *writer) fieldsFunc(st *structShape) {
	w.p("func %s() []%s.Field {\nreturn []%[2]s.Field{", w.declare(st.fieldsName(), w.models[0].pos), w.modelsPkg())
	for _, f := range st.fields {
		more := ""
		if w.keep(f, "m") != "" {
			more += ", Omit: true"
		}
		if f.value != nil {
			more += ", Default: []byte(" + strconv.Quote(string(f.value)) + ")"
		}
		if f.was != nil {
			more += fmt.Sprintf(", Was: %#v", f.was)
		}
		w.p("{Name: %q, Type: %s%s},", f.name, w.fieldType(f.shape), more)
	}
	w.p("}\n}\n")
}

// fieldType returns an expression for the type of a field, a shape.Type.
func (w *writer) fieldType(sh *shape) string {
	pkg := w.pkg(shapePath, "shape")
	switch sh.kind {
	case kindOptional:
		return pkg + ".OptionalOf(" + w.fieldType(sh.elem) + ")"
	case kindByteArray:
		return fmt.Sprintf("%s.BytesOf(%d)", pkg, sh.length)
	case kindArray:
		return fmt.Sprintf("%s.ArrayOf(%d, %s)", pkg, sh.length, w.fieldType(sh.elem))
	case kindList:
		return pkg + ".ListOf(" + w.fieldType(sh.elem) + ")"
	case kindMap:
		return pkg + ".MapOf(" + w.fieldType(sh.elem) + ")"
	case kindStruct:
		return pkg + ".StructOf(" + sh.fields.fieldsName() + "()...)"
	default:
		return pkg + ".Of(" + pkg + "." + upperFirst(string(sh.plain().Kind)) + ")"
	}
}

// plain returns the type of a field that may have a default, by its kind alone.
func (sh *shape) plain() modelshape.Type {
	kinds := map[kind]modelshape.Kind{
		kindBool: modelshape.Bool, kindFloat32: modelshape.Float32, kindFloat64: modelshape.Float64,
		kindText: modelshape.String, kindMarshaledText: modelshape.String, kindBytes: modelshape.Bytes,
		kindByteArray: modelshape.Bytes, kindBinary: modelshape.Bytes, kindTime: modelshape.Time,
		kindUint: modelshape.Kind("uint" + strconv.Itoa(cmp.Or(sh.bits, 64))),
		kindInt:  modelshape.Kind("int" + strconv.Itoa(cmp.Or(sh.bits, 64))),
		kindList: modelshape.List, kindArray: modelshape.List, kindMap: modelshape.Map, kindStruct: modelshape.Struct,
	}
	return modelshape.Of(kinds[sh.kind])
}

func (st *structShape) fieldsName() string { return "cborFields" + upperFirst(st.id) }
func (st *structShape) appendName() string { return "cborAppend" + upperFirst(st.id) }
func (st *structShape) readName() string   { return "cborRead" + upperFirst(st.id) }

// place is an expression for an addressable value, or for a pointer to one.
type place struct {
	expr    string
	pointer bool
}

func (p place) value() string {
	if p.pointer {
		return "(*" + p.expr + ")"
	}
	return p.expr
}

func (p place) addr() string {
	if p.pointer {
		return p.expr
	}
	return "&" + p.expr
}

// set returns the statement that assigns to the place.
func (p place) set(expr string) string {
	if p.pointer {
		return "*" + p.expr + " = " + expr
	}
	return p.expr + " = " + expr
}

// encodedKey returns an encoded key, behind other encoded heads, as a string literal: heads in
// hex, the name readable.
func encodedKey(heads, name string) string {
	literal := strings.TrimSuffix(hexLiteral(heads+head(3, uint64(len(name)))), `"`)
	return literal + strings.TrimPrefix(strconv.Quote(name), `"`)
}

// hexLiteral writes bytes as a string literal.
func hexLiteral(s string) string {
	var out strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&out, `\x%02x`, s[i])
	}
	return `"` + out.String() + `"`
}

// head encodes the head of an item.
func head(major byte, arg uint64) string {
	major <<= 5
	switch {
	case arg < 24:
		return string([]byte{major | byte(arg)})
	case arg <= 0xFF:
		return string([]byte{major | 24, byte(arg)})
	default: // names and numbers of fields are smaller
		return string(binary.BigEndian.AppendUint16([]byte{major | 25}, uint16(arg)))
	}
}

// lastParameter ends a list of parameters with one of type typ. Like gofumpt, it writes the
// type of a struct without a name on several lines.
func lastParameter(typ string) string {
	if strings.HasPrefix(typ, "struct{") {
		return typ + ",\n"
	}
	return typ
}

// appendFunc writes the function that appends a struct.
func (w *writer) appendFunc(st *structShape) {
	w.locals = 0
	name, typ := w.declare(st.appendName(), w.models[0].pos), w.typeName(st.typ)
	result, end := "[]byte", "return dst\n}\n"
	if st.fallible() {
		result, end = "(_ []byte, err error)", "return dst, nil\n}\n"
	}
	w.p("func %s(dst []byte, m *%s) %s {", name, lastParameter(typ), result)
	fields := st.encoded()
	keep := make([]string, len(fields))
	always := 0
	for i, f := range fields {
		if keep[i] = w.keep(f, "m"); keep[i] == "" {
			always++
		}
	}
	prefix := head(5, uint64(len(fields)))
	if always < len(fields) {
		prefix = ""
		w.p("n := %d", always)
		for i, cond := range keep {
			if cond != "" && cond != "false" {
				keep[i] = w.local("keep")
				w.p("%s := %s\nif %[1]s {\nn++\n}", keep[i], cond)
			}
		}
		w.p("dst = %s.AppendFields(dst, n)", w.dagcbor())
	}
	for i, f := range fields {
		if keep[i] == "false" {
			continue
		}
		if keep[i] != "" {
			w.p("if %s {", keep[i])
		}
		w.p("dst = append(dst, %s...)", encodedKey(prefix, f.name))
		prefix = ""
		w.appendValue(f.shape, place{expr: "m." + f.path}, f.name)
		if keep[i] != "" {
			w.p("}")
		}
	}
	if prefix != "" { // a struct without fields
		w.p("dst = append(dst, %s...)", hexLiteral(prefix))
	}
	w.p("%s", end)
}

// appendValue writes the code that appends the value at p.
func (w *writer) appendValue(sh *shape, p place, label string) {
	dp := w.dagcbor()
	call := func(function, arg string) {
		if sh.fallible() {
			w.p("if dst, err = %s(dst, %s); err != nil {\nreturn nil, %s.FieldError(%q, err)\n}", function, arg, dp,
				label)
		} else {
			w.p("dst = %s(dst, %s)", function, arg)
		}
	}
	as := func(to string) string { return conversion(to, w.typeName(sh.typ), p.value()) }
	switch sh.kind {
	case kindUint:
		call(dp+".AppendUint", as("uint64"))
	case kindInt:
		call(dp+".AppendInt", as("int64"))
	case kindBool:
		call(dp+".AppendBool", as("bool"))
	case kindFloat32, kindFloat64:
		call(dp+".AppendFloat", as("float64"))
	case kindText:
		call(dp+".AppendText", as("string"))
	case kindBytes:
		call(dp+".AppendBytes", p.value())
	case kindByteArray:
		call(dp+".AppendBytes", p.value()+"[:]")
	case kindTime:
		call(dp+".AppendTime", p.value())
	case kindBinary:
		call(dp+".AppendBinary", p.addr())
	case kindMarshaledText:
		call(dp+".AppendMarshaledText", p.addr())
	case kindStruct:
		call(sh.fields.appendName(), p.addr())
	case kindOptional:
		w.p("if %s == nil {\ndst = %s.AppendNull(dst)\n} else {", p.value(), dp)
		w.appendValue(sh.elem, place{p.value(), true}, label)
		w.p("}")
	case kindList:
		call(dp+".AppendList", "len("+p.value()+")")
		w.appendElements(sh, p, label)
	case kindArray:
		w.p("dst = append(dst, %s...)", hexLiteral(listHead(sh.length)))
		w.appendElements(sh, p, label)
	case kindMap:
		call(dp+".AppendMap", "len("+p.value()+")")
		keys, key, v := w.local("keys"), w.local("key"), w.local("v")
		keyType := w.typeName(sh.typ.Underlying().(*types.Map).Key())
		w.p("var %s [%d]%s", keys, sortedOnStack, keyType)
		w.p("for _, %s := range %s.SortedKeys(%s, %s[:0]) {", key, dp, p.value(), keys)
		w.p("if dst, err = %s.AppendText(dst, %s); err != nil {\nreturn nil, %[1]s.FieldError(%[3]q, err)\n}", dp,
			conversion("string", keyType, key), label)
		w.p("%s := %s[%s]", v, p.value(), key)
		w.appendValue(sh.elem, place{expr: v}, label)
		w.p("}")
	}
}

// sortedOnStack is the most keys of a map that are sorted without an allocation.
const sortedOnStack = 16

func (w *writer) appendElements(sh *shape, p place, label string) {
	i := w.local("i")
	w.p("for %s := range %s {", i, p.value())
	w.appendValue(sh.elem, place{expr: p.value() + "[" + i + "]"}, label)
	w.p("}")
}

// listHead encodes the head of a list of n elements. N is at most maxElements.
func listHead(n int64) string {
	if n <= 0xFFFF {
		return head(4, uint64(n))
	}
	return string(binary.BigEndian.AppendUint32([]byte{4<<5 | 26}, uint32(n)))
}

// keep returns the condition under which a field of the struct at owner is written. It returns
// "" for always and "false" for never.
func (w *writer) keep(f *field, owner string) string {
	p := owner + "." + f.path
	var conditions []string
	if f.omitEmpty {
		conditions = appendCondition(conditions, w.notEmpty(f.shape, p))
	}
	if f.omitZero {
		conditions = appendCondition(conditions, w.notZero(f.shape.typ, p, true))
	}
	return strings.Join(conditions, " && ")
}

func appendCondition(conditions []string, c string) []string {
	switch {
	case c == "false":
		return []string{"false"}
	case c == "" || len(conditions) == 1 && conditions[0] == "false":
		return conditions
	default:
		return append(conditions, c)
	}
}

// notEmpty returns the condition under which omitempty writes the value p, in the form of keep.
func (w *writer) notEmpty(sh *shape, p string) string {
	switch sh.kind {
	case kindBool:
		return conversion("bool", w.typeName(sh.typ), p)
	case kindUint, kindInt, kindFloat32, kindFloat64:
		return p + " != 0"
	case kindText, kindBytes, kindList, kindMap:
		return "len(" + p + ") > 0"
	case kindByteArray, kindArray:
		if sh.length == 0 {
			return "false"
		}
		return ""
	case kindOptional:
		return p + " != nil"
	case kindBinary:
		return "!" + w.dagcbor() + ".EmptyBinary(&" + p + ")"
	case kindMarshaledText:
		return "!" + w.dagcbor() + ".EmptyText(&" + p + ")"
	case kindStruct:
		// A struct is empty if omitempty leaves out all of its fields.
		any := []string{}
		for _, f := range sh.fields.fields {
			if !f.omitEmpty {
				return ""
			}
			switch c := w.notEmpty(f.shape, p+"."+f.path); c {
			case "":
				return ""
			case "false":
			default:
				any = append(any, c)
			}
		}
		if len(any) == 0 {
			return "false"
		}
		return "(" + strings.Join(any, " || ") + ")"
	default: // a time is never empty
		return ""
	}
}

// notZero returns the condition under which omitzero writes the value p of type t. If own is
// set and t has a method IsZero, the method decides.
func (w *writer) notZero(t types.Type, p string, own bool) string {
	pointer, isPointer := t.Underlying().(*types.Pointer)
	switch {
	case own && isPointer && has(pointer.Elem(), zeroer):
		return fmt.Sprintf("%s != nil && !%[1]s.IsZero()", p)
	case own && !isPointer && has(t, zeroer):
		return "!" + p + ".IsZero()"
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Info()&types.IsBoolean != 0:
			return conversion("bool", w.typeName(t), p)
		case u.Info()&types.IsString != 0:
			return p + ` != ""`
		default:
			return p + " != 0"
		}
	case *types.Struct, *types.Array:
		if types.Comparable(t) {
			return p + " != (" + w.typeName(t) + "{})"
		}
		var any []string
		s := u.(*types.Struct) // an array would have been refused
		for i := range s.NumFields() {
			if name := s.Field(i).Name(); name != "_" {
				any = append(any, w.notZero(s.Field(i).Type(), p+"."+name, false))
			}
		}
		return "(" + strings.Join(any, " || ") + ")"
	default:
		return p + " != nil"
	}
}

// readFunc writes the function that reads a struct.
func (w *writer) readFunc(st *structShape) {
	w.locals = 0
	w.p("func %s(r *%s.Reader, m *%s) {", w.declare(st.readName(), w.models[0].pos), w.dagcbor(),
		lastParameter(w.typeName(st.typ)))
	w.readFields(st, func(f *field) { w.readValue(f.shape, place{expr: "m." + f.path}) })
}

// readFields writes the code that reads a struct's map. The function field writes the code for
// each field.
func (w *writer) readFields(st *structShape, read func(*field)) {
	w.p("left := r.Map()")
	for _, f := range st.encoded() {
		w.p("if r.Field(left, %s) {\nleft--", encodedKey("", f.name))
		read(f)
		w.p("}")
	}
	w.p("r.EndFields(left)\n}\n")
}

// readValue writes the code that reads a value into p.
func (w *writer) readValue(sh *shape, p place) {
	dp := w.dagcbor()
	from := func(plain, expr string) { w.p("%s", p.set(conversion(w.typeName(sh.typ), plain, expr))) }
	switch sh.kind {
	case kindBytes:
		w.p("%s", p.set(dp+".ReadBytes["+w.typeName(sh.typ)+"](r)"))
	case kindText:
		from("string", "r.Text()")
	case kindBinary:
		w.p("r.Binary(%s)", p.addr())
	case kindMarshaledText:
		w.p("r.MarshaledText(%s)", p.addr())
	case kindStruct:
		w.p("%s(r, %s)", sh.fields.readName(), p.addr())
	case kindOptional:
		v := w.local("v")
		w.p("if r.Null() {\n%s\n} else {", p.set("nil"))
		w.p("%s := new(%s)", v, w.typeName(sh.elem.typ))
		w.readValue(sh.elem, place{v, true})
		w.p("%s\n}", p.set(v))
	case kindList:
		n, i := w.local("n"), w.local("i")
		w.p("if %s := r.List(); !r.Failed() {", n)
		w.p("%s", p.set(fmt.Sprintf("make(%s, %s)", w.typeName(sh.typ), n)))
		w.p("for %s := range %s {", i, p.value())
		w.readValue(sh.elem, place{expr: p.value() + "[" + i + "]"})
		w.p("if r.Failed() {\nbreak\n}\n}\n}")
	case kindMap:
		n, key, v := w.local("n"), w.local("key"), w.local("v")
		w.p("if %s := r.Map(); !r.Failed() {", n)
		w.p("%s", p.set(fmt.Sprintf("make(%s, %s)", w.typeName(sh.typ), n)))
		w.p("var %s []byte\nfor range %s {\n%[1]s = r.MapKey(%[1]s)", key, n)
		w.p("var %s %s", v, w.typeName(sh.elem.typ))
		w.readValue(sh.elem, place{expr: v})
		w.p("if r.Failed() {\nbreak\n}")
		w.p("%s[%s(%s)] = %s\n}\n}", p.value(), w.typeName(sh.typ.Underlying().(*types.Map).Key()), key, v)
	default:
		w.readScalar(sh, p, "r")
		if sh.kind == kindArray {
			i := w.local("i")
			w.p("for %s := range %s {", i, p.value())
			w.readValue(sh.elem, place{expr: p.value() + "[" + i + "]"})
			w.p("if r.Failed() {\nbreak\n}\n}")
		}
	}
}

// readScalar writes the code that models and borrowed structs share: it reads values without
// memory of their own, and the heads of arrays. Reader is an expression for the
// *dagcbor.Reader.
func (w *writer) readScalar(sh *shape, p place, reader string) {
	from := func(plain, expr string) { w.p("%s", p.set(conversion(w.typeName(sh.typ), plain, expr))) }
	switch sh.kind {
	case kindUint:
		from("uint64", "r.Uint("+w.intBits(sh)+")")
	case kindInt:
		from("int64", "r.Int("+w.intBits(sh)+")")
	case kindBool:
		from("bool", "r.Bool()")
	case kindFloat32:
		from("float32", "r.Float32()")
	case kindFloat64:
		from("float64", "r.Float64()")
	case kindTime:
		w.p("%s", p.set("r.Time()"))
	case kindByteArray:
		w.p("%s.ReadByteArray(%s, %s[:])", w.dagcbor(), reader, p.value())
	case kindArray:
		w.p("r.Array(%d)", sh.length)
	}
}

// intBits returns the number of bits of an integer, as an expression.
func (w *writer) intBits(sh *shape) string {
	if sh.bits == 0 {
		return w.pkg("strconv", "strconv") + ".IntSize"
	}
	return strconv.Itoa(sh.bits)
}
