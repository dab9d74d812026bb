package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tiny is a plan that every engine gets through in a moment.
var tiny = plan{
	blocks:  []int{20},
	shared:  []int{8, 64},
	rounds:  minRounds,
	atLeast: time.Microsecond,
	limit:   time.Minute,
}

func TestTypedPrintsJSONLines(t *testing.T) {
	var out bytes.Buffer
	c := common{engines: strings.Join(engineNames, ","), json: true}
	if _, _, err := measureTyped(t.Context(), c, tiny, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	want := []string{"case", "engine", "contender", "rows", "ns_per_row", "ratio_to_raw"}
	seen := map[[2]string]map[string]bool{}
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		var fields map[string]any
		if err := json.Unmarshal(lines.Bytes(), &fields); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		for _, name := range want {
			if _, ok := fields[name]; !ok || len(fields) != len(want) {
				t.Fatalf("%s: has other fields than %v", lines.Text(), want)
			}
		}
		var r result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		if r.Rows <= 0 || r.NsPerRow <= 0 || r.RatioToRaw <= 0 || r.Contender == rawName && r.RatioToRaw != 1 {
			t.Errorf("%s: not a measurement", lines.Text())
		}
		key := [2]string{r.Engine, r.Case}
		if seen[key] == nil {
			seen[key] = map[string]bool{}
		}
		seen[key][r.Contender] = true
	}
	for _, f := range fields {
		for _, name := range allCases {
			for _, c := range []string{rawName, typedName} {
				if !seen[[2]string{f.engine, name}][c] {
					t.Errorf("%s, %s: nothing about %s", f.engine, name, c)
				}
			}
		}
		for _, e := range f.entrants {
			if !seen[[2]string{f.engine, getCase}][e.name] && !seen[[2]string{f.engine, insertCase}][e.name] {
				t.Errorf("%s: nothing about %s", f.engine, e.name)
			}
		}
	}
}

func TestTypedPrintsATable(t *testing.T) {
	c := common{engines: "memory"}
	results, counts, err := measureTyped(t.Context(), c, tiny, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := printTable(&out, results, counts); err != nil {
		t.Fatal(err)
	}
	for _, want := range append(allCases, "ENGINE memory", "8 to 64", "ALLOCATIONS", typedName) {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
}

func TestPlotsAndMarkdown(t *testing.T) {
	results := []result{
		{Case: getCase, Engine: "bolt", Contender: rawName, Rows: 10, NsPerRow: 100, RatioToRaw: 1},
		{Case: getCase, Engine: "bolt", Contender: typedName, Rows: 10, NsPerRow: 110, RatioToRaw: 1.1},
		{Case: getCase, Engine: "bolt", Contender: typedName, Rows: 100, NsPerRow: 120, RatioToRaw: 1.2},
		{Case: getCase, Engine: "bolt", Contender: "another", Rows: 10, NsPerRow: 250, RatioToRaw: 2.5},
	}
	dir := t.TempDir()
	if err := plotAll(dir, results); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bolt.svg", "bolt-blocks.svg"} {
		chart, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Contains(chart, []byte("<svg")) {
			t.Errorf("%s is no chart: %v", name, err)
		}
	}
	var out strings.Builder
	if err := printMarkdown(&out, results); err != nil {
		t.Fatal(err)
	}
	if want := "| `get` | 1.10 (10), 1.20 (100) | 1.15 | 2.50 |\n"; !strings.Contains(out.String(), want) {
		t.Errorf("no line %q in\n%s", want, out.String())
	}
}

func TestGetAllocatesForTheModelAlone(t *testing.T) {
	for _, f := range fields {
		a, err := countAllocations(t.Context(), f, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		// Pools that the garbage collector empties give fractions.
		if a.typed > a.own+ofModel+0.1 || a.borrowed > a.own+0.1 {
			t.Errorf("%s: %.2f allocations, borrowed %.2f; the engine's own are %.2f and the model's %d",
				f.engine, a.typed, a.borrowed, a.own, ofModel)
		}
	}
}

func TestLargePrintsJSONLines(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"large", "-json", "-rows", "3000"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		var f figure
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		seen[f.Engine+" "+f.Case]++
	}
	for _, engine := range []string{"bolt", "badger"} {
		for _, name := range []string{"import", "import_speed", "open", "iterate", "iterate_heap", "size"} {
			if seen[engine+" "+name] != 1 {
				t.Errorf("%d lines about %s, %s", seen[engine+" "+name], engine, name)
			}
		}
	}
}

func TestRefusesWhatItCannotDo(t *testing.T) {
	for _, args := range [][]string{
		{}, {"fast"}, {"typed", "-rounds", "5"}, {"typed", "-engines", "oracle"}, {"typed", "again"}, {"typed", "-json", "-markdown"}, {"large", "-rows", "0"}, {"large", "-engines", "memory"}, {"typed", "-dir", "/nowhere/at/all"},
	} {
		if err := run(context.Background(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q is not refused", args)
		}
	}
}
