package reshape

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

func TestBetween(t *testing.T) {
	moment := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC).Format(time.RFC3339Nano)
	town := structOf("Town", shape.String)
	omit := func(name string) shape.Field { return shape.Field{Name: name, Omit: true} }
	optionals := structOf()
	for i, t := range []shape.Type{
		shape.Of(shape.Uint64), shape.Of(shape.Bool), shape.Of(shape.Float64), shape.Of(shape.String), shape.Of(shape.Bytes),
		shape.Of(shape.Time), shape.ListOf(town), shape.MapOf(town), town, town,
	} {
		optionals.Fields = append(optionals.Fields, shape.Field{Name: string(rune('a' + i)), Type: shape.OptionalOf(t)})
	}
	for name, c := range map[string]struct {
		shapes    []shape.Type
		givenUp   map[int][]string // by step
		src, want object
	}{
		"field added before, between and behind": {
			shapes: []shape.Type{
				structOf("bb", shape.Uint8, "dd", shape.String),
				structOf("aa", shape.String, "bb", shape.Uint8, "cc", shape.Bool, "dd", shape.String, "ee", shape.Time),
			},
			src:  object{"bb": 7, "dd": "x"},
			want: object{"bb": 7, "dd": "x"},
		},
		"zero of every kind": {
			shapes: []shape.Type{
				structOf(),
				structOf("a", shape.Int64, "b", shape.Uint8, "c", shape.Bool, "d", shape.Float32, "e", shape.Float64,
					"f", shape.String, "g", shape.Bytes, "h", shape.Time, "i", shape.ListOf(town), "j", shape.MapOf(town),
					"k", shape.OptionalOf(town), "l", town),
			},
			src:  object{},
			want: object{},
		},
		"defaults": {
			shapes: []shape.Type{
				structOf("a", shape.Int64),
				structOf("a", shape.Int64, defaulted("b", 5), shape.Uint8, defaulted("c", "x"), shape.String,
					"d", structOf(defaulted("e", true), shape.Bool, "f", shape.String)),
			},
			src:  object{"a": -1},
			want: object{"a": -1, "b": 5, "c": "x", "d": object{"e": true}},
		},
		"a default stays that of the version that brought it": {
			shapes: []shape.Type{
				structOf("a", shape.Int64),
				structOf("a", shape.Int64, defaulted("b", 5), shape.Uint8),
				structOf("a", shape.Int64, defaulted("b", 6), shape.Uint16, "c", shape.Bool),
				structOf("a", shape.Int64, "b", shape.Uint32),
			},
			givenUp: map[int][]string{3: {"c"}},
			src:     object{"a": 1},
			want:    object{"a": 1, "b": 5},
		},
		"a field without a default does not get one later": {
			shapes: []shape.Type{
				structOf("a", shape.Int64), structOf("a", shape.Int64, "b", shape.Uint8),
				structOf("a", shape.Int64, defaulted("b", 6), shape.Uint8),
			},
			src:  object{"a": 1},
			want: object{"a": 1},
		},
		"renamed and reordered": {
			shapes: []shape.Type{
				structOf("a", shape.Int64, "b", shape.String, "c", shape.Bool),
				structOf(was("zz", "a"), shape.Int64, "b", shape.String, was("A", "c"), shape.Bool, "long", shape.Bytes),
			},
			src:  object{"a": 1, "b": "x", "c": true},
			want: object{"zz": 1, "b": "x", "A": true},
		},
		"renamed again and again, and a new field of the old name": {
			shapes: []shape.Type{
				structOf("a", shape.Int64), structOf(was("b", "a"), shape.Int64), structOf(was("c", "b"), shape.Int64),
				structOf("a", shape.String, was("c", "b"), shape.Int64),
			},
			src:  object{"a": 1},
			want: object{"c": 1},
		},
		"given up": {
			shapes:  []shape.Type{structOf("a", shape.Int64, "b", town, "c", shape.Bool), structOf("c", shape.Bool)},
			givenUp: map[int][]string{1: {"a", "b"}},
			src:     object{"a": 1, "b": object{"Town": "x"}, "c": true},
			want:    object{"c": true},
		},
		"given up and taken up again": {
			shapes:  []shape.Type{structOf("a", shape.Int64), structOf(), structOf("a", shape.Int64, "b", shape.Bool)},
			givenUp: map[int][]string{1: {"a"}},
			src:     object{"a": 1},
			want:    object{},
		},
		"wider": {
			shapes: []shape.Type{
				structOf("a", shape.Uint8, "b", shape.Int8, "c", shape.Uint32, "d", shape.Float32, "e", shape.Time),
				structOf("a", shape.Int16, "b", shape.Int64, "c", shape.Uint64, "d", shape.Float64,
					"e", shape.OptionalOf(shape.Of(shape.Time))),
			},
			src:  object{"a": 255, "b": -128, "c": int64(1 << 31), "d": 1.5, "e": moment},
			want: object{"a": 255, "b": -128, "c": int64(1 << 31), "d": 1.5, "e": moment},
		},
		"within lists, maps, structs and optionals": {
			shapes: []shape.Type{
				structOf("l", shape.ListOf(town), "m", shape.MapOf(town), "o", shape.OptionalOf(town), "s", town, "p", town,
					"n", shape.OptionalOf(town)),
				func() shape.Type {
					town := structOf(defaulted("Zip", "0"), shape.String, was("City", "Town"), shape.String)
					return structOf("l", shape.ListOf(town), "m", shape.MapOf(town), "o", shape.OptionalOf(town), "s", town,
						"p", shape.OptionalOf(town), "n", shape.OptionalOf(town))
				}(),
			},
			src: object{
				"l": []any{object{"Town": "a"}, object{"Town": "b"}},
				"m": object{"Town": object{"Town": "c"}, "x": object{"Town": "y"}},
				"o": object{"Town": "d"}, "s": object{"Town": "e"}, "p": object{"Town": "f"}, "n": nil,
			},
			want: object{
				"l": []any{object{"Zip": "0", "City": "a"}, object{"Zip": "0", "City": "b"}},
				"m": object{"Town": object{"Zip": "0", "City": "c"}, "x": object{"Zip": "0", "City": "y"}},
				"o": object{"Zip": "0", "City": "d"}, "s": object{"Zip": "0", "City": "e"}, "p": object{"Zip": "0", "City": "f"},
				"n": nil,
			},
		},
		"left out": {
			shapes: []shape.Type{
				structOf(omit("a"), shape.Int64, "b", shape.Bool, omit("c"), shape.Int64),
				structOf("a", shape.Int64, "b", shape.Bool, omit("c"), shape.Int64, omit("d"), town,
					shape.Field{Name: "e", Omit: true, Default: encode(3)}, shape.Uint8,
					shape.Field{Name: "f", Omit: true, Default: encode(0)}, shape.Uint8),
			},
			src:  object{"b": true, "c": 4},
			want: object{"b": true, "c": 4, "e": 3},
		},
		"optional after it was added": {
			shapes: []shape.Type{structOf(), structOf("a", shape.Uint8, "b", shape.Bool, "c", shape.Float32, "d", shape.String,
				"e", shape.Bytes, "f", shape.Time, "g", shape.ListOf(town), "h", shape.MapOf(town), "i", town,
				"j", shape.OptionalOf(town)), optionals},
			src:  object{},
			want: object{"a": 0, "b": false, "c": 0.0, "d": "", "h": object{}, "i": object{}},
		},
		"optional after it was left out": {
			shapes: []shape.Type{structOf(omit("a"), shape.Uint8, omit("b"), shape.Bool, omit("c"), shape.Float32,
				omit("d"), shape.String, omit("e"), shape.Bytes, omit("f"), shape.Time, omit("g"), shape.ListOf(town),
				omit("h"), shape.MapOf(town), omit("i"), town, omit("j"), shape.OptionalOf(town)), optionals},
			src:  object{},
			want: object{"a": 0, "b": false, "c": 0.0, "d": "", "h": object{}, "i": object{}},
		},
		"a default within a struct that was left out": {
			shapes: []shape.Type{
				structOf(omit("a"), town), structOf(omit("a"), structOf("Town", shape.String, defaulted("b", 1), shape.Int8)),
			},
			src:  object{},
			want: object{"a": object{"b": 1}},
		},
		"more fields than the head has room for": {
			shapes: []shape.Type{numbered(20), defaults(30)},
			src:    zeros(20),
			want: func() object {
				value := zeros(30)
				for i := 20; i < 30; i++ {
					value[fmt.Sprintf("f%02d", i)] = 1
				}
				return value
			}(),
		},
		"fewer": {
			shapes: []shape.Type{structOf("x", numbered(30)), structOf("x", numbered(3))},
			givenUp: func() map[int][]string {
				var paths []string
				for _, f := range numbered(30).Fields[3:] {
					paths = append(paths, "x."+f.Name)
				}
				return map[int][]string{1: paths}
			}(),
			src:  object{"x": object{"f00": 0, "f01": 0}},
			want: object{"x": object{"f00": 0, "f01": 0}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			history := chain(t, c.givenUp, c.shapes...)
			plan := Between(history)
			got := rewrite(t, plan, encode(c.src))
			same(t, got, encode(c.want))
			now := Between(history[len(history)-1:])
			if !now.Same() {
				t.Error("a plan within a version changes values")
			}
			same(t, rewrite(t, now, got), got)
			if plan.Same() && string(got) != string(encode(c.src)) {
				t.Error("a plan that says it changes nothing does")
			}
		})
	}
}

