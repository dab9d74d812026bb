package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// patients have a city that they may share, and some an insurance number of their own. Neither is
// to be read from the files.
type patient struct {
	ID     uint64
	City   string
	Number string
	Age    uint64
}

type clinic struct {
	definition *models.Definition
	patients   *models.Tree[patient, uint64]
	byCity     *models.Blind[patient, uint64, string]
	byNumber   *models.BlindUnique[patient, uint64, string]
}

func newClinic(policy models.Policy) clinic {
	patients := models.NewTree("patient", models.Uint64, func(p *patient) uint64 { return p.ID },
		models.WithPolicy[patient](policy))
	models.NewIndex(patients, "age", models.Uint64, func(p *patient) uint64 { return p.Age })
	return clinic{
		patients: patients,
		byCity:   models.NewBlind(patients, "city", models.String, func(p *patient) string { return p.City }),
		byNumber: models.NewBlindUnique(patients, "number", models.String, func(p *patient) string { return p.Number },
			models.Where(func(p *patient) bool { return p.Number != "" })),
		definition: models.NewDefinition("clinic", patients),
	}
}

// locked returns options to open a store with blind indexes.
func locked() datastore.OpenOptions {
	return datastore.OpenOptions{Key: datastore.SecretKey(bytes.Repeat([]byte{7}, 32))}
}

func openLocked(t testing.TB, eng engine.Engine, definitions ...*models.Definition) *datastore.Store {
	t.Helper()
	options := locked()
	options.Definitions = definitions
	s, err := datastore.Open(t.Context(), eng, options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// check compares everything that the indexes answer with the rows.
func (c clinic) check(ctx context.Context, r models.Reader, want map[uint64]patient) error {
	cities, numbers := map[string][]uint64{"nowhere": nil, "": nil}, map[string]uint64{}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		cities[want[id].City] = append(cities[want[id].City], id)
		if want[id].Number != "" {
			numbers[want[id].Number] = id
		}
	}
	for city, ids := range cities {
		var found, keys []uint64
		for p, err := range c.byCity.Find(ctx, r, city) {
			if err != nil || p != want[p.ID] {
				return fmt.Errorf("city %q: %+v, %w", city, p, err)
			}
			found = append(found, p.ID)
		}
		for id, err := range c.byCity.Keys(ctx, r, city) {
			if err != nil {
				return err
			}
			keys = append(keys, id)
		}
		n, err := c.byCity.Count(ctx, r, city)
		if !slices.Equal(found, ids) || !slices.Equal(keys, ids) || n != len(ids) || err != nil {
			return fmt.Errorf("city %q: found %d, keys %d, count %d, %w; want %d", city, found, keys, n, err, ids)
		}
	}
	for number, id := range numbers {
		p, err := c.byNumber.Get(ctx, r, number)
		if err != nil || p != want[id] {
			return fmt.Errorf("number %q: %+v, %w", number, p, err)
		}
		if key, err := c.byNumber.Key(ctx, r, number); key != id || err != nil {
			return fmt.Errorf("number %q: row %d, %w", number, key, err)
		}
	}
	for _, none := range []string{"", "no number"} {
		if _, err := c.byNumber.Get(ctx, r, none); !errors.Is(err, models.ErrNotFound) {
			return fmt.Errorf("number %q: %w", none, err)
		}
	}
	return nil
}

// TestBlindAgainstMaps does random things to a tree with blind indexes on every engine, and to a
// map, and compares what the indexes answer.
func TestBlindAgainstMaps(t *testing.T) {
	clinic := newClinic(models.Local)
	rapid.Check(t, func(rt *rapid.T) {
		ctx := context.Background()
		name := rapid.SampledFrom([]string{"memory", "memory", "bolt", "bolt", "badger"}).Draw(rt, "engine")
		eng := engines[name](t)
		store, want := openLocked(t, eng, clinic.definition), map[uint64]patient{}
		defer func() { store.Close() }()
		draw := func(label string) patient {
			return patient{
				ID:     rapid.Uint64Range(0, 9).Draw(rt, label),
				City:   rapid.StringMatching("[ab\x00]{0,2}").Draw(rt, "city"),
				Number: rapid.StringMatching("[1-4]{0,1}").Draw(rt, "number"),
			}
		}
		taken := func(p patient) error {
			for id, other := range want {
				if id != p.ID && p.Number != "" && other.Number == p.Number {
					return models.ErrUnique
				}
			}
			return nil
		}
		put := func(p patient, put func() error) {
			refusal := taken(p)
			if err := put(); !errors.Is(err, refusal) {
				rt.Fatalf("put %+v: %v, want %v", p, err, refusal)
			}
			if refusal == nil {
				want[p.ID] = p
			}
		}
		must := func(err error) {
			if err != nil {
				rt.Fatal(err)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"put": func(*rapid.T) {
				p := draw("put")
				put(p, func() error { return clinic.patients.Put(ctx, store, &p) })
			},
			"raw": func(*rapid.T) {
				p := draw("raw")
				key, value, err := clinic.patients.Encode(&p)
				must(err)
				put(p, func() error { return clinic.patients.Raw().Put(ctx, store, key, value) })
			},
			"import": func(*rapid.T) {
				p := draw("import")
				put(p, func() error {
					_, err := datastore.Import(ctx, store, clinic.patients, rowsOf([]patient{p}, nil))
					return err
				})
			},
			"update": func(*rapid.T) {
				p, rollback := draw("update"), rapid.Bool().Draw(rt, "rollback")
				before := maps.Clone(want)
				err := store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
					put(p, func() error { return clinic.patients.Put(ctx, tx, &p) })
					must(clinic.check(ctx, tx, want))
					if rollback {
						return errRollback
					}
					return nil
				})
				if rollback && errors.Is(err, errRollback) {
					err, want = nil, before
				}
				must(err)
			},
			"delete": func(*rapid.T) {
				id := rapid.Uint64Range(0, 9).Draw(rt, "delete")
				delete(want, id)
				must(clinic.patients.Delete(ctx, store, id))
			},
			"restart": func(*rapid.T) {
				if seldom(rt) {
					must(store.Close())
					store = openLocked(t, eng, clinic.definition)
				}
			},
			"restore": func(*rapid.T) {
				if !seldom(rt) {
					return
				}
				var backup bytes.Buffer
				_, err := store.Backup(ctx, &backup)
				must(errors.Join(err, store.Close()))
				eng = engines[name](t)
				_, err = datastore.Restore(ctx, eng, &backup)
				must(err)
				store = openLocked(t, eng, clinic.definition)
			},
			"": func(*rapid.T) {
				must(clinic.check(ctx, store, want))
				report, err := datastore.Verify(ctx, store)
				if err != nil || !report.Clean() {
					rt.Fatalf("%+v, %v", report, err)
				}
			},
		})
	})
}

