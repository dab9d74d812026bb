package main

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

func TestInspect(t *testing.T) {
	for name, eng := range map[string]func(string) engine.Engine{"badger": badger.Engine, "bolt": bolt.Engine} {
		t.Run(name, func(t *testing.T) {
			peer := t.TempDir()
			path := filepath.Join(peer, "store")
			store := write(t, eng(path))
			if out, errOut, status := run(t, "inspect", path); status != 2 || out != "" ||
				!strings.Contains(errOut, "in use") {
				t.Errorf("in use: %q, %q, status %d", out, errOut, status)
			}
			closeStore(t, store)

			out, errOut, status := run(t, "inspect", peer)
			want := "diary.note by uint64, dag-cbor: 10 rows, 1.3 KiB\n  field ID: uint64\n  field Text: string\n" +
				"  index text by string: 10 entries, 1.1 KiB\nnetabase.plain by string, plain: 0 rows, 0 B\n"
			if status != 0 || out != want || errOut != "10 rows, 2.4 KiB\n" {
				t.Errorf("%q, %q, status %d", out, errOut, status)
			}
			out, _, status = run(t, "inspect", path, "-json")
			all := events(t, out)
			if status != 0 || len(all) != 3 {
				t.Fatalf("%v, status %d", all, status)
			}
			if want := (event{
				"event": "tree", "name": "diary.note", "key": "uint64", "codec": "dag-cbor", "schema": 1., "rows": 10., "bytes": 1280.,
				"fields": []any{event{"name": "ID", "type": "uint64"}, event{"name": "Text", "type": "string"}},
				"indexes": []any{event{
					"name": "text", "kind": "index", "key": "string", "ready": true, "entries": 10., "bytes": 1160.,
				}},
			}); !reflect.DeepEqual(all[0], want) {
				t.Errorf("%v, want %v", all[0], want)
			}
			if id, _ := all[2]["id"].(string); len(id) != 32 {
				t.Errorf("the id is %q", id)
			}
			delete(all[2], "id") // it is random
			if want := (event{
				"event": "summary", "trees": 2., "rows": 10., "bytes": 2440., "damaged": 0., "unknown": 0., "format": 2.,
				"compatible": []any{}, "readonly": []any{}, "incompatible": []any{},
			}); !reflect.DeepEqual(all[2], want) {
				t.Errorf("%v, want %v", all[2], want)
			}

			text := strings.Repeat("text ", 20)
			out, _, status = run(t, "inspect", path, "diary.note")
			if lines := strings.Split(out, "\n"); status != 0 || len(lines) != 11 ||
				lines[9] != `9 {"ID":9,"Text":"`+text+`j"}` {
				t.Errorf("%q, status %d", out, status)
			}
			out, _, status = run(t, "inspect", "-json", path, "diary.note")
			all = events(t, out)
			if want := (event{
				"event": "row", "key": "9", "value": event{"ID": 9., "Text": text + "j"}, "schema": 1., "size": 128.,
			}); status != 0 || len(all) != 11 || !reflect.DeepEqual(all[9], want) {
				t.Errorf("%v, want %v, status %d", all[9], want, status)
			}

			for _, args := range [][]string{{path, "diary.poem"}, {path, "a", "b"}, {}, {t.TempDir()}, {path, "-x"}} {
				if out, errOut, status := run(t, append([]string{"inspect"}, args...)...); status != 2 || out != "" ||
					errOut == "" {
					t.Errorf("%v: %q, %q, status %d", args, out, errOut, status)
				}
			}
		})
	}
}

// TestInspectExpiry checks that inspect shows the expiry of rows.
func TestInspectExpiry(t *testing.T) {
	path := t.TempDir()
	store := write(t, bolt.Engine(path))
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	if err := notes.PutUntil(t.Context(), store, &note{ID: 0, Text: "short-lived"}, until); err != nil {
		t.Fatal(err)
	}
	closeStore(t, store)
	out, _, status := run(t, "inspect", path, "diary.note")
	if want := `0 {"ID":0,"Text":"short-lived"} until ` + until.Format(time.RFC3339) + "\n"; status != 0 ||
		!strings.HasPrefix(out, want) {
		t.Errorf("%q, status %d", out, status)
	}
	out, _, status = run(t, "inspect", path, "diary.note", "-json")
	if first := events(t, out)[0]; status != 0 || first["expires"] != until.Format(time.RFC3339) {
		t.Errorf("%v, status %d", first, status)
	}
}

// TestInspectDamage checks that inspect shows whole rows beside a damaged one.
func TestInspectDamage(t *testing.T) {
	path := damaged(t, "text c", "text b")
	out, errOut, status := run(t, "inspect", path, "diary.note")
	if lines := strings.Split(out, "\n"); status != 1 || len(lines) != 11 ||
		!strings.HasPrefix(lines[2], "2 is damaged: ") ||
		!strings.HasPrefix(lines[3], "3 {") ||
		!strings.HasSuffix(errOut, "; 1 damaged\n") {
		t.Errorf("%q, %q, status %d", out, errOut, status)
	}
	out, _, status = run(t, "inspect", path, "diary.note", "-json")
	all := events(t, out)
	if status != 1 || all[2]["error"] == nil || all[2]["value"] != nil || all[10]["damaged"] != 1. {
		t.Errorf("%v, %v, status %d", all[2], all[10], status)
	}

	path = damaged(t, "diary.note", "diary.noTe") // the catalog's entry
	out, _, status = run(t, "inspect", path)
	if status != 1 || !strings.HasPrefix(out, "diary.noTe is damaged: ") {
		t.Errorf("%q, status %d", out, status)
	}
}
