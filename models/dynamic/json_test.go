package dynamic_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dynamic"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// TestParseJSON reads what people write, and compares the row as it is written again.
func TestParseJSON(t *testing.T) {
	tree := define(t, declareEvents().tree.Schema())
	zero := `{"At":null,"Ended":null,"Hash":{"/":{"bytes":"AAAAAA"}},"ID":0,"Level":7,"Place":{"Town":"","Zip":null},` +
		`"Poster":{"/":{"bytes":""}},"Ratio":0.0,"Region":"","Scores":{},"Small":0,"Stops":[],"Title":""}`
	for text, want := range map[string]string{
		`{}`: zero,
		` { "Live" : false , "tags":[ ], "Place":{"Note":""},"Ended":null,"At":null } `: zero,
		`{"Live":true,"tags":["b","a"]}`:                                                strings.TrimSuffix(zero, "}") + `,"Live":true,"tags":["b","a"]}`,
		`{"Level":-32768,"Small":255}`:                                                  strings.NewReplacer(`"Level":7`, `"Level":-32768`, `"Small":0`, `"Small":255`).Replace(zero),
		`{"ID":18446744073709551615}`:                                                   strings.Replace(zero, `"ID":0`, `"ID":18446744073709551615`, 1),
		`{"Level":0}`:                                                                   strings.Replace(zero, `"Level":7`, `"Level":0`, 1),
		`{"Ratio":-1.5e3}`:                                                              strings.Replace(zero, `"Ratio":0.0`, `"Ratio":-1500.0`, 1),
		`{"Ratio":9007199254740993}`:                                                    strings.Replace(zero, `"Ratio":0.0`, `"Ratio":9.007199254740992e+15`, 1),
		`{"At":"2026-11-28T12:00:00.50+02:00","Ended":"1999-12-31T23:59:59Z"}`: strings.NewReplacer(
			`"At":null`, `"At":"2026-11-28T10:00:00.5Z"`, `"Ended":null`, `"Ended":"1999-12-31T23:59:59Z"`).Replace(zero),
		`{"At":"0001-01-01T00:00:00Z"}`: zero,
		`{"Hash":{"/":{"bytes":"AQIDBA=="}},"Poster":{ "/" : {"bytes":"AQI"} }}`: strings.NewReplacer(
			`AAAAAA`, `AQIDBA`, `"Poster":{"/":{"bytes":""}}`, `"Poster":{"/":{"bytes":"AQI"}}`).Replace(zero),
		`{"Scores":{"b":1,"aa":0.5,"a":-0.25}}`: strings.Replace(zero, `"Scores":{}`, `"Scores":{"a":-0.25,"aa":0.5,"b":1.0}`, 1),
		`{"Stops":[{"Town":"x"},{"Zip":4294967295,"Note":"n"}]}`: strings.Replace(zero, `"Stops":[]`,
			`"Stops":[{"Town":"x","Zip":null},{"Note":"n","Town":"","Zip":4294967295}]`, 1),
		`{"Title":"\u00e9\ud83d\ude00\/\n"}`: strings.Replace(zero, `"Title":""`, `"Title":"é😀/\n"`, 1),
	} {
		row := parse(t, tree, text)
		got, err := row.AppendJSON(nil)
		if err != nil || !sameJSON(t, tree, string(got), want) {
			t.Errorf("%s is\n%s, not\n%s, error %v", text, got, want, err)
		}
	}
}

// sameJSON reports whether got is a JSON object with the members of want in bytewise order.
func sameJSON(t testing.TB, tree *dynamic.Tree, got, want string) bool {
	t.Helper()
	row := parse(t, tree, want)
	sorted, err := row.AppendJSON(nil)
	return err == nil && got == string(sorted) && len(got) == len(want)
}

