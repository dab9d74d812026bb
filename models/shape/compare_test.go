package shape_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

// TestWidening compares every two kinds of numbers and plain kinds with the table of those that
// hold others.
func TestWidening(t *testing.T) {
	holds := map[shape.Kind][]shape.Kind{
		shape.Uint8: {}, shape.Uint16: {shape.Uint8}, shape.Uint32: {shape.Uint8, shape.Uint16},
		shape.Uint64: {shape.Uint8, shape.Uint16, shape.Uint32},
		shape.Int8:   {}, shape.Int16: {shape.Int8, shape.Uint8},
		shape.Int32:   {shape.Int8, shape.Int16, shape.Uint8, shape.Uint16},
		shape.Int64:   {shape.Int8, shape.Int16, shape.Int32, shape.Uint8, shape.Uint16, shape.Uint32},
		shape.Float32: {}, shape.Float64: {shape.Float32},
		shape.Bool: {}, shape.String: {}, shape.Bytes: {}, shape.Time: {},
	}
	for k := range holds {
		for old := range holds {
			want := k == old
			for _, narrow := range holds[k] {
				want = want || narrow == old
			}
			for what, wrap := range map[string]func(shape.Type) shape.Type{
				"itself": func(t shape.Type) shape.Type { return t }, "a list": shape.ListOf, "a map": shape.MapOf,
				"optional": shape.OptionalOf, "a field": func(t shape.Type) shape.Type {
					return shape.StructOf(shape.Field{Name: "f", Type: t})
				},
			} {
				if got := wrap(shape.Of(k)).Holds(wrap(shape.Of(old))); got != want {
					t.Errorf("%s: %s holds %s: %v", what, k, old, got)
				}
			}
			if got := shape.OptionalOf(shape.Of(k)).Holds(shape.Of(old)); got != want {
				t.Errorf("optional %s holds %s: %v", k, old, got)
			}
			if shape.Of(k).Holds(shape.OptionalOf(shape.Of(old))) {
				t.Errorf("%s holds optional %s", k, old)
			}
		}
	}
}

func TestCompare(t *testing.T) {
	str, num := shape.Of(shape.String), shape.Of(shape.Uint32)
	field := func(name string, t shape.Type, was ...string) shape.Field {
		return shape.Field{Name: name, Type: t, Was: was}
	}
	in := shape.StructOf
	old := in(field("ID", num), field("Home", in(field("Town", str))))
	for name, c := range map[string]struct {
		next shape.Type
		want shape.Relation
	}{
		"another order":           {in(field("Home", in(field("Town", str))), field("ID", num)), shape.Same},
		"a field more":            {in(field("ID", num), field("Home", in(field("Town", str))), field("Age", num)), shape.Newer},
		"one more in a struct":    {in(field("ID", num), field("Home", in(field("Town", str), field("Zip", str)))), shape.Newer},
		"a wider number":          {in(field("ID", shape.Of(shape.Int64)), field("Home", in(field("Town", str)))), shape.Newer},
		"a renamed field":         {in(field("ID", num), field("Home", in(field("City", str, "Place", "Town")))), shape.Newer},
		"a rename not declared":   {in(field("ID", num), field("Home", in(field("City", str)))), shape.Diverged},
		"a field less":            {in(field("ID", num)), shape.Older},
		"a narrower number":       {in(field("ID", shape.Of(shape.Uint8)), field("Home", in(field("Town", str)))), shape.Older},
		"one more and one less":   {in(field("ID", num), field("Age", num)), shape.Diverged},
		"another type":            {in(field("ID", str), field("Home", in(field("Town", str)))), shape.Diverged},
		"an optional struct":      {in(field("ID", num), field("Home", shape.OptionalOf(in(field("Town", str))))), shape.Newer},
		"a list of what was one":  {in(field("ID", num), field("Home", shape.ListOf(in(field("Town", str))))), shape.Diverged},
		"wider, and another gone": {in(field("ID", shape.Of(shape.Uint64))), shape.Diverged},
		// The name that a field has comes before one that another field had.
		"an old name taken": {in(field("ID", num), field("Home", in(field("Town", str))), field("House", num, "Home")), shape.Newer},
	} {
		if got := shape.Compare(old, c.next); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}

	// A slice holds any array, and an array those of its length.
	for _, array := range []func(int) shape.Type{
		shape.BytesOf, func(size int) shape.Type { return shape.ArrayOf(size, str) },
	} {
		for _, c := range []struct {
			old, next int
			want      shape.Relation
		}{
			{4, 4, shape.Same},
			{4, 8, shape.Diverged},
			{4, 0, shape.Newer},
			{0, 4, shape.Older},
		} {
			if got := shape.Compare(array(c.old), array(c.next)); got != c.want {
				t.Errorf("%v to %v: got %v, want %v", array(c.old), array(c.next), got, c.want)
			}
		}
	}
}

// TestCompareOrder checks that Compare is an order: it turns round, and what is newer than
// something newer is newer.
func TestCompareOrder(t *testing.T) {
	turned := map[shape.Relation]shape.Relation{
		shape.Same: shape.Same, shape.Newer: shape.Older, shape.Older: shape.Newer, shape.Diverged: shape.Diverged,
	}
	rapid.Check(t, func(t *rapid.T) {
		a := drawStruct(t, 2)
		b, c := grow(t, a), drawStruct(t, 2)
		if rapid.Bool().Draw(t, "from b") {
			c = grow(t, b)
		}
		ab, bc, ac := shape.Compare(a, b), shape.Compare(b, c), shape.Compare(a, c)
		if ab != shape.Same && ab != shape.Newer {
			t.Errorf("%v is %v than %v", b, ab, a)
		}
		if shape.Compare(b, a) != turned[ab] || shape.Compare(c, a) != turned[ac] {
			t.Errorf("Compare does not turn round for %v, %v and %v", a, b, c)
		}
		if newer := shape.Newer; bc == newer && ac != newer {
			t.Errorf("%v is newer than %v, which is newer than %v, but to that it is %v", c, b, a, ac)
		}
	})
}

// grow draws a type that holds s.
func grow(t *rapid.T, s shape.Type) shape.Type {
	wider := map[shape.Kind]shape.Kind{
		shape.Uint8: shape.Int16, shape.Uint16: shape.Uint64, shape.Uint32: shape.Int64, shape.Int8: shape.Int16,
		shape.Int16: shape.Int64, shape.Int32: shape.Int64, shape.Float32: shape.Float64,
	}
	if kind, ok := wider[s.Kind]; ok && rapid.Bool().Draw(t, "wider") {
		s.Kind = kind
	}
	if s.Elem != nil {
		elem := grow(t, *s.Elem)
		if s.Kind == shape.Optional && elem.Kind == shape.Optional {
			return elem
		}
		s.Elem = &elem
	}
	if s.Kind == shape.Struct {
		fields := []shape.Field{}
		for _, f := range s.Fields {
			fields = append(fields, shape.Field{Name: f.Name, Type: grow(t, f.Type)})
		}
		if rapid.Bool().Draw(t, "a field more") {
			name := rapid.StringN(6, 8, -1).Draw(t, "name")
			taken := false
			for _, f := range fields {
				taken = taken || f.Name == name
			}
			if !taken {
				fields = append(fields, shape.Field{Name: name, Type: drawType(t, 3)})
			}
		}
		s.Fields = fields
	}
	if s.Kind != shape.Optional && rapid.Bool().Draw(t, "optional") {
		return shape.OptionalOf(s)
	}
	return s
}
