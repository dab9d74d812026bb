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

// casesOf runs a command with -json, checks its lines, and returns the cases on each engine.
func casesOf(t *testing.T, args ...string) map[string][]string {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), append(args, "-json"), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	cases := map[string][]string{}
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		var r comparison
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		if r.Value < 0 || r.Base < 0 || r.Rows < 1 || r.Round > 1 {
			t.Errorf("%s: not a measurement", lines.Text())
		}
		cases[r.Engine] = append(cases[r.Engine], r.Case+", "+r.Against)
	}
	return cases
}

// TestSync runs small measurements, which check their results.
func TestSync(t *testing.T) {
	small := []string{"sync", "-rows", "1000", "-empty", "1000", "-rival", "1000", "-rounds", "1"}
	cases := casesOf(t, append(small, "-dir", t.TempDir())...)
	if len(cases["memory"]) != 3+5 || len(cases["bolt"]) != 4+5 || len(cases["badger"]) != 4+5+2*7 {
		t.Errorf("the cases are %q", cases)
	}
	var out bytes.Buffer
	if err := run(t.Context(), append(small, "-engines", "memory"), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 1+3+5 {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
	for _, refused := range [][]string{{"-engines", "oracle"}, {"-rounds", "0"}, {"more"}, {"-rows", "10"}} {
		if err := run(t.Context(), append([]string{"sync"}, refused...), io.Discard, io.Discard); err == nil {
			t.Errorf("%q is taken", refused)
		}
	}
}

// TestWatch runs small measurements, which check their results.
func TestWatch(t *testing.T) {
	cases := casesOf(t, "watch", "-rows", "1000", "-rounds", "2", "-dir", t.TempDir())
	if len(cases["memory"]) != 2*8 || !slices.Equal(cases["memory"], cases["bolt"]) ||
		!slices.Equal(cases["memory"], cases["badger"]) {
		t.Errorf("the cases are %q", cases)
	}
}