// TestParseJSONRefuses checks that each fault is named with its path.
func TestParseJSONRefuses(t *testing.T) {
	tree := define(t, declareEvents().tree.Schema())
	for text, want := range map[string]string{
		``:                                     "the JSON ends early",
		`null`:                                 `there is "null" in place of an object`,
		`[]`:                                   "there is a list in place of an object",
		`{`:                                    "the JSON ends early",
		`{}x`:                                  `byte 2: there is "x" in place of the end`,
		"{}\x00":                               `there is "\x00" in place of the end`,
		`{"ID":1,}`:                            `there is "}" in place of text`,
		`{"ID" 1}`:                             `there is "1" in place of ':'`,
		`{"ID":1 "Title":""}`:                  "there is text in place of a comma or '}'",
		`{ID:1}`:                               `there is "ID:1" in place of text`,
		`{"id":1}`:                             "id: the model has no such field; did you mean ID?",
		`{"Regoin":""}`:                        "Regoin: the model has no such field; did you mean Region?",
		`{"Colour":""}`:                        "Colour: the model has no such field",
		`{"ID":1,"ID":1}`:                      "ID: it is there twice",
		`{"ID":-1}`:                            `ID: "-1" is no uint64; write a number from 0 to 18446744073709551615`,
		`{"ID":18446744073709551616}`:          "ID: ",
		`{"ID":1.0}`:                           "ID: 1.0 is not written as a whole number",
		`{"ID":1e2}`:                           "ID: 1e2 is not written as a whole number",
		`{"ID":01}`:                            `ID: byte 6: there is "01" in place of a number`,
		`{"ID":"1"}`:                           "ID: byte 6: there is text in place of a number of the kind uint64",
		`{"ID":null}`:                          `ID: byte 6: there is "null" in place of a number`,
		`{"Small":256}`:                        `Small: "256" is no uint8`,
		`{"Level":32768}`:                      `Level: "32768" is no int16`,
		`{"Ratio":1e999}`:                      "Ratio: ",
		`{"Ratio":NaN}`:                        `Ratio: byte 9: there is "NaN" in place of a number`,
		`{"Ratio":1.}`:                         `Ratio: byte 9: there is "1." in place of a number`,
		`{"Live":1}`:                           `Live: byte 8: there is "1" in place of true or false`,
		`{"Live":truely}`:                      `there is "truely" in place of true or false`,
		`{"Title":5}`:                          `Title: byte 9: there is "5" in place of text`,
		`{"Title":"a` + "\n" + `"}`:            "Title: byte 11: the control character 0xa",
		"{\"Title\":\"\xff\"}":                 "Title: byte 10: text is not UTF-8",
		`{"Title":"\ud83d"}`:                   `Title: byte 10: `,
		`{"Title":"\ud83dx\ude00"}`:            `Title: byte 10: `,
		`{"Title":"\q"}`:                       `Title: byte 10: `,
		`{"Title":"\u12"}`:                     `Title: byte 10: `,
		`{"Title":"`:                           "Title: the JSON ends early",
		`{"Title":"\`:                          "Title: the JSON ends early",
		`{"At":"yesterday"}`:                   `At: "yesterday" is no time; write a time like 2026-11-28T10:00:00Z`,
		`{"At":1764324000}`:                    `At: byte 6: there is "1764324000" in place of a time`,
		`{"Poster":"AQI"}`:                     "Poster: byte 10: there is text in place of a byte string",
		`{"Poster":{"/":"AQI"}}`:               "Poster: byte 10: there is an object in place of a byte string",
		`{"Poster":{"/":{"bytes":"A"}}}`:       `Poster: "A" is not base 64`,
		`{"Poster":{"/":{"bytes":"AR"}}}`:      `Poster: "AR" is not base 64`,
		`{"Poster":{"/":{"bytes":"AQI=="}}}`:   `Poster: "AQI==" is not base 64`,
		`{"Poster":{"/":{"bytes":"AQ\nI"}}}`:   `is not base 64`,
		`{"":1}`:                               `"": the model has no such field`,
		`{"Poster":{"/":{"bytes":""},"a":1}}`:  "Poster: byte 10: there is an object in place of a byte string",
		`{"Hash":{"/":{"bytes":"AQI"}}}`:       "Hash: there are 2 bytes, not 4",
		`{"tags":{"a":1}}`:                     "tags: byte 8: there is an object in place of a list",
		`{"tags":["a",2]}`:                     `tags[1]: byte 13: there is "2" in place of text`,
		`{"Scores":{"a":1,"b":2,"a":3}}`:       `Scores: the key "a" is there twice`,
		`{"Scores":{"a":1e300}}`:               "Scores.a: ",
		`{"Stops":[{},{"Town":"x","zip":5}]}`:  "Stops[1].zip: the model has no such field; did you mean Zip?",
		`{"Place":{"Zip":4294967296}}`:         `Place.Zip: "4294967296" is no uint32`,
		strings.Repeat(`{"Place":`, 100_000):   "Place.Place: the model has no such field",
		`{"Title":"` + strings.Repeat("a", 99): "the JSON ends early",
	} {
		_, err := tree.ParseJSON([]byte(text))
		var e *models.Error
		if !errors.Is(err, models.ErrInvalid) || !errors.As(err, &e) || e.Tree != "city.event" ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%.60s gives %v, want %s", text, err, want)
		}
	}
}

// TestLargeDefaults checks that short text cannot make a row much longer than itself.
func TestLargeDefaults(t *testing.T) {
	var fields []shape.Field
	for i := range 1000 {
		fields = append(fields, shape.Field{Name: fmt.Sprintf("field%04d", i), Type: shape.Of(shape.String)})
	}
	s := shape.Schema{
		Tree: "x.y", Key: "string", Codec: "dag-cbor", Policy: "open", KeyFields: []string{"K"},
		Shape: shape.StructOf(shape.Field{Name: "K", Type: shape.Of(shape.String)},
			shape.Field{Name: "L", Type: shape.ListOf(shape.StructOf(fields...))}),
	}
	tree := define(t, s)
	many := strings.TrimSuffix(strings.Repeat("{},", 100_000), ",")
	if _, err := tree.ParseJSON([]byte(`{"L":[` + many + `]}`)); !errors.Is(err, models.ErrInvalid) ||
		!strings.Contains(err.Error(), "it lacks so many fields") {
		t.Errorf("a list of empty structs gives %v", err)
	}
	value := append([]byte("\xa2\x61K\x60\x61L\x99\xff\xff"), strings.Repeat("\xa0", 1<<16-1)...)
	if err := func() error { _, err := tree.Decode([]byte{}, value); return err }(); !errors.Is(err, models.ErrInvalid) {
		t.Errorf("a value of empty structs gives %v", err)
	}
	s.Shape.Fields[1].Type = shape.BytesOf(1 << 30)
	if _, err := dynamic.Definitions([]shape.Schema{s}); !errors.Is(err, models.ErrDefinition) ||
		!strings.Contains(err.Error(), "zero value") {
		t.Errorf("an array of a GiB gives %v", err)
	}
}

// TestOmittedDefault checks a field that is left out of values where it is zero, and of which JSON that
// leaves it out means something else.
func TestOmittedDefault(t *testing.T) {
	tree := define(t, shape.Schema{
		Tree: "x.y", Key: "uint8", Codec: "dag-cbor", Policy: "local", KeyFields: []string{"K"},
		Shape: shape.StructOf(shape.Field{Name: "K", Type: shape.Of(shape.Uint8)},
			shape.Field{Name: "N", Type: shape.Of(shape.Int8), Omit: true, Default: []byte{5}}),
	})
	for text, want := range map[string]string{`{"K":1}`: `{"K":1,"N":5}`, `{"N":0}`: `{"K":0,"N":0}`} {
		row := parse(t, tree, text)
		if got, err := row.AppendJSON(nil); err != nil || string(got) != want || string(parseAgain(t, tree, got)) != want {
			t.Errorf("%s is %s, not %s, error %v", text, got, want, err)
		}
	}
	zero := parse(t, tree, `{"N":0}`)
	if _, value, err := tree.Encode(&zero); err != nil || string(value) != "\xa1\x61K\x00" {
		t.Errorf("the value is %x, error %v", value, err)
	}
}

// TestRandomShapes writes random values of random shapes as JSON and reads them again.
func TestRandomShapes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := shape.Schema{
			Tree: "x.y", Key: "uint8", Codec: "dag-cbor", Policy: "local", KeyFields: []string{"K"},
			Shape: shape.StructOf(append(drawFields(r, 0), shape.Field{Name: "K", Type: shape.Of(shape.Uint8)})...),
		}
		tree := define(t, throughFile(t, s))
		row, err := tree.ParseJSON([]byte(drawJSON(r, s.Shape)))
		if err != nil {
			r.Fatal(err)
		}
		key, value, err := tree.Encode(&row)
		if err != nil {
			r.Fatal(err)
		}
		if !hasOmit(s.Shape) {
			if err := s.Shape.CheckValue(value); err != nil {
				r.Fatal(err)
			}
		}
		decoded, err := tree.Decode(key, value)
		if err != nil {
			r.Fatal(err)
		}
		text, err := decoded.AppendJSON(nil)
		if err != nil {
			r.Fatal(err)
		}
		again := parse(t, tree, string(text))
		if _, got, err := tree.Encode(&again); err != nil || string(got) != string(value) {
			r.Fatalf("%s is %x, not %x, error %v", text, got, value, err)
		}
		cells, err := tree.AppendCells(nil, &row)
		if err != nil {
			r.Fatal(err)
		}
		if fromCells, err := tree.ParseCells(tree.Columns(), cells); err != nil {
			r.Fatalf("%q: %v", cells, err)
		} else if back, err := tree.AppendCells(nil, &fromCells); err != nil || strings.Join(back, "\x00") != strings.Join(cells, "\x00") {
			r.Fatalf("%q is %q, error %v", cells, back, err)
		}
	})
}

