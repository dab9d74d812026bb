package shape_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

// user has every member that a shape can have.
var user = shape.StructOf(
	shape.Field{Name: "Name", Type: shape.Of(shape.String), Omit: true, Default: []byte("\x62al")},
	shape.Field{Name: "ID", Type: shape.Of(shape.Uint64)},
	shape.Field{Name: "Homes", Type: shape.ListOf(shape.OptionalOf(shape.StructOf()))},
	shape.Field{Name: "At", Type: shape.MapOf(shape.Of(shape.Time))},
)

// userHex is user as docs/format.md describes it.
const userHex = "a2" + // a map of two members
	"646b696e64" + "66737472756374" + // kind: struct
	"666669656c6473" + "84" + // fields: a list of four
	("a2" + "646e616d65" + "624174" + // name: At
		"6474797065" + "a2" + // type: a map of two members
		("64656c656d" + "a1646b696e646474696d65" + // elem: {kind: time}
			"646b696e64" + "636d6170")) + // kind: map
	("a2" + "646e616d65" + "624944" + // name: ID
		"6474797065" + "a1646b696e646675696e743634") + // type: {kind: uint64}
	("a4" + "646e616d65" + "644e616d65" + // name: Name
		"646f6d6974" + "f5" + // omit: true
		"6474797065" + "a1646b696e6466737472696e67" + // type: {kind: string}
		"6764656661756c74" + "4362616c") + // default: the bytes of "al"
	("a2" + "646e616d65" + "65486f6d6573" + // name: Homes
		"6474797065" + "a2" + // type: a map of two members
		("64656c656d" + "a2" + // elem: a map of two members
			("64656c656d" + "a2646b696e6466737472756374666669656c647380" + // elem: {kind: struct, fields: []}
				"646b696e64" + "686f7074696f6e616c") + // kind: optional
			"646b696e64" + "646c697374")) // kind: list

func TestBytes(t *testing.T) {
	if got := hex.EncodeToString(user.Append(nil)); got != userHex {
		t.Errorf("got\n%s\nwant\n%s", got, userHex)
	}
	// The hash is that of the same bytes without omit and default.
	plain := strings.NewReplacer("a4646e616d65644e616d65646f6d6974f5", "a2646e616d65644e616d65",
		"6764656661756c744362616c", "").Replace(userHex)
	bare := shape.StructOf(append([]shape.Field{{Name: "Name", Type: shape.Of(shape.String)}}, user.Fields[1:]...)...)
	if got := hex.EncodeToString(bare.Append(nil)); got != plain {
		t.Errorf("without omit and default got\n%s\nwant\n%s", got, plain)
	}
	if user.Hash() != bare.Hash() {
		t.Error("omit or default counts for the hash")
	}
}

// drawType draws a type that Check takes.
func drawType(t *rapid.T, depth int) shape.Type {
	plain := []shape.Kind{
		shape.Uint8, shape.Uint16, shape.Uint32, shape.Uint64, shape.Int8, shape.Int16, shape.Int32, shape.Int64,
		shape.Bool, shape.Float32, shape.Float64, shape.String, shape.Bytes, shape.Time,
	}
	kinds := plain
	if depth < 4 {
		kinds = append(plain, shape.List, shape.Map, shape.Optional, shape.Struct, shape.Struct)
	}
	switch kind := rapid.SampledFrom(kinds).Draw(t, "kind"); kind {
	case shape.List:
		return shape.ArrayOf(drawSize(t), drawType(t, depth+1))
	case shape.Bytes:
		return shape.BytesOf(drawSize(t))
	case shape.Map:
		return shape.MapOf(drawType(t, depth+1))
	case shape.Optional:
		elem := drawType(t, depth+1)
		if elem.Kind == shape.Optional {
			return elem
		}
		return shape.OptionalOf(elem)
	case shape.Struct:
		return drawStruct(t, depth)
	default:
		return shape.Of(kind)
	}
}

// drawSize draws the size of an array, or 0 for a slice.
func drawSize(t *rapid.T) int {
	return rapid.SampledFrom([]int{0, 1, 32, shape.MaxSize}).Draw(t, "size")
}

