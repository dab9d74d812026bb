package enginetest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// RunConfig tests that an engine obeys every field of engine.Config. It calls create with
// configurations whose Path is a directory of the test, which may not exist yet.
func RunConfig(t *testing.T, create func(c engine.Config) engine.Engine) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, create func(c engine.Config) engine.Engine)
	}{
		{"Invalid", testInvalid},
		{"Path", testPath},
		{"MustExist", testMustExist},
		{"Truncate", testTruncate},
		{"ReadOnly", testReadOnly},
		{"ReadOnlyBesideOthers", testReadOnlyBesideOthers},
		{"NoFsync", testNoFsync},
		{"CacheMB", testCacheMB},
		{"OtherEngine", testOtherEngine},
		{"LostFiles", testLostFiles},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, create) })
	}
}

// refused checks that opening eng fails with want.
func refused(t *testing.T, eng engine.Engine, want error) {
	t.Helper()
	db, err := eng.Open(t.Context())
	if err == nil {
		db.Close()
	}
	if !errors.Is(err, want) {
		t.Fatalf("Open returned %v, want %v", err, want)
	}
}

// absent checks that opening eng did not create path.
func absent(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s was created: %v", filepath.Base(path), err)
	}
}

func testInvalid(t *testing.T, create func(c engine.Config) engine.Engine) {
	path := filepath.Join(t.TempDir(), "db")
	for _, c := range []engine.Config{
		{},
		{Path: path, CacheMB: -1},
		{Path: path, Truncate: engine.DestroyExistingData + 1},
		{Path: path, ReadOnly: true, Truncate: engine.DestroyExistingData},
	} {
		refused(t, create(c), engine.ErrConfig)
	}
	absent(t, path)
}

func testPath(t *testing.T, create func(c engine.Config) engine.Engine) {
	dir := t.TempDir()
	s := open(t, create(engine.Config{Path: filepath.Join(dir, "some", "where", "new")}))
	s.put("a", "1")

	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("not a directory"), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := create(engine.Config{Path: file}).Open(t.Context())
	if err == nil {
		db.Close()
		t.Error("a file was opened as a directory")
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "not a directory" {
		t.Errorf("a file in the place of the directory now has %q, %v", content, err)
	}
}

func testMustExist(t *testing.T, create func(c engine.Config) engine.Engine) {
	path := filepath.Join(t.TempDir(), "db")
	c := engine.Config{Path: path, MustExist: true}
	refused(t, create(c), engine.ErrMissing)
	absent(t, path)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	refused(t, create(c), engine.ErrMissing)
	if entries, err := os.ReadDir(path); err != nil || len(entries) > 0 {
		t.Errorf("a refusal left %d files, error %v", len(entries), err)
	}

	s := open(t, create(engine.Config{Path: path}))
	s.put("a", "1")
	s.close()
	s.eng = create(c)
	s.open()
	txn := s.view()
	defer txn.Discard()
	s.wantValue(txn, "a", "1")
}

func testTruncate(t *testing.T, create func(c engine.Config) engine.Engine) {
	path := filepath.Join(t.TempDir(), "db")
	keep := create(engine.Config{Path: path})
	destroy := create(engine.Config{Path: path, Truncate: engine.DestroyExistingData})
	s := open(t, destroy) // the database does not exist yet
	s.eng = keep
	s.commit(func(txn engine.WriteTxn) {
		for i := range 2000 {
			s.must(txn.Put(fmt.Appendf(nil, "old %d", i), []byte("value")))
		}
	})
	refused(t, destroy, engine.ErrLocked)
	txn := s.view()
	s.wantValue(txn, "old 0", "value")
	txn.Discard()

	for range 2 {
		s.close()
		s.eng = destroy
		s.open()
		s.eng = keep
		txn = s.view()
		if got := s.rows(txn, engine.Range{}); len(got) != 0 {
			t.Fatalf("%d rows are left", len(got))
		}
		s.wantAbsent(txn, "old 0")
		txn.Discard()
		s.put("new", "1")
		s.reopen()
		txn = s.view()
		s.wantValue(txn, "new", "1")
		txn.Discard()
	}
}

func testReadOnly(t *testing.T, create func(c engine.Config) engine.Engine) {
	path := filepath.Join(t.TempDir(), "db")
	readOnly := create(engine.Config{Path: path, ReadOnly: true})
	refused(t, readOnly, engine.ErrMissing)
	absent(t, path)

	s := open(t, create(engine.Config{Path: path}))
	s.put("a", "1", "b", "2")
	s.close()
	s.eng = readOnly
	s.open()
	_, err := s.db.Update(s.ctx)
	s.want(engine.ErrReadOnly, err)
	_, err = s.db.Update(cancelled())
	if err == nil {
		t.Error("Update started on a database opened to be read")
	}
	s.must(s.db.Sync(s.ctx))
	if size, err := s.db.Size(s.ctx); err != nil || size <= 0 {
		t.Errorf("size %d, error %v", size, err)
	}
	txn := s.view()
	defer txn.Discard()
	s.wantValue(txn, "a", "1")
	s.wantAbsent(txn, "c")
}

func testReadOnlyBesideOthers(t *testing.T, create func(c engine.Config) engine.Engine) {
	path := filepath.Join(t.TempDir(), "db")
	writer, reader := create(engine.Config{Path: path}), create(engine.Config{Path: path, ReadOnly: true})
	s := open(t, writer)
	s.put("a", "1")
	refused(t, reader, engine.ErrLocked)
	s.close()

	s.eng = reader
	s.open()
	other := open(t, reader)
	txn := other.view()
	other.wantValue(txn, "a", "1")
	txn.Discard()
	refused(t, writer, engine.ErrLocked)
	other.close()
	refused(t, writer, engine.ErrLocked)
	other.open()
}

func testNoFsync(t *testing.T, create func(c engine.Config) engine.Engine) {
	s := open(t, create(engine.Config{Path: t.TempDir(), NoFsync: true}))
	for i := range 100 {
		s.put(fmt.Sprint(i), "value")
	}
	s.must(s.db.Sync(s.ctx))
}

// testCacheMB reads more data than a small cache holds.
func testCacheMB(t *testing.T, create func(c engine.Config) engine.Engine) {
	for _, size := range []int{1, 64} {
		s := open(t, create(engine.Config{Path: t.TempDir(), CacheMB: size, NoFsync: true}))
		n := scaled(3000)
		for i := 0; i < n; i += 100 {
			s.commit(func(txn engine.WriteTxn) {
				for j := range 100 {
					value := make([]byte, 1000)
					copy(value, fmt.Sprint(i+j))
					s.must(txn.Put(fmt.Appendf(nil, "%06d", i+j), value))
				}
			})
		}
		s.reopen()
		for range 2 {
			txn := s.view()
			if got := len(s.rows(txn, engine.Range{})); got != n {
				t.Errorf("%d rows with a cache of %d MiB, want %d", got, size, n)
			}
			txn.Discard()
		}
	}
}
