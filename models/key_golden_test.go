package models

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// goldenKeys are the keys of the worked examples, in the order of the document.
var goldenKeys = []goldenKey{
	golden(Uint8, "7", 7),
	golden(Uint16, "258", 258),
	golden(Uint32, "65536", 65536),
	golden(Uint64, "1", 1),
	golden(Uint64, "18446744073709551615", math.MaxUint64),
	golden(Int8, "−128", -128),
	golden(Int16, "−1", -1),
	golden(Int32, "0", 0),
	golden(Int64, "1", 1),
	golden(Bool, "true", true),
	golden(Float32, "−1.5", -1.5),
	golden(Float64, "NaN", math.NaN()),
	golden(Float64, "−∞", math.Inf(-1)),
	golden(Float64, "−0", math.Copysign(0, -1)),
	golden(Float64, "1.5", 1.5),
	golden(Time, "1970-01-01T00:00:00Z", time.Unix(0, 0)),
	golden(Time, "2009-11-10T23:00:00.000000001Z", time.Date(2009, 11, 10, 23, 0, 0, 1, time.UTC)),
	golden(Time, "0001-01-01T00:00:00Z", time.Time{}),
	golden(Time, "−1000-01-01T00:00:00.5Z", time.Date(-1000, 1, 1, 0, 0, 0, 500_000_000, time.UTC)),
	golden(String, "empty", ""),
	golden(String, `"blog"`, "blog"),
	golden(String, `"a/b é"`, "a/b é"),
	golden(String, `"x, y"`, "x, y"),
	golden(Bytes, "00", []byte{0}),
	golden(Bytes, "00 FF 01", []byte{0x00, 0xFF, 0x01}),
	golden(PairOf(String, Uint16), `("go", 3)`, MakePair("go", uint16(3))),
	golden(PairOf(Int8, Bytes), "(−1, 00)", MakePair(int8(-1), []byte{0})),
	golden(PairOf(PairOf(String, Bool), String), `(("", true), "x")`, MakePair(MakePair("", true), "x")),
	golden(TripleOf(String, Int8, String), `("a", −1, "b, c")`, MakeTriple("a", int8(-1), "b, c")),
	golden(QuadOf(Bool, Uint8, Bytes, Bytes), "(true, 2, 00, 00)", MakeQuad(true, uint8(2), []byte{0}, []byte{0})),
}

type goldenKey struct {
	row   string
	check func(t *testing.T)
}

func golden[K any](codec KeyCodec[K], shown string, key K) goldenKey {
	delimited, last, text := codec.Append(nil, key), codec.AppendLast(nil, key), codec.AppendText(nil, key)
	lastCell := "the same"
	if string(last) != string(delimited) {
		lastCell = digits(last)
	}
	return goldenKey{
		row: fmt.Sprintf("| `%s` | %s | %s | %s | `%s` | `%s` |", codec.Name(), shown, digits(delimited), lastCell, text, codec.Format(key)),
		check: func(t *testing.T) {
			a, _, errA := codec.Decode(delimited)
			b, errB := codec.DecodeLast(last)
			c, errC := codec.ParseText(string(text))
			d, errD := codec.Parse(codec.Format(key))
			if err := errors.Join(errA, errB, errC, errD); err != nil {
				t.Fatalf("%s %s: %v", codec.Name(), shown, err)
			}
			for _, got := range []K{a, b, c, d} {
				if again := codec.Append(nil, got); string(again) != string(delimited) {
					t.Errorf("%s %s reads back as %v", codec.Name(), shown, got)
				}
			}
		},
	}
}

// digits shows bytes as docs/format.md does.
func digits(b []byte) string {
	if len(b) == 0 {
		return "nothing"
	}
	return "`" + strings.ToUpper(fmt.Sprintf("% x", b)) + "`"
}

// TestKeyGolden compares the worked examples of docs/format.md with what the
// codecs write. The document is right: bytes that differ are another format.
func TestKeyGolden(t *testing.T) {
	document, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(document), "\n## Worked examples: keys\n")
	if !found {
		t.Fatal("docs/format.md has no worked examples of keys")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var rows []string
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| `") {
			rows = append(rows, strings.TrimSpace(line))
		}
	}
	if len(rows) != len(goldenKeys) {
		t.Fatalf("docs/format.md has %d worked examples of keys, the test %d", len(rows), len(goldenKeys))
	}
	for i, key := range goldenKeys {
		if rows[i] != key.row {
			t.Errorf("docs/format.md has\n%s\nthe code writes\n%s", rows[i], key.row)
		}
		key.check(t)
	}
}