var scalars = []shape.Kind{
	shape.Uint8, shape.Uint16, shape.Uint32, shape.Uint64, shape.Int8, shape.Int16, shape.Int32, shape.Int64,
	shape.Bool, shape.Float32, shape.Float64, shape.String, shape.Bytes, shape.Time,
}

func drawFields(r *rapid.T, depth int) []shape.Field {
	names := rapid.SliceOfNDistinct(rapid.StringMatching("[a-zé./]{1,4}"), 0, 4, rapid.ID).Draw(r, "names")
	fields := make([]shape.Field, len(names))
	for i, name := range names {
		fields[i] = shape.Field{Name: name, Type: drawType(r, depth, true), Omit: rapid.IntRange(0, 3).Draw(r, "omit") == 0}
	}
	return fields
}

func drawType(r *rapid.T, depth int, optional bool) shape.Type {
	kind := rapid.IntRange(0, 9).Draw(r, "kind")
	if depth > 3 {
		kind = 9
	}
	switch {
	case kind == 0:
		return shape.ListOf(drawType(r, depth+1, true))
	case kind == 1:
		return shape.ArrayOf(rapid.IntRange(1, 3).Draw(r, "size"), drawType(r, depth+1, true))
	case kind == 2:
		return shape.MapOf(drawType(r, depth+1, true))
	case kind == 3:
		return shape.StructOf(drawFields(r, depth+1)...)
	case kind == 4 && optional:
		return shape.OptionalOf(drawType(r, depth, false))
	case kind == 5:
		return shape.BytesOf(rapid.IntRange(1, 5).Draw(r, "size"))
	default:
		return shape.Of(rapid.SampledFrom(scalars).Draw(r, "scalar"))
	}
}

