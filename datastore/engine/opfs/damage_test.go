//go:build js

package opfs

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

// change has fn change a file of a closed database.
func change(t *testing.T, path, name string, fn func(f *file) error) {
	t.Helper()
	dir, err := openDirectory(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	f, err := dir.open(t.Context(), name, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	if err := fn(f); err != nil {
		t.Fatal(err)
	}
}

// commits opens a database, commits so many rows of one byte, with a checkpoint after some of them, and closes
// it.
func commits(t *testing.T, path string, from, to, checkpoint int) {
	t.Helper()
	db, err := Engine(path).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := from; i < to; i++ {
		if i == checkpoint {
			if err := db.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		txn, err := db.Update(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := txn.Put(fmt.Append(nil, i), []byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := txn.Commit(t.Context(), engine.Durable); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// rowsOf returns how many rows a database has.
func rowsOf(t *testing.T, path string) (n int, err error) {
	t.Helper()
	db, err := Options{Config: engine.Config{Path: path, ReadOnly: true}}.Engine().Open(t.Context())
	if err != nil {
		return 0, err
	}
	defer db.Close()
	txn, err := db.View(t.Context())
	if err != nil {
		return 0, err
	}
	defer txn.Discard()
	c := txn.Cursor(engine.Range{KeysOnly: true})
	defer c.Close()
	for c.Next() {
		n++
	}
	return n, c.Err()
}

// TestTorn cuts the last record short everywhere, and fills it with zeros. The commits before it are there, and
// new ones take its place.
func TestTorn(t *testing.T) {
	if !webtest.InWorker() {
		t.Skip("there are such files in workers alone")
	}
	record := int64(len(appendRecord(nil, commitOf("2"))))
	for cut := int64(1); cut <= 2*record; cut++ {
		path := fmt.Sprint("torn", cut)
		commits(t, path, 0, 3, -1)
		change(t, path, "log-1", func(f *file) error {
			size := f.size
			if cut <= record {
				return f.truncate(size - cut)
			}
			zeros := cut - record // of a file that got its length and not its bytes
			return f.write(make([]byte, zeros), size-zeros)
		})
		if n, err := rowsOf(t, path); n != 2 || err != nil {
			t.Errorf("with a cut of %d there are %d rows, %v", cut, n, err)
		}
		commits(t, path, 2, 5, -1)
		if n, err := rowsOf(t, path); n != 5 || err != nil {
			t.Errorf("with a cut of %d and three more there are %d rows, %v", cut, n, err)
		}
	}
}

// TestDamage flips a bit of each byte of each file. All rows are there, or Open says that there is damage, but
// for the last commit: it may look as if it had not been written to its end.
func TestDamage(t *testing.T) {
	if !webtest.InWorker() {
		t.Skip("there are such files in workers alone")
	}
	const path = "damaged"
	commits(t, path, 0, 5, 3)
	dir, err := openDirectory(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	names, err := dir.names(t.Context())
	if slices.Sort(names); !slices.Equal(names, []string{"checkpoint-1", "log-4", "state"}) || err != nil {
		t.Fatal(names, err)
	}
	record := int64(len(appendRecord(nil, commitOf("4"))))
	for _, name := range names {
		size := int64(1)
		for at := int64(0); at < size; at++ {
			flip := func(f *file) error {
				size = f.size
				b := make([]byte, 1)
				if _, err := f.ReadAt(b, at); err != nil {
					return err
				}
				b[0] ^= 1 << (at % 8)
				return f.write(b, at)
			}
			change(t, path, name, flip)
			n, err := rowsOf(t, path)
			isLast := name == "log-4" && at >= size-record
			isUnused := name == "state" && at < slotBytes
			switch {
			case errors.Is(err, engine.ErrCorrupt) && !isUnused:
			case err == nil && (n == 5 && isUnused || n == 4 && isLast):
			default:
				t.Errorf("with damage at %d of %d of %s there are %d rows, %v", at, size, name, n, err)
			}
			change(t, path, name, flip)
		}
	}
	if n, err := rowsOf(t, path); n != 5 || err != nil {
		t.Errorf("there are %d rows, %v", n, err)
	}
}

// commitOf returns a commit as large as one of commits with a key.
func commitOf(key string) journal.Commit {
	const lengths, checksum = 2, 4
	return journal.Commit{Seq: 1, Batch: make([]byte, lengths+len(key)+len("x")+checksum)}
}
