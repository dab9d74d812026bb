package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
)

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) engine.Engine { return bolt.Engine(t.TempDir()) })
}

func TestConfig(t *testing.T) {
	enginetest.RunConfig(t, func(c engine.Config) engine.Engine { return bolt.Options{Config: c}.Engine() })
}

func TestPowerLoss(t *testing.T) {
	enginetest.RunPowerLoss(t, func(c engine.Config) engine.Engine { return bolt.Options{Config: c}.Engine() })
}

func TestDamage(t *testing.T) {
	enginetest.RunDamage(t, func(c engine.Config) engine.Engine { return bolt.Options{Config: c}.Engine() })
}

func TestInvalidOptions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	_, err := bolt.Options{Config: engine.Config{Path: path, CacheMB: -7}, MapMB: -8}.Engine().Open(t.Context())
	if !errors.Is(err, engine.ErrConfig) || !strings.Contains(err.Error(), "-7") || !strings.Contains(err.Error(), "-8") {
		t.Errorf("Open returned %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory was created: %v", err)
	}
}

// TestMapMB has the file outgrow its mapping. A commit that needs another one
// waits for readers.
func TestMapMB(t *testing.T) {
	db := open(t, bolt.Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}, MapMB: 1})
	put(t, db, "key", 100)
	reader, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Discard()
	value, err := reader.Get([]byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	committed := make(chan struct{})
	go func() {
		defer close(committed)
		put(t, db, "large", 4<<20)
	}()
	for range 10_000 {
		if len(value) != 100 || value[99] != 'x' {
			t.Fatalf("a borrowed value is %q", value)
		}
		runtime.Gosched()
	}
	select {
	case <-committed:
		t.Error("a commit did not wait for a reader of the mapping that it replaces")
	default:
	}
	reader.Discard()
	<-committed

	// By default a commit never has to wait.
	db = open(t, bolt.Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}})
	reader, err = db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Discard()
	for i := range 16 {
		put(t, db, fmt.Sprint(i), 4<<20)
	}
}

// TestSmallFile checks that an empty database takes little room.
func TestSmallFile(t *testing.T) {
	db := open(t, bolt.Options{Config: engine.Config{Path: t.TempDir()}})
	put(t, db, "key", 100)
	if size, err := db.Size(t.Context()); err != nil || size > 64<<10 {
		t.Errorf("a database of one row takes %d bytes, error %v", size, err)
	}
}

// TestForeignFile refuses a file that is not a database, and leaves it alone.
func TestForeignFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, bolt.FileName)
	content := strings.Repeat("this is somebody's diary. ", 1000)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{false, true} {
		_, err := bolt.Options{Config: engine.Config{Path: dir, ReadOnly: readOnly}}.Engine().Open(t.Context())
		if !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("Open returned %v", err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != content {
		t.Errorf("the file was changed, error %v", err)
	}
	// Unless told to.
	destroy := bolt.Options{Config: engine.Config{Path: dir, Truncate: engine.DestroyExistingData}}
	put(t, open(t, destroy), "key", 1)
}

// TestWithoutBucket refuses a file of bbolt that has not the bucket of a database: it
// is another program's, or has lost it.
func TestWithoutBucket(t *testing.T) {
	dir := t.TempDir()
	other, err := bbolt.Open(filepath.Join(dir, bolt.FileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []engine.Config{{Path: dir}, {Path: dir, ReadOnly: true}, {Path: dir, MustExist: true}} {
		if _, err := (bolt.Options{Config: c}).Engine().Open(t.Context()); !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("Open returned %v", err)
		}
	}
}

func TestAllocations(t *testing.T) {
	db := open(t, bolt.Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}})
	for i := range 100 {
		put(t, db, fmt.Sprintf("%03d", i), 100)
	}
	txn, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard()
	key := []byte("042")
	if allocs := testing.AllocsPerRun(100, func() { txn.Get(key) }); allocs > 0 {
		t.Errorf("Get allocates %v times", allocs)
	}
	scan := func(rows int) float64 {
		return testing.AllocsPerRun(100, func() {
			c := txn.Cursor(engine.Range{})
			for range rows {
				c.Next()
				c.Value()
			}
			c.Close()
		})
	}
	if one, all := scan(1), scan(100); one != all {
		t.Errorf("a cursor allocates %v times for a row and %v for a hundred", one, all)
	}
}

func open(t *testing.T, options bolt.Options) engine.DB {
	t.Helper()
	db, err := options.Engine().Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func put(t *testing.T, db engine.DB, key string, size int) {
	t.Helper()
	txn, err := db.Update(t.Context())
	if err == nil {
		defer txn.Discard()
		if err = txn.Put([]byte(key), []byte(strings.Repeat("x", size))); err == nil {
			err = txn.Commit(t.Context(), engine.Durable)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

func TestFullDisk(t *testing.T) {
	enginetest.RunFullDisk(t, func(c engine.Config) engine.Engine { return bolt.Options{Config: c}.Engine() }, 24)
}

// A file that was being made when the process ended is in nobody's way.
func TestMakingCutOff(t *testing.T) {
	dir := t.TempDir()
	for _, left := range [][]byte{nil, make([]byte, 100), bytes.Repeat([]byte("x"), 20_000)} {
		if err := os.Remove(filepath.Join(dir, bolt.FileName)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, bolt.FileName+".new"), left, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := bolt.Engine(dir).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("there are %v, %v", entries, err)
		}
	}
}
