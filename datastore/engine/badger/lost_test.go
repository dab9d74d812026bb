package badger_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
)

// TestNothingButOneFile checks that whichever file is all that is left of a database,
// it is not taken for an empty directory; but for those that Badger makes before there
// is a database.
func TestNothingButOneFile(t *testing.T) {
	closed, killed := t.TempDir(), t.TempDir()
	db := open(t, badger.Options{Config: engine.Config{Path: closed}})
	commit(t, db, func(txn engine.WriteTxn) error { return txn.Put([]byte("key"), []byte("value")) })
	if err := os.CopyFS(killed, os.DirFS(closed)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{closed, killed} {
		entries, err := os.ReadDir(from)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			name := entry.Name()
			if name == "MANIFEST" || name == "LOCK" {
				continue
			}
			content, err := os.ReadFile(filepath.Join(from, name))
			if err != nil {
				t.Fatal(err)
			}
			left := t.TempDir()
			if err := os.WriteFile(filepath.Join(left, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, c := range []engine.Config{{Path: left}, {Path: left, MustExist: true}, {Path: left, ReadOnly: true}} {
				db, err := badger.Options{Config: c}.Engine().Open(t.Context())
				if err == nil {
					db.Close()
				}
				if !errors.Is(err, engine.ErrCorrupt) {
					t.Errorf("a directory with nothing but %s is opened with %v", name, err)
				}
			}
		}
	}
	for _, left := range []string{"MANIFEST-REWRITE", "LOCK"} {
		path := t.TempDir()
		if err := os.WriteFile(filepath.Join(path, left), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		open(t, badger.Options{Config: engine.Config{Path: path}})
	}
}
