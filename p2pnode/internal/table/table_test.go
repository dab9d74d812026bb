package table

import (
	"strings"
	"testing"
)

func print(t *testing.T, out Output, rows ...[]string) string {
	t.Helper()
	var b strings.Builder
	out.w = &b
	table := New(out, Column{Name: "KEY", Right: true}, Column{Name: "NAME"}, Column{Name: "EMAIL"})
	for _, row := range rows {
		if err := table.Add(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTable(t *testing.T) {
	rows := [][]string{{"1", "日本", "nihon@example.com"}, {"1000", "a long name of a member", "m@example.com"}}
	for name, c := range map[string]struct {
		out  Output
		want string
	}{
		"pipe": {Output{}, "" +
			" KEY  NAME                     EMAIL\n" +
			"   1  日本                     nihon@example.com\n" +
			"1000  a long name of a member  m@example.com\n"},
		"terminal": {Output{width: 30}, "" +
			" KEY  NAME         EMAIL\n" +
			"   1  日本         nihon@exam…\n" +
			"1000  a long nam…  m@example.…\n"},
		"colours": {Output{width: 80, colour: true}, "" +
			"\x1b[1m KEY  NAME                     EMAIL\x1b[m\n" +
			"   1  日本                     nihon@example.com\n" +
			"1000  a long name of a member  m@example.com\n"},
		"narrow": {Output{width: 10}, "" +
			" KEY  NAM…\n   1  日…\n1000  a …\n"},
	} {
		got := print(t, c.out, rows...)
		if name == "narrow" { // the columns do not fit: the line is cut
			for line := range strings.Lines(got) {
				if len([]rune(line)) > 11 {
					t.Errorf("%q", line)
				}
			}
			continue
		}
		if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
	if got := print(t, Output{}); got != "" {
		t.Errorf("no rows: %q", got)
	}
}

// TestTableStreams checks that rows are printed before the table is closed once there are many.
func TestTableStreams(t *testing.T) {
	var b strings.Builder
	table := New(Output{w: &b}, Column{Name: "N"})
	for range measured + 5 {
		if err := table.Add("1"); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(b.String(), "\n"); got != 1+measured+5 {
		t.Errorf("%d lines", got)
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain ü 日本": "plain ü 日本", "two\nlines": `two\nlines`, "\x1b[31mred": `\x1b[31mred`,
		"\u009b31m": `\u009b31m`, "a\u202eb": `a\u202eb`, "\xff": `\xff`, "": "", "\ufffd": "\ufffd", "tab\t": `tab\t`,
	} {
		if got := Printable(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestPairs(t *testing.T) {
	var b strings.Builder
	if err := Pairs(Output{w: &b}, Pair{"peer", "12D3"}, Pair{"nothing", ""}, Pair{"engine", "badger"}); err != nil {
		t.Fatal(err)
	}
	if want := "peer    12D3\nengine  badger\n"; b.String() != want {
		t.Errorf("%q", b.String())
	}
}

// TestLineWithoutTerminal checks that no progress is shown in a pipe.
func TestLineWithoutTerminal(t *testing.T) {
	var b strings.Builder
	line := NewLine(&b)
	line.began = line.began.Add(-2 * after)
	line.Show("%d rows", 3)
	line.Clear()
	if b.String() != "" {
		t.Errorf("%q", b.String())
	}
	line.out.width = 20
	line.Show("%d rows of this very long text", 3)
	line.Clear()
	if want := "\r3 rows of this ver…\x1b[K\r\x1b[K"; b.String() != want {
		t.Errorf("%q", b.String())
	}
}
