package reshape

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

// wide is a shape with every kind in it. WideNext follows it with every change that is automatic.
var (
	wide = structOf(
		"u", shape.Uint8, "i", shape.Int8, "b", shape.Bool, "f", shape.Float32, "s", shape.String, "y", shape.Bytes,
		"t", shape.Time, "gone", shape.MapOf(shape.OptionalOf(shape.Of(shape.Uint64))),
		"p", shape.BytesOf(2), "q", shape.ArrayOf(2, shape.Of(shape.Bool)),
		"l", shape.ListOf(wideHome), "m", shape.MapOf(wideHome), "o", shape.OptionalOf(wideHome), "h", wideHome,
	)
	wideNext = structOf(
		"u", shape.Int64, "i", shape.Int16, was("bool", "b"), shape.Bool, "f", shape.OptionalOf(shape.Of(shape.Float64)),
		"s", shape.String, was("a", "y"), shape.Bytes, "t", shape.OptionalOf(shape.Of(shape.Time)),
		"p", shape.Bytes, "q", shape.ListOf(shape.Of(shape.Bool)),
		"l", shape.ListOf(shape.OptionalOf(wideHomeNext)), "m", shape.MapOf(wideHomeNext),
		"o", shape.OptionalOf(wideHomeNext), "h", wideHomeNext, defaulted("new", 500), shape.Uint16,
	)
	wideHome     = structOf("town", shape.String, shape.Field{Name: "zip", Omit: true}, shape.String)
	wideHomeNext = structOf("town", shape.String, defaulted("country", "CH"), shape.String,
		shape.Field{Name: "zip", Omit: true}, shape.OptionalOf(shape.Of(shape.String)))
	wideValue = object{
		"u": 255, "i": -128, "b": true, "f": 1.5, "s": "text é", "y": []byte{0, 1, 2}, "t": "2024-02-29T23:59:59.5Z",
		"p": []byte{1, 2}, "q": []any{true, false},
		"gone": object{"a": nil, "b": uint64(math.MaxUint64)},
		"l":    []any{object{"town": "a"}, object{"town": "b", "zip": "c"}}, "m": object{"zip": object{"town": "d"}},
		"o": object{"town": "e"}, "h": object{"town": "f"},
	}
)

// widePlans returns plans that read values of wide.
func widePlans(t testing.TB) map[string]*Plan {
	history := chain(t, map[int][]string{1: {"gone"}}, wide, wideNext)
	return map[string]*Plan{
		"within a version": Between(history[:1]), "between versions": Between(history), "by name": ByName(wide),
		"by name, all unknown": ByName(structOf()),
	}
}

func TestAppendRefusesDamage(t *testing.T) {
	src := encode(wideValue)
	heads := []byte("\x00\x18\x1B\x20\x38\x3B\x40\x58\x60\x78\x7F\x80\x9F\xA0\xA1\xBF\xC0\xE0\xF4\xF6\xF7\xFA\xFB\xFF")
	for name, p := range widePlans(t) {
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
		rewrite(t, p, src)
		for end := range src {
			refuse(t, p, src[:end])
		}
		refuse(t, p, append(bytes.Clone(src), 0))
		// Any other byte in any place is a fault or another value that is canonical.
		for at := range src {
			damaged := bytes.Clone(src)
			for _, b := range heads {
				damaged[at] = b
				checkAppend(t, name, p, damaged)
			}
			for bit := range 8 {
				damaged[at] = src[at] ^ 1<<bit
				checkAppend(t, name, p, damaged)
			}
		}
	}
}

func TestAppendRefusesTypes(t *testing.T) {
	p := Between(chain(t, map[int][]string{1: {"gone"}}, wide, wideNext))
	nested := func(depth int) any {
		var v any = 0
		for range depth {
			v = []any{v}
		}
		return v
	}
	for where, value := range map[string]any{
		"u": -1, "i": 128, "b": 1, "f": 1e300, "s": []byte("bytes"), "y": "text", "t": "2023-02-29T00:00:00Z", "gone": nil,
		"gone ": object{"a": -1}, "gone  ": object{"a": ""}, "l": nil, "l ": []any{nil}, "l  ": object{}, "m": []any{},
		"m ": object{"": 0}, "o": []any{}, "o ": object{"town": 1}, "h": nil, "h ": object{"town": "", "zip": nil},
		"p": []byte{1}, "p ": []byte{1, 2, 3}, "q": []any{true}, "q ": []any{true, true, true},
		"unknown": 0, "h  ": object{"unknown": 0}, "u ": 256, "i ": -129, "u  ": 1.0, "f ": 1,
	} {
		field := strings.TrimSpace(where)
		src := object{}
		for key, v := range wideValue {
			src[key] = v
		}
		src[field] = value
		if err := refuse(t, p, encode(src)); !strings.Contains(err.Error(), field) {
			t.Errorf("%s: the error %q does not name the field", where, err)
		}
	}
	for _, src := range [][]byte{nil, {0}, {0xF6}, {0x80}, {0xBF, 0xFF}, {0xB8, 0}, []byte("\xA1\x01\x01")} {
		for _, p := range widePlans(t) {
			refuse(t, p, src)
		}
	}
	// A value that has no fields is one whose fields are all zero.
	rewrite(t, p, encode(object{}))
	// Unknown fields are as deep as a model may be, and no deeper.
	for _, p := range []*Plan{ByName(wide), ByName(structOf())} {
		rewrite(t, p, encode(object{"x": nested(maxDepth - 1)}))
		refuse(t, p, encode(object{"x": nested(maxDepth)}))
		refuse(t, p, append([]byte("\xA1\x61x"), bytes.Repeat([]byte{0x81}, 1<<20)...))
		refuse(t, p, []byte("\xA1\x61x\x9A\x00\x02\x00\x01"))
		for _, item := range []string{
			"\xC0\x00", "\xD8\x2A\x40", "\xF7", "\xE0", "\xF8\x20", "\xF9\x00\x00", "\xFA\x00\x00\x00\x00",
			"\x18\x17", "\x19\x00\xFF", "\x1A\x00\x00\xFF\xFF", "\x1B\x00\x00\x00\x00\xFF\xFF\xFF\xFF", "\x1C",
			"\x1F", "\x5F\xFF", "\x9F\xFF", "\x61\xFF", "\xA2\x61b\x00\x61a\x00", "\xA2\x61a\x00\x61a\x00",
			"\xA2\x62aa\x00\x61b\x00", "\xA1\x41a\x00", "\xFB\x7F\xF0\x00\x00\x00\x00\x00\x00",
			"\xFB\x7F\xF8\x00\x00\x00\x00\x00\x00", "\x7B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
			"\x5B\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "\x9B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
			"\xBB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
		} {
			refuse(t, p, []byte("\xA1\x61x"+item))
		}
	}
}

