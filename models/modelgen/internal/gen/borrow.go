package gen

import (
	"fmt"
	"go/types"
	"slices"
	"strings"
)

func (st *structShape) borrowedName() string { return like(st.id, "Borrowed"+upperFirst(st.id)) }
func (st *structShape) borrowName() string   { return "cborBorrow" + upperFirst(st.id) }

// borrowedType writes the type into which a struct is read without copying.
func (w *writer) borrowedType(st *structShape) {
	mp := w.modelsPkg()
	name := w.declare(st.borrowedName(), w.models[0].pos)
	of := st.path
	if _, named := types.Unalias(st.typ).(*types.Named); named {
		of = w.typeName(st.typ)
	}
	w.p("// %s is %s in borrowed memory.", name, of)
	w.p("// Its text, byte strings, lists and maps share the memory of the row that it is")
	w.p("// decoded from, and may be used as long as that row.")
	fields := ""
	for i, field := range st.borrowedFields() {
		fields += "\n" + field + " " + w.borrowedTypeName(st.fields[i].shape)
	}
	if fields != "" {
		fields += "\n"
	}
	w.p("type %s struct {%s}\n", name, fields)
	if !st.decodes {
		return
	}
	w.p("// %s sets *v to the value of a row. Its error matches %s.ErrInvalid.", decodeMethod, mp)
	w.p("func (v *%s) %s(value %s.BorrowedBytes) error {", name, decodeMethod, mp)
	w.p("*v = %s{}\nr := %s.NewBorrowReader(value)\n%s(&r, v)\nreturn r.End(%q)\n}\n",
		name, w.dagcbor(), st.borrowName(), w.src.pkg.Types.Name()+"."+st.id)
}

// borrowedFields returns the names of a borrowed struct's fields: the names of the struct's
// fields, except where the name is that of the method, or where embedding brings together two
// fields of the same name.
func (st *structShape) borrowedFields() []string {
	names := make([]string, len(st.fields))
	for i, f := range st.fields {
		names[i] = f.goName
		switch {
		case st.decodes && f.goName == decodeMethod:
			names[i] += "Field"
		case slices.Contains(names[:i], f.goName):
			names[i] = camel(strings.Split(f.path, "."))
		}
	}
	return names
}

// decodeMethod is the name of the method that decodes a borrowed model.
const decodeMethod = "Decode"

// borrowedTypeName returns the type of a value in borrowed memory.
func (w *writer) borrowedTypeName(sh *shape) string {
	mp := w.modelsPkg()
	switch sh.kind {
	case kindText, kindMarshaledText:
		return mp + ".BorrowedString"
	case kindBytes, kindBinary:
		return mp + ".BorrowedBytes"
	case kindList:
		return w.dagcbor() + ".List[" + w.borrowedTypeName(sh.elem) + "]"
	case kindMap:
		return w.dagcbor() + ".Map[" + w.borrowedTypeName(sh.elem) + "]"
	case kindOptional:
		return w.dagcbor() + ".Optional[" + w.borrowedTypeName(sh.elem) + "]"
	case kindArray:
		return fmt.Sprintf("[%d]%s", sh.length, w.borrowedTypeName(sh.elem))
	case kindStruct:
		return sh.fields.borrowedName()
	default:
		return w.typeName(sh.typ)
	}
}

// borrowFunc writes the function that reads a struct into its borrowed type.
func (w *writer) borrowFunc(st *structShape) {
	w.locals = 0
	w.p("func %s(r *%s.BorrowReader, v *%s) {", w.declare(st.borrowName(), w.models[0].pos), w.dagcbor(),
		st.borrowedName())
	names := st.borrowedFields()
	w.readFields(st, func(f *field) {
		w.borrowValue(f.shape, place{expr: "v." + names[slices.Index(st.fields, f)]}, "r")
	})
}

// borrowValue writes the code that reads a value into p, a place in a borrowed struct. Reader
// is an expression for the *dagcbor.BorrowReader.
func (w *writer) borrowValue(sh *shape, p place, reader string) {
	switch sh.kind {
	case kindText, kindMarshaledText:
		w.p("%s", p.set("r.BorrowText()"))
	case kindBytes, kindBinary:
		w.p("%s", p.set("r.BorrowBytes()"))
	case kindStruct:
		w.p("%s(%s, %s)", sh.fields.borrowName(), reader, p.addr())
	case kindOptional:
		w.p("if !r.Null() {\n%s.Present = true", p.value())
		w.borrowValue(sh.elem, place{expr: p.value() + ".Value"}, reader)
		w.p("}")
	case kindList:
		w.p("%s", p.set(fmt.Sprintf("%s.BorrowList(%s, %s)", w.dagcbor(), reader, w.element(sh.elem))))
	case kindMap:
		w.p("%s", p.set(fmt.Sprintf("%s.BorrowMap(%s, %s)", w.dagcbor(), reader, w.element(sh.elem))))
	default:
		scalar := "&r.Reader"
		w.readScalar(sh, p, scalar)
		if sh.kind == kindArray {
			i := w.local("i")
			w.p("for %s := range %s {", i, p.value())
			w.borrowValue(sh.elem, place{expr: p.value() + "[" + i + "]"}, reader)
			w.p("if r.Failed() {\nbreak\n}\n}")
		}
	}
}

// element is a function that reads an element of a borrowed list or map.
type element struct {
	name  string
	shape *shape
}

// element returns the name of the function that reads elements of a shape.
func (w *writer) element(sh *shape) string {
	key := types.TypeString(sh.typ, nil)
	if name, ok := w.elements[key]; ok {
		return name
	}
	name := fmt.Sprintf("cborElement%d", len(w.elements)+1)
	if sh.kind == kindStruct {
		name = "cborElement" + upperFirst(sh.fields.id)
	} else if id := elementID(w.borrowedTypeName(sh)); id != "" {
		name = "cborElement" + id
		for _, taken := range w.elements {
			if taken == name {
				name = fmt.Sprintf("%s%d", name, len(w.elements)+1)
			}
		}
	}
	w.elements[key] = w.declare(name, w.models[0].pos)
	w.pending = append(w.pending, &element{name, sh})
	return name
}

// elementID returns the part of a function's name that stands for a type.
func elementID(typ string) string {
	return camel(strings.FieldsFunc(typ, func(r rune) bool { return !isIdent(r) }))
}

// elementFuncs writes the functions named by element.
func (w *writer) elementFuncs() {
	for i := 0; i < len(w.pending); i++ { // writing one can name others
		e := w.pending[i]
		w.locals = 0
		typ := w.borrowedTypeName(e.shape)
		w.p("func %s(b %s.BorrowedBytes) (%s, int, error) {", e.name, w.modelsPkg(), typ)
		w.p("r := %s.NewBorrowReader(b)\nvar v %s", w.dagcbor(), typ)
		w.borrowValue(e.shape, place{expr: "v"}, "&r")
		w.p("return v, r.Offset(), r.Err()\n}\n")
	}
}
