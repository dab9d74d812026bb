package models

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

// TestKeyRefusals names spellings that are close to a key's and are not one.
func TestKeyRefusals(t *testing.T) {
	nested := PairOf(PairOf(String, Uint8), Bytes)
	if _, err := String.ParseText(""); !errors.Is(err, ErrInvalid) {
		t.Errorf("empty text: error %v, want ErrInvalid", err)
	}
	for _, c := range []struct {
		name    string
		refused interface{ refuse(t *testing.T) }
	}{
		{"short integer", refusal[uint32]{Uint32, "000102", "000102", "000102"}},
		{"long integer", refusal[uint32]{codec: Uint32, last: "0001020304"}},
		{"no integer", refusal[uint32]{codec: Uint32, delimited: "none", last: "none"}},
		{"integer without padding", refusal[uint64]{codec: Uint64, text: "7"}},
		{"integer too large", refusal[uint8]{codec: Uint8, text: "256"}},
		{"integer too large for 64 bits", refusal[uint64]{codec: Uint64, text: "18446744073709551616"}},
		{"integer with a sign", refusal[uint8]{codec: Uint8, text: "+07"}},
		{"integer with an underscore", refusal[uint16]{codec: Uint16, text: "1_000"}},
		{"integer with other digits", refusal[uint8]{codec: Uint8, text: "٧"}},
		{"upper-case hex", refusal[int16]{codec: Int16, text: "800A"}},
		{"hex of other length", refusal[int16]{codec: Int16, text: "800"}},
		{"no hex", refusal[int16]{codec: Int16, text: "80-0"}},
		{"bool of two", refusal[bool]{Bool, "02", "02", "02"}},
		{"float32 negative zero", refusal[float32]{Float32, "7fffffff", "7fffffff", "7fffffff"}},
		{"float32 second NaN", refusal[float32]{Float32, "ffc00000", "ffc00000", "ffc00000"}},
		{"float32 negative NaN", refusal[float32]{Float32, "003fffff", "003fffff", "003fffff"}},
		{"float64 negative zero", refusal[float64]{Float64, "7fffffffffffffff", "7fffffffffffffff", "7fffffffffffffff"}},
		{"float64 second NaN", refusal[float64]{Float64, "fff8000000000000", "fff8000000000000", "fff8000000000000"}},
		{"float64 almost the NaN", refusal[float64]{Float64, "0000000000000001", "0000000000000001", "0000000000000001"}},
		{"time with a full second of nanoseconds", refusal[time.Time]{Time, "80000000000000003b9aca00", "80000000000000003b9aca00", "80000000000000003b9aca00"}},
		{"time without nanoseconds", refusal[time.Time]{Time, "8000000000000000", "8000000000000000", "8000000000000000"}},
		{"time with more", refusal[time.Time]{codec: Time, last: "80000000000000000000000000", text: "80000000000000000000000000"}},
		{"string without end", refusal[string]{codec: String, delimited: "6162"}},
		{"no string", refusal[string]{codec: String, delimited: "none"}},
		{"string with half an end", refusal[string]{codec: String, delimited: "616200"}},
		{"string with a bare zero", refusal[string]{codec: String, delimited: "6100620001"}},
		{"string with another escape", refusal[string]{codec: String, delimited: "6100020001"}},
		{"string ending in an escape", refusal[string]{codec: String, delimited: "6100ff"}},
		{"plain byte written as low", refusal[string]{codec: String, text: "-61"}},
		{"plain byte written as high", refusal[string]{codec: String, text: "~61"}},
		{"low byte written as high", refusal[string]{codec: String, text: "~00"}},
		{"high byte written as low", refusal[string]{codec: String, text: "-ff"}},
		{"high byte as it is", refusal[string]{codec: String, text: "\xff"}},
		{"slash as it is", refusal[string]{codec: String, text: "a/b"}},
		{"nothing but a mark", refusal[string]{codec: String, text: "-"}},
		{"mark without digits", refusal[string]{codec: String, text: "a-"}},
		{"mark with one digit", refusal[string]{codec: String, text: "a-0"}},
		{"mark with upper-case digits", refusal[string]{codec: String, text: "~FF"}},
		{"empty mark within", refusal[string]{codec: String, text: "a+"}},
		{"two empty marks", refusal[string]{codec: String, text: "++"}},
		{"pair cut in its first half", refusal[Pair[Pair[string, uint8], []byte]]{nested, "61", "61", "a"}},
		{"pair cut between its halves", refusal[Pair[Pair[string, uint8], []byte]]{nested, "610001", "610001", "a,001"}},
		{"pair cut in its second half", refusal[Pair[Pair[string, uint8], []byte]]{codec: nested, delimited: "6100010162", text: "a,001,"}},
		{"pair with a comma too many", refusal[Pair[Pair[string, uint8], []byte]]{codec: nested, text: "a,001,b,c"}},
		{"pair with an empty half", refusal[Pair[Pair[string, uint8], []byte]]{codec: nested, text: ",001,b"}},
	} {
		t.Run(c.name, c.refused.refuse)
	}
}

