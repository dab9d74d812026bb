package shape

import (
	"cmp"
	"crypto/sha256"
	"slices"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
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
	if t.Size != 0 {
		members++
	}
	dst = cbor.AppendHead(dst, cbor.Map, members)
	if t.Elem != nil {
		dst = t.Elem.append(cbor.AppendText(dst, "elem"), whole)
	}
	dst = cbor.AppendText(cbor.AppendText(dst, "kind"), string(t.Kind))
	if t.Size != 0 {
		dst = cbor.AppendHead(cbor.AppendText(dst, "size"), cbor.Uint, uint64(t.Size))
	}
	if t.Kind != Struct {
		return dst
	}
	dst = cbor.AppendHead(cbor.AppendText(dst, "fields"), cbor.List, uint64(len(t.Fields)))
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
	dst = cbor.AppendHead(dst, cbor.Map, members)
	dst = cbor.AppendText(cbor.AppendText(dst, "name"), f.Name)
	if whole && f.Omit {
		dst = append(cbor.AppendText(dst, "omit"), cbor.True)
	}
	dst = f.Type.append(cbor.AppendText(dst, "type"), whole)
	if whole && f.Default != nil {
		dst = cbor.AppendHead(cbor.AppendText(dst, "default"), cbor.Bytes, uint64(len(f.Default)))
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
