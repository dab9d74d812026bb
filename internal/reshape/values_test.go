package reshape

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

// object is a struct or map of a value in a test.
type object = map[string]any

var encoder, decoder = func() (cbor.EncMode, cbor.DecMode) {
	enc, err := cbor.EncOptions{Sort: cbor.SortLengthFirst, ShortestFloat: cbor.ShortestFloatNone}.EncMode()
	if err != nil {
		panic(err)
	}
	dec, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxNestedLevels: maxDepth, MaxArrayElements: maxElements,
		MaxMapPairs: maxElements, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		UTF8: cbor.UTF8RejectInvalid, NaN: cbor.NaNDecodeForbidden, Inf: cbor.InfDecodeForbidden,
		DefaultMapType: reflect.TypeFor[object](),
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return enc, dec
}()

// encode returns the canonical DAG-CBOR of a value of maps, lists and scalars.
func encode(v any) []byte {
	encoded, err := encoder.Marshal(v)
	if err != nil {
		panic(err)
	}
	return encoded
}

// show returns a value as people read it.
func show(encoded []byte) string {
	text, err := cbor.Diagnose(encoded)
	if err != nil {
		return err.Error()
	}
	return text
}

// rewrite appends a value to a prefix by a plan and returns what was appended.
func rewrite(t *testing.T, p *Plan, src []byte) []byte {
	t.Helper()
	before := string(src)
	got, err := p.Append([]byte("prefix"), src)
	if err != nil {
		t.Fatalf("%s: %v", show(src), err)
	}
	if string(src) != before {
		t.Fatalf("the source was changed")
	}
	if string(got[:6]) != "prefix" {
		t.Fatalf("the result has the prefix %q", got[:6])
	}
	return got[6:]
}

// refuse checks that a plan gives an error for a value.
func refuse(t *testing.T, p *Plan, src []byte) error {
	t.Helper()
	got, err := p.Append([]byte("prefix"), src)
	if !errors.Is(err, shape.ErrInvalid) {
		t.Fatalf("%s: got error %v, want ErrInvalid", show(src), err)
	}
	if string(got) != "prefix" {
		t.Fatalf("after an error, dst is %q", got)
	}
	return err
}

// same checks that two values are the same.
func same(t *testing.T, got, want []byte) {
	t.Helper()
	if string(got) != string(want) {
		t.Fatalf("got  %s (%x)\nwant %s (%x)", show(got), got, show(want), want)
	}
}

// structOf returns a struct of fields, given as names and types.
func structOf(fields ...any) shape.Type {
	var out []shape.Field
	for i := 0; i < len(fields); i += 2 {
		var f shape.Field
		switch name := fields[i].(type) {
		case string:
			f.Name = name
		case shape.Field:
			f = name
		}
		switch typ := fields[i+1].(type) {
		case shape.Kind:
			f.Type = shape.Of(typ)
		case shape.Type:
			f.Type = typ
		}
		out = append(out, f)
	}
	return shape.StructOf(out...)
}

// was returns a field that had another name, and defaulted one that has a default.
func was(name, earlier string) shape.Field { return shape.Field{Name: name, Was: []string{earlier}} }

func defaulted(name string, value any) shape.Field {
	return shape.Field{Name: name, Default: encode(value)}
}

// chain returns versions with the shapes, each following the one before. GivenUp has the paths that
// are given up, by the number of the version, from 0.
func chain(t testing.TB, givenUp map[int][]string, shapes ...shape.Type) []Version {
	t.Helper()
	history := []Version{First(shapes[0])}
	maxID := uint32(0)
	for i, next := range shapes {
		last := history[len(history)-1]
		maxID = slices.Max(append([]uint32{maxID}, last.IDs...))
		if i == 0 {
			continue
		}
		v, found := Next(last, maxID, next, Options{GivenUp: givenUp[i]})
		if len(found) > 0 {
			t.Fatalf("%s after %s: %v", next, last.Shape, found)
		}
		if err := v.Check(); err != nil {
			t.Fatal(err)
		}
		history = append(history, v)
	}
	return history
}

// hasSimple reports whether a decoded value has a CBOR simple value that DAG-CBOR does not have.
func hasSimple(v any) bool {
	switch v := v.(type) {
	case cbor.SimpleValue:
		return true
	case []any:
		return slices.ContainsFunc(v, hasSimple)
	case object:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), hasSimple)
	}
	return false
}
