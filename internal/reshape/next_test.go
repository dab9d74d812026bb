package reshape

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

func TestFirst(t *testing.T) {
	v := First(structOf("long", shape.Bool, "b", structOf("y", shape.Bool, was("x", "w"), shape.Bool), "a",
		shape.ListOf(shape.MapOf(shape.OptionalOf(structOf("z", shape.Bool))))))
	if got, want := v.Shape.String(),
		"struct{a list(map(optional(struct{z bool}))), b struct{x bool, y bool}, long bool}"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !slices.Equal(v.IDs, []uint32{1, 2, 3, 4, 5, 6}) {
		t.Errorf("the fields have the numbers %d", v.IDs)
	}
	if was := v.Shape.Fields[1].Type.Fields[0].Was; was != nil {
		t.Errorf("a version has the earlier names %q", was)
	}
}

func TestNextNumbersFields(t *testing.T) {
	v := First(structOf("a", shape.Bool, "b", structOf("c", shape.Bool, "d", shape.Uint8), "e", shape.Uint8))
	next, found := Next(v, 9, structOf(
		was("A", "a"), shape.Bool, // 1
		"b", structOf("c", structOf("d", shape.Bool), "d", shape.Uint16), // 2: a new number, another, 4
		"e", shape.String, // a new number
	), Options{Replace: true})
	if len(found) > 0 {
		t.Fatal(found)
	}
	if !slices.Equal(next.IDs, []uint32{1, 2, 10, 11, 4, 12}) {
		t.Errorf("the fields have the numbers %d", next.IDs)
	}
}

func TestDifferences(t *testing.T) {
	home := structOf("Town", shape.String, "Zip", shape.String)
	last := First(structOf("ID", shape.Uint64, "Address", home, "Homes", shape.ListOf(home), "M", shape.MapOf(home),
		"O", shape.OptionalOf(home), "N", shape.OptionalOf(shape.Of(shape.Bool)), "D", shape.ListOf(shape.MapOf(home))))
	town := structOf("Town", shape.String)
	for name, c := range map[string]struct {
		next shape.Type
		o    Options
		want []string
	}{
		"everything is gone": {structOf(), Options{}, []string{
			"Address is missing in the definition", "D is missing in the definition", "Homes is missing in the definition",
			"ID is missing in the definition", "M is missing in the definition", "N is missing in the definition",
			"O is missing in the definition",
		}},
		"fields within are gone": {
			structOf("ID", shape.Uint64, "Address", town, "Homes", shape.ListOf(town), "M", shape.MapOf(town),
				"O", shape.OptionalOf(town), "N", shape.OptionalOf(shape.Of(shape.Bool)), "D", shape.ListOf(shape.MapOf(town))),
			Options{},
			[]string{
				"Address.Zip is missing in the definition", "D[]{}.Zip is missing in the definition",
				"Homes[].Zip is missing in the definition", "M{}.Zip is missing in the definition",
				"O.Zip is missing in the definition",
			},
		},
		"they are given up": {
			structOf("ID", shape.Uint64, "Address", town, "Homes", shape.ListOf(town), "M", shape.MapOf(town),
				was("P", "O"), shape.OptionalOf(town)),
			Options{GivenUp: []string{"Address.Zip", "Homes[].Zip", "M{}.Zip", "O.Zip", "N", "D", "Never"}},
			nil,
		},
		"types that do not fit": {
			structOf("ID", shape.Uint32, "Address", shape.ListOf(home), "Homes", shape.ListOf(shape.Of(shape.String)),
				"M", shape.MapOf(structOf("Town", shape.Bytes, "Zip", shape.String)), "O", home, "N", shape.Bool,
				"D", shape.MapOf(shape.ListOf(home))),
			Options{},
			[]string{
				"Address is stored as struct{Zip string, Town string}, and defined as list(struct{Zip string, Town string})",
				"D is stored as list(map(struct{Zip string, Town string})), and defined as " +
					"map(list(struct{Zip string, Town string}))",
				"Homes is stored as list(struct{Zip string, Town string}), and defined as list(string)",
				"ID is stored as uint64, and defined as uint32", "M{}.Town is stored as string, and defined as bytes",
				"N is stored as optional(bool), and defined as bool",
				"O is stored as optional(struct{Zip string, Town string}), and defined as struct{Zip string, Town string}",
			},
		},
		"one that is given up and defined": {
			structOf("ID", shape.Uint64, "Address", town),
			Options{GivenUp: []string{"ID", "Address.Zip", "Homes", "M", "O", "N", "D", "Address.Town"}},
			[]string{"Address.Town is given up, and defined", "ID is given up, and defined"},
		},
		"two with the same earlier name": {
			structOf(was("x", "ID"), shape.Uint64, was("y", "ID"), shape.Uint64),
			Options{GivenUp: []string{"Address", "Homes", "M", "O", "N", "D"}},
			[]string{"y and x both have its earlier name"},
		},
		"in a tree that travels": {
			structOf(was("Number", "ID"), shape.Uint64, "Address", home, "Homes", shape.ListOf(shape.OptionalOf(home)),
				"M", shape.MapOf(structOf(
					"Town", shape.String, "Zip", shape.OptionalOf(shape.Of(shape.String)), "New", shape.Bool,
				))),
			Options{Travels: true, GivenUp: []string{"O", "N", "D"}},
			[]string{
				"Homes is stored as list(struct{Zip string, Town string}), and defined as " +
					"list(optional(struct{Zip string, Town string}))",
				"M{}.Zip is stored as string, and defined as optional(string)",
				"Number is stored as ID, and rows of this tree travel",
			},
		},
		"not a struct": {
			shape.Of(shape.Bool), Options{}, []string{"the model cannot be used: a model is a struct, not a bool"},
		},
		"of no kind": {
			structOf("a", shape.Kind("int128")),
			Options{Replace: true},
			[]string{`the model cannot be used: invalid data: no type is of the kind "int128"`},
		},
		"two fields of one name": {
			structOf("a", shape.Bool, "a", shape.Bool),
			Options{},
			[]string{`the model cannot be used: invalid data: two fields are named "a"`},
		},
	} {
		_, found := Next(last, 100, c.next, c.o)
		var got []string
		for _, d := range found {
			got = append(got, d.String())
			if d.Remedy == "" {
				t.Errorf("%s: there is no remedy for %s", name, d)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, c.want)
		}
	}
}

