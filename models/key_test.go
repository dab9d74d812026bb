package models

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// keyCase is a codec with what its keys are compared by and drawn from.
type keyCase[K any] struct {
	codec   KeyCodec[K]
	compare func(a, b K) int
	keys    *rapid.Generator[K]
}

// Named types, which must behave as the plain ones.
type (
	userID  uint32
	offset  int16
	email   string
	digest  []byte
	flag    bool
	celsius float32
)

var (
	someUint8   = keyCase[uint8]{Uint8, cmp.Compare[uint8], rapid.Uint8()}
	someUint16  = keyCase[uint16]{Uint16, cmp.Compare[uint16], orEdge(rapid.Uint16(), 0, 1, 0xFF, 0x100, 0x7FFF, 0x8000, math.MaxUint16)}
	someUint32  = keyCase[uint32]{Uint32, cmp.Compare[uint32], orEdge(rapid.Uint32(), 0, 1, 0xFFFF, 0x10000, 1<<31-1, 1<<31, math.MaxUint32)}
	someUint64  = keyCase[uint64]{Uint64, cmp.Compare[uint64], orEdge(rapid.Uint64(), 0, 1, 0xFF, 1<<32, 1<<63-1, 1<<63, math.MaxUint64)}
	someUint    = keyCase[uint]{Uint, cmp.Compare[uint], orEdge(rapid.Uint(), 0, 1, math.MaxUint)}
	someUserID  = keyCase[userID]{UintOf[userID](), cmp.Compare[userID], rapid.Map(rapid.Uint32(), func(v uint32) userID { return userID(v) })}
	someInt8    = keyCase[int8]{Int8, cmp.Compare[int8], rapid.Int8()}
	someInt16   = keyCase[int16]{Int16, cmp.Compare[int16], orEdge(rapid.Int16(), math.MinInt16, -1, 0, 1, math.MaxInt16)}
	someInt32   = keyCase[int32]{Int32, cmp.Compare[int32], orEdge(rapid.Int32(), math.MinInt32, -1, 0, 1, math.MaxInt32)}
	someInt64   = keyCase[int64]{Int64, cmp.Compare[int64], orEdge(rapid.Int64(), math.MinInt64, math.MinInt64+1, -1, 0, 1, math.MaxInt64)}
	someInt     = keyCase[int]{Int, cmp.Compare[int], orEdge(rapid.Int(), math.MinInt, -1, 0, 1, math.MaxInt)}
	someOffset  = keyCase[offset]{IntOf[offset](), cmp.Compare[offset], rapid.Map(rapid.Int16(), func(v int16) offset { return offset(v) })}
	someBool    = keyCase[bool]{Bool, compareBool[bool], rapid.Bool()}
	someFlag    = keyCase[flag]{BoolOf[flag](), compareBool[flag], rapid.Map(rapid.Bool(), func(v bool) flag { return flag(v) })}
	someFloat32 = keyCase[float32]{Float32, cmp.Compare[float32], rapid.OneOf(
		rapid.Map(rapid.Uint32(), math.Float32frombits),
		rapid.SampledFrom([]float32{
			float32(math.NaN()), float32(math.Inf(-1)), -math.MaxFloat32, -1, -math.SmallestNonzeroFloat32,
			float32(math.Copysign(0, -1)), 0, math.SmallestNonzeroFloat32, 1, math.MaxFloat32, float32(math.Inf(1)), math.Float32frombits(0xFFFFFFFF),
		}),
	)}
	someCelsius = keyCase[celsius]{FloatOf[celsius](), cmp.Compare[celsius], rapid.Map(someFloat32.keys, func(v float32) celsius { return celsius(v) })}
	someFloat64 = keyCase[float64]{Float64, cmp.Compare[float64], rapid.OneOf(
		rapid.Map(rapid.Uint64(), math.Float64frombits),
		rapid.SampledFrom([]float64{
			math.NaN(), math.Inf(-1), -math.MaxFloat64, -1, -math.SmallestNonzeroFloat64,
			math.Copysign(0, -1), 0, math.SmallestNonzeroFloat64, 1, math.MaxFloat64, math.Inf(1), math.Float64frombits(math.MaxUint64),
		}),
	)}
	someBytes  = keyCase[[]byte]{Bytes, bytes.Compare, trickyBytes}
	someDigest = keyCase[digest]{BytesOf[digest](), func(a, b digest) int { return bytes.Compare(a, b) }, rapid.Map(trickyBytes, func(b []byte) digest { return b })}
	someString = keyCase[string]{String, cmp.Compare[string], rapid.Map(trickyBytes, func(b []byte) string { return string(b) })}
	someEmail  = keyCase[email]{StringOf[email](), cmp.Compare[email], rapid.Map(trickyBytes, func(b []byte) email { return email(b) })}
	someTime   = keyCase[time.Time]{Time, time.Time.Compare, trickyTimes}
)

