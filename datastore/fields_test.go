package datastore_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// task has keys whose fields a definition can say.
type task struct {
	ID   uint64
	Name string `cbor:"name"`
	Due  time.Time
	Tags []string
}

func (v *task) clock() uint64 { return uint64(max(v.Due.UnixMicro(), 0)) }

// tasks declares a tree of tasks with a primary key of the given version, 1 being by name. Said says
// the fields.
func tasks(said bool, keyVersion uint32) (*models.Tree[task, string], *models.Definition) {
	opts := []models.TreeOption[task]{models.WithKeyVersion[task](keyVersion), models.WithClock((*task).clock)}
	var byTag, byName []models.IndexOption[task]
	field := "ID"
	if keyVersion > 0 {
		field = "name"
	}
	named := models.Where(func(v *task) bool { return v.Name != "" })
	if said {
		opts = append(opts, models.ClockField[task]("Due"))
		if keyVersion > 0 {
			opts = append(opts, models.KeyFields[task]("name"))
		}
		byTag = append(byTag, models.Fields[task]("Tags", "Due"))
		byName = append(byName, models.Fields[task]("name"), models.OptionalFields[task]("name"))
	}
	tree := models.NewTree("task", models.String, func(v *task) string {
		if field == "name" {
			return v.Name
		}
		return string(rune('a' + v.ID))
	}, opts...)
	models.NewMulti(
		tree,
		"tag_due",
		models.PairOf(models.String, models.Time),
		func(v *task) (keys []models.Pair[string, time.Time]) {
			for _, tag := range v.Tags {
				keys = append(keys, models.MakePair(tag, v.Due))
			}
			return keys
		},
		byTag...)
	models.NewIndex(tree, "computed", models.Int, func(v *task) int { return len(v.Name) })
	models.NewUnique(tree, "name", models.String, func(v *task) string { return v.Name }, append(byName, named)...)
	return tree, models.NewDefinition("app", tree)
}

// expectFields checks what the store says of the fields of the tasks.
func expectFields(t *testing.T, in *datastore.Inspection, want shape.Schema) {
	t.Helper()
	got, err := in.Schema(t.Context(), "app.task")
	if err != nil || got.Check() != nil {
		t.Errorf("%+v, %v, %v", got, err, got.Check())
	}
	if !reflect.DeepEqual(got.KeyFields, want.KeyFields) || got.Clock != want.Clock ||
		!reflect.DeepEqual(got.Indexes, want.Indexes) {
		t.Errorf(
			"got %v, %q, %+v; want %v, %q, %+v",
			got.KeyFields,
			got.Clock,
			got.Indexes,
			want.KeyFields,
			want.Clock,
			want.Indexes,
		)
	}
}

// fieldsEntries returns the entries of the catalog that say fields.
func fieldsEntries(t *testing.T, eng engine.Engine) (entries []pair) {
	t.Helper()
	for _, p := range dump(t, eng) {
		if bytes.HasPrefix(p.key, []byte{1, 5}) {
			entries = append(entries, p)
		}
	}
	return entries
}

func putTasks(t *testing.T, s *datastore.Store, tree *models.Tree[task, string]) {
	t.Helper()
	for id := range uint64(5) {
		v := task{ID: id, Name: string(rune('z' - id)), Due: time.Unix(int64(id), 0).UTC(), Tags: []string{"a", "b"}}
		if err := tree.Put(t.Context(), s, &v); err != nil {
			t.Fatal(err)
		}
	}
}

// A new store has what the definition says, and so has what is restored from its backup.
func TestFieldsOfNewTree(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			eng := newEngine(t)
			tree, d := tasks(true, 1)
			s := openOne(t, eng, d)
			expectFields(t, s.Inspect(), tree.Schema())
			putTasks(t, s, tree)
			checkClean(t, s)
			stream := backup(t, s)
			closeStore(t, s)

			restored := memory.Engine()
			if _, err := datastore.Restore(t.Context(), restored, bytes.NewReader(stream)); err != nil {
				t.Fatal(err)
			}
			in, err := datastore.Inspect(t.Context(), restored)
			if err != nil {
				t.Fatal(err)
			}
			expectFields(t, in, tree.Schema())
			if err := in.Close(); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(fieldsEntries(t, restored), fieldsEntries(t, eng)) {
				t.Error("the backup has other entries")
			}
		})
	}
}