// TestWider checks which types can hold every value of which.
// Where rows travel, a field that was given up does not come back with another type, because peers
// of that version may still be there.
func TestFieldsThatReturn(t *testing.T) {
	home := func(kind shape.Kind) shape.Type { return structOf("Zip", kind) }
	first := structOf("A", shape.String, "H", shape.ListOf(home(shape.String)))
	last := First(structOf("B", shape.Bool, "H", shape.ListOf(structOf())))
	for name, c := range map[string]struct {
		next shape.Type
		want []string
	}{
		"with their types": {structOf("A", shape.String, "B", shape.Bool, "H", shape.ListOf(home(shape.String))), nil},
		"with others": {structOf("A", shape.Bytes, "B", shape.Bool, "H", shape.ListOf(home(shape.Bool))), []string{
			"A was string in an earlier version, is defined as bytes, and rows of this tree travel",
			"H[].Zip was string in an earlier version, is defined as bool, and rows of this tree travel",
		}},
	} {
		for _, travels := range []bool{true, false} {
			_, found := Next(last, 3, c.next, Options{Travels: travels, Earlier: []shape.Type{first, first}})
			var got []string
			for _, d := range found {
				got = append(got, d.String())
			}
			if travels && !slices.Equal(got, c.want) || !travels && got != nil {
				t.Errorf("%s, travels %t: %q", name, travels, got)
			}
		}
	}
}

// An array becomes a slice, and neither an array of another length nor, where rows travel, a slice.
func TestArrays(t *testing.T) {
	array := func(size int) shape.Type {
		return structOf("B", shape.BytesOf(size), "L", shape.ArrayOf(size, shape.Of(shape.Bool)))
	}
	for _, c := range []struct {
		old, next int
		travels   bool
		want      int
	}{{4, 4, true, 0}, {4, 8, false, 2}, {8, 4, false, 2}, {4, 0, false, 0}, {0, 4, false, 2}, {4, 0, true, 2}} {
		_, found := Next(First(array(c.old)), 2, array(c.next), Options{Travels: c.travels})
		if len(found) != c.want {
			t.Errorf("%+v: %v", c, found)
		}
	}
}

func TestWider(t *testing.T) {
	holding := map[shape.Kind][]shape.Kind{
		shape.Uint8:   {shape.Uint16, shape.Uint32, shape.Uint64, shape.Int16, shape.Int32, shape.Int64},
		shape.Uint16:  {shape.Uint32, shape.Uint64, shape.Int32, shape.Int64},
		shape.Uint32:  {shape.Uint64, shape.Int64},
		shape.Int8:    {shape.Int16, shape.Int32, shape.Int64},
		shape.Int16:   {shape.Int32, shape.Int64},
		shape.Int32:   {shape.Int64},
		shape.Float32: {shape.Float64},
	}
	for _, from := range scalars {
		for _, to := range scalars {
			want := from == to || slices.Contains(holding[from], to)
			for _, within := range []func(shape.Type) shape.Type{
				func(t shape.Type) shape.Type { return t }, shape.ListOf, shape.MapOf, shape.OptionalOf,
				func(t shape.Type) shape.Type { return structOf("x", t) },
			} {
				stored, defined := within(shape.Of(from)), within(shape.Of(to))
				for _, defined := range []shape.Type{defined, shape.OptionalOf(defined)} {
					if defined.Kind == shape.Optional && defined.Elem.Kind == shape.Optional {
						continue
					}
					v, found := Next(First(structOf("a", stored)), 10, structOf("a", defined), Options{})
					if got := len(found) == 0; got != want {
						t.Errorf("%s after %s: %v", defined, stored, found)
					}
					if got := v.IDs[0] == 1 && !slices.Contains(v.IDs, 11); got != want {
						t.Errorf("%s after %s: the fields have the numbers %d", defined, stored, v.IDs)
					}
					_, found = Next(First(structOf("a", stored)), 10, structOf("a", defined), Options{Travels: true})
					if got := len(found) == 0; got != (stored.String() == defined.String()) {
						t.Errorf("in a tree that travels, %s after %s: %v", defined, stored, found)
					}
				}
			}
		}
	}
}