// trickyBytes are full of what the encodings give a meaning to, short enough
// that one is often the beginning of another.
var trickyBytes = rapid.OneOf(
	rapid.SliceOfN(rapid.SampledFrom([]byte{0x00, 0x01, 0xFF}), 0, 5),
	rapid.SliceOfN(rapid.SampledFrom([]byte("\x00\x01\x02+,-./09a}~\x7f\x80\xfe\xff")), 0, 4),
	rapid.SliceOfN(rapid.Byte(), 0, 40),
)

// farthest are the first and the last instant whose Unix seconds do not wrap.
var farthest = []time.Time{
	time.Unix(math.MinInt64, 0),
	time.Unix(math.MaxInt64-unixToYear1, 999_999_999),
}

// unixToYear1 is the Unix second, negated, that package time counts from.
const unixToYear1 = 62_135_596_800

var trickyTimes = rapid.OneOf(
	rapid.SampledFrom([]time.Time{
		{},
		time.Unix(0, 0), time.Unix(0, 1), time.Unix(-1, 999_999_999), farthest[0], farthest[1], time.Now(),
		time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2_000_000, 1, 1, 0, 0, 0, 0, time.FixedZone("far", 14*3600)),
	}),
	rapid.Custom(func(t *rapid.T) time.Time {
		seconds := rapid.Int64Range(math.MinInt64, math.MaxInt64-unixToYear1).Draw(t, "seconds")
		nanos := rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")
		zone := rapid.SampledFrom([]*time.Location{time.UTC, time.Local, time.FixedZone("", -3600)}).Draw(t, "zone")
		return time.Unix(seconds, nanos).In(zone)
	}),
)

func orEdge[K any](all *rapid.Generator[K], edges ...K) *rapid.Generator[K] {
	return rapid.OneOf(all, rapid.SampledFrom(edges))
}

func compareBool[K ~bool](a, b K) int {
	switch {
	case a == b:
		return 0
	case bool(b):
		return -1
	default:
		return 1
	}
}

func pairs[A, B any](a keyCase[A], b keyCase[B]) keyCase[Pair[A, B]] {
	return keyCase[Pair[A, B]]{
		codec: PairOf(a.codec, b.codec),
		compare: func(x, y Pair[A, B]) int {
			return cmp.Or(a.compare(x.First, y.First), b.compare(x.Second, y.Second))
		},
		keys: rapid.Custom(func(t *rapid.T) Pair[A, B] {
			return MakePair(a.keys.Draw(t, "first"), b.keys.Draw(t, "second"))
		}),
	}
}

func triples[A, B, C any](a keyCase[A], b keyCase[B], c keyCase[C]) keyCase[Triple[A, B, C]] {
	return keyCase[Triple[A, B, C]]{
		codec: TripleOf(a.codec, b.codec, c.codec),
		compare: func(x, y Triple[A, B, C]) int {
			return cmp.Or(a.compare(x.First, y.First), b.compare(x.Second, y.Second), c.compare(x.Third, y.Third))
		},
		keys: rapid.Custom(func(t *rapid.T) Triple[A, B, C] {
			return MakeTriple(a.keys.Draw(t, "first"), b.keys.Draw(t, "second"), c.keys.Draw(t, "third"))
		}),
	}
}

func quads[A, B, C, D any](a keyCase[A], b keyCase[B], c keyCase[C], d keyCase[D]) keyCase[Quad[A, B, C, D]] {
	return keyCase[Quad[A, B, C, D]]{
		codec: QuadOf(a.codec, b.codec, c.codec, d.codec),
		compare: func(x, y Quad[A, B, C, D]) int {
			return cmp.Or(a.compare(x.First, y.First), b.compare(x.Second, y.Second), c.compare(x.Third, y.Third), d.compare(x.Fourth, y.Fourth))
		},
		keys: rapid.Custom(func(t *rapid.T) Quad[A, B, C, D] {
			return MakeQuad(a.keys.Draw(t, "first"), b.keys.Draw(t, "second"), c.keys.Draw(t, "third"), d.keys.Draw(t, "fourth"))
		}),
	}
}

// eachKeyCase runs a test over every codec.
func eachKeyCase(t *testing.T, run func(t *testing.T, c anyKeyCase)) {
	cases := []anyKeyCase{
		someUint8, someUint16, someUint32, someUint64, someUint, someUserID,
		someInt8, someInt16, someInt32, someInt64, someInt, someOffset,
		someBool, someFlag, someFloat32, someFloat64, someCelsius,
		someString, someEmail, someBytes, someDigest, someTime,
		pairs(someString, someUint64), pairs(someUint16, someBytes), pairs(someBytes, someString),
		pairs(pairs(someString, someBool), pairs(someBytes, someTime)),
		pairs(pairs(pairs(someString, someString), someString), someString),
		pairs(someString, pairs(someString, pairs(someFloat64, someBytes))),
		triples(someString, someInt8, someBytes), triples(someBytes, pairs(someString, someBool), someTime),
		quads(someUint16, someString, someTime, someString), pairs(quads(someBool, someString, someInt8, someBytes), someString),
	}
	for _, c := range cases {
		t.Run(c.name(), func(t *testing.T) { run(t, c) })
	}
}

