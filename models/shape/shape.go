// Package shape describes which fields a model has, without its Go type. A store keeps the shape
// of every version of a model, so that rows of all versions can be read, by other programs and
// languages too. docs/format.md describes how shapes are stored and hashed, under "Shapes".
//
//	address := shape.StructOf(shape.Field{Name: "Town", Type: shape.Of(shape.String)})
//	user := shape.StructOf(
//		shape.Field{Name: "ID", Type: shape.Of(shape.Uint64)},
//		shape.Field{Name: "Homes", Type: shape.ListOf(address)},
//	)
//	fmt.Println(user) // struct{ID uint64, Homes list(struct{Town string})}
package shape

import (
	"strconv"
	"strings"
)

// Kind is the kind of a type.
type Kind string

// The kinds. Elem is set in List, Map and Optional only, Fields in Struct only.
const (
	Uint8   Kind = "uint8"
	Uint16  Kind = "uint16"
	Uint32  Kind = "uint32"
	Uint64  Kind = "uint64"
	Int8    Kind = "int8"
	Int16   Kind = "int16"
	Int32   Kind = "int32"
	Int64   Kind = "int64"
	Bool    Kind = "bool"
	Float32 Kind = "float32"
	Float64 Kind = "float64"
	String  Kind = "string"
	Bytes   Kind = "bytes"
	Time    Kind = "time"
	// List has elements of one type.
	List Kind = "list"
	// Map has strings as keys and values of one type.
	Map Kind = "map"
	// Optional may be missing, which is written as null.
	Optional Kind = "optional"
	// Struct has fields with names.
	Struct Kind = "struct"
)

// Type is a type of a field, or of a model, which is a Struct. It does not change once it has
// been made, so copies may share memory.
type Type struct {
	Kind Kind
	// Elem is the type of the elements of a List, of the values of a Map, and of what an
	// Optional may hold.
	Elem *Type
	// Size is how many elements a List or Bytes has, if all of its values have as many, as an array
	// does. Zero means any number.
	Size int
	// Fields are the fields of a Struct, in the order of the declaration.
	Fields []Field
}

// Field is a field of a Struct.
type Field struct {
	// Name is the name under which the field is encoded.
	Name string
	Type Type
	// Omit says that the field is left out of a value where it is empty.
	Omit bool
	// Default is the DAG-CBOR of the field's value in a row that does not have the field. Nil
	// stands for the zero value.
	Default []byte
	// Was has earlier names of the field. It is part of a declaration only, and is not stored.
	Was []string
}

// Of returns the type of a kind that has neither elements nor fields.
func Of(kind Kind) Type { return Type{Kind: kind} }

// ListOf returns the type of lists of elem.
func ListOf(elem Type) Type { return Type{Kind: List, Elem: &elem} }

// ArrayOf returns the type of lists of just size elems.
func ArrayOf(size int, elem Type) Type { return Type{Kind: List, Elem: &elem, Size: size} }

// BytesOf returns the type of byte strings of just size bytes.
func BytesOf(size int) Type { return Type{Kind: Bytes, Size: size} }

// MapOf returns the type of maps from strings to elem.
func MapOf(elem Type) Type { return Type{Kind: Map, Elem: &elem} }

// OptionalOf returns the type of an elem that may be missing.
func OptionalOf(elem Type) Type { return Type{Kind: Optional, Elem: &elem} }

// StructOf returns the type of a struct. It keeps fields.
func StructOf(fields ...Field) Type { return Type{Kind: Struct, Fields: fields} }

// String writes a type as people read it: list(optional(time)), struct{ID uint64, Hash bytes[32]}.
func (t Type) String() string {
	var b strings.Builder
	t.write(&b)
	return b.String()
}

func (t Type) write(b *strings.Builder) {
	b.WriteString(string(t.Kind))
	if t.Size != 0 {
		b.WriteByte('[')
		b.WriteString(strconv.Itoa(t.Size))
		b.WriteByte(']')
	}
	if t.Elem != nil {
		b.WriteByte('(')
		t.Elem.write(b)
		b.WriteByte(')')
	}
	if t.Kind != Struct {
		return
	}
	b.WriteByte('{')
	for i, f := range t.Fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f.Name)
		b.WriteByte(' ')
		f.Type.write(b)
	}
	b.WriteByte('}')
}