// TestDamagedVersions checks that versions that fit together in no way give errors.
func TestDamagedVersions(t *testing.T) {
	deep := shape.OptionalOf(shape.Of(shape.Bool))
	for range shape.MaxDepth - 1 {
		deep = shape.OptionalOf(shape.ListOf(deep))
	}
	if err := First(structOf("a", deep)).Check(); err != nil {
		t.Error(err)
	}
	deep = shape.ListOf(deep)
	good := First(structOf("a", shape.Bool, "b", shape.Uint64))
	for name, v := range map[string]Version{
		"none":              {},
		"too few numbers":   {good.Shape, []uint32{1}},
		"too many numbers":  {good.Shape, []uint32{1, 2, 3}},
		"a number twice":    {good.Shape, []uint32{1, 1}},
		"the number 0":      {good.Shape, []uint32{0, 1}},
		"no elements":       {structOf("a", shape.Kind(shape.List)), []uint32{1}},
		"an unknown kind":   {structOf("a", shape.Kind("x")), []uint32{1}},
		"an optional twice": {structOf("a", shape.OptionalOf(shape.OptionalOf(deep))), []uint32{1}},
		"too deep":          {structOf("a", deep), []uint32{1}},
		"too many fields":   {numbered(5000), make([]uint32, 5000)},
		"a name twice":      {structOf("a", shape.Bool, "a", shape.Bool), []uint32{1, 2}},
		"not a struct":      {shape.Of(shape.Bool), nil},
		"other types":       {structOf("a", shape.Uint8, "b", shape.Uint8), []uint32{1, 2}},
		"a default of another type": {
			shape.StructOf(shape.Field{Name: "c", Type: shape.Of(shape.Bool), Default: encode("text")}), []uint32{3},
		},
		"a default of no item": {
			shape.StructOf(shape.Field{Name: "c", Type: shape.Of(shape.Bool), Default: []byte{}}), []uint32{3},
		},
	} {
		for _, history := range [][]Version{{good, v}, {v, good}} {
			p := Between(history)
			if p.Same() {
				t.Errorf("%s: a plan says it changes nothing", name)
			}
			if p.Err() == nil && len(history[0].Shape.Fields) > 0 && history[0].Shape.Fields[0].Name == "c" {
				continue // a default of a field that is given up
			}
			if !errors.Is(p.Err(), shape.ErrInvalid) {
				t.Errorf("%s: got error %v, want ErrInvalid", name, p.Err())
			}
			refuse(t, p, encode(object{"a": true, "b": 1}))
		}
		if v.Check() != nil {
			if _, found := Next(v, 10, good.Shape, Options{Replace: true}); len(found) != 1 || found[0].Kind != Unusable {
				t.Errorf("%s: got %v, want one difference", name, found)
			}
		}
	}
	if _, found := Next(good, math.MaxUint32, structOf("c", shape.Bool), Options{Replace: true}); len(found) != 1 {
		t.Errorf("with no numbers left: %v", found)
	}
	if v, found := Next(good, math.MaxUint32-1, structOf("c", shape.Bool), Options{Replace: true}); len(found) != 0 ||
		v.IDs[0] != math.MaxUint32 {
		t.Errorf("with one number left: %v, %v", v, found)
	}
}

var scalars = []shape.Kind{
	shape.Uint8, shape.Uint16, shape.Uint32, shape.Uint64, shape.Int8, shape.Int16, shape.Int32, shape.Int64, shape.Bool,
	shape.Float32, shape.Float64, shape.String, shape.Bytes, shape.Time,
}

func ExampleDifference() {
	last := First(structOf("Address", structOf("Town", shape.String)))
	_, found := Next(last, 2, structOf("Address", structOf("City", shape.String)), Options{})
	for _, d := range found {
		fmt.Printf("%s:\n%s\n", d, strings.ReplaceAll(d.Remedy, "; ", ";\n"))
	}
	// Output:
	// Address.Town is missing in the definition:
	// if it was renamed, tag the field `netabase:"was=Town"`;
	// if its values are no longer needed, give it up with models.WithGivenUp("Address.Town");
	// or convert the rows by a function with models.WithEarlier
}