// refusal is what a codec has to refuse: hex of a delimited and of a last key,
// and text. An empty field is not tried; "none" stands for no bytes at all.
type refusal[K any] struct {
	codec           KeyCodec[K]
	delimited, last string
	text            string
}

func (r refusal[K]) refuse(t *testing.T) {
	check := func(form, given string, err error) {
		t.Helper()
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %s %s: error %v, want ErrInvalid", r.codec.Name(), form, given, err)
		}
	}
	if r.delimited != "" {
		_, _, err := r.codec.Decode(unhex(t, r.delimited))
		check("Decode", r.delimited, err)
		_, _, err = cutKey(r.codec, unhex(t, r.delimited))
		check("cutKey", r.delimited, err)
	}
	if r.last != "" {
		_, err := r.codec.DecodeLast(unhex(t, r.last))
		check("DecodeLast", r.last, err)
	}
	if r.text != "" {
		_, err := r.codec.ParseText(r.text)
		check("ParseText", r.text, err)
	}
}

func unhex(t *testing.T, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(digits, "none"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKeyTimeWraps covers the instants whose Unix seconds wrap around: they are
// out of order, and still no two are one.
func TestKeyTimeWraps(t *testing.T) {
	for _, key := range []time.Time{
		time.Unix(math.MaxInt64, 999_999_999),
		time.Unix(math.MaxInt64-unixToYear1+1, 0),
		farthest[0].Add(-1),
	} {
		encoded := Time.Append(nil, key)
		got, _, err := Time.Decode(encoded)
		if err != nil || !got.Equal(key) || got.Location() != time.UTC {
			t.Errorf("%v reads back as %v, error %v", key, got, err)
		}
		if last := Time.Append(nil, farthest[1]); bytes.Compare(encoded, last) <= 0 {
			t.Errorf("%v sorts before %v", key, farthest[1])
		}
	}
}

func TestKeyNames(t *testing.T) {
	type deep = Pair[Pair[email, userID], Pair[flag, offset]]
	var named KeyCodec[deep] = PairOf(
		PairOf(StringOf[email](), UintOf[userID]()), PairOf(BoolOf[flag](), IntOf[offset]()))
	for _, c := range []struct{ got, want string }{
		{Uint8.Name(), "uint8"},
		{Uint16.Name(), "uint16"},
		{Uint32.Name(), "uint32"},
		{Uint64.Name(), "uint64"},
		{Uint.Name(), "uint64"},
		{Int8.Name(), "int8"},
		{Int16.Name(), "int16"},
		{Int32.Name(), "int32"},
		{Int64.Name(), "int64"},
		{Int.Name(), "int64"},
		{String.Name(), "string"},
		{Bytes.Name(), "bytes"},
		{BytesOf[digest]().Name(), "bytes"},
		{Bool.Name(), "bool"},
		{Float32.Name(), "float32"},
		{Float64.Name(), "float64"},
		{FloatOf[celsius]().Name(), "float32"},
		{Time.Name(), "time"},
		{named.Name(), "pair(pair(string,uint32),pair(bool,int16))"},
	} {
		if c.got != c.want {
			t.Errorf("a codec is named %q, not %q", c.got, c.want)
		}
	}
}

// TestKeyAllocations holds the hot paths to what they promise.
func TestKeyAllocations(t *testing.T) {
	dst := make([]byte, 0, 256)
	at := time.Unix(1, 2)
	row := PairOf(PairOf(String, Uint64), PairOf(Bytes, Time))
	quad, four := QuadOf(String, Uint64, Bytes, Time), MakeQuad("a", uint64(1), []byte{0}, at)
	key := MakePair(MakePair("a\x00b", uint64(7)), MakePair([]byte{0, 1, 0}, at))
	encoded := row.Append(nil, key)
	number, instant := Uint64.Append(nil, 7), Time.Append(nil, at)
	for _, c := range []struct {
		name string
		want float64
		run  func()
	}{
		{"append quad", 0, func() { quad.AppendLast(dst, four) }},
		{"append", 0, func() { row.Append(dst, key) }},
		{"append last", 0, func() { row.AppendLast(dst, key) }},
		{"append text", 0, func() { row.AppendText(dst, key) }},
		{"cut", 0, func() { _, _, _ = cutKey(row, encoded) }},
		{"decode uint64", 0, func() { _, _, _ = Uint64.Decode(number) }},
		{"decode time", 0, func() { _, _ = Time.DecodeLast(instant) }},
		{"decode string", 1, func() { _, _ = String.DecodeLast(encoded[:3]) }},
		{"decode bytes", 1, func() { _, _ = Bytes.DecodeLast(encoded[:3]) }},
	} {
		if got := testing.AllocsPerRun(100, c.run); got != c.want {
			t.Errorf("%s allocates %v times, not %v", c.name, got, c.want)
		}
	}
}
