package dagcbor_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dagcbor"
)

// golden are values and their bytes: integers from RFC 8949 appendix A, the rest
// by its rules.
var golden = []struct {
	hex    string
	append func([]byte) ([]byte, error)
	// read reads the value and reports whether it is the one.
	read func(*dagcbor.Reader) bool
}{
	{"00", uintOf(0), isUint(0, 8)},
	{"17", uintOf(23), isUint(23, 8)},
	{"1818", uintOf(24), isUint(24, 8)},
	{"18ff", uintOf(255), isUint(255, 8)},
	{"190100", uintOf(256), isUint(256, 16)},
	{"19ffff", uintOf(65535), isUint(65535, 16)},
	{"1a00010000", uintOf(65536), isUint(65536, 32)},
	{"1affffffff", uintOf(math.MaxUint32), isUint(math.MaxUint32, 32)},
	{"1b0000000100000000", uintOf(math.MaxUint32 + 1), isUint(math.MaxUint32+1, 64)},
	{"1bffffffffffffffff", uintOf(math.MaxUint64), isUint(math.MaxUint64, 64)},
	{"20", intOf(-1), isInt(-1, 8)},
	{"387f", intOf(-128), isInt(-128, 8)},
	{"187f", intOf(127), isInt(127, 8)},
	{"3903e7", intOf(-1000), isInt(-1000, 16)},
	{"3b7fffffffffffffff", intOf(math.MinInt64), isInt(math.MinInt64, 64)},
	{"1b7fffffffffffffff", intOf(math.MaxInt64), isInt(math.MaxInt64, 64)},
	{"f4", boolOf(false), func(r *dagcbor.Reader) bool { return !r.Bool() }},
	{"f5", boolOf(true), func(r *dagcbor.Reader) bool { return r.Bool() }},
	{"f6", func(dst []byte) ([]byte, error) { return dagcbor.AppendNull(dst), nil }, func(r *dagcbor.Reader) bool { return r.Null() }},
	{"fb3ff199999999999a", floatOf(1.1), isFloat(1.1)},
	{"fb8000000000000000", floatOf(math.Copysign(0, -1)), isFloat(math.Copysign(0, -1))},
	{"60", textOf(""), isText("")},
	{"62c3bc", textOf("ü"), isText("ü")},
	{"7818" + strings.Repeat("61", 24), textOf(strings.Repeat("a", 24)), isText(strings.Repeat("a", 24))},
	{"40", bytesOf(""), isBytes("")},
	{"4401020304", bytesOf("\x01\x02\x03\x04"), isBytes("\x01\x02\x03\x04")},
	{"f6", timeOf(time.Time{}), isTime(time.Time{})},
	{"74" + hex.EncodeToString([]byte("2013-03-21T20:04:00Z")), timeOf(time.Date(2013, 3, 21, 22, 4, 0, 0, time.FixedZone("", 7200))), isTime(time.Date(2013, 3, 21, 20, 4, 0, 0, time.UTC))},
	{"83010203", listOf(1, 2, 3), func(r *dagcbor.Reader) bool {
		return r.List() == 3 && r.Uint(8) == 1 && r.Uint(8) == 2 && r.Uint(8) == 3
	}},
	{"80", listOf(), func(r *dagcbor.Reader) bool { return r.List() == 0 }},
	{"a26161016261620" + "2", mapOf("ab", 2, "a", 1), func(r *dagcbor.Reader) bool {
		n := r.Map()
		a := r.MapKey(nil)
		one := r.Uint(8)
		ab := r.MapKey(a)
		return n == 2 && string(a) == "a" && one == 1 && string(ab) == "ab" && r.Uint(8) == 2
	}},
}

func TestGolden(t *testing.T) {
	for _, g := range golden {
		want, err := hex.DecodeString(g.hex)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := g.append([]byte("x")); err != nil || !bytes.Equal(got, append([]byte("x"), want...)) {
			t.Errorf("%s is appended as %x, %v", g.hex, got, err)
		}
		r := dagcbor.NewReader(want)
		if same := g.read(&r); !same || r.End("test") != nil {
			t.Errorf("%s is read as another value: %v", g.hex, r.Err())
		}
		// Not one byte can be missing or left over.
		for cut := range want {
			r := dagcbor.NewReader(want[:cut])
			if g.read(&r); g.hex != "f6" && r.End("test") == nil {
				t.Errorf("the first %d bytes of %s are taken for the whole", cut, g.hex)
			}
		}
		r = dagcbor.NewReader(append(want, 0))
		g.read(&r)
		if err := r.End("test"); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("a byte behind %s gives %v", g.hex, err)
		}
	}
}

