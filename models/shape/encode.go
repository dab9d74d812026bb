package shape

import (
	"cmp"
	"crypto/sha256"
	"slices"
)

// Append appends the DAG-CBOR of a type, as docs/format.md describes it under "Shapes". The
// order in which fields were declared is not kept. A type for which Check returns an error is
// written in a form that Parse refuses.
func (t Type) Append(dst []byte) []byte { return t.append(dst, true) }

// Hash returns the SHA-256 of the DAG-CBOR of a type without Omit and Default. Two models with
// one hash have the same fields.
func (t Type) Hash() [32]byte { return sha256.Sum256(t.append(nil, false)) }

func (t Type) append(dst []byte, whole bool) []byte {
	members := uint64(1)
	if t.Elem != nil {
		members++
	}
	if t.Kind == Struct {
		members++
	}
	dst = appendHead(dst, majorMap, members)
	if t.Elem != nil {
		dst = t.Elem.append(appendText(dst, "elem"), whole)
	}
	dst = appendText(appendText(dst, "kind"), string(t.Kind))
	if t.Kind != Struct {
		return dst
	}
	dst = appendHead(appendText(dst, "fields"), majorList, uint64(len(t.Fields)))
	for _, f := range sorted(t.Fields) {
		dst = f.append(dst, whole)
	}
	return dst
}

func (f *Field) append(dst []byte, whole bool) []byte {
	members := uint64(2)
	if whole && f.Omit {
		members++
	}
	if whole && f.Default != nil {
		members++
	}
	dst = appendHead(dst, majorMap, members)
	dst = appendText(appendText(dst, "name"), f.Name)
	if whole && f.Omit {
		dst = append(appendText(dst, "omit"), itemTrue)
	}
	dst = f.Type.append(appendText(dst, "type"), whole)
	if whole && f.Default != nil {
		dst = appendHead(appendText(dst, "default"), majorBytes, uint64(len(f.Default)))
		dst = append(dst, f.Default...)
	}
	return dst
}

// sorted returns the fields in the order in which they are encoded.
func sorted(fields []Field) []Field {
	if slices.IsSortedFunc(fields, compareFields) {
		return fields
	}
	return slices.SortedFunc(slices.Values(fields), compareFields)
}

func compareFields(a, b Field) int {
	return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name))
}
