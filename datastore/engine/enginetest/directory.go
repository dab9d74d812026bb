package enginetest

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// everyWay has the configurations that a directory may be opened with.
func everyWay(path string) map[string]engine.Config {
	return map[string]engine.Config{
		"":          {Path: path},
		"MustExist": {Path: path, MustExist: true},
		"ReadOnly":  {Path: path, ReadOnly: true},
		"Truncate":  {Path: path, Truncate: engine.DestroyExistingData},
	}
}

// testOtherEngine checks that a directory tells the name of the engine of its database, and
// that no other engine makes a database there.
func testOtherEngine(t *testing.T, create func(c engine.Config) engine.Engine) {
	own := filepath.Join(t.TempDir(), "db")
	s := open(t, create(engine.Config{Path: own}))
	name := s.eng.Name()
	if found, err := engine.FoundIn(own); err != nil || !slices.Equal(found, []string{name}) {
		t.Errorf("a database of %s is found to be of %q, error %v", name, found, err)
	}
	if err := engine.Claim(own, "another", false); !errors.Is(err, engine.ErrOtherEngine) {
		t.Errorf("another engine may use a directory with a database of %s: %v", name, err)
	}

	others := map[string]func(path string) error{
		"another": func(path string) error { return engine.Claim(path, "another", true) },
		"badger": func(path string) error {
			return os.WriteFile(filepath.Join(path, "MANIFEST"), []byte("somebody's"), 0o600)
		},
		"bolt": func(path string) error {
			return os.WriteFile(filepath.Join(path, "netabase.bolt"), []byte("somebody's"), 0o600)
		},
	}
	delete(others, name)
	for other, put := range others {
		path := t.TempDir()
		if err := put(path); err != nil {
			t.Fatal(err)
		}
		before := readFiles(t, path)
		for way, c := range everyWay(path) {
			db, err := create(c).Open(t.Context())
			if err == nil {
				db.Close()
			}
			var refused *engine.OtherEngineError
			if !errors.As(err, &refused) || !slices.Equal(refused.Found, []string{other}) || refused.Dir != path {
				t.Errorf("%s: a directory of %s is opened with %v", way, other, err)
			} else if !strings.Contains(err.Error(), "engine "+other) {
				t.Errorf("%s: the error does not name %s: %v", way, other, err)
			}
		}
		if after := readFiles(t, path); !maps.EqualFunc(before, after, slices.Equal[[]byte]) {
			t.Errorf("the directory of %s has %q, and had %q",
				other, slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)))
		}
	}
}

// testLostFiles checks a database that has lost a file, or the content of one, since it was
// closed. Open must return all rows or refuse it as damaged. It must never take the directory
// for an empty one.
func testLostFiles(t *testing.T, create func(c engine.Config) engine.Engine) {
	path := filepath.Join(t.TempDir(), "db")
	eng := create(engine.Config{Path: path})
	if err := writeDamageRows(t.Context(), eng); err != nil {
		t.Fatal(err)
	}
	files := readFiles(t, path)
	for lost := range files {
		without := maps.Clone(files)
		delete(without, lost)
		if len(without) > 0 { // else nothing tells of a database
			checkLost(t, create, path, "without "+lost, without)
		}
		emptied := maps.Clone(files)
		emptied[lost] = nil
		checkLost(t, create, path, "with nothing in "+lost, emptied)
	}
}

func checkLost(t *testing.T, create func(c engine.Config) engine.Engine, path, what string, files map[string][]byte) {
	t.Helper()
	ways := everyWay(path)
	for _, way := range []string{"MustExist", "ReadOnly", ""} { // the last may change the files
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		writeFiles(t, path, files)
		db, err := create(ways[way]).Open(t.Context())
		if errors.Is(err, engine.ErrCorrupt) || way == "ReadOnly" && errors.Is(err, engine.ErrReadOnly) {
			continue
		}
		if err != nil {
			t.Errorf("%s: a database %s is refused with %v", way, what, err)
			continue
		}
		if rows, err := countRows(t, db); rows != damageRows || err != nil {
			t.Errorf("%s: a database %s has %d rows of %d, error %v", way, what, rows, damageRows, err)
		}
		if err := db.Close(); err != nil {
			t.Errorf("%s: a database %s: %v", way, what, err)
		}
	}
	db, err := create(ways["Truncate"]).Open(t.Context())
	if err != nil {
		t.Errorf("a database %s cannot be truncated: %v", what, err)
		return
	}
	if rows, err := countRows(t, db); rows != 0 || err != nil {
		t.Errorf("a database %s has %d rows once it is truncated, error %v", what, rows, err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func countRows(t *testing.T, db engine.DB) (rows int, err error) {
	t.Helper()
	txn, err := db.View(t.Context())
	if err != nil {
		return 0, err
	}
	defer txn.Discard()
	c := txn.Cursor(engine.Range{KeysOnly: true})
	defer c.Close()
	for c.Next() {
		rows++
	}
	return rows, c.Err()
}
