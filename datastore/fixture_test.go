package datastore_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// writeFixtures, set to a version in the environment, has TestFixtures write the
// stores of that version rather than read those of all.
const writeFixtures = "NETABASE_WRITE_FIXTURES"

// fixtureRows is how many people a fixture has.
const fixtureRows = 60

var fixtureEngines = map[string]func(string) engine.Engine{"badger": badger.Engine, "bolt": bolt.Engine}

// TestFixtures reads what every version has written: stores on both engines, and a
// backup. Those that end in -dev are of a version that is not released yet, and are
// written anew when its format changes.
func TestFixtures(t *testing.T) {
	if version := os.Getenv(writeFixtures); version != "" {
		for name, newEngine := range fixtureEngines {
			writeFixture(t, filepath.Join("testdata", "fixtures", version+"-"+name+".tar.gz"), newEngine)
		}
		s, err := datastore.Open(t.Context(), memory.Engine(), town)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		fillTown(t, s, fixtureRows)
		if err := os.WriteFile(filepath.Join("testdata", "fixtures", version+".backup"), backup(t, s), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	files, err := filepath.Glob(filepath.Join("testdata", "fixtures", "*"))
	if err != nil || len(files) < 3 {
		t.Fatalf("there are %q, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			eng := memory.Engine()
			if name, ok := strings.CutSuffix(file, ".tar.gz"); ok {
				dir := t.TempDir()
				unpack(t, content, dir)
				eng = fixtureEngines[name[strings.LastIndex(name, "-")+1:]](dir)
			} else if _, err := datastore.Restore(t.Context(), eng, bytes.NewReader(content)); err != nil {
				t.Fatal(err)
			}
			checkFixture(t, eng)
		})
	}
}

// On every engine a store that a newer version has written is refused, and left as
// it is: a store of another format, and catalog entries of another schema.
func TestNewerVersion(t *testing.T) {
	for name, newEngine := range engines {
		for what, change := range map[string]func(body []byte) []byte{
			"format": func(body []byte) []byte {
				return bytes.Replace(body, []byte("\x66format\x02"), []byte("\x66format\x03"), 1)
			},
			"schema": func(body []byte) []byte { body[1]++; return body }, // behind the flags of the row
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				eng := newEngine(t)
				s, err := datastore.Open(t.Context(), eng, town)
				if err != nil {
					t.Fatal(err)
				}
				fillTown(t, s, 3)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				store := []byte{1, 0} // the key of the store's own entry: see docs/format.md
				rewrite(t, eng, store, change)
				before := dump(t, eng)
				for _, definitions := range [][]*models.Definition{{town}, nil} {
					if _, err := datastore.Open(t.Context(), eng, datastore.OpenOptions{Definitions: definitions}); !errors.Is(err, datastore.ErrVersion) {
						t.Errorf("with %d definitions: %v", len(definitions), err)
					}
				}
				if _, err := datastore.Inspect(t.Context(), eng); !errors.Is(err, datastore.ErrVersion) {
					t.Errorf("inspect: %v", err)
				}
				if !reflect.DeepEqual(dump(t, eng), before) {
					t.Error("it has been changed")
				}
			})
		}
	}
}

// rewrite changes what comes before the checksum of a value, and that.
func rewrite(t *testing.T, eng engine.Engine, key []byte, change func([]byte) []byte) {
	t.Helper()
	db, err := eng.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	txn, err := db.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stored, err := txn.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	body := stored[:len(stored)-crc32.Size]
	changed := change(bytes.Clone(body))
	if bytes.Equal(changed, body) {
		t.Fatalf("%x is as it was", body)
	}
	sum := crc32.Checksum(append(bytes.Clone(key), changed...), crc32.MakeTable(crc32.Castagnoli))
	value := binary.BigEndian.AppendUint32(changed, sum)
	if err := errors.Join(txn.Put(key, value), txn.Commit(t.Context(), engine.Durable), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func checkFixture(t *testing.T, eng engine.Engine) {
	t.Helper()
	s, err := datastore.Open(t.Context(), eng, town)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	report, err := datastore.Verify(t.Context(), s)
	if err != nil || !report.Clean() {
		t.Errorf("%+v, %v", report, err)
	}
	n := uint64(0)
	for p, err := range people.All(t.Context(), s) {
		if err != nil || !reflect.DeepEqual(p, somebody(n)) {
			t.Errorf("row %d is %+v, %v; want %+v", n, p, err, somebody(n))
		}
		n++
	}
	if found, err := byName.Count(t.Context(), s, models.Only(somebody(3).Name)); n != fixtureRows || err != nil || found == 0 {
		t.Errorf("there are %d rows, %d of one name, %v", n, found, err)
	}
	if value, err := s.Datastore().Get(t.Context(), ds.NewKey("/other/data")); err != nil || string(value) != "x" {
		t.Errorf("other data is %q, %v", value, err)
	}
}

func writeFixture(t *testing.T, file string, newEngine func(string) engine.Engine) {
	t.Helper()
	dir := t.TempDir()
	s, err := datastore.Open(t.Context(), newEngine(dir), town)
	if err != nil {
		t.Fatal(err)
	}
	fillTown(t, s, fixtureRows)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	packDirectory(t, file, dir)
}

// packDirectory writes the files of a directory to a file.
func packDirectory(t *testing.T, file, dir string) {
	t.Helper()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	archive := tar.NewWriter(packed)
	if err := errors.Join(archive.AddFS(os.DirFS(dir)), archive.Close(), packed.Close(), os.WriteFile(file, out.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func unpack(t *testing.T, content []byte, dir string) {
	t.Helper()
	packed, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(packed)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(archive)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(header.Name)), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
