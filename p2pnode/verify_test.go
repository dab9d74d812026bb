package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/models"
)

// note is a model that the program does not know.
type note struct {
	ID   uint64
	Text string
}

var (
	notes  = models.NewTree("note", models.Uint64, func(n *note) uint64 { return n.ID })
	byText = models.NewIndex(notes, "text", models.String, func(n *note) string { return n.Text })

	diary = models.NewDefinition("diary", notes)
)

// write makes a store of ten notes and leaves it open.
func write(t *testing.T, eng engine.Engine, options ...datastore.OpenOption) *datastore.Store {
	t.Helper()
	store, err := datastore.Open(t.Context(), eng, append(options, diary)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	for i := range uint64(10) {
		if err := notes.Put(t.Context(), store, &note{i, strings.Repeat("text ", 20) + string(rune('a'+i))}); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

func closeStore(t *testing.T, store *datastore.Store) {
	t.Helper()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// summary returns the last line of verify -json.
func summary(t *testing.T, args ...string) (e event, status int) {
	t.Helper()
	out, errOut, status := run(t, append([]string{"verify", "-json"}, args...)...)
	if errOut != "" {
		t.Errorf("%q", errOut)
	}
	all := events(t, out)
	return all[len(all)-1], status
}

func TestVerify(t *testing.T) {
	for name, eng := range map[string]func(string) engine.Engine{"badger": badger.Engine, "bolt": bolt.Engine} {
		t.Run(name, func(t *testing.T) {
			peer := t.TempDir()
			path := filepath.Join(peer, "store")
			store := write(t, eng(path))
			want := event{
				"event": "summary", "rows": 10., "entries": 10.,
				"bad_rows": 0., "orphans": 0., "missing": 0., "repaired": 0., "unknown": 0.,
			}
			if name == "badger" { // as after a kill; bolt's file is the same then
				killed := filepath.Join(t.TempDir(), "killed")
				if err := os.CopyFS(killed, os.DirFS(path)); err != nil {
					t.Fatal(err)
				}
				if got, status := summary(t, killed); status != 0 || !maps.Equal(got, want) {
					t.Errorf("killed: %v, status %d", got, status)
				}
			}
			if out, errOut, status := run(t, "verify", path); status != 2 || out != "" || errOut == "" {
				t.Errorf("in use: %q, %q, status %d", out, errOut, status)
			}
			closeStore(t, store)
			for _, path := range []string{path, peer} {
				if got, status := summary(t, path); status != 0 || !maps.Equal(got, want) {
					t.Errorf("%v, status %d", got, status)
				}
			}
			out, _, status := run(t, "verify", path, "-repair")
			if want := "10 rows, 10 index entries: clean\n"; status != 0 || out != want {
				t.Errorf("%q, status %d", out, status)
			}
		})
	}
}

// damaged makes a store and changes a letter of a note in every place where the file has it:
// the row and the index entry.
func damaged(t *testing.T, old, new string) (path string) {
	t.Helper()
	path = t.TempDir()
	closeStore(t, write(t, bolt.Engine(path)))
	name := filepath.Join(path, bolt.FileName)
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	file = bytes.ReplaceAll(file, []byte(old), []byte(new))
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVerifyDamage(t *testing.T) {
	path := damaged(t, "text c", "text b") // whose entry lies between the same others
	got, status := summary(t, path)
	if status != 1 || got["bad_rows"] != 1. || got["orphans"] != 1. || got["repaired"] != 0. {
		t.Errorf("%v, status %d", got, status)
	}
	out, _, status := run(t, "verify", path)
	if status != 1 || !strings.Contains(out, "bad row in diary.note at ") ||
		!strings.Contains(out, "10 rows, 10 index entries: 1 bad rows, 1 orphans, 0 missing\n") {
		t.Errorf("%q, status %d", out, status)
	}
	got, status = summary(t, path, "-repair")
	if status != 0 || got["repaired"] != 2. {
		t.Errorf("repair: %v, status %d", got, status)
	}
	got, status = summary(t, path)
	if status != 0 || got["rows"] != 9. || got["entries"] != 9. {
		t.Errorf("repaired: %v, status %d", got, status)
	}
	// The indexes of the repaired store are right.
	store, err := datastore.Open(t.Context(), bolt.Engine(path), diary)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var found []uint64
	for n, err := range byText.Range(t.Context(), store, models.Range[string]{}) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, n.ID)
	}
	if want := []uint64{0, 1, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(found, want) {
		t.Error(found)
	}
}

// TestVerifyOutOfOrder changes a key so that bolt meets it in a cursor but cannot find it.
// Writing there would do more damage. The remaining rows go to another store.
func TestVerifyOutOfOrder(t *testing.T) {
	path := damaged(t, "text c", "text C")
	for _, args := range [][]string{{path}, {path, "-repair"}, {path}} {
		got, status := summary(t, args...)
		if status != 1 || got["bad_rows"] != 1. || got["orphans"] != 1. || got["repaired"] != 0. {
			t.Errorf("%q: %v, status %d", args, got, status)
		}
	}
	out, _, _ := run(t, "verify", path)
	if !strings.Contains(out, "engine's files: ") ||
		!strings.Contains(out, "1 orphans, 0 missing, damaged files of the engine\n") {
		t.Errorf("%q", out)
	}
	file, sound := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "sound")
	for _, args := range [][]string{{"backup", path, file}, {"restore", "-engine", "bolt", file, sound}} {
		if _, errOut, status := run(t, args...); status != 0 {
			t.Fatalf("%q: %s, status %d", args, errOut, status)
		}
	}
	got, status := summary(t, sound, "-repair")
	if status != 0 || got["rows"] != 10. || got["entries"] != 9. || got["bad_rows"] != 1. || got["orphans"] != 0. ||
		got["repaired"] != 1. {
		t.Errorf("restored: %v, status %d", got, status)
	}
}

func TestVerifyWhatIsNoStore(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign")
	if err := os.WriteFile(foreign, bytes.Repeat([]byte("foreign "), 10_000), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{filepath.Join(dir, "nothing")}, {dir}, {foreign}, {}, {"a", "b"}} {
		out, errOut, status := run(t, append([]string{"verify", "-json"}, args...)...)
		if status != 2 || out != "" || errOut == "" {
			t.Errorf("%v: %q, %q, status %d", args, out, errOut, status)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Error("files were made:", left, err)
	}
}
