package badger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger/internal/values"
)

func openLarge(t *testing.T, path string) *db {
	t.Helper()
	return openDB(t, Options{Config: engine.Config{Path: path, NoFsync: true}, MemTableMB: 1, ReserveMB: 1})
}

// putSizes commits values of the sizes given by their keys. A size below 0 deletes.
func putSizes(t *testing.T, d *db, sizes map[string]int) {
	t.Helper()
	if err := tryPutSizes(t, d, sizes); err != nil {
		t.Fatal(err)
	}
}

func tryPutSizes(t *testing.T, d *db, sizes map[string]int) error {
	t.Helper()
	txn, err := d.Update(t.Context())
	if err != nil {
		return err
	}
	defer txn.Discard()
	for key, size := range sizes {
		if size < 0 {
			err = errors.Join(err, txn.Delete([]byte(key)))
		} else {
			err = errors.Join(err, txn.Put([]byte(key), bytes.Repeat([]byte{byte(size)}, size)))
		}
	}
	return errors.Join(err, txn.Commit(t.Context(), engine.Durable))
}

// wantFiles checks that the rows given have files, and that there are no others.
func wantFiles(t *testing.T, d *db, keys ...string) {
	t.Helper()
	if err := d.settle(); err != nil {
		t.Fatal(err)
	}
	txn := d.badger.NewTransaction(false)
	defer txn.Discard()
	var owners []string
	var size int64
	err := eachOwner(txn, func(o owner) error {
		owners = append(owners, string(o.key))
		size += (int64(o.size) + 4095) / 4096 * 4096
		current, err := refers(txn, o)
		if !current {
			t.Errorf("the row %q does not refer to its file %d", o.key, o.number)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(owners)
	if !slices.Equal(owners, keys) {
		t.Errorf("rows %q have files, want %q", owners, keys)
	}
	files, err := d.values.Numbers()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(keys) {
		t.Errorf("there are %d files, want %d", len(files), len(keys))
	}
	if got := d.values.Size(); got != size {
		t.Errorf("the files count as %d bytes, want %d", got, size)
	}
	known := 0
	for _, numbers := range d.large.byKey {
		known += len(numbers)
	}
	if known != len(keys) || len(d.large.writing) > 0 {
		t.Errorf("%d files are known, want %d; %d are being written", known, len(keys), len(d.large.writing))
	}
}

// TestFilesOfReplacedValues checks that the files of values that are replaced, deleted or
// not committed do not stay.
func TestFilesOfReplacedValues(t *testing.T) {
	path := t.TempDir()
	d := openLarge(t, path)
	large := d.inlineBytes + 1
	larger := 4 * d.inlineBytes
	putSizes(t, d, map[string]int{"a": large, "b": larger, "c": larger, "d": large - 1})
	wantFiles(t, d, "a", "b", "c")
	putSizes(t, d, map[string]int{"a": larger, "b": -1, "c": 10, "d": large, "e": larger})
	wantFiles(t, d, "a", "d", "e")

	first, err := d.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Get([]byte("a")); err != nil {
		t.Fatal(err)
	}
	putSizes(t, d, map[string]int{"a": large})
	if err := first.Put([]byte("f"), make([]byte, larger)); err != nil {
		t.Fatal(err)
	}
	if err := first.Commit(t.Context(), engine.Durable); !errors.Is(err, engine.ErrConflict) {
		t.Fatalf("Commit returned %v", err)
	}
	wantFiles(t, d, "a", "d", "e")

	// Within a transaction the last value counts.
	txn, err := d.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{large, 1, larger, large} {
		if err := txn.Put([]byte("g"), make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(txn.Put([]byte("e"), nil), txn.Commit(t.Context(), engine.Durable)); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, d, "a", "d", "g")

	putSizes(t, d, map[string]int{"d": -1})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openLarge(t, path)
	wantFiles(t, d, "a", "g")
	putSizes(t, d, map[string]int{"a": -1, "d": -1, "g": 1})
	wantFiles(t, d)
}

// TestFilesAreRemoved checks that the files of replaced values are removed without a call
// of Compact or Close.
func TestFilesAreRemoved(t *testing.T) {
	for _, larger := range []int{1, 8 << 20} {
		d := openLarge(t, t.TempDir())
		size := d.inlineBytes + larger
		most := min(settleFiles, settleBytes/size+1)
		for range most + most/4 {
			putSizes(t, d, map[string]int{"row": size})
		}
		files, err := d.values.Numbers()
		if err != nil || len(files) > most {
			t.Errorf("there are %d files of %d bytes, %v", len(files), size, err)
		}
	}
}

// TestFilesOfOldSnapshots checks that transactions read the values that there were when
// they began, and that these are removed when the last of them has ended.
func TestFilesOfOldSnapshots(t *testing.T) {
	d := openLarge(t, t.TempDir())
	var open []engine.ReadTxn
	for i := range 4 {
		putSizes(t, d, map[string]int{"row": d.inlineBytes + 1 + i})
		read, err := d.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		again, err := d.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		write, err := d.Update(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { // after a failure, or Close would wait for ever
			for _, txn := range []engine.ReadTxn{read, again, write} {
				txn.Discard()
			}
		})
		open = append(open, read, again, write)
	}
	putSizes(t, d, map[string]int{"row": -1})
	if err := d.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	check := func(from, files int) {
		t.Helper()
		for i, txn := range open[from:] {
			want := d.inlineBytes + 1 + (from+i)/3
			if value, err := txn.Get([]byte("row")); err != nil || len(value) != want {
				t.Errorf("transaction %d reads %d bytes, %v, want %d", from+i, len(value), err, want)
			}
		}
		if numbers, err := d.values.Numbers(); err != nil || len(numbers) != files {
			t.Errorf("there are %d files, %v, want %d", len(numbers), err, files)
		}
	}
	check(0, 4)
	for i, txn := range open[:len(open)-1] {
		txn.Discard()
		check(i+1, 4)
	}
	open[len(open)-1].Discard()
	wantFiles(t, d)
}

// TestWritersOfOneLargeValue has many commits replace the same row without reading it,
// while others read and sweep.
func TestWritersOfOneLargeValue(t *testing.T) {
	d := openLarge(t, t.TempDir())
	sizes := []int{d.inlineBytes + 1, 3 * d.inlineBytes, 10, -1}
	var writers, others sync.WaitGroup
	done := make(chan struct{})
	others.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			txn, err := d.View(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := txn.Get([]byte("row")); err != nil && !errors.Is(err, engine.ErrNotFound) {
				t.Error(err)
			}
			txn.Discard()
			if err := d.sweep(); err != nil {
				t.Error(err)
			}
		}
	})
	for range 4 {
		writers.Go(func() {
			for i := range 40 {
				putSizes(t, d, map[string]int{"row": sizes[i%len(sizes)], "other": sizes[(i+1)%len(sizes)]})
			}
		})
	}
	writers.Wait()
	close(done)
	others.Wait()
	putSizes(t, d, map[string]int{"row": sizes[0], "other": sizes[1]})
	wantFiles(t, d, "other", "row")
}

// TestFilesLeftByKill opens and compacts databases in which a commit wrote a file and no
// row, and one a row and did not remove the file before.
func TestFilesLeftByKill(t *testing.T) {
	for _, by := range []string{"Open", "Compact"} {
		t.Run(by, func(t *testing.T) {
			path := t.TempDir()
			d := openLarge(t, path)
			putSizes(t, d, map[string]int{"row": 4 * d.inlineBytes, "other": 10})
			files := make([]valueFile, 3)
			d.large.begin(files)
			if _, err := d.values.Write(files[0].Number, [][]byte{{1}, {2}, {3}}); err != nil {
				t.Fatal(err)
			}
			txn := d.badger.NewTransaction(true)
			for i, key := range []string{"row", "other"} {
				o := owner{files[i].Number, 1, []byte(key)}
				if err := txn.Set(ownerKey(o.number), o.encode()); err != nil {
					t.Fatal(err)
				}
			}
			if err := txn.Commit(); err != nil {
				t.Fatal(err)
			}
			d.large.end(files, false)
			if by == "Compact" {
				// A file that is being written is not taken for left over.
				writing := make([]valueFile, 1)
				d.large.begin(writing)
				if _, err := d.values.Write(writing[0].Number, [][]byte{{4}}); err != nil {
					t.Fatal(err)
				}
				if err := d.Compact(t.Context()); err != nil {
					t.Fatal(err)
				}
				if numbers, err := d.values.Numbers(); err != nil || !slices.Contains(numbers, writing[0].Number) {
					t.Errorf("the files are %d, %v", numbers, err)
				}
				d.horizon.remove(numbersOf(writing))
				d.large.end(writing, false)
			} else {
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
				if err := os.Remove(filepath.Join(path, markName)); err != nil {
					t.Fatal(err)
				}
				d = openLarge(t, path)
				if d.large.next != files[2].Number+1 {
					t.Errorf("the next number is %d", d.large.next)
				}
			}
			wantFiles(t, d, "row")
		})
	}
}

// TestDamagedValueFile checks that a value whose file is not as it was is not served, and
// that Verify says so.
func TestDamagedValueFile(t *testing.T) {
	damages := map[string]func(name string, content []byte) error{
		"missing": func(name string, _ []byte) error { return os.Remove(name) },
		"short": func(name string, content []byte) error {
			return os.WriteFile(name, content[:len(content)-1], 0o600)
		},
		"changed": func(name string, content []byte) error {
			content[len(content)/2] ^= 1
			return os.WriteFile(name, content, 0o600)
		},
	}
	for damage, do := range damages {
		t.Run(damage, func(t *testing.T) {
			path := t.TempDir()
			d := openLarge(t, path)
			putSizes(t, d, map[string]int{"row": 4 * d.inlineBytes})
			if err := d.Verify(t.Context()); err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(path, values.Name, fmt.Sprintf("%016x", 0))
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := do(name, content); err != nil {
				t.Fatal(err)
			}
			txn, err := d.View(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer txn.Discard()
			if value, err := txn.Get([]byte("row")); !errors.Is(err, engine.ErrCorrupt) ||
				!strings.Contains(err.Error(), `"row"`) {
				t.Errorf("Get returned %d bytes, %v", len(value), err)
			}
			c := txn.Cursor(engine.Range{})
			defer c.Close()
			if !c.Next() {
				t.Fatal(c.Err())
			}
			if value, err := c.Value(); !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("Value returned %d bytes, %v", len(value), err)
			}
			if err := d.Verify(t.Context()); !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("Verify returned %v", err)
			}
			putSizes(t, d, map[string]int{"row": 2 * d.inlineBytes})
			if err := d.Verify(t.Context()); err != nil {
				t.Errorf("Verify returned %v of a row that was replaced", err)
			}
		})
	}
}

// TestNoRoomForFiles checks that a commit whose files are too much for the disk leaves
// nothing, and that later commits are done.
func TestNoRoomForFiles(t *testing.T) {
	d := openLarge(t, t.TempDir())
	putSizes(t, d, map[string]int{"before": 4 * d.inlineBytes})
	reserve := d.options.ReserveMB
	d.options.ReserveMB = 1 << 30 // more than any disk has
	if err := tryPutSizes(t, d, map[string]int{"row": 4 * d.inlineBytes}); !errors.Is(err, engine.ErrNoSpace) {
		t.Fatalf("Commit returned %v", err)
	}
	d.options.ReserveMB = reserve
	wantFiles(t, d, "before")
	putSizes(t, d, map[string]int{"before": 2 * d.inlineBytes, "after": 4 * d.inlineBytes})
	wantFiles(t, d, "after", "before")
}

// TestFileCannotBeWritten checks that a commit which cannot write one of its files leaves
// none, and that later commits are done.
func TestFileCannotBeWritten(t *testing.T) {
	path := t.TempDir()
	d := openLarge(t, path)
	putSizes(t, d, map[string]int{"before": 4 * d.inlineBytes})
	taken := filepath.Join(path, values.Name, fmt.Sprintf("%016x", d.large.next+1))
	if err := os.MkdirAll(filepath.Join(taken, "not empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int{"a": 2 * d.inlineBytes, "b": 2 * d.inlineBytes, "c": 2 * d.inlineBytes, "d": 1}
	if err := tryPutSizes(t, d, sizes); err == nil {
		t.Fatal("Commit returned nil")
	}
	txn := d.badger.NewTransaction(false)
	defer txn.Discard()
	if _, err := txn.Get([]byte("d")); !errors.Is(err, badger.ErrKeyNotFound) {
		t.Errorf("Get of a row of the transaction returned %v", err)
	}
	if err := os.RemoveAll(taken); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, d, "before")
	putSizes(t, d, sizes)
	wantFiles(t, d, "a", "b", "before", "c")
}

// TestTruncateRemovesFiles checks that a database that is destroyed leaves no files.
func TestTruncateRemovesFiles(t *testing.T) {
	path := t.TempDir()
	d := openLarge(t, path)
	putSizes(t, d, map[string]int{"row": 4 * d.inlineBytes})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openDB(t, Options{Config: engine.Config{Path: path, Truncate: engine.DestroyExistingData}, MemTableMB: 1})
	wantFiles(t, d)
}

// TestSizeOfFiles checks that Size counts the files, whatever way the database is opened.
func TestSizeOfFiles(t *testing.T) {
	path := t.TempDir()
	d := openLarge(t, path)
	const size = 8 << 20
	putSizes(t, d, map[string]int{"row": size})
	for _, readOnly := range []bool{false, true} {
		if got, err := d.Size(t.Context()); err != nil || got < size || got > size+4<<20 {
			t.Errorf("Size returned %d, %v", got, err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d = openDB(t, Options{Config: engine.Config{Path: path, ReadOnly: readOnly}, MemTableMB: 1})
	}
}
