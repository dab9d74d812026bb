package bolt_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

// change makes one transaction of what fn writes.
func change(t *testing.T, db engine.DB, fn func(txn engine.WriteTxn) error) {
	t.Helper()
	txn, err := db.Update(t.Context())
	if err == nil {
		defer txn.Discard()
		if err = fn(txn); err == nil {
			err = txn.Commit(t.Context(), engine.Durable)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func rowKey(i int) []byte { return fmt.Appendf(nil, "%04x", i*40503%65536) }

const rows, rowSize = 2000, 1000

func fill(t *testing.T, db engine.DB) {
	t.Helper()
	change(t, db, func(txn engine.WriteTxn) error {
		for i := range rows {
			if err := txn.Put(rowKey(i), make([]byte, rowSize)); err != nil {
				return err
			}
		}
		return nil
	})
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(path, bolt.FileName))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestGrowthBesideRead commits many times beside an open read transaction. The file
// grows by the pages that they write, and uses these again afterwards.
func TestGrowthBesideRead(t *testing.T) {
	path := t.TempDir()
	db := open(t, bolt.Options{Config: engine.Config{Path: path, NoFsync: true}})
	fill(t, db)
	before := fileSize(t, path)
	reader, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Discard()
	rewrite := func() {
		for i := range rows {
			change(t, db, func(txn engine.WriteTxn) error { return txn.Put(rowKey(i), make([]byte, rowSize)) })
		}
	}
	rewrite()
	grown := fileSize(t, path)
	rewrite()
	// Each commit writes a leaf and the pages above it.
	const most = rows * 8 * 4096
	if again := fileSize(t, path); grown > before+most || again > grown+most {
		t.Errorf("the file has %d bytes, %d after all rows were written again, and %d after once more", before, grown, again)
	}
	for i := range rows {
		if _, err := reader.Get(rowKey(i)); err != nil {
			t.Fatal(err)
		}
	}
	reader.Discard()
	change(t, db, func(txn engine.WriteTxn) error { return txn.Put([]byte("another"), nil) })
	grown = fileSize(t, path)
	rewrite()
	if again := fileSize(t, path); again > grown {
		t.Errorf("the file grows from %d to %d bytes and has pages that nobody reads", grown, again)
	}
	if err := db.(engine.Verifier).Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestSizeInUse checks that Size is what is in use, however long the file is.
func TestSizeInUse(t *testing.T) {
	path := t.TempDir()
	options := bolt.Options{Config: engine.Config{Path: path, NoFsync: true}}
	db := open(t, options)
	size := func() int64 {
		t.Helper()
		n, err := db.Size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	fill(t, db)
	full := size()
	if full < rows*rowSize || full > fileSize(t, path) {
		t.Errorf("%d rows of %d bytes take %d in a file of %d", rows, rowSize, full, fileSize(t, path))
	}
	change(t, db, func(txn engine.WriteTxn) error {
		for i := range rows {
			if err := txn.Delete(rowKey(i)); err != nil {
				return err
			}
		}
		return nil
	})
	empty := size()
	if empty > full/10 {
		t.Errorf("%d bytes are in use, and %d after everything was deleted", full, empty)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, options)
	if again := size(); again > full/10 {
		t.Errorf("%d bytes are in use, and %d after the file was opened again", empty, again)
	}
	fill(t, db)
	if again := size(); again < full*9/10 || again > full*11/10 {
		t.Errorf("%d bytes are in use, and %d after all was deleted and put again", full, again)
	}
}

// TestFreelist checks that the file has the list of free pages once it is closed, and
// that a file without it, as it is after the process ended, is opened with all of them.
func TestFreelist(t *testing.T) {
	path := t.TempDir()
	options := bolt.Options{Config: engine.Config{Path: path, NoFsync: true}}
	db := open(t, options)
	fill(t, db)
	change(t, db, func(txn engine.WriteTxn) error { return txn.Delete(rowKey(7)) })
	listed := func(path string) bool {
		file, err := os.ReadFile(filepath.Join(path, bolt.FileName))
		if err != nil {
			t.Fatal(err)
		}
		page, number := 0, uint64(0) // of the newest commit
		for i := range 2 {
			if n := binary.LittleEndian.Uint64(file[i*os.Getpagesize()+64:]); n >= number {
				page, number = i*os.Getpagesize(), n
			}
		}
		return binary.LittleEndian.Uint64(file[page+48:]) != 1<<64-1
	}
	if listed(path) {
		t.Error("a commit wrote the list of free pages")
	}
	killed := options
	killed.Path = t.TempDir()
	copyFile := func() {
		file, err := os.ReadFile(filepath.Join(path, bolt.FileName))
		if err == nil {
			err = os.WriteFile(filepath.Join(killed.Path, bolt.FileName), file, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	copyFile()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if !listed(path) {
		t.Error("the closed file has no list of free pages")
	}
	for _, skip := range []bool{false, true} {
		killed.SkipVerify = skip
		length := fileSize(t, killed.Path)
		db := open(t, killed)
		for range 100 {
			change(t, db, func(txn engine.WriteTxn) error { return txn.Put(rowKey(5), make([]byte, rowSize)) })
		}
		if err := db.(engine.Verifier).Verify(t.Context()); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if !listed(killed.Path) {
			t.Error("the closed file has no list of free pages")
		}
		if grown := fileSize(t, killed.Path); grown > length {
			t.Errorf("the file has %d bytes, and %d after writes with room for them", length, grown)
		}
	}
	// Damage to it is found whatever the options say: bbolt would go over it.
	db = open(t, options)
	change(t, db, func(txn engine.WriteTxn) error { return txn.Delete(rowKey(8)) })
	copyFile()
	name := filepath.Join(killed.Path, bolt.FileName)
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for page := 2; (page+1)*os.Getpagesize() <= len(file); page++ {
		file[page*os.Getpagesize()+8] = 1 << 6 // flags
	}
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := killed.Engine().Open(t.Context()); err == nil || !strings.Contains(err.Error(), "flags") {
		t.Errorf("Open returned %v", err)
	}
}
