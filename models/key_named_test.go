package models

import (
	"bytes"
	"strings"
	"testing"
)

// TestKeyCodecNamed checks that every codec is found by its name, and does the
// same as the one with types.
func TestKeyCodecNamed(t *testing.T) {
	eachKeyCase(t, func(t *testing.T, c anyKeyCase) { c.checkNamed(t) })
	for _, name := range []string{
		"", "uint", "peer", "pair", "pair()", "pair(string)", "pair(string,)", "pair(string,bool,bool)", "pair(string,bool",
		"pair(string,bool))", "list(string,bool)", "pair(string,peer)", "pair((string,bool)",
		strings.Repeat("pair(", 100) + "bool" + strings.Repeat(",bool)", 100), strings.Repeat("pair(", 100_000),
	} {
		if _, ok := KeyCodecNamed(name); ok {
			t.Errorf("there is a codec %.40q", name)
		}
	}
}

func (c keyCase[K]) checkNamed(t *testing.T) {
	named, ok := KeyCodecNamed(c.name())
	if !ok || named.Name() != c.name() {
		t.Fatalf("no codec is named %s", c.name())
	}
	for i := range 20 {
		key := c.keys.Example(i)
		text := c.codec.Format(key)
		got, err := named.Parse(text)
		if err != nil {
			t.Fatalf("parsing %q: %v", text, err)
		}
		delimited, last, path := c.forms(key)
		if d := named.Append(nil, got); string(d) != string(delimited) {
			t.Errorf("%s is written as %x, not %x", text, d, delimited)
		}
		if l := named.AppendLast(nil, got); string(l) != string(last) {
			t.Errorf("%s is written as %x, not %x", text, l, last)
		}
		if p := named.AppendText(nil, got); string(p) != path {
			t.Errorf("%s is in paths %s, not %s", text, p, path)
		}
		one, rest, err := named.Decode(delimited)
		two, err2 := named.DecodeLast(last)
		three, err3 := named.ParseText(path)
		if err != nil || err2 != nil || err3 != nil || len(rest) > 0 {
			t.Fatalf("%s: %v, %v, %v", text, err, err2, err3)
		}
		for _, got := range []any{one, two, three} {
			if again := named.Format(got); again != text {
				t.Errorf("%s reads back as %s", text, again)
			}
		}
	}
}

// TestKeyCodecNamedMore finds a codec that is passed in, alone and as a part.
func TestKeyCodecNamedMore(t *testing.T) {
	for _, name := range []string{"own", "pair(own,uint64)", "quad(string,triple(bool,own,own),own,time)"} {
		codec, ok := KeyCodecNamed(name, Untyped[string](ownKey{String}))
		if !ok || codec.Name() != name {
			t.Errorf("no codec is named %s", name)
		}
		if _, ok := KeyCodecNamed(name); ok {
			t.Errorf("there is a codec %s of this package", name)
		}
	}
}

type ownKey struct{ KeyCodec[string] }

func (ownKey) Name() string { return "own" }

// TestUntypedRanges checks that keys without types have the ranges of those with types.
func TestUntypedRanges(t *testing.T) {
	text, _ := KeyCodecNamed("string")
	pair, _ := KeyCodecNamed("pair(string,uint64)")
	typed := PairOf(String, Uint64)
	for name, r := range map[string]struct{ got, want func() (span, error) }{
		"a prefix": {
			func() (span, error) { return Beginning[any]("a").rows(text, nil, nil) },
			func() (span, error) { return StartingWith("a").rows(String, nil, nil) },
		},
		"a prefix of entries": {
			func() (span, error) { return Beginning[any]("\x00").entries(text, nil, nil) },
			func() (span, error) { return StartingWith("\x00").entries(String, nil, nil) },
		},
		"a first part": {
			func() (span, error) {
				return Leading[any](MakePair[any, any]("a", uint64(0)), 1).rows(pair, nil, nil)
			},
			func() (span, error) { return Leading(MakePair("a", uint64(0)), 1).rows(typed, nil, nil) },
		},
	} {
		got, err := r.got()
		want, wantErr := r.want()
		if err != nil || wantErr != nil || !bytes.Equal(got.lower, want.lower) || !bytes.Equal(got.upper, want.upper) {
			t.Errorf(
				"%s is %x to %x, not %x to %x; errors %v, %v",
				name,
				got.lower,
				got.upper,
				want.lower,
				want.upper,
				err,
				wantErr,
			)
		}
	}
	for name, size := range map[string]int{"uint16": 2, "time": 12} {
		codec, _ := KeyCodecNamed(name)
		if sized, ok := codec.(SizedCodec); !ok || sized.KeySize() != size {
			t.Errorf("keys of %s do not have %d bytes", name, size)
		}
	}
}