func hasOmit(t shape.Type) bool {
	if t.Elem != nil && hasOmit(*t.Elem) {
		return true
	}
	for _, f := range t.Fields {
		if f.Omit || hasOmit(f.Type) {
			return true
		}
	}
	return false
}

// drawJSON draws a value of a type as people write it.
func drawJSON(r *rapid.T, t shape.Type) string {
	list := func(n int, open, end string, elem func(i int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = elem(i)
		}
		return open + strings.Join(parts, ",") + end
	}
	switch t.Kind {
	case shape.Optional:
		if rapid.Bool().Draw(r, "null") {
			return "null"
		}
		return drawJSON(r, *t.Elem)
	case shape.List:
		n := t.Size
		if n == 0 {
			n = rapid.IntRange(0, 3).Draw(r, "length")
		}
		return list(n, "[", "]", func(int) string { return drawJSON(r, *t.Elem) })
	case shape.Map:
		keys := rapid.SliceOfNDistinct(rapid.StringMatching("[a-z]{0,3}"), 0, 3, rapid.ID).Draw(r, "keys")
		return list(len(keys), "{", "}", func(i int) string { return fmt.Sprintf("%q:%s", keys[i], drawJSON(r, *t.Elem)) })
	case shape.Struct:
		given := rapid.Permutation(t.Fields).Draw(r, "fields")
		given = given[:rapid.IntRange(0, len(given)).Draw(r, "given")]
		return list(len(given), "{", "}", func(i int) string {
			return fmt.Sprintf("%q:%s", given[i].Name, drawJSON(r, given[i].Type))
		})
	case shape.Bool:
		return fmt.Sprint(rapid.Bool().Draw(r, "bool"))
	case shape.Float32:
		return fmt.Sprint(rapid.Float32Range(-1e30, 1e30).Draw(r, "float"))
	case shape.Float64:
		return fmt.Sprint(rapid.Float64Range(-1e300, 1e300).Draw(r, "float"))
	case shape.String:
		return rapid.SampledFrom([]string{`""`, `"a"`, `"\u0000"`, `"é,\""`, `"null"`}).Draw(r, "text")
	case shape.Bytes:
		data := rapid.SampledFrom([]string{"", "AQ", "AQI", "AQID"}).Draw(r, "bytes")
		if t.Size != 0 {
			data = []string{"", "AA", "AAE", "AAEC", "AAECAw", "AAECAwQ"}[t.Size]
		}
		return `{"/":{"bytes":"` + data + `"}}`
	case shape.Time:
		return rapid.SampledFrom([]string{"null", `"2026-11-28T10:00:00Z"`, `"0000-01-01T00:00:00.000000001Z"`}).
			Draw(r, "time")
	case shape.Int8, shape.Int16, shape.Int32, shape.Int64:
		return fmt.Sprint(rapid.Int8().Draw(r, "int"))
	default:
		return fmt.Sprint(rapid.Uint8().Draw(r, "uint"))
	}
}