// TestBlindEntries checks that entries tell nothing of index keys, and that the go-datastore face
// shows them by paths that it also takes.
func TestBlindEntries(t *testing.T) {
	clinic, ctx := newClinic(models.Local), t.Context()
	eng := memory.Engine()
	store := openLocked(t, eng, clinic.definition)
	for id := range uint64(3) {
		p := patient{ID: id, City: "Köln", Number: fmt.Sprint("number ", id)}
		if err := clinic.patients.Put(ctx, store, &p); err != nil {
			t.Fatal(err)
		}
	}
	face := store.Datastore()
	for _, index := range []string{"city", "number"} {
		results, err := face.Query(ctx, dsq.Query{Prefix: "/clinic.patient/index/" + index, KeysOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		entries, err := results.Rest()
		if err != nil || len(entries) != 3 {
			t.Fatal(entries, err)
		}
		texts := map[string]bool{}
		for _, entry := range entries {
			parts := strings.Split(entry.Key, "/")
			if len(parts) != 6 || len(parts[4]) != 2*session.BlindSize {
				t.Errorf("%s is not the path of a hash", entry.Key)
			}
			texts[parts[4]] = true
			if has, err := face.Has(ctx, ds.NewKey(entry.Key)); !has || err != nil {
				t.Errorf("%s: %v, %v", entry.Key, has, err)
			}
		}
		if want := map[string]int{"city": 1, "number": 3}[index]; len(texts) != want {
			t.Errorf("%s has %d hashes, want %d", index, len(texts), want)
		}
	}
	has, err := face.Has(ctx, ds.NewKey("/clinic.patient/index/city/K-c3-b6ln/00000000000000000000"))
	if has || err != nil {
		t.Error("a path with a key in place of its hash:", has, err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range dump(t, eng) {
		if p.key[0] != 64 && (bytes.Contains(p.key, []byte("Köln")) || bytes.Contains(p.key, []byte("number "))) {
			t.Errorf("the key %q has an index key", p.key)
		}
		if p.key[0] == 66 && len(p.key) != 1+session.BlindSize+8 || p.key[0] == 67 && len(p.key) != 1+session.BlindSize {
			t.Errorf("the entry %x has another length", p.key)
		}
	}
}

// TestBlindErrors checks that errors of blind indexes name the index and show no index key.
func TestBlindErrors(t *testing.T) {
	clinic, ctx := newClinic(models.Local), t.Context()
	store := openLocked(t, memory.Engine(), clinic.definition)
	defer store.Close()
	if err := clinic.patients.Put(ctx, store, &patient{ID: 1, City: "a", Number: "secret 1"}); err != nil {
		t.Fatal(err)
	}
	_, getErr := clinic.byNumber.Get(ctx, store, "secret 2")
	_, keyErr := clinic.byNumber.Key(ctx, store, "secret 2")
	for err, want := range map[error]error{
		getErr: models.ErrNotFound, keyErr: models.ErrNotFound,
		clinic.patients.Put(ctx, store, &patient{ID: 2, Number: "secret 1"}): models.ErrUnique,
	} {
		text := fmt.Sprint(err)
		if !errors.Is(err, want) || !strings.Contains(text, "clinic.patient/number") || strings.Contains(text, "secret") {
			t.Errorf("%v; want %v", err, want)
		}
	}
	// An index key can be longer than a stored key may be.
	long := patient{ID: 3, City: strings.Repeat("x", engine.MaxKeySize)}
	if err := clinic.patients.Put(ctx, store, &long); err != nil {
		t.Error(err)
	}
	if n, err := clinic.byCity.Count(ctx, store, long.City); n != 1 || err != nil {
		t.Error(n, err)
	}
}

// TestBlindClaims checks that in a tree that travels a blind unique index takes all claims, and
// returns the row that every peer returns.
func TestBlindClaims(t *testing.T) {
	clinic, ctx := newClinic(models.Open), t.Context()
	store := openLocked(t, memory.Engine(), clinic.definition)
	defer store.Close()
	for _, id := range []uint64{5, 3, 4} {
		if err := clinic.patients.Put(ctx, store, &patient{ID: id, Number: "same"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []uint64{3, 4, 5} {
		if p, err := clinic.byNumber.Get(ctx, store, "same"); p.ID != want || err != nil {
			t.Errorf("%+v, %v; want row %d", p, err, want)
		}
		if err := clinic.patients.Delete(ctx, store, want); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBlindNeedsKey checks that a store without a key refuses blind indexes, with each of them
// named, and that an index does not become blind, or stop to be, by itself.
func TestBlindNeedsKey(t *testing.T) {
	clinic, ctx := newClinic(models.Local), t.Context()
	eng := memory.Engine()
	_, err := datastore.Open(ctx, eng, clinic.definition)
	keyless := []string{
		"index city is blind, and the store has no key", "index number is blind, and the store has no key",
	}
	wantDifferences(t, err, keyless...)

	sighted := models.NewTree("patient", models.Uint64, func(p *patient) uint64 { return p.ID })
	models.NewIndex(sighted, "age", models.Uint64, func(p *patient) uint64 { return p.Age })
	models.NewIndex(sighted, "city", models.String, func(p *patient) string { return p.City })
	models.NewUnique(sighted, "number", models.String, func(p *patient) string { return p.Number },
		models.Where(func(p *patient) bool { return p.Number != "" }))
	before := models.NewDefinition("clinic", sighted)
	rows := map[uint64]patient{1: {ID: 1, City: "a", Number: "1"}, 2: {ID: 2, City: "a"}}
	store := openLocked(t, eng, before)
	for _, p := range rows {
		if err := sighted.Put(ctx, store, &p); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	options := locked()
	changed := []string{
		"index city is not blind in the store and blind in the definition; declare it as it was, " +
			"or have it built anew with models.IndexVersion(1)",
		"index number is not blind in the store and blind in the definition",
	}
	_, err = datastore.Open(ctx, eng, clinic.definition, options)
	wantDifferences(t, err, changed...)
	plans := planOf(t, eng, clinic.definition, options)
	wantDifferences(t, &datastore.DefinitionError{Differences: plans.Differences}, changed...)
	if len(plans.Differences) != len(changed) {
		t.Errorf("the plan has %v", plans.Differences)
	}
	open := memory.Engine()
	closeStore(t, openOne(t, open, before))
	plans = planOf(t, open, clinic.definition)
	wantDifferences(t, &datastore.DefinitionError{Differences: plans.Differences}, keyless...)

	// It takes dropping the index to make a blind one of its name.
	none := models.NewTree("patient", models.Uint64, func(p *patient) uint64 { return p.ID })
	models.NewIndex(none, "age", models.Uint64, func(p *patient) uint64 { return p.Age })
	options.DropIndexes = []string{"clinic.patient/city", "clinic.patient/number"}
	store, err = datastore.Open(ctx, eng, models.NewDefinition("clinic", none), options)
	if err == nil {
		err = store.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	store = openLocked(t, eng, clinic.definition)
	if err := clinic.check(ctx, store, rows); err != nil {
		t.Error(err)
	}
	trees, err := store.Inspect().Trees(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, ix := range trees[0].Indexes {
		if ix.Blind != (ix.Name != "age") {
			t.Errorf("inspection shows %+v", ix)
		}
	}
	schema, err := store.Inspect().Schema(ctx, "clinic.patient")
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	if relation, err := clinic.patients.Schema().Compare(schema); relation != shape.Same || err != nil {
		t.Errorf("the store has the schema %+v", schema)
	}
	if _, err := datastore.Open(ctx, eng, clinic.definition); !errors.Is(err, datastore.ErrNoKey) {
		t.Errorf("an encrypted store without its key: %v", err)
	}
	plans, err = datastore.PlanSchemas(ctx, eng, schema)
	if err != nil || slices.ContainsFunc(plans.Differences, func(d datastore.Difference) bool { return strings.Contains(d.What, "blind") }) {
		t.Errorf("plan by its own schema: %v, %v", plans.Differences, err)
	}
	_, err = datastore.Open(ctx, eng, before, locked())
	wantDifferences(t, err, "index city is blind in the store and not blind in the definition")
}

func wantDifferences(t *testing.T, err error, want ...string) {
	t.Helper()
	if !errors.Is(err, models.ErrDefinition) {
		t.Fatalf("%v, want %v", err, models.ErrDefinition)
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), "clinic.patient: "+part) {
			t.Errorf("the error does not say %q:\n%v", part, err)
		}
	}
}

// TestBlindIndexIsFilled adds blind indexes to rows that are there, in more than one transaction,
// and after an opening that ended early.
func TestBlindIndexIsFilled(t *testing.T) {
	if testing.Short() {
		t.Skip("it has nothing for the race detector, and takes long there")
	}
	without := models.NewTree("patient", models.Uint64, func(p *patient) uint64 { return p.ID })
	before, clinic := models.NewDefinition("clinic", without), newClinic(models.Local)
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			ctx, eng, want := t.Context(), newEngine(t), map[uint64]patient{}
			store := openLocked(t, eng, before)
			rows := make([]patient, 1100)
			for i := range rows {
				rows[i] = patient{ID: uint64(i), City: fmt.Sprint("city ", i%9), Number: fmt.Sprint(i)}
				want[rows[i].ID] = rows[i]
			}
			if err := errors.Join(without.PutMany(ctx, store, rows), store.Close()); err != nil {
				t.Fatal(err)
			}
			for asked := int64(1); ; asked *= 2 {
				store, err := datastore.Open(endAfter(ctx, asked), eng, clinic.definition, locked())
				if err == nil {
					err = store.Close()
				} else if errors.Is(err, context.Canceled) && asked < 1<<20 {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			store = openLocked(t, eng, clinic.definition)
			defer store.Close()
			if err := clinic.check(ctx, store, want); err != nil {
				t.Error(err)
			}
			if report, err := datastore.Verify(ctx, store); err != nil || !report.Clean() || report.Entries != 3*1100 {
				t.Errorf("%+v, %v", report, err)
			}
		})
	}
}

// TestBlindDamage damages blind indexes, and has them examined and mended with the types of their
// tree and without.
func TestBlindDamage(t *testing.T) {
	clinic, ctx := newClinic(models.Local), t.Context()
	eng := memory.Engine()
	store, want := openLocked(t, eng, clinic.definition), map[uint64]patient{}
	for id := range uint64(5) {
		want[id] = patient{ID: id, City: "a", Number: fmt.Sprint(id)}
		p := want[id]
		if err := clinic.patients.Put(ctx, store, &p); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	whole := dump(t, eng)
	first := func(space byte) int {
		return slices.IndexFunc(whole, func(p pair) bool { return p.key[0] == space })
	}
	row := patientRow(0)
	for name, test := range map[string]struct {
		damage  func() []pair
		untyped int64 // how many faults are seen without types
		typed   int64
		text    string
	}{
		"a missing entry": {
			func() []pair { return slices.Delete(slices.Clone(whole), first(66), first(66)+1) },
			1, 1, "missing entry in clinic.patient/city at %x of row 0",
		},
		"a missing entry of a unique index": {
			func() []pair { return slices.Delete(slices.Clone(whole), first(67), first(67)+1) },
			0, 1, "missing entry in clinic.patient/number at %x",
		},
		"entries without a row": {
			func() []pair {
				return slices.DeleteFunc(slices.Clone(whole), func(p pair) bool { return bytes.Equal(p.key, row) })
			},
			3, 3, "orphan entry in clinic.patient/city at %x of row 0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, definitions := range [][]*models.Definition{nil, {clinic.definition}} {
				eng := load(t, test.damage())
				faults := test.typed
				if definitions == nil {
					faults = test.untyped
				}
				store := openLocked(t, eng, definitions...)
				report, err := datastore.Verify(ctx, store)
				if n := report.BadRows + report.Orphans + report.Missing; n != faults || err != nil {
					t.Errorf("with %d definitions: %+v, %v; want %d faults", len(definitions), report, err, faults)
				}
				index := whole[first(66)].key[1 : 1+session.BlindSize]
				if strings.Contains(test.text, "number") {
					index = whole[first(67)].key[1:]
				}
				if text := fmt.Sprintf(test.text, index); definitions != nil &&
					!strings.Contains(fmt.Sprint(report.Damage), text) {
					t.Errorf("the report does not say %q: %v", text, report.Damage)
				}
				_, err = datastore.Repair(ctx, store)
				if err := errors.Join(err, store.Close()); err != nil {
					t.Fatal(err)
				}
				if definitions == nil {
					continue
				}
				store = openLocked(t, eng, clinic.definition)
				rows := maps.Clone(want)
				if strings.Contains(name, "without a row") {
					delete(rows, 0)
				}
				if err := clinic.check(ctx, store, rows); err != nil {
					t.Error(err)
				}
				if report, err := datastore.Verify(ctx, store); err != nil || !report.Clean() {
					t.Errorf("after repair: %+v, %v", report, err)
				}
				if err := store.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// patientRow is the stored key of a row of the first tree of a store.
func patientRow(id uint64) []byte { return models.Uint64.Append([]byte{64}, id) }

// TestBlindRowsAreDeletedUntyped deletes rows without their type, and their entries with them.
func TestBlindRowsAreDeletedUntyped(t *testing.T) {
	clinic, ctx := newClinic(models.Local), t.Context()
	eng := memory.Engine()
	store, want := openLocked(t, eng, clinic.definition), map[uint64]patient{}
	for id := range uint64(5) {
		want[id] = patient{ID: id, City: "a", Number: fmt.Sprint(id)}
		p := want[id]
		if err := clinic.patients.Put(ctx, store, &p); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store = openLocked(t, eng)
	err := store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		return tx.RunWrite(ctx, func(s *session.Session) error {
			keys := [][]byte{patientRow(1)[1:], patientRow(3)[1:]}
			n, err := session.DeleteUntyped(s, "clinic.patient", keys, func(int, []byte) bool { return false })
			if n != 2 {
				t.Errorf("%d rows deleted", n)
			}
			return err
		})
	})
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	delete(want, 1)
	delete(want, 3)
	store = openLocked(t, eng, clinic.definition)
	defer store.Close()
	if err := clinic.check(ctx, store, want); err != nil {
		t.Error(err)
	}
	if report, err := datastore.Verify(ctx, store); err != nil || !report.Clean() || report.Entries != 9 {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestBlindHashesDiffer checks that two indexes of the same keys have different entries.
func TestBlindHashesDiffer(t *testing.T) {
	tree := models.NewTree("patient", models.Uint64, func(p *patient) uint64 { return p.ID })
	for _, name := range []string{"first", "second"} {
		models.NewBlind(tree, name, models.String, func(p *patient) string { return p.City })
	}
	eng := memory.Engine()
	store := openLocked(t, eng, models.NewDefinition("clinic", tree))
	if err := errors.Join(tree.Put(t.Context(), store, &patient{ID: 1, City: "a"}), store.Close()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range dump(t, eng) {
		if p.key[0] == 65 || p.key[0] == 66 {
			seen[string(p.key[1:1+session.BlindSize])] = true
		}
	}
	if len(seen) != 2 {
		t.Errorf("two indexes have %d hashes of one key", len(seen))
	}
}

// TestBlindByVersion has indexes become blind by their versions, and then gives the rows other
// primary keys.
func TestBlindByVersion(t *testing.T) {
	sighted := models.NewTree("patient", models.Uint64, func(p *patient) uint64 { return p.ID })
	models.NewIndex(sighted, "city", models.String, func(p *patient) string { return p.City })
	models.NewUnique(sighted, "number", models.String, func(p *patient) string { return p.Number })
	first := models.NewDefinition("clinic", sighted)

	blinded := models.NewTree("patient", models.Uint64, func(p *patient) uint64 { return p.ID })
	byCity := models.NewBlind(blinded, "city", models.String, func(p *patient) string { return p.City },
		models.IndexVersion[patient](1))
	byNumber := models.NewBlindUnique(blinded, "number", models.String, func(p *patient) string { return p.Number },
		models.IndexVersion[patient](1))
	second := models.NewDefinition("clinic", blinded)

	rekeyed := models.NewTree("patient", models.String, func(p *patient) string { return p.Number },
		models.WithKeyVersion[patient](1))
	byCityLast := models.NewBlind(rekeyed, "city", models.String, func(p *patient) string { return p.City },
		models.IndexVersion[patient](1))
	models.NewBlindUnique(rekeyed, "number", models.String, func(p *patient) string { return p.Number },
		models.IndexVersion[patient](1))
	third := models.NewDefinition("clinic", rekeyed)

	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			ctx, eng := t.Context(), newEngine(t)
			store := openLocked(t, eng, first)
			for id := range uint64(10) {
				p := patient{ID: id, City: []string{"a", "b"}[id%2], Number: fmt.Sprint(id)}
				if err := sighted.Put(ctx, store, &p); err != nil {
					t.Fatal(err)
				}
			}
			closeStore(t, store)
			store = openLocked(t, eng, second)
			if n, err := byCity.Count(ctx, store, "a"); n != 5 || err != nil {
				t.Error(n, err)
			}
			if p, err := byNumber.Get(ctx, store, "7"); p.ID != 7 || err != nil {
				t.Error(p, err)
			}
			if report, err := datastore.Verify(ctx, store); err != nil || !report.Clean() || report.Entries != 20 {
				t.Errorf("%+v, %v", report, err)
			}
			closeStore(t, store)
			store = openLocked(t, eng, third)
			defer store.Close()
			n := 0
			for number, err := range byCityLast.Keys(ctx, store, "b") {
				if p, getErr := rekeyed.Get(ctx, store, number); err != nil || getErr != nil || p.City != "b" {
					t.Error(p, err, getErr)
				}
				n++
			}
			if report, err := datastore.Verify(ctx, store); n != 5 || err != nil || !report.Clean() || report.Entries != 20 {
				t.Errorf("%d rows found, %+v, %v", n, report, err)
			}
		})
	}
}
