package datastore_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

type item struct{ ID, Group uint64 }

func itemID(i *item) uint64    { return i.ID }
func itemGroup(i *item) uint64 { return i.Group }

// items declares a tree of items, changed by what declare does to it.
func items(definition string, declare func(*models.Tree[item, uint64])) (*models.Tree[item, uint64], *models.Definition) {
	tree := models.NewTree("item", models.Uint64, itemID)
	if declare != nil {
		declare(tree)
	}
	return tree, models.NewDefinition(definition, tree)
}

func TestOpenNamesTheDifference(t *testing.T) {
	eng := memory.Engine()
	_, first := items("shop", func(tree *models.Tree[item, uint64]) {
		models.NewIndex(tree, "group", models.Uint64, itemGroup)
	})
	store, err := datastore.Open(t.Context(), eng, first)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	type other struct{ ID uint64 }
	type retyped struct {
		ID    uint64
		Group string
	}
	otherKind := func() *models.Definition {
		_, d := items("shop", func(tree *models.Tree[item, uint64]) {
			models.NewUnique(tree, "group", models.Uint64, itemGroup)
		})
		return d
	}
	otherKey := func() *models.Definition {
		_, d := items("shop", func(tree *models.Tree[item, uint64]) {
			models.NewIndex(tree, "group", models.Int64, func(i *item) int64 { return int64(i.Group) })
		})
		return d
	}
	cases := map[string]struct {
		definition *models.Definition
		says       string
	}{
		"primary key":   {models.NewDefinition("shop", models.NewTree("item", models.Int64, func(i *item) int64 { return int64(i.ID) })), "primary key is uint64 in the store and int64"},
		"a field less":  {models.NewDefinition("shop", models.NewTree("item", models.Uint64, func(o *other) uint64 { return o.ID })), "Group is missing in the definition"},
		"another type":  {models.NewDefinition("shop", models.NewTree("item", models.Uint64, func(m *retyped) uint64 { return m.ID })), "Group is stored as uint64, and defined as string"},
		"kind of index": {otherKind(), "index group is index in the store and unique"},
		"key of index":  {otherKey(), "index group is by uint64 in the store and by int64"},
	}
	for name, c := range cases {
		_, err := datastore.Open(t.Context(), eng, c.definition)
		if !errors.Is(err, models.ErrDefinition) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "shop.item") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// None of that has changed the store. That the fields of a struct change places
	// changes no row.
	type reordered struct{ Group, ID uint64 }
	moved := models.NewTree("item", models.Uint64, func(r *reordered) uint64 { return r.ID })
	models.NewIndex(moved, "group", models.Uint64, func(r *reordered) uint64 { return r.Group })
	store, err = datastore.Open(t.Context(), eng, models.NewDefinition("shop", moved))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	_, again := items("shop", func(tree *models.Tree[item, uint64]) {
		models.NewIndex(tree, "group", models.Uint64, itemGroup)
	})
	datastore.Temp(t, eng, again)
}

func TestFaultyDefinitions(t *testing.T) {
	tree, held := items("held", nil)
	twice := func(tree *models.Tree[item, uint64]) {
		models.NewIndex(tree, "group", models.Uint64, itemGroup)
		models.NewIndex(tree, "group", models.Uint64, itemGroup)
	}
	_, indexTwice := items("twice", twice)
	_, sameName := items("held", nil)
	cases := map[string][]*models.Definition{
		"a tree in two definitions":        {held, models.NewDefinition("other", tree)},
		"two definitions of one name":      {held, sameName},
		"an index declared twice":          {indexTwice},
		"a bad name of a definition":       {models.NewDefinition("a.b")},
		"no name of a definition":          {models.NewDefinition("")},
		"the store's own name":             {models.NewDefinition("netabase")},
		"a bad name of a tree":             {models.NewDefinition("x", models.NewTree("a/b", models.Uint64, itemID))},
		"two trees of one name":            {models.NewDefinition("x", models.NewTree("a", models.Uint64, itemID), models.NewTree("a", models.Uint64, itemID))},
		"a model that cannot be DAG-CBOR":  {models.NewDefinition("x", models.NewTree("a", models.Uint64, func(*struct{ C chan int }) uint64 { return 0 }))},
		"a key setter of another key type": {models.NewDefinition("x", models.NewTree("a", models.Uint64, itemID, models.WithKey(func(i *item, id string) {})))},
	}
	for name, definitions := range cases {
		store, err := datastore.Open(t.Context(), memory.Engine(), datastore.OpenOptions{Definitions: definitions})
		if !errors.Is(err, models.ErrDefinition) {
			t.Errorf("%s: %v", name, err)
		}
		if store != nil {
			t.Errorf("%s: a store was opened", name)
		}
	}
}

