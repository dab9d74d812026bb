package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
)

// TestChange runs small measurements, which check their results.
func TestChange(t *testing.T) {
	args := []string{"-rows", "3000", "-small", "3000", "-rounds", "2", "-dir", t.TempDir()}
	args = append(args, "-records", "../../p2pnode/internal/golang/packages.jsonl")
	var out bytes.Buffer
	if err := runChange(t.Context(), append(args, "-json"), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	cases := map[string][]string{}
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		var r comparison
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		if r.Value < 0 || r.Base < 0 || r.Rows != 3000 || r.Round > 1 || r.Unit == "" {
			t.Errorf("%s: not a measurement", lines.Text())
		}
		cases[r.Engine] = append(cases[r.Engine], r.Case)
	}
	if len(cases["badger"]) != 2*13 || !slices.Equal(cases["badger"], cases["bolt"]) {
		t.Errorf("the cases are %q", cases)
	}

	out.Reset()
	if err := runChange(t.Context(), append(args, "-engines", "bolt"), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 1+13 {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
	for _, refused := range [][]string{
		{"-engines", "memory"}, {"-rounds", "0"}, {"more"}, {"-records", "none.jsonl", "-rows", "10", "-small", "10"},
	} {
		if err := runChange(t.Context(), refused, io.Discard, io.Discard); err == nil {
			t.Errorf("%q is taken", refused)
		}
	}
}