// FuzzAppend checks that no bytes make a plan panic, and that what a plan takes is canonical, before
// and after.
func FuzzAppend(f *testing.F) {
	plans := widePlans(f)
	for _, seed := range []any{wideValue, object{}, object{"x": []any{object{}, nil, 1.5}, "u": 1}} {
		f.Add(encode(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		for name, p := range plans {
			checkAppend(t, name, p, src)
		}
	})
}

// checkAppend checks what is true of any plan and any bytes.
func checkAppend(t *testing.T, name string, p *Plan, src []byte) {
	got, err := p.Append(nil, src)
	value, canonical := decode(src)
	_, isMap := value.(object)
	if err != nil {
		if len(got) > 0 {
			t.Fatalf("%s: after an error, dst is %x", name, got)
		}
		if name == "by name, all unknown" && canonical && isMap {
			t.Fatalf("%x is canonical and refused: %v", src, err)
		}
		return
	}
	if !canonical || !isMap {
		t.Fatalf("%s: %x is not canonical and taken", name, src)
	}
	if _, canonical := decode(got); !canonical {
		t.Fatalf("%s: %x is the result, and not canonical", name, got)
	}
	// Each struct has a byte at least, and is followed by defaults of less than 100 bytes.
	if limit := 200 + 100*len(src); len(got) > limit {
		t.Fatalf("%s: %d bytes become %d", name, len(src), len(got))
	}
	if name == "by name" || p.Same() {
		if again, err := p.Append(nil, got); err != nil || string(again) != string(got) {
			t.Fatalf("%s: %x becomes %x, %v", name, got, again, err)
		}
	}
	if p.Same() && string(got) != string(src) {
		t.Fatalf("%s: a plan that says it changes nothing does", name)
	}
}

// decode returns the value of src and whether it is canonical DAG-CBOR, as another implementation
// sees it.
func decode(src []byte) (value any, canonical bool) {
	if err := decoder.Unmarshal(src, &value); err != nil || hasSimple(value) {
		return nil, false
	}
	return value, string(encode(value)) == string(src)
}

// FuzzMerge checks that no two values make Merge panic, and that its result is canonical, no longer
// than both, has all that is known, and stays the same when merged again.
func FuzzMerge(f *testing.F) {
	to := wide
	for _, seed := range []object{wideValue, {}, {"l": []any{object{"town": "a", "x": 1}}, "x": 1}} {
		f.Add(encode(wideValue), encode(seed))
		f.Add(encode(seed), encode(wideValue))
	}
	p := ByName(to)
	f.Fuzz(func(t *testing.T, known, before []byte) {
		if k, err := p.Append(nil, known); err == nil {
			known = k
		}
		got, err := Merge(nil, known, before, to)
		if err != nil {
			if len(got) > 0 {
				t.Fatalf("after an error, dst is %x", got)
			}
			return
		}
		if _, canonical := decode(got); !canonical {
			t.Fatalf("%x is the result, and not canonical", got)
		}
		if len(got) > len(known)+len(before) {
			t.Fatalf("%d and %d bytes become %d", len(known), len(before), len(got))
		}
		want, err := p.Append(nil, known)
		if err != nil {
			return // known is no value of the shape, and was copied as it is where before had nothing
		}
		if again, err := Merge(nil, known, got, to); err != nil || string(again) != string(got) {
			t.Fatalf("%x becomes %x, %v", got, again, err)
		}
		if is, err := p.Append(nil, got); err != nil || string(is) != string(want) {
			t.Fatalf("known as %x, merged as %x, %v", want, is, err)
		}
	})
}