// numbered returns a struct of n fields, f00 and on, and zeros a value of it.
func numbered(n int) shape.Type {
	var fields []shape.Field
	for name := range zeros(n) {
		fields = append(fields, shape.Field{Name: name, Type: shape.Of(shape.Uint8)})
	}
	slices.SortFunc(fields, func(a, b shape.Field) int { return strings.Compare(a.Name, b.Name) })
	return shape.StructOf(fields...)
}

// defaults is numbered with a default of 1 in all fields.
func defaults(n int) shape.Type {
	t := numbered(n)
	for i := range t.Fields {
		t.Fields[i].Default = encode(1)
	}
	return t
}

func zeros(n int) object {
	value := object{}
	for i := range n {
		value[fmt.Sprintf("f%02d", i)] = 0
	}
	return value
}

func TestByName(t *testing.T) {
	to := structOf("id", shape.Uint64, defaulted("name", "nobody"), shape.String,
		"home", structOf("town", shape.String), "tags", shape.ListOf(structOf("t", shape.String)),
		"notes", shape.MapOf(shape.Of(shape.String)))
	plan := ByName(to)
	got := rewrite(t, plan, encode(object{
		"id": 1, "home": object{"town": "x", "zip": 5, "a": []any{nil, true, 1.5, "x", []byte{1}, -3, object{"k": 1}}},
		"tags":  []any{object{"t": "1", "u": object{}}, object{}},
		"notes": object{"id": "kept", "name": "kept"}, "zzzzzz": 3, "": object{},
	}))
	same(t, got, encode(object{
		"id": 1, "name": "nobody", "home": object{"town": "x"}, "tags": []any{object{"t": "1"}, object{}},
		"notes": object{"id": "kept", "name": "kept"},
	}))
	same(t, rewrite(t, plan, got), got)
	same(t, rewrite(t, plan, encode(object{})), encode(object{"name": "nobody"}))
}
