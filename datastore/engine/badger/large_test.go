package badger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

func openLarge(t *testing.T, path string) *db {
	t.Helper()
	return openDB(t, Options{Config: engine.Config{Path: path, NoFsync: true}, MemTableMB: 1, ReserveMB: 1})
}

func putSizes(t *testing.T, d *db, values map[string]int) {
	t.Helper()
	txn, err := d.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for key, size := range values {
		if size < 0 {
			err = errors.Join(err, txn.Delete([]byte(key)))
		} else {
			err = errors.Join(err, txn.Put([]byte(key), bytes.Repeat([]byte{byte(size)}, size)))
		}
	}
	if err := errors.Join(err, txn.Commit(t.Context(), engine.Durable)); err != nil {
		t.Fatal(err)
	}
}

// wantParts checks that there are the parts of as many values as given, and no others.
func wantParts(t *testing.T, d *db, want int) {
	t.Helper()
	txn := d.badger.NewTransaction(false)
	defer txn.Discard()
	owners, parts, wantParts := 0, 0, 0
	err := eachOwner(txn, 0, func(o owner) (bool, error) {
		owners, wantParts = owners+1, wantParts+o.count
		number, has, err := numberOf(txn, o.key)
		if !has || number != o.number {
			t.Errorf("the row %q has number %d, %v; its owner has %d", o.key, number, has, o.number)
		}
		return true, err
	})
	if err != nil {
		t.Fatal(err)
	}
	it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte(partPrefix)})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		parts++
	}
	if owners != want || parts != wantParts {
		t.Errorf("%d values with %d parts are there, want %d with %d", owners, parts, want, wantParts)
	}
	known := 0
	for _, numbers := range d.large.byKey {
		known += len(numbers)
	}
	if known != want || len(d.large.writing) > 0 {
		t.Errorf("%d values are known, want %d; %d are being written", known, want, len(d.large.writing))
	}
}

// TestPartsOfReplacedValues checks that the parts of values that are replaced, deleted
// or not committed do not stay.
func TestPartsOfReplacedValues(t *testing.T) {
	path := t.TempDir()
	d := openLarge(t, path)
	large := d.inlineBytes + 1 // fits into one transaction with its parts
	larger := 4 * d.inlineBytes
	putSizes(t, d, map[string]int{"a": large, "b": larger, "c": larger, "d": 10})
	wantParts(t, d, 3)
	putSizes(t, d, map[string]int{"a": larger, "b": -1, "c": 10, "d": large, "e": larger})
	wantParts(t, d, 3)

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
	wantParts(t, d, 3)

	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openLarge(t, path)
	wantParts(t, d, 3)
	putSizes(t, d, map[string]int{"a": -1, "d": -1, "e": 1})
	wantParts(t, d, 0)
}

// TestWritersOfOneLargeValue has many commits replace the same row without reading it.
func TestWritersOfOneLargeValue(t *testing.T) {
	d := openLarge(t, t.TempDir())
	sizes := []int{d.inlineBytes + 1, 3 * d.inlineBytes, 10, -1}
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for i := range 40 {
				putSizes(t, d, map[string]int{"row": sizes[i%len(sizes)], "other": sizes[(i+1)%len(sizes)]})
			}
		})
	}
	writers.Wait()
	putSizes(t, d, map[string]int{"row": sizes[0], "other": sizes[1]})
	wantParts(t, d, 2)
}

// TestPartsLeftByKill opens databases in which a commit wrote parts and no row, and one
// a row and not the deletion of the parts before.
func TestPartsLeftByKill(t *testing.T) {
	for _, by := range []string{"Open", "Compact"} {
		t.Run(by, func(t *testing.T) {
			path := t.TempDir()
			d := openLarge(t, path)
			putSizes(t, d, map[string]int{"row": 4 * d.inlineBytes})
			for i := range 2*sweepMost + 1 {
				o := owner{number: d.large.begin(), count: 2, key: fmt.Append(nil, "row", i%2)}
				if i%2 == 0 {
					o.key = []byte("row")
				}
				if err := d.writeParts([]part{{o, make([]byte, partBytes+1)}}); err != nil {
					t.Fatal(err)
				}
				d.large.end(o, false)
			}
			if by == "Compact" {
				// Parts that are being written are not taken for left over.
				writing := owner{number: d.large.begin(), count: 1, key: []byte("new")}
				if err := d.writeParts([]part{{writing, make([]byte, 1)}}); err != nil {
					t.Fatal(err)
				}
				if err := d.Compact(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := d.deleteParts([]owner{writing}); err != nil {
					t.Fatal(err)
				}
				d.large.end(writing, false)
			} else {
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
				if err := os.Remove(filepath.Join(path, markName)); err != nil {
					t.Fatal(err)
				}
				d = openLarge(t, path)
			}
			wantParts(t, d, 1)
		})
	}
}

// TestMissingPart checks that a value of which a part is missing is not served.
func TestMissingPart(t *testing.T) {
	d := openLarge(t, t.TempDir())
	putSizes(t, d, map[string]int{"row": 4 * d.inlineBytes})
	b := &batch{db: d}
	if err := errors.Join(b.delete(partKey(0, 2)), b.flush()); err != nil {
		t.Fatal(err)
	}
	txn, err := d.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard()
	if value, err := txn.Get([]byte("row")); !errors.Is(err, engine.ErrCorrupt) {
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
}

// TestNoRoomForParts checks that a commit for which the disk fills while it writes parts
// leaves no row, and that later commits are done when there is space again.
func TestNoRoomForParts(t *testing.T) {
	d := openLarge(t, t.TempDir())
	putSizes(t, d, map[string]int{"before": 4 * d.inlineBytes})
	reserve := d.options.ReserveMB
	d.options.ReserveMB = 1 << 30 // more than any disk has
	// The answer that there is room holds for the next transaction only.
	d.room.at.Store(int64(time.Since(d.opened) + time.Hour))
	d.room.done.Store(d.volume.begun.Load() + 1 - int64(d.options.ReserveMB)<<20/16)
	txn, err := d.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := txn.Put([]byte("row"), make([]byte, 16*d.inlineBytes)); err != nil {
		t.Fatal(err)
	}
	if err := txn.Commit(t.Context(), engine.Durable); !errors.Is(err, engine.ErrNoSpace) {
		t.Fatalf("Commit returned %v", err)
	}
	parts := d.badger.NewTransaction(false)
	if _, err := parts.Get(ownerKey(1)); err != nil {
		t.Fatalf("no part was written before the disk filled: %v", err)
	}
	parts.Discard()

	d.options.ReserveMB = reserve
	d.room.at.Store(0)
	putSizes(t, d, map[string]int{"before": 2 * d.inlineBytes, "after": 4 * d.inlineBytes})
	if err := d.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantParts(t, d, 2)
}
