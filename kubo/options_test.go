package kubo

import (
	"errors"
	"strings"
	"testing"

	"github.com/ipfs/kubo/repo/fsrepo"
)

func TestOptions(t *testing.T) {
	for _, tc := range []struct {
		name string
		spec map[string]any
		want options
	}{
		{"defaults", map[string]any{"type": typeName, "path": "data"}, options{path: "data", engine: engineBadger}},
		{
			"all",
			map[string]any{
				"type": typeName, "path": "data", "engine": "badger", "sync": true, "compress": true,
				"memTableMB": float64(64), "mountpoint": "/",
			},
			options{path: "data", engine: engineBadger, sync: true, compress: true, memTableMB: 64},
		},
		{
			"bolt",
			map[string]any{"type": typeName, "path": "/data", "engine": "bolt", "sync": false},
			options{path: "/data", engine: engineBolt},
		},
		{"a number of a program", map[string]any{"path": "data", "memTableMB": 8}, options{
			path: "data", engine: engineBadger, memTableMB: 8,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := parse(tc.spec)
			if err != nil || got != tc.want {
				t.Errorf("parse(%v) = %+v, %v, want %+v", tc.spec, got, err, tc.want)
			}
		})
	}
}

// TestBadOptions looks for the name of every option at fault in the error, which is
// what a user has to go by.
func TestBadOptions(t *testing.T) {
	for _, tc := range []struct {
		spec map[string]any
		want []string
	}{
		{map[string]any{}, []string{`"path" is missing`}},
		{map[string]any{"path": ""}, []string{`"path" is empty`}},
		{map[string]any{"path": 5}, []string{`"path" is 5: it must be text`}},
		{map[string]any{"path": "d", "engine": "pebble"}, []string{`"engine" is "pebble"`, `"badger"`, `"bolt"`}},
		{map[string]any{"path": "d", "sync": "yes"}, []string{`"sync" is yes: it must be true or false`}},
		{map[string]any{"path": "d", "compress": 1.0}, []string{`"compress" is 1`}},
		{map[string]any{"path": "d", "memTableMB": 1.5}, []string{`"memTableMB" is 1.5: it must be a whole number`}},
		{map[string]any{"path": "d", "memTableMB": 0.0}, []string{`"memTableMB" is 0: it must be 1 to 512`}},
		{map[string]any{"path": "d", "memTableMB": 513.0}, []string{`"memTableMB" is 513`}},
		{map[string]any{"path": "d", "memTableMB": 1e300}, []string{`"memTableMB" is 1e+300`}},
		{map[string]any{"path": "d", "engine": "bolt", "compress": false}, []string{
			`"compress" is an option of engine "badger"`,
		}},
		{map[string]any{"path": "d", "syncWrites": true, "prefix": "x"}, []string{
			`"syncWrites" is no option`, `"prefix" is no option`,
		}},
	} {
		_, err := Plugin{}.DatastoreConfigParser()(tc.spec)
		if !errors.Is(err, ErrSpec) {
			t.Errorf("%v: %v, want ErrSpec", tc.spec, err)
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: the error is %q, without %q", tc.spec, err, want)
			}
		}
	}
}

// TestDiskSpec changes every option that does not say where the data is: Kubo takes
// another DiskSpec for another datastore, and refuses to open the repo.
func TestDiskSpec(t *testing.T) {
	spec := func(options map[string]any) string {
		c, err := Plugin{}.DatastoreConfigParser()(options)
		if err != nil {
			t.Fatal(err)
		}
		return c.DiskSpec().String()
	}
	plain := spec(map[string]any{"type": typeName, "path": "d"})
	if want := (fsrepo.DiskSpec{"type": typeName, "engine": "badger", "path": "d"}).String(); plain != want {
		t.Errorf("DiskSpec is %s, want %s", plain, want)
	}
	tuned := spec(map[string]any{
		"type": typeName, "path": "d", "sync": true, "compress": true, "memTableMB": 64.0, "mountpoint": "/",
	})
	if tuned != plain {
		t.Errorf("options that may change are in the DiskSpec: %s, want %s", tuned, plain)
	}
	if bolt := spec(map[string]any{"type": typeName, "path": "d", "engine": "bolt"}); bolt == plain {
		t.Errorf("another engine has the same DiskSpec: %s", bolt)
	}
}