// anyKeyCase is a keyCase of any type.
type anyKeyCase interface {
	name() string
	checkOrder(t *rapid.T)
	checkRoundTrip(t *rapid.T)
	checkForeign(t *rapid.T)
	checkDecode(t failer, encoded []byte)
	checkNamed(t *testing.T)
	decode(encoded []byte)
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func (c keyCase[K]) name() string { return c.codec.Name() }

// forms are the three spellings of a key.
func (c keyCase[K]) forms(key K) (delimited, last []byte, text string) {
	return c.codec.Append(nil, key), c.codec.AppendLast(nil, key), string(c.codec.AppendText(nil, key))
}

// checkOrder checks that every form sorts as the keys do, that different keys
// differ in every form, and that nothing that follows a delimited key changes
// its place.
func (c keyCase[K]) checkOrder(t *rapid.T) {
	keys := rapid.SliceOfN(c.keys, 2, 12).Draw(t, "keys")
	tails := rapid.SliceOfN(trickyBytes, len(keys), len(keys)).Draw(t, "tails")
	for i, a := range keys {
		delimitedA, lastA, textA := c.forms(a)
		for j, b := range keys {
			delimitedB, lastB, textB := c.forms(b)
			want := c.compare(a, b)
			if got := bytes.Compare(delimitedA, delimitedB); got != want {
				t.Fatalf("delimited %x and %x compare %d, keys %v and %v %d", delimitedA, delimitedB, got, a, b, want)
			}
			if got := bytes.Compare(lastA, lastB); got != want {
				t.Fatalf("last %x and %x compare %d, keys %v and %v %d", lastA, lastB, got, a, b, want)
			}
			if got := strings.Compare(textA, textB); got != want {
				t.Fatalf("texts %q and %q compare %d, keys %v and %v %d", textA, textB, got, a, b, want)
			}
			if want == 0 {
				continue
			}
			if bytes.HasPrefix(delimitedA, delimitedB) {
				t.Fatalf("delimited %x begins with that of another key, %x", delimitedA, delimitedB)
			}
			if got := bytes.Compare(slices.Concat(delimitedA, tails[i]), slices.Concat(delimitedB, tails[j])); got != want {
				t.Fatalf("delimited %x %x and %x %x compare %d, keys %d", delimitedA, tails[i], delimitedB, tails[j], got, want)
			}
		}
	}
}

// checkRoundTrip checks that every form reads back as the key, that what is
// there already is appended to, and that no memory is shared.
func (c keyCase[K]) checkRoundTrip(t *rapid.T) {
	key := c.keys.Draw(t, "key")
	before, tail := trickyBytes.Draw(t, "before"), trickyBytes.Draw(t, "tail")
	delimited, last, text := c.forms(key)
	if text == "" || strings.ContainsRune(text, '/') {
		t.Fatalf("text %q is empty or has a slash", text)
	}
	for _, form := range []struct {
		name   string
		append func([]byte, K) []byte
		want   []byte
	}{{"Append", c.codec.Append, delimited}, {"AppendLast", c.codec.AppendLast, last}, {"AppendText", c.codec.AppendText, []byte(text)}} {
		if got, want := form.append(slices.Clone(before), key), slices.Concat(before, form.want); !bytes.Equal(got, want) {
			t.Fatalf("%s to %x gives %x, not %x", form.name, before, got, want)
		}
	}

	src := slices.Concat(delimited, tail)
	got, rest, err := c.codec.Decode(src)
	if err != nil || !bytes.Equal(rest, tail) {
		t.Fatalf("Decode(%x) leaves %x, not %x, and error %v", src, rest, tail, err)
	}
	skipped, rest, err := cutKey(c.codec, src)
	if err != nil || !bytes.Equal(skipped, delimited) || !bytes.Equal(rest, tail) {
		t.Fatalf("cutting %x gives %x and %x, and error %v", src, skipped, rest, err)
	}
	clear(src)
	c.checkSame(t, "Decode", got, key)

	src = slices.Clone(last)
	got, err = c.codec.DecodeLast(src)
	if err != nil {
		t.Fatalf("DecodeLast(%x): %v", src, err)
	}
	clear(src)
	c.checkSame(t, "DecodeLast", got, key)

	got, err = c.codec.ParseText(text)
	if err != nil {
		t.Fatalf("ParseText(%q): %v", text, err)
	}
	c.checkSame(t, "ParseText", got, key)

	text = c.codec.Format(key)
	if text == "" || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		t.Fatalf("Format gives %q, which cannot be shown", text)
	}
	got, err = c.codec.Parse(text)
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	c.checkSame(t, "Parse", got, key)
}

