package datastore_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"testing"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// indexFields is an index in the entry of its tree, as docs/format.md describes it.
type indexFields struct {
	ID      uint64 `json:"id"`
	Kind    string `json:"kind"`
	Key     string `json:"key"`
	Name    string `json:"name"`
	Partial bool   `json:"partial"`
	State   string `json:"state"`
}

// putAll writes keys past everything but the engine.
func putAll(t *testing.T, eng engine.Engine, all []pair) {
	t.Helper()
	db, err := eng.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	txn, err := db.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if err := txn.Put(bytes.Clone(p.key), bytes.Clone(p.value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(txn.Commit(t.Context(), engine.Durable), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// The spaces of the store of newerStore: 65 has people, and their indexes come next.
const peopleSpace = 65

// personKey is the stored key of somebody's row.
func personKey(id uint64) []byte { return binary.BigEndian.AppendUint64([]byte{peopleSpace}, id) }

// newerStore fills eng as a newer version could: the store has a feature, a row with a bit of
// its container, keys in reserved spaces and in one that no tree names, an index of another
// kind, and an entry in the catalog that this version does not know. It returns what only
// the newer version understands.
func newerStore(t *testing.T, eng engine.Engine, features datastore.Features) (newer []pair) {
	t.Helper()
	s, err := datastore.Open(t.Context(), eng, town)
	if err != nil {
		t.Fatal(err)
	}
	fillTown(t, s, 5)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var next uint64
	changeStore(t, eng, func(f *storeFields) {
		next = f.Next
		f.Next += 2
		f.Compatible, f.ReadOnly, f.Incompatible = features.Compatible, features.ReadOnly, features.Incompatible
	})
	if next > 200 || next < peopleSpace {
		t.Fatalf("the next space is %d", next)
	}
	stored := func(key, body []byte) pair { return pair{key, format.AppendChecksum(bytes.Clone(body), key)} }
	index, other := byte(next), byte(next+1)
	newer = []pair{
		{[]byte{7}, nil},
		{[]byte{7, 1, 2}, []byte("a log, perhaps")},
		{[]byte{63, 255}, []byte{0}},
		stored([]byte{4, 0, 0, 1}, []byte("log")),
		stored([]byte{1, 4, 9}, []byte{0, 1, 0xA0}),
		stored([]byte{1, 5, 'x'}, []byte{0x40, 7, 1, 2, 3}),
		stored([]byte{index, 'a'}, []byte("an entry")),
		{[]byte{index, 'b'}, []byte("in another form")},
		stored([]byte{other, 'c'}, []byte("of a tree to come")),
		stored(format.AppendExpiryKey(nil, 1, []byte{7, 1, 2}), nil),
		stored(format.AppendExpiryKey(nil, 2, []byte{other, 'd'}), nil),
		stored(format.AppendExpiryKey(nil, 3, personKey(2)), nil),
	}
	putAll(t, eng, newer)
	rewrite(t, eng, personKey(2), func(row []byte) []byte { row[0] |= 0x10; return row })
	rewrite(t, eng, append([]byte{1, 1}, people.Name()...), func(row []byte) []byte {
		added, err := models.DagCBOR[indexFields]().Append(nil, &indexFields{uint64(index), "bloom", "string", "maybe", false, "ready"})
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(row, []byte("\x67indexes")) + len("\x67indexes") // then the head of a short array
		if row[at] < 0x80 || row[at] > 0x96 {
			t.Fatalf("the indexes begin with %#x", row[at])
		}
		row[at]++
		return slices.Insert(row, at+1, added...)
	})
	for _, p := range dump(t, eng) {
		if bytes.Equal(p.key, personKey(2)) || p.key[0] == 1 && !bytes.Equal(p.key, storeKey) {
			newer = append(newer, p)
		}
	}
	return newer
}

// lost reports which of some keys an engine does not have as they were.
func lost(t *testing.T, eng engine.Engine, want []pair, after string) {
	t.Helper()
	have := map[string][]byte{}
	for _, p := range dump(t, eng) {
		have[string(p.key)] = p.value
	}
	for _, p := range want {
		if value, ok := have[string(p.key)]; !ok || !bytes.Equal(value, p.value) {
			t.Errorf("after %s the key %x has %x, it had %x", after, p.key, value, p.value)
		}
	}
}

// Whatever is done with a store that a newer version has written, nothing that only that
// version understands is lost or moved, or called damage.
func TestWhatIsUnknownStays(t *testing.T) {
	ctx := t.Context()
	// A row, two entries of an index, three keys of reserved spaces, one of a space that no
	// tree names, one beside the counters, and two of the catalog.
	const unknown = 10
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			eng := newEngine(t)
			newer := newerStore(t, eng, datastore.Features{Compatible: []string{"sparkle"}})
			for _, definitions := range [][]*models.Definition{{town}, nil} {
				s, err := datastore.Open(ctx, eng, datastore.OpenOptions{Definitions: definitions})
				if err != nil {
					t.Fatal(err)
				}
				for what, examine := range map[string]func(context.Context, *datastore.Store, ...datastore.VerifyOptions) (datastore.Report, error){
					"verify": datastore.Verify, "repair": datastore.Repair,
				} {
					report, err := examine(ctx, s)
					if err != nil || !report.Clean() || report.Repaired != 0 || report.Unknown != unknown {
						t.Errorf("%s: %+v, %v; want %d unknown", what, report, err, unknown)
					}
				}
				face := s.Datastore()
				if removed, err := s.Expire(ctx); removed != 0 || err != nil {
					t.Errorf("%d expired, %v", removed, err)
				}
				if err := errors.Join(face.Check(ctx), face.Scrub(ctx), s.Compact(ctx), face.Put(ctx, ds.NewKey("/new"), nil)); err != nil {
					t.Error(err)
				}
				target := memory.Engine()
				if _, err := datastore.Restore(ctx, target, bytes.NewReader(backup(t, s))); err != nil {
					t.Error(err)
				}
				lost(t, target, newer, "restoring a backup")

				damaged := 0
				for row, err := range s.Inspect().Rows(ctx, people.Name()) {
					if err != nil || row.Err != nil && !errors.Is(row.Err, models.ErrVersion) {
						t.Errorf("%+v, %v", row, err)
					}
					if row.Err != nil {
						damaged++
					}
				}
				if damaged != 1 {
					t.Errorf("%d rows are unknown", damaged)
				}
				if _, err := s.Inspect().Count(ctx, people.Name()); err != nil {
					t.Error(err)
				}
				if definitions == nil {
					err := s.RunWrite(ctx, func(ses *session.Session) error {
						_, err := session.DeleteUntyped(ses, people.Name(), [][]byte{personKey(1)[1:]}, func(int, []byte) bool { return false })
						return err
					})
					if !errors.Is(err, models.ErrVersion) {
						t.Errorf("rows are deleted without the definition: %v", err)
					}
				} else {
					useBeside(t, s)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				lost(t, eng, newer, "all that")
			}
		})
	}
}

// useBeside reads and writes beside a row of a newer version, and that row.
func useBeside(t *testing.T, s *datastore.Store) {
	t.Helper()
	ctx := t.Context()
	p := somebody(2)
	_, err := people.Get(ctx, s, 2)
	for what, err := range map[string]error{
		"get": err, "put": people.Put(ctx, s, &p), "delete": people.Delete(ctx, s, 2),
		"modify": people.Modify(ctx, s, 2, func(*person) error { return nil }),
		"clear":  people.Clear(ctx, s),
	} {
		if !errors.Is(err, models.ErrVersion) || errors.Is(err, models.ErrCorrupt) {
			t.Errorf("%s of a row of a newer version: %v", what, err)
		}
	}
	p = somebody(3)
	p.Name = "changed"
	if err := errors.Join(people.Put(ctx, s, &p), people.Put(ctx, s, &p)); err != nil {
		t.Error(err)
	}
	if got, err := people.Get(ctx, s, 3); err != nil || got.Name != "changed" {
		t.Errorf("%+v, %v", got, err)
	}
}

// No tool opens a store with a feature that it has to know, and none changes it.
func TestWhatIsRefusedStays(t *testing.T) {
	for name, newEngine := range engines {
		for _, features := range []datastore.Features{{ReadOnly: []string{"sparkle"}}, {Incompatible: []string{"sparkle"}}} {
			t.Run(name, func(t *testing.T) {
				eng := newEngine(t)
				newerStore(t, eng, features)
				before := dump(t, eng)
				for _, definitions := range [][]*models.Definition{{town}, nil} {
					options := datastore.OpenOptions{Definitions: definitions}
					if _, err := datastore.Open(t.Context(), eng, options); !errors.Is(err, datastore.ErrVersion) {
						t.Error(err)
					}
					if _, err := datastore.OpenDatastore(t.Context(), eng, options); !errors.Is(err, datastore.ErrVersion) {
						t.Error(err)
					}
				}
				if _, err := datastore.Restore(t.Context(), eng, bytes.NewReader(smallBackup(t))); !errors.Is(err, datastore.ErrNotEmpty) {
					t.Error(err)
				}
				if in, err := datastore.Inspect(t.Context(), eng); (err == nil) != (features.Incompatible == nil) {
					t.Error(err)
				} else if err == nil {
					if err := in.Close(); err != nil {
						t.Error(err)
					}
				}
				if !reflect.DeepEqual(dump(t, eng), before) {
					t.Error("the store has been changed")
				}
			})
		}
	}
}

// Without a feature that says so, an index of an unknown kind keeps a program from writing
// rows that would lack there, and keys where no tree is are damage.
func TestUnknownWithoutAFeature(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			eng := newEngine(t)
			newer := newerStore(t, eng, datastore.Features{})
			if _, err := datastore.Open(t.Context(), eng, town); !errors.Is(err, datastore.ErrVersion) {
				t.Errorf("with an index of another kind: %v", err)
			}
			drop := datastore.OpenOptions{DropIndexes: []string{people.Name() + "/maybe"}}
			if _, err := datastore.Open(t.Context(), eng, town, drop); !errors.Is(err, datastore.ErrVersion) {
				t.Errorf("to drop an index of another kind: %v", err)
			}
			lost(t, eng, newer, "opening")
			s, err := datastore.Open(t.Context(), eng)
			if err != nil {
				t.Fatal(err)
			}
			report, err := datastore.Repair(t.Context(), s)
			if err := errors.Join(err, s.Close()); err != nil || report.BadRows != 1 || report.Repaired != 1 || report.Unknown != 9 {
				t.Errorf("%+v, %v", report, err)
			}
			lost(t, eng, slices.DeleteFunc(newer, func(p pair) bool { return string(p.key[1:]) == "c" }), "repair")
		})
	}
}

