package reshape

import (
	"errors"
	"testing"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

func TestUnion(t *testing.T) {
	home := structOf("town", shape.String, shape.Field{Name: "zip", Omit: true}, shape.String)
	to := structOf(
		"id", shape.Uint64, shape.Field{Name: "nick", Omit: true}, shape.String, "home", home,
		"work", shape.OptionalOf(home), "homes", shape.ListOf(home), "byName", shape.MapOf(home),
		"tags", shape.ListOf(shape.Of(shape.String)), "at", shape.Time,
	)
	for name, c := range map[string]struct{ known, a, b, want object }{
		"nothing": {object{}, object{}, object{}, object{}},
		"fields of either": {
			object{"id": 3},
			object{"id": 1, "a": 1, "both": 5},
			object{"id": 2, "b": 1, "both": 7},
			object{"id": 3, "a": 1, "b": 1, "both": 7},
		},
		"the larger by its bytes, whole": {
			object{}, object{"m": object{"x": 1, "y": 1}}, object{"m": object{"z": 9}}, object{"m": object{"x": 1, "y": 1}},
		},
		"a known field is as it was merged": {
			object{"id": 0},
			object{"id": 9, "nick": "a", "tags": []any{"x"}},
			object{"id": 8, "u": nil},
			object{"id": 0, "u": nil},
		},
		"a struct in a struct": {
			object{"home": object{"town": "m"}, "work": object{"town": "w"}},
			object{"home": object{"town": "a", "u": 1}, "work": nil},
			object{"home": object{"town": "b", "v": 2}, "work": object{"town": "w", "x": 1}},
			object{"home": object{"town": "m", "u": 1, "v": 2}, "work": object{"town": "w", "x": 1}},
		},
		"a struct that is gone": {
			object{"work": nil},
			object{"work": object{"town": "a", "u": 1}},
			object{"work": object{"town": "b", "u": 2}},
			object{"work": nil},
		},
		"a map": {
			object{"byName": object{"x": object{"town": "1"}, "y": object{"town": "2"}}},
			object{"byName": object{"x": object{"town": "0", "u": 1}, "gone": object{"town": "0", "u": 1}}},
			object{"byName": object{"x": object{"town": "1", "u": 2}, "y": object{"town": "2", "v": 3}}},
			object{"byName": object{"x": object{"town": "1", "u": 2}, "y": object{"town": "2", "v": 3}}},
		},
		"a list, whose elements move": {
			object{"homes": []any{object{"town": "a"}, object{"town": "b"}, object{"town": "c"}, object{"town": "new"}}},
			object{"homes": []any{object{"town": "b", "u": 1}, object{"town": "c", "u": 1}}},
			object{"homes": []any{object{"town": "a", "u": 3}, object{"town": "c", "zip": "", "u": 4, "v": 1}}},
			object{"homes": []any{
				object{"town": "a", "u": 3},
				object{"town": "b", "u": 1},
				object{"town": "c", "u": 4, "v": 1},
				object{"town": "new"},
			}},
		},
		"elements that are the same": {
			object{"homes": []any{object{"town": "a"}, object{"town": "a"}}},
			object{"homes": []any{object{"town": "a", "u": 1}, object{"town": "a", "u": 2}}},
			object{"homes": []any{object{"town": "a", "u": 3}}},
			object{"homes": []any{object{"town": "a", "u": 3}, object{"town": "a", "u": 2}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			known, a, b := encode(c.known), encode(c.a), encode(c.b)
			for _, values := range [][2][]byte{{a, b}, {b, a}} {
				got, err := Union([]byte("prefix"), known, values[0], values[1], to)
				if err != nil {
					t.Fatal(err)
				}
				if string(got[:6]) != "prefix" {
					t.Fatalf("the result has the prefix %q", got[:6])
				}
				same(t, got[6:], encode(c.want))
				again, err := Union(nil, known, got[6:], values[0], to)
				if err != nil {
					t.Fatal(err)
				}
				same(t, again, got[6:])
			}
			if string(known) != string(encode(c.known)) || string(a) != string(encode(c.a)) ||
				string(b) != string(encode(c.b)) {
				t.Fatal("a source was changed")
			}
		})
	}
}

func TestUnionRefuses(t *testing.T) {
	to := structOf("a", shape.Uint8, "l", shape.ListOf(structOf("b", shape.Uint8)))
	valid := encode(object{"a": 1, "l": []any{object{"b": 1}}})
	for name, values := range map[string][3][]byte{
		"known is empty":         {nil, valid, valid},
		"a is a list":            {valid, encode([]any{}), valid},
		"b is cut off":           {valid, valid, valid[:len(valid)-1]},
		"b has a tag":            {valid, valid, []byte("\xA1\x61x\xC1\x00")},
		"a has keys in disorder": {valid, []byte("\xA2\x61y\x00\x61x\x00"), valid},
		"a has another type":     {valid, encode(object{"l": object{}}), valid},
		"an element has another": {valid, valid, encode(object{"l": []any{object{"b": "text"}}})},
	} {
		got, err := Union([]byte("prefix"), values[0], values[1], values[2], to)
		if !errors.Is(err, shape.ErrInvalid) {
			t.Errorf("%s: got error %v, want ErrInvalid", name, err)
		}
		if string(got) != "prefix" {
			t.Errorf("%s: after an error, dst is %q", name, got)
		}
	}
	many, more := zeros(maxElements), object{}
	more["g"] = 0
	if _, err := Union(nil, encode(object{}), encode(many), encode(more), to); !errors.Is(err, shape.ErrInvalid) {
		t.Errorf("too many fields: got error %v, want ErrInvalid", err)
	}
}
