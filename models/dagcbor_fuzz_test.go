package models

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/ipld/go-ipld-prime/codec/dagcbor"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/newsnet-africa/netabase-go/internal/alloctest"
)

// everythingFactor is how many bytes of memory one byte of what is decoded can take:
// the 24 of a byte string in a list and, where it is none, the 64 of an error.
const everythingFactor = 24 + 64

// FuzzDagCBORDecode decodes anything as a model: it may refuse, and what it
// takes it must be able to write in the one canonical spelling.
func FuzzDagCBORDecode(f *testing.F) {
	codec := DagCBOR[everything]()
	maybe := int32(-5)
	for _, m := range []everything{
		{},
		{
			U64: 1 << 63, I64: -1 << 63, F32: 1.5, F64: math.Copysign(0, -1), S: "é", Raw: []byte{0, 255}, At: time.Unix(1e9, 5).UTC(),
			Maybe: &maybe, Spare: "x", Rest: time.Unix(1, 0), Strings: []string{"", "a"}, Blobs: [][]byte{{}, {1}}, Vector: []float32{1, -2},
			Counts: map[email]uint{"b": 1, "aa": 2}, Nested: []place{{City: "x", At: map[string]float64{"y": 2}}}, Where: &place{}, Level: 3,
		},
	} {
		value, err := codec.Append(nil, &m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(value)
	}
	for _, seed := range []string{
		"", "a0", "f6", "80", "a1624174f6", "a16241741b0000100000000000", "a165626c6f6273" + "9a00020000" + "4040", "a1" + "6653" + "ff",
		"a1666e6573746564" + "83f6a0a0", "a16543" + "6f", "bf6153617aff", "a16161c249010000000000000000", "a26249641a000000076261747818" + "00",
	} {
		value, err := hex.DecodeString(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(value)
	}
	f.Add(append([]byte("\xA1\x65blobs\x99\x27\x10"), make([]byte, 10_000)...)) // no byte strings
	f.Fuzz(func(t *testing.T, value []byte) {
		var m everything
		var err error
		alloctest.BoundBy(t, everythingFactor, len(value), func() { err = codec.Decode(value, &m) })
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("refused by another error: %v", err)
			}
			return
		}
		canonical, err := codec.Append(nil, &m)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("not encoded again by another error: %v", err)
			}
			return // a time of no year, say
		}
		if got := checkCanonical(codec.Append, value, &m, nil) == nil; got != bytes.Equal(value, canonical) {
			t.Errorf("canonical: %v, but %x is encoded again as %x", got, value, canonical)
		}
		if err := dagcbor.Decode(basicnode.Prototype.Any.NewBuilder(), bytes.NewReader(canonical)); err != nil {
			t.Errorf("go-ipld-prime refuses %x: %v", canonical, err)
		}
		var again everything
		if err := codec.Decode(canonical, &again); err != nil {
			t.Fatalf("the canonical %x is refused: %v", canonical, err)
		}
		if err := checkCanonical(codec.Append, canonical, &again, nil); err != nil {
			t.Errorf("the canonical %x is not: %v", canonical, err)
		}
	})
}
