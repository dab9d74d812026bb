package datastore_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// storeKey is the key of the store's own entry: see docs/format.md.
var storeKey = []byte{1, 0}

// storeFields is the store's own entry as docs/format.md describes it.
type storeFields struct {
	Format       uint64   `json:"format"`
	Magic        string   `json:"magic"`
	ID           []byte   `json:"id"`
	Next         uint64   `json:"next"`
	Trees        uint64   `json:"trees"`
	Compatible   []string `json:"compatible"`
	ReadOnly     []string `json:"readonly"`
	Incompatible []string `json:"incompatible"`
}

// changeStore changes the store's own entry.
func changeStore(t *testing.T, eng engine.Engine, change func(*storeFields)) {
	t.Helper()
	codec := models.DagCBOR[storeFields]()
	rewrite(t, eng, storeKey, func(row []byte) []byte {
		var f storeFields
		if err := codec.Decode(row[2:], &f); err != nil { // behind container and schema version
			t.Fatal(err)
		}
		change(&f)
		changed, err := codec.Append(row[:2:2], &f)
		if err != nil {
			t.Fatal(err)
		}
		return changed
	})
}

// Each store has an id of its own, and keeps it.
func TestStoreID(t *testing.T) {
	seen := map[[16]byte]bool{}
	for range 3 {
		eng := memory.Engine()
		s, err := datastore.Open(t.Context(), eng, town)
		if err != nil {
			t.Fatal(err)
		}
		id := s.ID()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		again := datastore.Temp(t, eng, town)
		info, err := again.Inspect().Store(t.Context())
		if err != nil || again.ID() != id || info.ID != id || info.Format != 2 {
			t.Errorf("the id is %x, then %x, and %+v, %v", id, again.ID(), info, err)
		}
		if seen[id] {
			t.Errorf("two stores have the id %x", id)
		}
		seen[id] = true
	}
}

// A store with a feature that this version does not know is opened as far as the kind of the
// feature allows, by an engine for reading and by one for writing.
func TestUnknownFeatures(t *testing.T) {
	type readable struct{ write, read func(string) engine.Engine }
	for name, engines := range map[string]readable{
		"bolt": {
			func(dir string) engine.Engine { return bolt.Options{Config: engine.Config{Path: dir}}.Engine() },
			func(dir string) engine.Engine {
				return bolt.Options{Config: engine.Config{Path: dir, ReadOnly: true}}.Engine()
			},
		},
		"badger": {
			func(dir string) engine.Engine { return badger.Options{Config: engine.Config{Path: dir}}.Engine() },
			func(dir string) engine.Engine {
				return badger.Options{Config: engine.Config{Path: dir, ReadOnly: true}}.Engine()
			},
		},
	} {
		for kind, c := range map[string]struct {
			features           datastore.Features
			writes, reads, see bool
		}{
			"compatible":   {datastore.Features{Compatible: []string{"sparkle"}}, true, true, true},
			"read-only":    {datastore.Features{ReadOnly: []string{"sparkle"}}, false, true, true},
			"incompatible": {datastore.Features{Incompatible: []string{"sparkle"}}, false, false, false},
		} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				dir := t.TempDir()
				s, err := datastore.Open(t.Context(), engines.write(dir), town)
				if err != nil {
					t.Fatal(err)
				}
				fillTown(t, s, 3)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				changeStore(t, engines.write(dir), func(f *storeFields) {
					f.Compatible, f.ReadOnly, f.Incompatible = c.features.Compatible, c.features.ReadOnly, c.features.Incompatible
				})
				before := dump(t, engines.write(dir))
				for _, try := range []struct {
					eng   engine.Engine
					opens bool
				}{{engines.write(dir), c.writes}, {engines.read(dir), c.reads}} {
					for _, definitions := range [][]*models.Definition{{town}, nil} {
						s, err := datastore.Open(t.Context(), try.eng, datastore.OpenOptions{Definitions: definitions})
						if refused := errors.Is(err, datastore.ErrVersion) && strings.Contains(err.Error(), `"sparkle"`); try.opens != (err == nil) || !try.opens && !refused {
							t.Errorf("it opens with %v", err)
						}
						if err == nil {
							if report, err := datastore.Verify(t.Context(), s); err != nil || !report.Clean() {
								t.Errorf("%+v, %v", report, err)
							}
							if err := s.Close(); err != nil {
								t.Fatal(err)
							}
						}
					}
					in, err := datastore.Inspect(t.Context(), try.eng)
					if c.see != (err == nil) || !c.see && !errors.Is(err, datastore.ErrVersion) {
						t.Errorf("it is inspected with %v", err)
					}
					if err == nil {
						info, err := in.Store(t.Context())
						if err := errors.Join(err, in.Close()); err != nil {
							t.Fatal(err)
						}
						said := strings.Join(append(append(info.Features.Compatible, info.Features.ReadOnly...), info.Features.Incompatible...), " ")
						if said != "sparkle" {
							t.Errorf("it has the features %q", said)
						}
					}
				}
				if !reflect.DeepEqual(dump(t, engines.write(dir)), before) {
					t.Error("it has been changed")
				}
			})
		}
	}
}

// A store entry that says nothing a store can be, with a right checksum, is refused as what
// it is.
func TestStoreEntriesThatAreNone(t *testing.T) {
	for what, c := range map[string]struct {
		change func(*storeFields)
		want   error
	}{
		"of format 1":      {func(f *storeFields) { f.Format = 1 }, datastore.ErrNotStore},
		"of format 3":      {func(f *storeFields) { f.Format = 3 }, datastore.ErrVersion},
		"of another magic": {func(f *storeFields) { f.Magic = "other" }, datastore.ErrNotStore},
		"of a long magic":  {func(f *storeFields) { f.Magic = strings.Repeat("x", 1<<20) }, datastore.ErrNotStore},
		"without an id":    {func(f *storeFields) { f.ID = nil }, models.ErrCorrupt},
		"with a short id":  {func(f *storeFields) { f.ID = f.ID[:15] }, models.ErrCorrupt},
		"with many unknown features": {func(f *storeFields) {
			for range 10_000 {
				f.Incompatible = append(f.Incompatible, "a feature")
			}
		}, datastore.ErrVersion},
	} {
		eng := memory.Engine()
		s, err := datastore.Open(t.Context(), eng, town)
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		changeStore(t, eng, c.change)
		if _, err := datastore.Open(t.Context(), eng, town); !errors.Is(err, c.want) || len(err.Error()) > 1000 {
			t.Errorf("%s: %.1000v", what, err)
		}
		if _, err := datastore.Inspect(t.Context(), eng); !errors.Is(err, c.want) {
			t.Errorf("%s: inspect: %.1000v", what, err)
		}
	}
}
