package enginetest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// RunConfig tests that an engine obeys every field of engine.Config. It calls create with
// configurations whose Path is a directory of the test, which may not exist yet.
func RunConfig(t *testing.T, create func(c engine.Config) engine.Engine) {
	runConfig(t, configured{create, true}, []configTest{
		{"Invalid", testInvalid},
		{"Path", testPath},
		{"MustExist", testMustExist},
		{"Truncate", testTruncate},
		{"ReadOnly", testReadOnly},
		{"ReadOnlyBesideOthers", testReadOnlyBesideOthers},
		{"NoFsync", testNoFsync},
		{"CacheMB", testCacheMB},
		{"OtherEngine", func(t *testing.T, c configured) { testOtherEngine(t, c.create) }},
		{"LostFiles", func(t *testing.T, c configured) { testLostFiles(t, c.create) }},
	})
}

// RunNamed is RunConfig for an engine whose Path is no directory but a name, as in a browser, and
// which keeps no cache. An open database is not opened again in the same process. The test uses names
// that begin with "enginetest".
func RunNamed(t *testing.T, create func(c engine.Config) engine.Engine) {
	runConfig(t, configured{create, false}, []configTest{
		{"Invalid", testInvalid},
		{"MustExist", testMustExist},
		{"Truncate", testTruncate},
		{"ReadOnly", testReadOnly},
		{"NoFsync", testNoFsync},
	})
}

type configTest struct {
	name string
	run  func(t *testing.T, c configured)
}

func runConfig(t *testing.T, c configured, tests []configTest) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, c) })
	}
}

// configured makes engines with a configuration.
type configured struct {
	create func(c engine.Config) engine.Engine
	// files says that the path is a directory.
	files bool
}

var names atomic.Int64

// path returns a path at which there is nothing yet.
func (c configured) path(t *testing.T) string {
	if c.files {
		return filepath.Join(t.TempDir(), "db")
	}
	return fmt.Sprint("enginetest", names.Add(1))
}

// absent checks that there is still nothing.
func (c configured) absent(t *testing.T, path string) {
	t.Helper()
	if !c.files {
		refused(t, c.create(engine.Config{Path: path, MustExist: true}), engine.ErrMissing)
	} else if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s was created: %v", filepath.Base(path), err)
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

func testInvalid(t *testing.T, with configured) {
	path := with.path(t)
	for _, c := range []engine.Config{
		{},
		{Path: path, CacheMB: -1},
		{Path: path, Truncate: engine.DestroyExistingData + 1},
		{Path: path, ReadOnly: true, Truncate: engine.DestroyExistingData},
	} {
		refused(t, with.create(c), engine.ErrConfig)
	}
	with.absent(t, path)
}

func testPath(t *testing.T, with configured) {
	dir := t.TempDir()
	s := open(t, with.create(engine.Config{Path: filepath.Join(dir, "some", "where", "new")}))
	s.put("a", "1")

	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("not a directory"), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := with.create(engine.Config{Path: file}).Open(t.Context())
	if err == nil {
		db.Close()
		t.Error("a file was opened as a directory")
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "not a directory" {
		t.Errorf("a file in the place of the directory now has %q, %v", content, err)
	}
}

func testMustExist(t *testing.T, with configured) {
	path := with.path(t)
	c := engine.Config{Path: path, MustExist: true}
	refused(t, with.create(c), engine.ErrMissing)
	with.absent(t, path)
	if with.files {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		refused(t, with.create(c), engine.ErrMissing)
		if entries, err := os.ReadDir(path); err != nil || len(entries) > 0 {
			t.Errorf("a refusal left %d files, error %v", len(entries), err)
		}
	}

	s := open(t, with.create(engine.Config{Path: path}))
	s.put("a", "1")
	s.close()
	s.eng = with.create(c)
	s.open()
	txn := s.view()
	defer txn.Discard()
	s.wantValue(txn, "a", "1")
}

func testTruncate(t *testing.T, with configured) {
	path := with.path(t)
	keep := with.create(engine.Config{Path: path})
	destroy := with.create(engine.Config{Path: path, Truncate: engine.DestroyExistingData})
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

func testReadOnly(t *testing.T, with configured) {
	path := with.path(t)
	readOnly := with.create(engine.Config{Path: path, ReadOnly: true})
	refused(t, readOnly, engine.ErrMissing)
	with.absent(t, path)

	s := open(t, with.create(engine.Config{Path: path}))
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

func testReadOnlyBesideOthers(t *testing.T, with configured) {
	path := with.path(t)
	writer, reader := with.create(engine.Config{Path: path}), with.create(engine.Config{Path: path, ReadOnly: true})
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

func testNoFsync(t *testing.T, with configured) {
	s := open(t, with.create(engine.Config{Path: with.path(t), NoFsync: true}))
	for i := range 100 {
		s.put(fmt.Sprint(i), "value")
	}
	s.must(s.db.Sync(s.ctx))
}

// testCacheMB reads more data than a small cache holds.
func testCacheMB(t *testing.T, with configured) {
	for _, size := range []int{1, 64} {
		s := open(t, with.create(engine.Config{Path: t.TempDir(), CacheMB: size, NoFsync: true}))
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