// A definition that says more than the store has commits nothing as the store opens. The first write
// brings it, or closing.
func TestFieldsOfOldTree(t *testing.T) {
	eng := &enginetest.Failing{Engine: memory.Engine()}
	silent, dSilent := tasks(false, 0)
	s := openOne(t, eng, dSilent)
	putTasks(t, s, silent)
	closeStore(t, s)
	if entries := fieldsEntries(t, eng); len(entries) != 0 {
		t.Errorf("nothing is said in %x", entries)
	}

	said, dSaid := tasks(true, 0)
	eng.EndAt(1)
	s = openOne(t, eng, dSaid)
	expectFields(t, s.Inspect(), silent.Schema())
	checkClean(t, s)
	if eng.Ended() {
		t.Error("opening has committed something")
	}
	_ = s.Close()
	eng.EndAt(0)
	s = openOne(t, eng, dSaid)
	expectFields(t, s.Inspect(), silent.Schema())
	if err := said.Delete(t.Context(), s, "a"); err != nil {
		t.Fatal(err)
	}
	expectFields(t, s.Inspect(), said.Schema())
	closeStore(t, s)

	// Opening it again writes nothing, whether the definition says the same or nothing.
	before := dump(t, eng)
	for _, d := range []*models.Definition{dSaid, dSilent} {
		closeStore(t, openOne(t, eng, d))
		if !reflect.DeepEqual(dump(t, eng), before) {
			t.Error("the store has been changed")
		}
	}

	// Another tree that says less in its place.
	clock := models.NewTree("task", models.String, func(v *task) string { return string(rune('a' + v.ID)) },
		models.WithClock((*task).clock), models.ClockField[task]("Due"))
	drop := datastore.OpenOptions{DropIndexes: []string{"app.task/tag_due", "app.task/computed", "app.task/name"}}
	s, err := datastore.Open(t.Context(), eng, models.NewDefinition("app", clock), drop)
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s) // which says it
	s = openOne(t, eng, models.NewDefinition("other"))
	expectFields(t, s.Inspect(), shape.Schema{Clock: "Due"})
	checkClean(t, s)
	closeStore(t, s)
}

// A tree that gets another primary key has what is said of the new one only, and one whose model is
// changed by a definition that says nothing, nothing.
func TestFieldsOfRebuiltTree(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			eng := newEngine(t)
			first, d := tasks(true, 0)
			s := openOne(t, eng, d)
			putTasks(t, s, first)
			closeStore(t, s)
			old := fieldsEntries(t, eng)

			second, d := tasks(true, 1)
			closeStore(t, openOne(t, eng, d))
			s = openOne(t, eng, d)
			expectFields(t, s.Inspect(), second.Schema())
			checkClean(t, s)
			closeStore(t, s)
			if now := fieldsEntries(t, eng); len(old) != 1 || len(now) != 1 || bytes.Equal(now[0].key, old[0].key) {
				t.Errorf("the entries are %x, and were %x", now, old)
			}

			type task struct {
				Name     string `cbor:"title" netabase:"was=name"`
				ID, Size uint64
				Due      time.Time
				Tags     []string
			}
			changed := models.NewTree("task", models.String, func(v *task) string { return v.Name },
				models.WithKeyVersion[task](1))
			drop := datastore.OpenOptions{DropIndexes: []string{"app.task/tag_due", "app.task/computed", "app.task/name"}}
			s, err := datastore.Open(t.Context(), eng, models.NewDefinition("app", changed), drop)
			if err != nil {
				t.Fatal(err)
			}
			expectFields(t, s.Inspect(), shape.Schema{})
			closeStore(t, s)
			if now := fieldsEntries(t, eng); len(now) != 0 {
				t.Errorf("there is still %x", now)
			}
		})
	}
}

// An index does not have the fields of an earlier one of its name, whether the definition that adds it says
// fields or not, and before anything else is written.
func TestFieldsOfAnotherIndex(t *testing.T) {
	declare := func(add func(*models.Tree[task, string])) *models.Definition {
		tree := models.NewTree("task", models.String, func(v *task) string { return string(rune('a' + v.ID)) })
		add(tree)
		return models.NewDefinition("app", tree)
	}
	none := func(*models.Tree[task, string]) {}
	computed := func(tree *models.Tree[task, string]) {
		models.NewIndex(tree, "name", models.Int, func(v *task) int { return len(v.Name) })
	}
	byID := func(tree *models.Tree[task, string]) {
		models.NewIndex(tree, "name", models.Uint64, func(v *task) uint64 { return v.ID }, models.Fields[task]("ID"))
	}
	for name, of := range map[string]struct {
		add  func(*models.Tree[task, string])
		want shape.Index
	}{
		"computed":  {computed, shape.Index{Name: "name", Kind: "index", Key: "int64"}},
		"of fields": {byID, shape.Index{Name: "name", Kind: "index", Key: "uint64", Fields: []string{"ID"}}},
	} {
		t.Run(name, func(t *testing.T) {
			eng := memory.Engine()
			_, d := tasks(true, 0)
			closeStore(t, openOne(t, eng, d))
			drop := datastore.OpenOptions{DropIndexes: []string{"app.task/tag_due", "app.task/computed", "app.task/name"}}
			s, err := datastore.Open(t.Context(), eng, declare(none), drop)
			if err != nil {
				t.Fatal(err)
			}
			closeStore(t, s)
			s = openOne(t, eng, declare(of.add))
			expectFields(t, s.Inspect(), shape.Schema{Indexes: []shape.Index{of.want}})
			checkClean(t, s)
			closeStore(t, s)
		})
	}
}

