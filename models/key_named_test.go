package models

import (
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