func TestUnknownTree(t *testing.T) {
	store := datastore.Temp(t, memory.Engine())
	tree, _ := items("absent", nil)
	if err := tree.Put(t.Context(), store, &item{}); !errors.Is(err, models.ErrUnknownTree) || !strings.Contains(err.Error(), "absent.item") {
		t.Error(err)
	}
	if _, err := tree.Get(t.Context(), store, 1); !errors.Is(err, models.ErrUnknownTree) {
		t.Error(err)
	}
	for _, err := range tree.All(t.Context(), store) {
		if !errors.Is(err, models.ErrUnknownTree) {
			t.Error(err)
		}
	}
}

func TestIndexAddedAndDropped(t *testing.T) {
	if testing.Short() {
		t.Skip("it has nothing for the race detector, and takes long there")
	}
	const rows = 5000 // more than one transaction of the rebuild
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			ctx, eng := t.Context(), newEngine(t)
			bare, definition := items("shop", nil)
			store, err := datastore.Open(ctx, eng, definition)
			if err != nil {
				t.Fatal(err)
			}
			all := make([]item, rows)
			for i := range all {
				all[i] = item{ID: uint64(i), Group: uint64(i % 10)}
			}
			if err := bare.PutMany(ctx, store, all); err != nil {
				t.Fatal(err)
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}

			var group *models.Index[item, uint64, uint64]
			withIndex := func(tree *models.Tree[item, uint64]) {
				group = models.NewIndex(tree, "group", models.Uint64, itemGroup)
			}
			_, definition = items("shop", withIndex)
			if store, err = datastore.Open(ctx, eng, definition); err != nil {
				t.Fatal(err)
			}
			if n, err := group.Count(ctx, store, models.Only(uint64(3))); n != rows/10 || err != nil {
				t.Errorf("the new index has %d rows, %v", n, err)
			}
			if report, err := datastore.Verify(ctx, store); err != nil || !report.Clean() || report.Entries != rows {
				t.Errorf("%+v, %v", report, err)
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}

			// A program that does not declare the index does not lose it by opening the store.
			bare, definition = items("shop", nil)
			before := dump(t, eng)
			if _, err = datastore.Open(ctx, eng, definition); !errors.Is(err, models.ErrDefinition) || !strings.Contains(err.Error(), `"shop.item/group"`) {
				t.Errorf("without the index: %v", err)
			}
			if !reflect.DeepEqual(dump(t, eng), before) {
				t.Error("the store has been changed")
			}
			drop := datastore.OpenOptions{DropIndexes: []string{"shop.item/group"}}
			for range 2 { // the second time it is not there any more
				if store, err = datastore.Open(ctx, eng, definition, drop); err != nil {
					t.Fatal(err)
				}
				if report, err := datastore.Verify(ctx, store); err != nil || !report.Clean() || report.Entries != 0 {
					t.Errorf("%+v, %v", report, err)
				}
				if err := bare.Put(ctx, store, &item{ID: 3, Group: 77}); err != nil {
					t.Fatal(err)
				}
				if err := store.Close(); err != nil {
					t.Fatal(err)
				}
			}
			_, definition = items("shop", withIndex)
			store = datastore.Temp(t, eng, definition)
			if n, err := group.Count(ctx, store, models.Only(uint64(77))); n != 1 || err != nil {
				t.Errorf("the index that came back has %d rows, %v", n, err)
			}
		})
	}
}