// An entry that names a field which the model does not have is not said, and the rest is.
func TestFieldsUnknown(t *testing.T) {
	eng := memory.Engine()
	tree, d := tasks(true, 1)
	closeStore(t, openOne(t, eng, d))
	rewrite(t, eng, fieldsEntries(t, eng)[0].key, func(body []byte) []byte {
		return bytes.ReplaceAll(body, []byte("Tags"), []byte("Tugs"))
	})
	s := openOne(t, eng, models.NewDefinition("other"))
	want := tree.Schema()
	want.Indexes[0].Fields = nil
	expectFields(t, s.Inspect(), want)
	closeStore(t, s)
}

// A damaged entry is found and set aside, and the store opens with it. The definition brings it back.
func TestFieldsDamaged(t *testing.T) {
	for name, repair := range map[string]bool{"repaired": true, "said again": false} {
		t.Run(name, func(t *testing.T) {
			eng := memory.Engine()
			tree, d := tasks(true, 1)
			closeStore(t, openOne(t, eng, d))
			key := fieldsEntries(t, eng)[0].key
			rewrite(t, eng, key, func(body []byte) []byte { return append(body[:2], 0xA0, 0xA0) }) // two items

			s := openOne(t, eng, models.NewDefinition("other"))
			if _, err := s.Inspect().Schema(t.Context(), "app.task"); !errors.Is(err, models.ErrCorrupt) {
				t.Errorf("the schema: %v", err)
			}
			report, err := datastore.Verify(t.Context(), s)
			if err != nil || len(report.Damage) != 1 || report.BadRows != 1 || !bytes.Equal(report.Damage[0].Key, key) {
				t.Errorf("%+v, %v", report, err)
			}
			if repair {
				if report, err := datastore.Repair(t.Context(), s); err != nil || report.Left() != 0 {
					t.Errorf("%+v, %v", report, err)
				}
				checkClean(t, s)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}

			if err := openOne(t, eng, d).Close(); err != nil {
				t.Fatal(err)
			}
			s = openOne(t, eng, d)
			expectFields(t, s.Inspect(), tree.Schema())
			closeStore(t, s)
		})
	}
}

// TestMergedTree checks that a store says of a tree that a function merges its rows: a program without
// the function would choose one of two.
func TestMergedTree(t *testing.T) {
	for _, merge := range []func(a, b *task) task{nil, func(a, _ *task) task { return *a }} {
		want := merge != nil
		tree := models.NewTree("task", models.Uint64, func(v *task) uint64 { return v.ID },
			models.WithPolicy[task](models.Open), models.WithMerge(merge))
		s := datastore.Temp(t, memory.Engine(), models.NewDefinition("app", tree))
		stored, err := s.Inspect().Schema(t.Context(), "app.task")
		if err != nil || stored.Merged != want || tree.Schema().Merged != want {
			t.Errorf("%v, %+v, %+v", err, tree.Schema(), stored)
		}
		var file bytes.Buffer
		if err := stored.Write(&file); err != nil {
			t.Fatal(err)
		}
		if again, err := shape.ReadSchema(&file); err != nil || again.Merged != want {
			t.Errorf("%v, %+v", err, again)
		}
	}
}

// TestComputedClock checks that a store says of a tree that its clock is a function: a program that
// takes it for a tree without a clock would choose other records.
func TestComputedClock(t *testing.T) {
	for policy, want := range map[models.Policy]bool{models.Open: true, models.Local: false} {
		tree := models.NewTree("task", models.Uint64, func(v *task) uint64 { return v.ID },
			models.WithClock((*task).clock), models.WithPolicy[task](policy))
		s := datastore.Temp(t, memory.Engine(), models.NewDefinition("app", tree))
		stored, err := s.Inspect().Schema(t.Context(), "app.task")
		if err != nil || stored.ComputedClock != want || tree.Schema().ComputedClock != want {
			t.Errorf("%v: %v, %v, %+v", policy, err, tree.Schema().ComputedClock, stored)
		}
		var file bytes.Buffer
		if err := stored.Write(&file); err != nil {
			t.Fatal(err)
		}
		if again, err := shape.ReadSchema(&file); err != nil || again.ComputedClock != want {
			t.Errorf("%v: %v, %+v", policy, err, again)
		}
	}
}