// Repair keeps what it has set aside before: a second row under the same key stays damaged
// where it is.
func TestRepairLosesNothingSetAside(t *testing.T) {
	eng := memory.Engine()
	for round := range 2 {
		s, err := datastore.Open(t.Context(), eng, town)
		if err != nil {
			t.Fatal(err)
		}
		p := somebody(1)
		p.Age = int64(round)
		if round > 0 {
			err = people.Put(t.Context(), s, &p)
		} else {
			err = people.Insert(t.Context(), s, &p)
		}
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		all := dump(t, eng)
		for i := range all {
			if bytes.Equal(all[i].key, personKey(1)) {
				all[i].value[len(all[i].value)-1] ^= 1
				putAll(t, eng, all[i:i+1])
			}
		}
		want := all
		if s, err = datastore.Open(t.Context(), eng, town); err != nil {
			t.Fatal(err)
		}
		report, err := datastore.Repair(t.Context(), s)
		if err := errors.Join(err, s.Close()); err != nil || report.BadRows != 1 || (report.Left() == 0) != (round == 0) {
			t.Errorf("round %d: %+v, %v", round, report, err)
		}
		values := map[string]bool{}
		for _, p := range dump(t, eng) {
			values[string(p.value)] = true
		}
		for _, p := range want {
			if bytes.HasSuffix(p.key, personKey(1)) && !values[string(p.value)] {
				t.Errorf("round %d: the bytes of key %x are lost", round, p.key)
			}
		}
	}
}

