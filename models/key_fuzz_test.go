package models

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/alloctest"
)

// FuzzKeyDecode gives every codec the same bytes as delimited, last and text
// form.
func FuzzKeyDecode(f *testing.F) {
	for _, seed := range []string{
		"", "\x00", "\x00\x01", "a\x00\x01", "a\x00\xffb\x00\x01", "\x00\x00\x01", "a\x00\xff", "a,b", "a,b,c,d", "+,+", "-00~ff", "007", "~61",
		"7fffffffffffffff", "18446744073709551615", "\x7f\xff\xff\xff\xff\xff\xff\xff", "\xff\xf8\x00\x00\x00\x00\x00\x00",
		"\x80\x00\x00\x00\x00\x00\x00\x00\x3b\x9a\xca\x00", "80000000000000003b9ac9ff",
		"-5", "0x00ff", "true", "1.5e+300", "2026-11-28T10:00:00.5+01:00", "@-62167219200.000000001", `"a,\"b\x00"`, `"a,b",0x01`, `a, true, "b", @-1`,
	} {
		f.Add([]byte(seed))
	}
	for _, repeated := range []string{"a", "~00", "\x00\xff", ","} {
		f.Add(bytes.Repeat([]byte(repeated), 10_000))
	}
	cases := []anyKeyCase{
		someUint8, someUint16, someUint32, someUint64, someInt8, someInt64, someBool, someFloat32, someFloat64,
		someString, someBytes, someTime,
		pairs(someString, someBytes), pairs(pairs(someBytes, someBool), pairs(someString, someTime)),
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		for _, c := range cases {
			c.checkDecode(t, encoded)
			alloctest.Bound(t, len(encoded), func() { c.decode(encoded) })
		}
	})
}

// FuzzKeyOrder makes two keys of each type from two pieces of bytes and
// compares them.
func FuzzKeyOrder(f *testing.F) {
	for _, seed := range [][2]string{
		{"", "\x00"},
		{"a", "a\x00"},
		{"a\x00", "a\x00\x00"},
		{"a\x00\xff", "a\x01"},
		{"\xff", "\xff\xff"},
		{"a,", "a-"},
		{"/", "0"},
		{"}", "~"},
		{"\x80\x00\x00\x00\x00\x00\x00\x00", "\x00\x00\x00\x00\x00\x00\x00\x00"},
		{"\x7f\xf8\x00\x00\x00\x00\x00\x00", "\xff\xf0\x00\x00\x00\x00\x00\x00"},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		checkPair(t, someBytes, a, b)
		checkPair(t, someString, string(a), string(b))
		checkPair(t, pairs(someString, someBytes), MakePair(string(a), b), MakePair(string(b), a))
		checkPair(t, pairs(someBytes, someString), MakePair(a, string(b)), MakePair(a, string(a)))
		x, y := eightBytes(a), eightBytes(b)
		checkPair(t, someUint64, x, y)
		checkPair(t, someUint16, uint16(x), uint16(y))
		checkPair(t, someInt64, int64(x), int64(y))
		checkPair(t, someInt32, int32(x), int32(y))
		checkPair(t, someFloat64, math.Float64frombits(x), math.Float64frombits(y))
		checkPair(t, someFloat32, math.Float32frombits(uint32(x)), math.Float32frombits(uint32(y)))
		checkPair(t, pairs(someFloat64, someString), MakePair(math.Float64frombits(x), string(b)), MakePair(math.Float64frombits(y), string(a)))
		if max(int64(x), int64(y)) <= math.MaxInt64-unixToYear1 {
			checkPair(t, someTime, time.Unix(int64(x), 0), time.Unix(int64(y), 0))
			checkPair(t, pairs(someTime, someBytes), MakePair(time.Unix(int64(x), 0), a), MakePair(time.Unix(int64(x), 0), b))
		}
	})
}

func checkPair[K any](t *testing.T, c keyCase[K], a, b K) {
	t.Helper()
	delimitedA, lastA, textA := c.forms(a)
	delimitedB, lastB, textB := c.forms(b)
	want := c.compare(a, b)
	delimited, last, text := bytes.Compare(delimitedA, delimitedB), bytes.Compare(lastA, lastB), cmp.Compare(textA, textB)
	if delimited != want || last != want || text != want {
		t.Errorf("%s: %v and %v compare %d, their forms %d (%x, %x), %d (%x, %x) and %d (%s, %s)", c.name(), a, b,
			want, delimited, delimitedA, delimitedB, last, lastA, lastB, text, textA, textB)
	}
	if want != 0 && bytes.HasPrefix(delimitedA, delimitedB) {
		t.Errorf("%s: %x begins with %x", c.name(), delimitedA, delimitedB)
	}
}

// eightBytes reads up to eight bytes as a number.
func eightBytes(b []byte) uint64 {
	var padded [8]byte
	copy(padded[:], b)
	return binary.BigEndian.Uint64(padded[:])
}