// FuzzParseJSON reads any text. A row that it gives is written as text that gives the same row.
func FuzzParseJSON(f *testing.F) {
	tree := define(f, declareEvents().tree.Schema())
	for _, text := range []string{
		`{}`, `{"ID":1,"Region":"n","Place":{"Town":"x","Zip":5},"tags":["a","\ud83d\ude00"],"At":"2026-11-28T10:00:00Z"}`,
		`{"Scores":{"b":1.5,"a":-0},"Hash":{"/":{"bytes":"AQIDBA"}},"Stops":[{},{"Note":"n"}],"Live":true,"Ended":null}`,
		`{"Level":-5,"Phone":"","Ratio":1e-300,"Small":255,"Poster":{"/":{"bytes":"AQI="}}}`, `{"Stops":[{"Town":"\`, `{"ID":1e9}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		row, err := tree.ParseJSON(src)
		if err != nil {
			if !errors.Is(err, models.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		key, value, err := tree.Encode(&row)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tree.Decode(key, value); err != nil {
			t.Fatalf("%q gives the value %x: %v", src, value, err)
		}
		text, err := row.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := tree.ParseJSON(text)
		if err != nil {
			t.Fatalf("%q is written as %s: %v", src, text, err)
		}
		if _, got, err := tree.Encode(&again); err != nil || string(got) != string(value) {
			t.Fatalf("%q is %x, and %x when it is read again, error %v", src, value, got, err)
		}
	})
}
