package csvrows_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/csvrows"
)

// schema returns the schema file of a tree with fields of many types.
func schema(t *testing.T) []byte {
	t.Helper()
	s := shape.Schema{
		Tree: "club.member", Key: "uint64", Codec: "dag-cbor", Policy: "open",
		Shape: shape.StructOf(
			shape.Field{Name: "ID", Type: shape.Of(shape.Uint64)},
			shape.Field{Name: "Name", Type: shape.Of(shape.String)},
			shape.Field{Name: "Nick", Type: shape.OptionalOf(shape.Of(shape.String))},
			shape.Field{Name: "Joined", Type: shape.Of(shape.Time)},
			shape.Field{Name: "Tags", Type: shape.ListOf(shape.Of(shape.String))},
			shape.Field{Name: "Hash", Type: shape.Of(shape.Bytes)},
			shape.Field{Name: "Admin", Type: shape.Of(shape.Bool)},
		),
	}
	var file bytes.Buffer
	if err := s.Write(&file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

var rows = []string{
	`{"ID":18446744073709551615,"Name":"Ann, \"the\" first","Nick":null,"Joined":"2026-11-28T10:00:00Z","Tags":["a","b,c"],` +
		`"Hash":{"/":{"bytes":"AAE"}},"Admin":true}`,
	`{"ID":1,"Name":"","Nick":"","Joined":"2026-11-28T10:00:00Z","Tags":[],"Hash":{"/":{"bytes":""}},"Admin":false}`,
	`{"ID":2,"Name":"two\nlines","Nick":"\"q\"","Joined":"2026-11-28T10:00:00Z","Tags":[],"Hash":{"/":{"bytes":""}},"Admin":false}`,
	`{"ID":3,"Name":"null","Nick":"null","Joined":"2026-11-28T10:00:00Z","Tags":[],"Hash":{"/":{"bytes":""}},"Admin":false}`,
}

func write(t *testing.T, rows []string) string {
	t.Helper()
	var b strings.Builder
	w, err := csvrows.NewWriter(&b, schema(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Write([]byte(row)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestRoundTrip checks that rows come back from CSV as they were.
func TestRoundTrip(t *testing.T) {
	text := write(t, rows)
	if first, _, _ := strings.Cut(text, "\n"); first != "ID,Hash,Name,Nick,Tags,Admin,Joined" {
		t.Errorf("%q", first)
	}
	r, err := csvrows.NewReader(strings.NewReader(text), schema(t))
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(all)), "\n")
	if len(lines) != len(rows) {
		t.Fatalf("%q", lines)
	}
	decode := func(text string) (v map[string]any) {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for name, value := range v {
			if value == nil { // the same as a field that is left out
				delete(v, name)
			}
		}
		return v
	}
	for i := range rows {
		if got, want := decode(lines[i]), decode(rows[i]); !reflect.DeepEqual(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if line := r.Line(4); line != 6 { // behind a cell of two lines
		t.Errorf("the last row is on line %d", line)
	}
}

// TestFaultyLines checks that faulty lines are left out and named, and others are read.
func TestFaultyLines(t *testing.T) {
	text := "ID,Name\n1,one\n2\n3,\"three\nlines\"\n4,a\"b\n5,five\nx,six\n"
	r, err := csvrows.NewReader(strings.NewReader(text), schema(t))
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(r)
	if want := `{"ID":1,"Name":"one"}` + "\n" + `{"ID":3,"Name":"three\nlines"}` + "\n" + `{"ID":5,"Name":"five"}` + "\n" +
		`{"ID":"x","Name":"six"}` + "\n"; err != nil || string(all) != want {
		t.Errorf("%q, %v, want %q", all, err, want)
	}
	// The node refuses the fourth of the rows that it gets.
	done := api.Imported{Stored: 3, Refused: 1, Reasons: []api.RefusedLine{{Line: 4, Error: "ID is no number"}}}
	r.Report(&done)
	lines := []int64{}
	for _, reason := range done.Reasons {
		lines = append(lines, reason.Line)
	}
	if done.Refused != 3 || !slices.Equal(lines, []int64{3, 6, 8}) {
		t.Errorf("%+v", done)
	}
}

func TestFaultyColumns(t *testing.T) {
	for text, says := range map[string]string{
		"": "empty", "ID,Nmae\n": "did you mean Name?", "ID,ID\n": "two columns", "ID,zzzzzz\n": "there are ID, Hash, Name",
	} {
		if _, err := csvrows.NewReader(
			strings.NewReader(text),
			schema(t),
		); err == nil ||
			!strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := csvrows.NewReader(strings.NewReader("\ufeffID,Name\n"), schema(t)); err != nil {
		t.Error(err)
	}
}

// TestManyRefused checks that the kept reasons are bounded.
func TestManyRefused(t *testing.T) {
	var b strings.Builder
	b.WriteString("ID,Name\n")
	for i := range 500 {
		fmt.Fprintf(&b, "%d\n", i)
	}
	r, err := csvrows.NewReader(strings.NewReader(b.String()), schema(t))
	if err != nil {
		t.Fatal(err)
	}
	if all, err := io.ReadAll(r); err != nil || len(all) > 0 {
		t.Errorf("%q, %v", all, err)
	}
	var done api.Imported
	r.Report(&done)
	if done.Refused != 500 || len(done.Reasons) != 100 || done.Reasons[0].Line != 2 {
		t.Errorf("%d refused, %d reasons", done.Refused, len(done.Reasons))
	}
}
