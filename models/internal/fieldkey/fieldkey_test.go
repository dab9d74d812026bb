package fieldkey_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/internal/fieldkey"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

type row struct {
	U8     uint8
	U32    uint32
	I16    int16
	I      int
	On     bool
	F32    float32
	F64    float64
	Text   string
	Data   []byte
	Hash   [32]byte
	At     time.Time
	Tags   []string
	Pair   [2]int8   `cbor:",omitzero"`
	Hashes [][2]byte `cbor:"hashes"`
	Ptr    *string
	Left   string `cbor:",omitempty"`
}

var codec = models.DagCBOR[row]()

func encode(t *testing.T, r row) []byte {
	t.Helper()
	value, err := codec.Append(nil, &r)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func values(t *testing.T, r row, codec string, fields, optional []string, multi bool) (keys [][]any) {
	t.Helper()
	k, err := fieldkey.New(shape.StructOf(models.DagCBOR[row]().Fields()...), codec, fields, optional, multi)
	if err != nil {
		t.Fatalf("%s of %v: %v", codec, fields, err)
	}
	err = k.Values(encode(t, r), func(parts []any) error {
		keys = append(keys, slices.Clone(parts))
		return nil
	})
	if err != nil {
		t.Fatalf("%s of %v: %v", codec, fields, err)
	}
	return keys
}

// TestValues makes keys of every kind.
func TestValues(t *testing.T) {
	at := time.Date(2024, 5, 6, 7, 8, 9, 123, time.UTC)
	full := row{
		U8: 255, U32: 1 << 31, I16: -1 << 15, I: math.MinInt, On: true, F32: 0.5, F64: -2.25, Text: "é\x00", Data: []byte{1, 0},
		Hash: [32]byte{31: 1}, At: at, Tags: []string{"a", "", "a"}, Pair: [2]int8{-3, 4}, Hashes: [][2]byte{{1, 2}, {}},
	}
	type keys = [][]any
	for name, c := range map[string]struct {
		codec            string
		fields, optional []string
		multi            bool
		full, empty      keys
	}{
		"uint8":   {"uint8", []string{"U8"}, nil, false, keys{{uint8(255)}}, keys{{uint8(0)}}},
		"wider":   {"uint64", []string{"U8"}, nil, false, keys{{uint64(255)}}, keys{{uint64(0)}}},
		"uint32":  {"uint32", []string{"U32"}, []string{"U32"}, false, keys{{uint32(1 << 31)}}, nil},
		"int16":   {"int16", []string{"I16"}, nil, false, keys{{int16(-1 << 15)}}, keys{{int16(0)}}},
		"int":     {"int64", []string{"I"}, []string{"I"}, false, keys{{int64(math.MinInt)}}, nil},
		"bool":    {"bool", []string{"On"}, []string{"On"}, false, keys{{true}}, nil},
		"float32": {"float32", []string{"F32"}, nil, false, keys{{float32(0.5)}}, keys{{float32(0)}}},
		"float64": {"float64", []string{"F64"}, []string{"F64"}, false, keys{{-2.25}}, nil},
		"string":  {"string", []string{"Text"}, []string{"Text"}, false, keys{{"é\x00"}}, nil},
		"left":    {"string", []string{"Left"}, nil, false, keys{{""}}, keys{{""}}},
		"bytes":   {"bytes", []string{"Data"}, []string{"Data"}, false, keys{{[]byte{1, 0}}}, nil},
		"array":   {"bytes", []string{"Hash"}, nil, false, keys{{full.Hash[:]}}, keys{{make([]byte, 32)}}},
		"no hash": {"sha2-256", []string{"Hash"}, []string{"Hash"}, false, keys{{full.Hash[:]}}, nil},
		"peer":    {"peer", []string{"Data"}, []string{"Data"}, false, keys{{"\x01\x00"}}, nil},
		"time":    {"time", []string{"At"}, nil, false, keys{{at}}, keys{{time.Time{}}}},
		"no time": {"time", []string{"At"}, []string{"At"}, false, keys{{at}}, nil},
		"multi":   {"string", []string{"Tags"}, nil, true, keys{{"a"}, {""}, {"a"}}, nil},
		"of two":  {"int8", []string{"Pair"}, nil, true, keys{{int8(-3)}, {int8(4)}}, keys{{int8(0)}, {int8(0)}}},
		"arrays":  {"bytes", []string{"hashes"}, nil, true, keys{{[]byte{1, 2}}, {[]byte{0, 0}}}, nil},
		"triple": {
			"triple(string,bool,string)",
			[]string{"Text", "On", "Tags"},
			nil, true,
			keys{{"é\x00", true, "a"}, {"é\x00", true, ""}, {"é\x00", true, "a"}},
			nil,
		},
		"a half": {"pair(uint8,string)", []string{"U8", "Left"}, []string{"Left"}, false, nil, nil},
	} {
		if got := values(t, full, c.codec, c.fields, c.optional, c.multi); !reflect.DeepEqual(got, c.full) {
			t.Errorf("%s: got %#v, want %#v", name, got, c.full)
		}
		if got := values(t, row{}, c.codec, c.fields, c.optional, c.multi); !reflect.DeepEqual(got, c.empty) {
			t.Errorf("%s of the empty row: got %#v, want %#v", name, got, c.empty)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	model := shape.StructOf(codec.Fields()...)
	for want, c := range map[string]struct {
		codec            string
		fields, optional []string
		multi            bool
	}{
		`the model has no field "Size"`:                           {"uint8", []string{"Size"}, nil, false},
		"a key pair(bool,bool) has 2 parts, and there are 1":      {"pair(bool,bool)", []string{"On"}, nil, false},
		`"U32" is uint32, which is no key uint8`:                  {"uint8", []string{"U32"}, nil, false},
		`"I16" is int16, which is no key uint64`:                  {"uint64", []string{"I16"}, nil, false},
		`"Ptr" is optional(string), which is no key string`:       {"string", []string{"Ptr"}, nil, false},
		`"Data" is bytes, which is no key string`:                 {"string", []string{"Data"}, nil, false},
		`"Data" is bytes, which is no key sha2-256`:               {"sha2-256", []string{"Data"}, nil, false},
		`"Tags" is list(string), which is no key string`:          {"string", []string{"Tags"}, nil, false},
		`which is no key own`:                                     {"own", []string{"Text"}, nil, false},
		"which is no key pair(bool,bool)":                         {"pair(bool,pair(bool,bool))", []string{"On", "On"}, nil, false},
		"none of the fields is a list":                            {"string", []string{"Text"}, nil, true},
		`the fields "Tags" and "hashes" are both lists`:           {"pair(string,bytes)", []string{"Tags", "hashes"}, nil, true},
		`the field "Tags" is a list, and a row without elements`:  {"string", []string{"Tags"}, []string{"Tags"}, true},
		`the optional field "On" is none of the fields of the ke`: {"string", []string{"Text"}, []string{"On"}, false},
	} {
		_, err := fieldkey.New(model, c.codec, c.fields, c.optional, c.multi)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestClock(t *testing.T) {
	model := shape.StructOf(codec.Fields()...)
	at := func(t time.Time) row { return row{At: t} }
	for _, c := range []struct {
		field string
		row   row
		want  uint64
	}{
		{"U32", row{U32: 7}, 7},
		{"I", row{I: 7}, 7},
		{"I", row{I: -7}, 0},
		{"At", at(time.Unix(2, 1_999)), 2_000_001},
		{"At", at(time.Unix(-1, 0)), 0},
		{"At", row{}, 0},
	} {
		clock, err := fieldkey.Clock(model, c.field)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := clock(encode(t, c.row)); got != c.want || err != nil {
			t.Errorf("%s: got %d, %v, want %d", c.field, got, err, c.want)
		}
	}
	for _, field := range []string{"Text", "Size", "F64", "Ptr"} {
		if _, err := fieldkey.Clock(model, field); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

// FuzzValues reads values that are no DAG-CBOR, or none of the model.
func FuzzValues(f *testing.F) {
	value, err := codec.Append(nil, &row{Text: "text", Tags: []string{"a", "b"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value)
	f.Add([]byte("\xa1\x64Tags\x9b\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\xa1\x64Tags\x81\x81\x81"))
	model := shape.StructOf(codec.Fields()...)
	clock, err := fieldkey.Clock(model, "U32")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		_, _ = clock(value)
		valid := model.CheckValue(value) == nil
		for _, c := range []struct {
			codec string
			field string
			multi bool
		}{
			{"uint8", "U8", false},
			{"int64", "I", false},
			{"bool", "On", false},
			{"float32", "F32", false},
			{"string", "Text", false},
			{"bytes", "Hash", false},
			{"time", "At", false},
			{"string", "Tags", true},
			{"bytes", "hashes", true},
		} {
			k, err := fieldkey.New(model, c.codec, []string{c.field}, nil, c.multi)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			if err := k.Values(value, func([]any) error { n++; return nil }); err != nil && valid {
				t.Errorf("%s of a valid value: %v", c.codec, err)
			}
			if n > len(value)+1 {
				t.Errorf("%d keys of %d bytes", n, len(value))
			}
		}
	})
}