func drawStruct(t *rapid.T, depth int) shape.Type {
	names := rapid.SliceOfNDistinct(rapid.StringN(1, 5, -1), 0, 5, rapid.ID[string]).Draw(t, "names")
	fields := make([]shape.Field, len(names))
	for i, name := range names {
		fields[i] = shape.Field{Name: name, Type: drawType(t, depth+1), Omit: rapid.Bool().Draw(t, "omit")}
		if fields[i].Type.Kind == shape.Bool && rapid.Bool().Draw(t, "has default") {
			fields[i].Default = []byte{0xF5}
		}
	}
	return shape.StructOf(fields...)
}

// sorted returns a type with its fields in the order in which they are encoded.
func sorted(t shape.Type) shape.Type {
	if t.Elem != nil {
		elem := sorted(*t.Elem)
		t.Elem = &elem
	}
	if t.Kind != shape.Struct {
		return t
	}
	fields := []shape.Field{}
	for _, f := range t.Fields {
		f.Type = sorted(f.Type)
		at := 0
		for at < len(fields) && (len(fields[at].Name) < len(f.Name) ||
			len(fields[at].Name) == len(f.Name) && fields[at].Name < f.Name) {
			at++
		}
		fields = append(fields[:at], append([]shape.Field{f}, fields[at:]...)...)
	}
	t.Fields = fields
	return t
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawStruct(t, 0)
		encoded := want.Append([]byte("x"))
		got, err := shape.Parse(encoded[1:])
		if err != nil {
			t.Fatal(err)
		}
		if want := sorted(want); !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if got.Hash() != want.Hash() || !bytes.Equal(got.Append(nil), encoded[1:]) {
			t.Error("what was parsed differs")
		}
		// It shares no memory with what was read.
		before := got.Append(nil)
		for i := range encoded {
			encoded[i] = 0xFF
		}
		if !bytes.Equal(got.Append(nil), before) {
			t.Error("it keeps memory of what was parsed")
		}
	})
}

func TestHashTellsFieldsApart(t *testing.T) {
	seen := map[[32]byte]string{}
	one := func(name string, t shape.Type) shape.Type { return shape.StructOf(shape.Field{Name: name, Type: t}) }
	for _, s := range []shape.Type{
		shape.StructOf(), one("a", shape.Of(shape.String)), one("b", shape.Of(shape.String)),
		one("a", shape.Of(shape.Bytes)), one("a", shape.ListOf(shape.Of(shape.String))),
		one("a", shape.BytesOf(4)), one("a", shape.BytesOf(8)), one("a", shape.ArrayOf(4, shape.Of(shape.String))),
		one("a", shape.MapOf(shape.Of(shape.String))), one("a", shape.OptionalOf(shape.Of(shape.String))),
		one("a", shape.StructOf()), one("a", one("b", shape.Of(shape.String))),
	} {
		if other, twice := seen[s.Hash()]; twice {
			t.Errorf("%v has the hash of %s", s, other)
		}
		seen[s.Hash()] = s.String()
	}
	ab := []shape.Field{{Name: "a", Type: shape.Of(shape.Bool)}, {Name: "b", Type: shape.Of(shape.Time)}}
	if shape.StructOf(ab[0], ab[1]).Hash() != shape.StructOf(ab[1], ab[0]).Hash() {
		t.Error("the order of the declaration counts for the hash")
	}
}

// nested nests so many lists around a bool, each within an optional.
func nested(depth int) shape.Type {
	t := shape.OptionalOf(shape.Of(shape.Bool))
	for range depth {
		t = shape.OptionalOf(shape.ListOf(t))
	}
	return t
}

// wide has so many fields, in structs of 100 fields and less.
func wide(fields int) shape.Type {
	var outer []shape.Field
	for fields > 0 {
		n := min(fields-1, 99)
		var inner []shape.Field
		for i := range n {
			inner = append(inner, shape.Field{Name: fmt.Sprint("f", i), Type: shape.Of(shape.Bool)})
		}
		outer = append(outer, shape.Field{Name: fmt.Sprint("g", len(outer)), Type: shape.StructOf(inner...)})
		fields -= n + 1
	}
	return shape.StructOf(outer...)
}

