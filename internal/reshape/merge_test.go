package reshape

import (
	"errors"
	"testing"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

func TestMerge(t *testing.T) {
	home := structOf("town", shape.String, shape.Field{Name: "zip", Omit: true}, shape.String)
	to := structOf(
		"id", shape.Uint64, shape.Field{Name: "nick", Omit: true}, shape.String, "home", home,
		"work", shape.OptionalOf(home), "homes", shape.ListOf(home), "byName", shape.MapOf(home),
		"deep", shape.ListOf(shape.ListOf(home)), "tags", shape.ListOf(shape.Of(shape.String)), "at", shape.Time,
	)
	for name, c := range map[string]struct{ known, before, want object }{
		"nothing": {object{}, object{}, object{}},
		"of the model": {
			object{"id": 2, "nick": "n"},
			object{"": 0, "id": 1, "a": 1, "jd": object{"x": []any{nil}}, "zzzzzzz": "x"},
			object{"": 0, "id": 2, "nick": "n", "a": 1, "jd": object{"x": []any{nil}}, "zzzzzzz": "x"},
		},
		"an emptied field stays so": {
			object{"id": 2, "home": object{"town": "x"}},
			object{"id": 2, "nick": "n", "home": object{"town": "x", "zip": "1", "u": 1}},
			object{"id": 2, "home": object{"town": "x", "u": 1}},
		},
		"a field that is new": {
			object{"home": object{"town": "x"}}, object{"id": 2, "u": 1}, object{"home": object{"town": "x"}, "u": 1},
		},
		"optional": {
			object{"work": object{"town": "b"}},
			object{"work": object{"town": "a", "u": 1}},
			object{"work": object{"town": "b", "u": 1}},
		},
		"optional that is gone": {
			object{"work": nil}, object{"work": object{"town": "a", "u": 1}, "u": 1}, object{"work": nil, "u": 1},
		},
		"optional that was not there": {
			object{"work": object{"town": "a"}}, object{"work": nil}, object{"work": object{"town": "a"}},
		},
		"a list of the same length": {
			object{"homes": []any{object{"town": "x"}, object{"town": "b"}}},
			object{"homes": []any{object{"town": "a", "u": 1}, object{"town": "b", "u": 2}}},
			object{"homes": []any{object{"town": "x", "u": 1}, object{"town": "b", "u": 2}}},
		},
		"a longer list": {
			object{"homes": []any{object{"town": "new"}, object{"town": "a"}, object{"town": "b"}}},
			object{"homes": []any{object{"town": "a", "u": 1}, object{"town": "b", "u": 2}}},
			object{"homes": []any{object{"town": "new"}, object{"town": "a", "u": 1}, object{"town": "b", "u": 2}}},
		},
		"a shorter list, in another order": {
			object{"homes": []any{object{"town": "c"}, object{"town": "a"}}, "id": 1},
			object{
				"homes": []any{object{"town": "a", "u": 1}, object{"town": "b", "u": 2}, object{"town": "c", "u": 3}}, "v": 1,
			},
			object{"homes": []any{object{"town": "c", "u": 3}, object{"town": "a", "u": 1}}, "id": 1, "v": 1},
		},
		"a list with elements that are the same": {
			object{"homes": []any{object{"town": "a"}, object{"town": "a"}, object{"town": "a"}, object{"town": "a"}}},
			object{"homes": []any{object{"town": "a", "u": 1}, object{"town": "a", "u": 2}, object{"town": "a"}}},
			object{"homes": []any{
				object{"town": "a", "u": 1}, object{"town": "a", "u": 2}, object{"town": "a"}, object{"town": "a"},
			}},
		},
		"elements whose empty fields are written in one place only": {
			object{"homes": []any{object{"town": "a"}}},
			object{"homes": []any{object{"town": "a", "zip": "", "u": 1}, object{"town": "", "u": 2}}},
			object{"homes": []any{object{"town": "a", "u": 1}}},
		},
		"elements that lack a field": {
			object{"homes": []any{object{"town": ""}}},
			object{"homes": []any{object{"u": 1}, object{"u": 2}}},
			object{"homes": []any{object{"town": "", "u": 1}}},
		},
		"lists in lists": {
			object{"deep": []any{
				[]any{object{"town": "b"}, object{"town": "c"}},
				[]any{object{"town": "a"}},
			}},
			object{"deep": []any{[]any{object{"town": "a", "u": 1}}}},
			object{"deep": []any{
				[]any{object{"town": "b"}, object{"town": "c"}},
				[]any{object{"town": "a", "u": 1}},
			}},
		},
		"a map, whose keys are not fields": {
			object{"byName": object{"b": object{"town": "x"}, "new": object{"town": "y"}, "town": object{"town": "z"}}},
			object{"byName": object{
				"b": object{"town": "b", "u": 1}, "gone": object{"town": "c", "u": 2}, "town": object{"town": "z", "u": 3},
			}},
			object{"byName": object{
				"b": object{"town": "x", "u": 1}, "new": object{"town": "y"}, "town": object{"town": "z", "u": 3},
			}},
		},
		"more fields than the head has room for": {object{"id": 1}, zeros(30), func() object {
			all := zeros(30)
			all["id"] = 1
			return all
		}()},
	} {
		t.Run(name, func(t *testing.T) {
			known, before := encode(c.known), encode(c.before)
			got, err := Merge([]byte("prefix"), known, before, to)
			if err != nil {
				t.Fatal(err)
			}
			if string(got[:6]) != "prefix" {
				t.Fatalf("the result has the prefix %q", got[:6])
			}
			same(t, got[6:], encode(c.want))
			if string(known) != string(encode(c.known)) || string(before) != string(encode(c.before)) {
				t.Fatal("a source was changed")
			}
			again, err := Merge(nil, known, got[6:], to)
			if err != nil {
				t.Fatal(err)
			}
			same(t, again, got[6:])
		})
	}
}

func TestMergeRefuses(t *testing.T) {
	to := structOf("a", shape.Uint8, "l", shape.ListOf(structOf("b", shape.Uint8)))
	valid := encode(object{"a": 1, "l": []any{object{"b": 1}}})
	for name, c := range map[string]struct {
		known, before []byte
		to            shape.Type
	}{
		"known is empty":           {nil, valid, to},
		"before is empty":          {valid, nil, to},
		"before is a list":         {valid, encode([]any{}), to},
		"known has other fields":   {encode(object{"c": 1}), valid, to},
		"bytes follow known":       {append(encode(object{}), 0), valid, to},
		"bytes follow before":      {valid, append(encode(object{}), 0), to},
		"before has a tag":         {valid, []byte("\xA1\x61x\xC1\x00"), to},
		"before repeats a key":     {valid, []byte("\xA2\x61x\x00\x61x\x00"), to},
		"before has keys in wrong": {valid, []byte("\xA2\x61y\x00\x61x\x00"), to},
		"before has another type":  {valid, encode(object{"l": object{}}), to},
		"an element has another type": {
			encode(object{"l": []any{}}), encode(object{"l": []any{object{"b": "text"}}}), to,
		},
		"the shape has two fields of one name": {valid, valid, structOf("a", shape.Bool, "a", shape.Bool)},
	} {
		got, err := Merge([]byte("prefix"), c.known, c.before, c.to)
		if !errors.Is(err, shape.ErrInvalid) {
			t.Errorf("%s: got error %v, want ErrInvalid", name, err)
		}
		if string(got) != "prefix" {
			t.Errorf("%s: after an error, dst is %q", name, got)
		}
	}
}