// versioned is a codec that begins values with a version, as package record's do.
type versioned struct {
	models.Codec[item]
	version byte
}

func (c versioned) Name() string { return "versioned" }

func (c versioned) Append(dst []byte, m *item) ([]byte, error) {
	return c.Codec.Append(append(dst, c.version), m)
}

func (c versioned) Decode(src []byte, m *item) error {
	if len(src) == 0 || src[0] != c.version {
		return models.ErrVersion
	}
	return c.Codec.Decode(src[1:], m)
}

// A row whose codec says that a newer version has written it is not damaged, nor are its
// entries.
func TestValuesOfNewerVersions(t *testing.T) {
	ctx := t.Context()
	eng := memory.Engine()
	def := func(version byte) (*models.Tree[item, uint64], *models.Definition) {
		tree := models.NewTree("item", models.Uint64, itemID, models.WithCodec[item](versioned{models.DagCBOR[item](), version}))
		models.NewIndex(tree, "group", models.Uint64, itemGroup)
		models.NewUnique(tree, "own", models.Uint64, itemID)
		return tree, models.NewDefinition("shop", tree)
	}
	newer, definition := def(2)
	s, err := datastore.Open(ctx, eng, definition)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(newer.PutMany(ctx, s, []item{{1, 1}, {2, 1}}), s.Close()); err != nil {
		t.Fatal(err)
	}
	before := dump(t, eng)
	older, definition := def(1)
	if s, err = datastore.Open(ctx, eng, definition); err != nil {
		t.Fatal(err)
	}
	if _, err := older.Get(ctx, s, 1); !errors.Is(err, models.ErrVersion) || errors.Is(err, models.ErrCorrupt) {
		t.Errorf("get: %v", err)
	}
	report, err := datastore.Repair(ctx, s)
	if err := errors.Join(err, s.Close()); err != nil || !report.Clean() || report.Unknown != 2 || report.Entries != 4 {
		t.Errorf("%+v, %v", report, err)
	}
	if !reflect.DeepEqual(dump(t, eng), before) {
		t.Error("the store has been changed")
	}
}