func TestRefused(t *testing.T) {
	uint64s := func(r *dagcbor.Reader) { r.Uint(64) }
	texts := func(r *dagcbor.Reader) { r.Text() }
	lists := func(r *dagcbor.Reader) {
		for range r.List() {
			r.Uint(64)
		}
	}
	maps := func(r *dagcbor.Reader) {
		var key []byte
		for range r.Map() {
			if key = r.MapKey(key); r.Failed() {
				return
			}
			r.Uint(64)
		}
	}
	for _, test := range []struct {
		what, hex string
		read      func(*dagcbor.Reader)
	}{
		{"a long head", "1817", uint64s},
		{"a long head", "1900ff", uint64s},
		{"a long head", "1a0000ffff", uint64s},
		{"a long head", "1b00000000ffffffff", uint64s},
		{"a reserved head", "1c", uint64s},
		{"an indefinite length", "5f4100ff", func(r *dagcbor.Reader) { dagcbor.ReadBytes[[]byte](r) }},
		{"an indefinite length", "7f6161ff", texts},
		{"an indefinite length", "9f00ff", lists},
		{"an indefinite length", "bf616100ff", maps},
		{"a tag", "c000", uint64s},
		{"text for bytes", "6161", func(r *dagcbor.Reader) { dagcbor.ReadBytes[[]byte](r) }},
		{"a negative integer", "20", uint64s},
		{"256 in 8 bits", "190100", func(r *dagcbor.Reader) { r.Uint(8) }},
		{"128 in 8 bits", "1880", func(r *dagcbor.Reader) { r.Int(8) }},
		{"-129 in 8 bits", "3880", func(r *dagcbor.Reader) { r.Int(8) }},
		{"-2^63-1", "3b8000000000000000", func(r *dagcbor.Reader) { r.Int(64) }},
		{"text that is not UTF-8", "61ff", texts},
		{"a surrogate", "63eda080", texts},
		{"a float of 2 bytes", "f93c00", func(r *dagcbor.Reader) { r.Float64() }},
		{"a float of 4 bytes", "fa3f800000", func(r *dagcbor.Reader) { r.Float64() }},
		{"NaN", "fb7ff8000000000000", func(r *dagcbor.Reader) { r.Float64() }},
		{"infinity", "fb7ff0000000000000", func(r *dagcbor.Reader) { r.Float64() }},
		{"a float64 for a float32", "fb3ff199999999999a", func(r *dagcbor.Reader) { r.Float32() }},
		{"undefined", "f7", func(r *dagcbor.Reader) { r.Null(); r.Bool() }},
		{"a long boolean", "f814", func(r *dagcbor.Reader) { r.Bool() }},
		{"a list of more than there is", "9affffffff00", lists},
		{"a list of more than there may be", "9a00020001" + strings.Repeat("00", 131_073), lists},
		{"a map of more than there is", "a261610061", maps},
		{"a repeated key", "a2616100616100", maps},
		{"keys out of order", "a2616200616100", maps},
		{"a longer key first", "a262616100616200", maps},
		{"a key that is no text", "a10000", maps},
		{"an array of another length", "8100", func(r *dagcbor.Reader) { r.Array(2) }},
		{"bytes of another length", "4100", func(r *dagcbor.Reader) { dagcbor.ReadByteArray(r, make([]byte, 2)) }},
		{"a time in another zone", timeHex("2013-03-21T20:04:00+02:00"), func(r *dagcbor.Reader) { r.Time() }},
		{"a time with zeros at its end", timeHex("2013-03-21T20:04:00.10Z"), func(r *dagcbor.Reader) { r.Time() }},
		{"a time that is none", timeHex("2013-02-30T20:04:00Z"), func(r *dagcbor.Reader) { r.Time() }},
		{"the zero time as text", timeHex("0001-01-01T00:00:00Z"), func(r *dagcbor.Reader) { r.Time() }},
		{"an unknown field", "a1616200", func(r *dagcbor.Reader) { r.EndFields(r.Map()) }},
	} {
		src, err := hex.DecodeString(test.hex)
		if err != nil {
			t.Fatal(err)
		}
		r := dagcbor.NewReader(src)
		test.read(&r)
		if err := r.End("test"); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("%s (%.40s) gives %v", test.what, test.hex, err)
		}
		// After an error nothing is read any more.
		if r.Failed() && (r.Uint(64) != 0 || r.Text() != "" || r.List() != 0 || r.Map() != 0 || r.Null()) {
			t.Errorf("%s: reading goes on after the error", test.what)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	for what, err := range map[string]error{
		"NaN":         second(dagcbor.AppendFloat(nil, math.NaN())),
		"infinity":    second(dagcbor.AppendFloat(nil, math.Inf(-1))),
		"not UTF-8":   second(dagcbor.AppendText(nil, "\xff")),
		"year 10000":  second(dagcbor.AppendTime(nil, time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -7200)))),
		"year -1":     second(dagcbor.AppendTime(nil, time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC))),
		"a long list": second(dagcbor.AppendList(nil, dagcbor.MaxElements+1)),
		"a long map":  second(dagcbor.AppendMap(nil, dagcbor.MaxElements+1)),
	} {
		if err == nil {
			t.Errorf("%s is appended", what)
		}
	}
}