// All differences of all trees are in one error, and it tells each of them by itself.
func TestEveryDifference(t *testing.T) {
	eng := memory.Engine()
	def := func(change bool) *models.Definition {
		a := models.NewTree("a", models.Uint64, itemID)
		b := models.NewTree("b", models.Uint64, itemID)
		if !change {
			models.NewIndex(a, "group", models.Uint64, itemGroup)
			models.NewIndex(a, "other", models.Uint64, itemGroup)
			return models.NewDefinition("shop", a, b)
		}
		models.NewUnique(a, "other", models.Uint64, itemGroup)
		changed := models.NewTree("b", models.Int64, func(i *item) int64 { return int64(i.ID) }, models.WithPolicy[item](models.Open))
		return models.NewDefinition("shop", changed, a)
	}
	if err := datastore.Temp(t, eng, def(false)).Close(); err != nil {
		t.Fatal(err)
	}
	before := dump(t, eng)
	_, err := datastore.Open(t.Context(), eng, def(true))
	var differ *datastore.DefinitionError
	if !errors.As(err, &differ) || !errors.Is(err, models.ErrDefinition) {
		t.Fatal(err)
	}
	var got []string
	for _, d := range differ.Differences {
		got = append(got, d.Tree+": "+d.Path+" "+d.What)
		if d.Remedy == "" || !strings.Contains(err.Error(), d.String()) {
			t.Errorf("%+v is not in %v", d, err)
		}
	}
	want := []string{
		"shop.a: index group is missing in the definition",
		"shop.a: index other is index in the store and unique in the definition",
		"shop.b: primary key is uint64 in the store and int64 in the definition",
		"shop.b: policy is local in the store and open in the definition",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if !reflect.DeepEqual(dump(t, eng), before) {
		t.Error("the store has been changed")
	}
}

// An index that cannot be dropped is refused, and nothing is dropped.
func TestDropIndexesRefused(t *testing.T) {
	eng := memory.Engine()
	withIndex := func(tree *models.Tree[item, uint64]) { models.NewIndex(tree, "group", models.Uint64, itemGroup) }
	_, declared := items("shop", withIndex)
	_, bare := items("shop", nil)
	if err := datastore.Temp(t, eng, declared).Close(); err != nil {
		t.Fatal(err)
	}
	before := dump(t, eng)
	for name, c := range map[string]struct {
		definitions []*models.Definition
		drop        string
		want        error
	}{
		"an index that is declared":                 {[]*models.Definition{declared}, "shop.item/group", models.ErrDefinition},
		"an index that nobody declares, and others": {[]*models.Definition{bare}, "shop.item/other", models.ErrDefinition},
		"no name of an index":                       {[]*models.Definition{declared}, "shop.item", models.ErrDefinition},
		"an empty name":                             {[]*models.Definition{declared}, "shop.item/", models.ErrDefinition},
		"a tree that is not declared":               {nil, "shop.item/group", models.ErrUnknownTree},
	} {
		_, err := datastore.Open(t.Context(), eng, datastore.OpenOptions{Definitions: c.definitions, DropIndexes: []string{c.drop}})
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "shop.item") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !reflect.DeepEqual(dump(t, eng), before) {
		t.Error("the store has been changed")
	}
}

func TestNewUniqueIndexOverRowsThatClash(t *testing.T) {
	eng := memory.Engine()
	bare, definition := items("shop", nil)
	store, err := datastore.Open(t.Context(), eng, definition)
	if err != nil {
		t.Fatal(err)
	}
	if err := bare.PutMany(t.Context(), store, []item{{1, 5}, {2, 5}}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	_, definition = items("shop", func(tree *models.Tree[item, uint64]) {
		models.NewUnique(tree, "group", models.Uint64, itemGroup)
	})
	if _, err := datastore.Open(t.Context(), eng, definition); !errors.Is(err, models.ErrUnique) {
		t.Error(err)
	}
	bare, definition = items("shop", nil)
	store = datastore.Temp(t, eng, definition)
	if n, err := bare.Count(t.Context(), store, models.Range[uint64]{}); n != 2 || err != nil {
		t.Error(n, err)
	}
}

func TestNotAStore(t *testing.T) {
	eng := memory.Engine()
	db, err := eng.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	txn, err := db.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(txn.Put([]byte("something"), []byte("else")), txn.Commit(t.Context(), engine.Durable), db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := datastore.Open(t.Context(), eng); !errors.Is(err, datastore.ErrNotStore) {
		t.Error(err)
	}
}
