package main

import (
	"io"
	"os"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

// TestBrowserMeasurement runs small measurements, which check their results.
func TestBrowserMeasurement(t *testing.T) {
	for _, refused := range [][]string{{"-rounds", "0"}, {"more"}, {"-rows", "10"}, {"-sources", "nowhere"}} {
		if err := run(t.Context(), append([]string{"browser"}, refused...), io.Discard, io.Discard); err == nil {
			t.Errorf("%q is taken", refused)
		}
	}
	webtest.Needs(t)
	sources := "../browser"
	if _, err := os.Stat(sources + "/node_modules"); err != nil {
		t.Skip("dexie and idb are not there: npm ci in bench/browser installs them")
	}
	cases := casesOf(t, "browser", "-sources", sources, "-rows", "1000", "-many", "2000", "-calls", "20", "-rounds", "2")
	once := []string{
		"rows in one transaction, dexie", "rows in one transaction, idb", "get by key, dexie", "get by key, idb",
		"find by index, dexie", "find by index, idb",
		"transactions of one row, strict, dexie", "transactions of one row, strict, idb",
		"transactions of one row, relaxed, dexie", "transactions of one row, relaxed, idb",
		"iterate, dexie", "iterate, idb", "open, dexie", "open, idb", "open, bound", "heap grows while iterating, bound",
	}
	if want := slices.Concat(once, once); !slices.Equal(cases["indexeddb"], want) {
		t.Errorf("the cases are %q, want %q", cases["indexeddb"], want)
	}
}