// TestErrorsSayWhere checks that an error names the model, the field and the
// byte.
func TestErrorsSayWhere(t *testing.T) {
	r := dagcbor.NewReader([]byte("\xa1\x65Title\x61\xff"))
	left := r.Map()
	if r.Field(left, "\x65Title") {
		left--
		r.Text()
	}
	r.EndFields(left)
	err := r.End("blog.Post")
	for _, want := range []string{"blog.Post", "field Title", "byte 9", "UTF-8"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

// TestAllocations checks that nothing is allocated but what is returned.
func TestAllocations(t *testing.T) {
	dst := make([]byte, 0, 256)
	now := time.Date(2026, 3, 2, 9, 0, 0, 12345, time.FixedZone("", 3600))
	words := map[string]int{"a": 1, "bb": 2, "ccc": 3}
	encoded := mustTime(t, now)
	for what, run := range map[string]func(){
		"append": func() {
			b := dagcbor.AppendUint(dst, 1<<40)
			b = dagcbor.AppendBytes(b, encoded)
			b, _ = dagcbor.AppendText(b, "some text")
			b, _ = dagcbor.AppendTime(b, now)
			b, _ = dagcbor.AppendFloat(b, 1.5)
			dagcbor.AppendNull(b)
		},
		"sort": func() {
			var keys [4]string
			dagcbor.SortedKeys(words, keys[:0])
		},
		"read": func() {
			r := dagcbor.NewReader(encoded)
			r.Time()
			if r.End("time") != nil {
				t.Fail()
			}
		},
		"borrow": func() {
			r := dagcbor.NewBorrowReader(models.BorrowBytes(encoded))
			if r.BorrowText().Len() == 0 || r.End("text") != nil {
				t.Fail()
			}
		},
	} {
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s allocates %v times", what, n)
		}
	}
}

func second(_ []byte, err error) error { return err }

func mustTime(t *testing.T, at time.Time) []byte {
	encoded, err := dagcbor.AppendTime(nil, at)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func timeHex(text string) string {
	encoded, _ := dagcbor.AppendText(nil, text)
	return hex.EncodeToString(encoded)
}

func uintOf(v uint64) func([]byte) ([]byte, error) {
	return func(dst []byte) ([]byte, error) { return dagcbor.AppendUint(dst, v), nil }
}

func intOf(v int64) func([]byte) ([]byte, error) {
	return func(dst []byte) ([]byte, error) { return dagcbor.AppendInt(dst, v), nil }
}

func boolOf(v bool) func([]byte) ([]byte, error) {
	return func(dst []byte) ([]byte, error) { return dagcbor.AppendBool(dst, v), nil }
}

func floatOf(v float64) func([]byte) ([]byte, error) {
	return func(dst []byte) ([]byte, error) { return dagcbor.AppendFloat(dst, v) }
}

func textOf(v string) func([]byte) ([]byte, error) {
	return func(dst []byte) ([]byte, error) { return dagcbor.AppendText(dst, v) }
}

func bytesOf(v string) func([]byte) ([]byte, error) {
	return func(dst []byte) ([]byte, error) { return dagcbor.AppendBytes(dst, []byte(v)), nil }
}

func timeOf(v time.Time) func([]byte) ([]byte, error) {
	return func(dst []byte) ([]byte, error) { return dagcbor.AppendTime(dst, v) }
}

func listOf(vs ...uint64) func([]byte) ([]byte, error) {
	return func(dst []byte) ([]byte, error) {
		dst, err := dagcbor.AppendList(dst, len(vs))
		for _, v := range vs {
			dst = dagcbor.AppendUint(dst, v)
		}
		return dst, err
	}
}

func mapOf(longKey string, long uint64, shortKey string, short uint64) func([]byte) ([]byte, error) {
	m := map[string]uint64{longKey: long, shortKey: short}
	return func(dst []byte) ([]byte, error) {
		dst, err := dagcbor.AppendMap(dst, len(m))
		for _, k := range dagcbor.SortedKeys(m, nil) {
			if err == nil {
				dst, err = dagcbor.AppendText(dst, k)
				dst = dagcbor.AppendUint(dst, m[k])
			}
		}
		return dst, err
	}
}

func isUint(v uint64, bits int) func(*dagcbor.Reader) bool {
	return func(r *dagcbor.Reader) bool { return r.Uint(bits) == v }
}

func isInt(v int64, bits int) func(*dagcbor.Reader) bool {
	return func(r *dagcbor.Reader) bool { return r.Int(bits) == v }
}

func isFloat(v float64) func(*dagcbor.Reader) bool {
	return func(r *dagcbor.Reader) bool { return math.Float64bits(r.Float64()) == math.Float64bits(v) }
}

func isText(v string) func(*dagcbor.Reader) bool {
	return func(r *dagcbor.Reader) bool { return r.Text() == v }
}

func isBytes(v string) func(*dagcbor.Reader) bool {
	return func(r *dagcbor.Reader) bool { return string(dagcbor.ReadBytes[[]byte](r)) == v }
}

func isTime(v time.Time) func(*dagcbor.Reader) bool {
	return func(r *dagcbor.Reader) bool { return r.Time() == v }
}