func (c keyCase[K]) checkSame(t failer, what string, got, want K) {
	t.Helper()
	if c.compare(got, want) != 0 {
		t.Fatalf("%s gives %v, not %v", what, got, want)
	}
	again, _, _ := c.forms(got)
	first, _, _ := c.forms(want)
	if !bytes.Equal(again, first) {
		t.Fatalf("%s gives %v, which encodes as %x, not %x", what, got, again, first)
	}
}

// checkForeign gives the decoders what is nearly a key.
func (c keyCase[K]) checkForeign(t *rapid.T) {
	key := c.keys.Draw(t, "key")
	delimited, last, text := c.forms(key)
	encoded := rapid.SampledFrom([][]byte{delimited, last, []byte(text), []byte(c.codec.Format(key)), nil}).Draw(t, "form")
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		at := rapid.IntRange(0, len(encoded)).Draw(t, "at")
		insert := trickyBytes.Draw(t, "insert")
		cut := rapid.IntRange(at, min(at+2, len(encoded))).Draw(t, "cut")
		encoded = slices.Concat(encoded[:at], insert, encoded[cut:])
	}
	c.checkDecode(t, encoded)
}

// checkDecode checks that whatever a decoder takes is what the encoder writes
// for it, and that it refuses all else by ErrInvalid.
func (c keyCase[K]) checkDecode(t failer, encoded []byte) {
	t.Helper()
	_, skippedRest, skipErr := cutKey(c.codec, encoded)
	key, rest, err := c.codec.Decode(encoded)
	if err == nil {
		if again := append(c.codec.Append(nil, key), rest...); !bytes.Equal(again, encoded) {
			t.Fatalf("%s takes %x and writes it as %x", c.name(), encoded, again)
		}
		if skipErr != nil || !bytes.Equal(skippedRest, rest) {
			t.Fatalf("%s: cutting %x leaves %x and error %v, decoding %x", c.name(), encoded, skippedRest, skipErr, rest)
		}
	} else if !errors.Is(err, ErrInvalid) || skipErr != nil && !errors.Is(skipErr, ErrInvalid) {
		t.Fatalf("%s: decoding %x: error %v, skipping %v", c.name(), encoded, err, skipErr)
	}
	if key, err = c.codec.DecodeLast(encoded); err == nil {
		if again := c.codec.AppendLast(nil, key); !bytes.Equal(again, encoded) {
			t.Fatalf("%s takes %x as last and writes it as %x", c.name(), encoded, again)
		}
	} else if !errors.Is(err, ErrInvalid) {
		t.Fatalf("%s: decoding %x as last: %v", c.name(), encoded, err)
	}
	if key, err = c.codec.ParseText(string(encoded)); err == nil {
		if again := c.codec.AppendText(nil, key); !bytes.Equal(again, encoded) {
			t.Fatalf("%s parses %q and writes it as %q", c.name(), encoded, again)
		}
	} else if !errors.Is(err, ErrInvalid) {
		t.Fatalf("%s: parsing %q: %v", c.name(), encoded, err)
	}
	if key, err = c.codec.Parse(string(encoded)); err == nil {
		text := c.codec.Format(key)
		again, err := c.codec.Parse(text)
		if err != nil {
			t.Fatalf("%s: Parse refuses %q, which Format gives: %v", c.name(), text, err)
		}
		c.checkSame(t, "Parse after Format", again, key)
	} else if !errors.Is(err, ErrInvalid) {
		t.Fatalf("%s: parsing %q as people write it: %v", c.name(), encoded, err)
	}
}

// decode reads the bytes in every form, the text once more for being a string.
func (c keyCase[K]) decode(encoded []byte) {
	_, _, _ = cutKey(c.codec, encoded)
	_, _, _ = c.codec.Decode(encoded)
	_, _ = c.codec.DecodeLast(encoded)
	_, _ = c.codec.ParseText(string(encoded))
	_, _ = c.codec.Parse(string(encoded))
}

func TestKeyOrder(t *testing.T) {
	eachKeyCase(t, func(t *testing.T, c anyKeyCase) { rapid.Check(t, c.checkOrder) })
}

func TestKeyRoundTrip(t *testing.T) {
	eachKeyCase(t, func(t *testing.T, c anyKeyCase) { rapid.Check(t, c.checkRoundTrip) })
}

func TestKeyForeignBytes(t *testing.T) {
	eachKeyCase(t, func(t *testing.T, c anyKeyCase) { rapid.Check(t, c.checkForeign) })
}