func TestBounds(t *testing.T) {
	for name, s := range map[string]shape.Type{"deep": nested(shape.MaxDepth), "wide": wide(shape.MaxFields)} {
		if _, err := shape.Parse(s.Append(nil)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, s := range map[string]shape.Type{
		"nest more than 32 deep":      nested(shape.MaxDepth + 1),
		"has more than 4096 fields":   wide(shape.MaxFields + 1),
		"it nest more than 32 deep":   nested(1000),
		"it has more than 4096 field": wide(100_000),
	} {
		want := strings.TrimPrefix(name, "it ")
		if _, err := shape.Parse(s.Append(nil)); !errors.Is(err, shape.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: parsing gives %v", name, err)
		}
		if err := s.Check(); !errors.Is(err, shape.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: checking gives %v", name, err)
		}
	}
	// A type that contains itself has no depth.
	loop := shape.Type{Kind: shape.Struct, Fields: make([]shape.Field, 2)}
	loop.Fields[0] = shape.Field{Name: "a", Type: loop}
	loop.Fields[1] = shape.Field{Name: "b", Type: loop}
	if err := loop.Check(); !errors.Is(err, shape.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	// A list that says it has many fields takes no memory before they are there.
	many := unhex(t, "a2646b696e6466737472756374666669656c64739a000f4240")
	if n := testing.AllocsPerRun(1, func() { _, _ = shape.Parse(many) }); n > 50 {
		t.Errorf("allocates %v times", n)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseRefuses(t *testing.T) {
	text := func(s string) string { return string(rune(0x60+len(s))) + s }
	kind := func(k string) string { return "\xA1" + text("kind") + text(k) }
	field := func(members string) string {
		return "\xA2" + text("kind") + text("struct") + text("fields") + "\x81" + members
	}
	for name, c := range map[string]struct{ src, want string }{
		"nothing":            {"", "byte 0: it ends early"},
		"a number":           {"\x01", "byte 0: there is an unsigned integer in place of a map"},
		"left over":          {kind("bool") + "\x00", "byte 11: 1 bytes follow"},
		"cut off":            {kind("bool")[:8], "byte 6: text of 4 bytes is cut off"},
		"no kind":            {"\xA0", "has no member \"kind\""},
		"a kind in between":  {kind("point"), `byte 12: the kind "point" is unknown`},
		"no elements":        {kind("list"), "a type of kind list needs the type of its elements"},
		"elements of a bool": {"\xA2" + text("elem") + kind("bool") + text("kind") + text("bool"), "a type of kind bool has no elements"},
		"fields of a bool":   {"\xA2" + text("kind") + text("bool") + text("fields") + "\x80", "a type of kind bool has no fields"},
		"no fields":          {kind("struct"), `a struct has no member "fields"`},
		"a size of 0":        {"\xA2" + text("kind") + text("bytes") + text("size") + "\x00", "the size 0 is not 1 to 2147483647"},
		"a size too large":   {"\xA2" + text("kind") + text("bytes") + text("size") + "\x1A\x80\x00\x00\x00", "the size 2147483648 is not"},
		"the size of a bool": {"\xA2" + text("kind") + text("bool") + text("size") + "\x01", "a type of kind bool has no size"},
		"optional twice": {
			"\xA2" + text("elem") + "\xA2" + text("elem") + kind("bool") + text("kind") + text("optional") + text("kind") + text("optional"),
			"may be missing already",
		},
		"members out of order": {"\xA2" + text("kind") + text("list") + text("elem") + kind("bool"), `"elem" is unknown, repeated or out of order`},
		"an unknown member":    {"\xA2" + text("kind") + text("bool") + text("unit"), `"unit" is unknown`},
		"a long head":          {"\xB8\x01" + kind("bool")[1:], "not written in its shortest form"},
		"a kind with long head": {
			"\xA1" + text("kind") + "\x78\x04bool", "not written in its shortest form",
		},
		"an indefinite map":   {"\xBF" + kind("bool")[1:] + "\xFF", "indefinite length"},
		"a nameless field":    {field("\xA2" + text("name") + "\x60" + text("type") + kind("bool")), "cut off"},
		"a field of no type":  {field("\xA1" + text("name") + text("abcdefghijklmnopqrstuvw")), `"abcdefghijklmnopqrstuvw" has no member "type"`},
		"an omit of false":    {field("\xA3" + text("name") + text("a") + text("omit") + "\xF4" + text("type") + kind("bool")), `"omit" of field "a" is not true`},
		"a default of text":   {field("\xA3" + text("name") + text("a") + text("type") + kind("bool") + text("default") + "\x60"), "text in place of a byte string"},
		"a default of 2":      {field("\xA3" + text("name") + text("a") + text("type") + kind("bool") + text("default") + "\x41\x02"), "a: its default is no value of its type: byte 0"},
		"a default and more":  {field("\xA3" + text("name") + text("a") + text("type") + kind("bool") + text("default") + "\x42\xF4\xF4"), "a: its default is no value of its type: byte 1: 1 bytes follow"},
		"a name not UTF-8":    {field("\xA2" + text("name") + "\x61\xFF" + text("type") + kind("bool")), "not UTF-8"},
		"no default":          {field("\xA3" + text("name") + text("a") + text("type") + kind("bool") + text("was") + "\x60"), `"was" is unknown`},
		"names out of order":  {strings.Replace(field("\xA2"+text("name")+text("b")+text("type")+kind("bool")), "\x81", "\x82", 1) + "\xA2" + text("name") + text("a") + text("type") + kind("bool"), `"a" is repeated or comes too late`},
		"one name twice":      {strings.Replace(field("\xA2"+text("name")+text("a")+text("type")+kind("bool")), "\x81", "\x82", 1) + "\xA2" + text("name") + text("a") + text("type") + kind("bool"), `"a" is repeated or comes too late`},
		"a million fields":    {"\xA2" + text("kind") + text("struct") + text("fields") + "\x9A\x00\x0F\x42\x40" + strings.Repeat("\xA2", 1e6), "more than 4096"},
		"too many for itself": {"\xA2" + text("kind") + text("struct") + text("fields") + "\x99\x0F\xFF" + strings.Repeat("\xA2", 1e4), "is cut off"},
	} {
		_, err := shape.Parse([]byte(c.src))
		if !errors.Is(err, shape.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %s", name, err, c.want)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	in := func(f ...shape.Field) shape.Type { return shape.StructOf(f...) }
	for want, s := range map[string]shape.Type{
		`the kind "" is unknown`: {},
		`Homes[].Town: the kind "city" is unknown`: in(shape.Field{
			Name: "Homes", Type: shape.ListOf(in(shape.Field{Name: "Town", Type: shape.Of("city")})),
		}),
		"Rooms{}: a type of kind list needs": in(shape.Field{Name: "Rooms", Type: shape.MapOf(shape.Of(shape.List))}),
		`At: field "a": two fields are named "a"`: in(shape.Field{
			Name: "At", Type: in(shape.Field{Name: "a", Type: shape.Of(shape.Bool)}, shape.Field{Name: "a", Type: shape.Of(shape.Time)}),
		}),
		`field "": the field has no name`:     in(shape.Field{Type: shape.Of(shape.Bool)}),
		`field "\xff": the name is not UTF-8`: in(shape.Field{Name: "\xff", Type: shape.Of(shape.Bool)}),
		"Hash: the size -1 is not 1 to":       in(shape.Field{Name: "Hash", Type: shape.BytesOf(-1)}),
		"M: a type of kind map has no size": in(shape.Field{
			Name: "M", Type: shape.Type{Kind: shape.Map, Elem: &shape.Type{Kind: shape.Bool}, Size: 2},
		}),
		"Hash: its default is no value of its type: byte 0: a byte string has 1 bytes, not 2": in(shape.Field{
			Name: "Hash", Type: shape.BytesOf(2), Default: []byte{0x41, 0},
		}),
		"L: its default is no value of its type: byte 0: a list has 0 elements, not 2": in(shape.Field{
			Name: "L", Type: shape.ArrayOf(2, shape.Of(shape.Bool)), Default: []byte{0x80},
		}),
		"ID: its default is no value of its type: byte 0: 256 is no uint8": in(shape.Field{
			Name: "ID", Type: shape.Of(shape.Uint8), Default: []byte{0x19, 1, 0},
		}),
		`field "a": was=a is the name that the field has`: in(shape.Field{
			Name: "a", Type: shape.Of(shape.Bool), Was: []string{"a"},
		}),
		`Home: field "b": was=a is the name of another field`: in(shape.Field{Name: "Home", Type: in(
			shape.Field{Name: "a", Type: shape.Of(shape.Bool)},
			shape.Field{Name: "b", Type: shape.Of(shape.Bool), Was: []string{"a"}},
		)}),
	} {
		if err := s.Check(); !errors.Is(err, shape.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

func TestParseText(t *testing.T) {
	for _, c := range []struct {
		kind       shape.Kind
		text, want string // the DAG-CBOR in hex, or a part of the error
	}{
		{shape.Uint8, "0", "00"},
		{shape.Uint8, "255", "18ff"},
		{shape.Uint8, "256", `"256" is no uint8; write a number from 0 to 255`},
		{shape.Uint64, "18446744073709551615", "1bffffffffffffffff"},
		{shape.Uint64, "18446744073709551616", "from 0 to 18446744073709551615"},
		{shape.Uint64, "-1", "no uint64"},
		{shape.Uint64, "0x10", "no uint64"},
		{shape.Int8, "-128", "387f"},
		{shape.Int8, "128", `"128" is no int8; write a number from -128 to 127`},
		{shape.Int64, "-9223372036854775808", "3b7fffffffffffffff"},
		{shape.Int64, "9223372036854775807", "1b7fffffffffffffff"},
		{shape.Int64, "", "from -9223372036854775808 to 9223372036854775807"},
		{shape.Float64, "1.5", "fb3ff8000000000000"},
		{shape.Float64, "-0", "fb8000000000000000"},
		{shape.Float32, "0.1", "fb3fb99999a0000000"}, // the float32 nearest to it
		{shape.Float32, "1e39", "no float32"},
		{shape.Float64, "NaN", "finite"},
		{shape.Float64, "-Inf", "finite"},
		{shape.Bool, "true", "f5"},
		{shape.Bool, "false", "f4"},
		{shape.Bool, "True", "write true or false"},
		{shape.String, "", "60"},
		{shape.String, "é;", "63c3a93b"},
		{shape.String, "\xff", "UTF-8"},
		{shape.Time, "1970-01-01T01:00:00.5+01:00", "76" + hex.EncodeToString([]byte("1970-01-01T00:00:00.5Z"))},
		{shape.Time, "0001-01-01T00:00:00Z", "f6"},
		{shape.Time, "9999-12-31T23:00:00-02:00", "years 0 to 9999"},
		{shape.Time, "1970-01-01", "write a time like"},
		{shape.Bytes, "a", "a value of kind bytes cannot be written as text"},
		{shape.List, "a", "cannot be written as text"},
	} {
		for _, s := range []shape.Type{shape.Of(c.kind), shape.OptionalOf(shape.Of(c.kind))} {
			value, err := s.ParseText(c.text)
			if err != nil {
				if !errors.Is(err, shape.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s %q: got error %v, want %s", c.kind, c.text, err, c.want)
				}
				continue
			}
			if got := hex.EncodeToString(value); got != c.want {
				t.Errorf("%s %q: got %s, want %s", c.kind, c.text, got, c.want)
			}
			if err := s.CheckValue(value); err != nil {
				t.Errorf("%s %q: %v", c.kind, c.text, err)
			}
		}
	}
}

func FuzzShape(f *testing.F) {
	f.Add(user.Append(nil))
	f.Add(nested(3).Append(nil))
	f.Add(wide(120).Append(nil))
	f.Add(unhexSeed("a1646b696e6464626f6f6c"))
	f.Fuzz(func(t *testing.T, src []byte) {
		s, err := shape.Parse(src)
		if err != nil {
			if !errors.Is(err, shape.ErrInvalid) {
				t.Errorf("error %v does not match ErrInvalid", err)
			}
			return
		}
		if err := s.Check(); err != nil {
			t.Errorf("what was parsed is refused: %v", err)
		}
		if again := s.Append(nil); !bytes.Equal(again, src) {
			t.Errorf("%x is written again as %x", src, again)
		}
		_, _ = s.Hash(), s.String()
	})
}

func unhexSeed(s string) []byte {
	b, _ := hex.DecodeString(s)
	return b
}
