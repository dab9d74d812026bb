package datastore_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// planOf plans, and checks that this has changed nothing.
func planOf(t *testing.T, eng engine.Engine, options ...datastore.OpenOption) datastore.Plans {
	t.Helper()
	before := content(t, eng)
	plans, err := datastore.Plan(t.Context(), eng, options...)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(before, content(t, eng)) {
		t.Error("planning has changed the database")
	}
	return plans
}

// content returns all keys and values of a database.
func content(t *testing.T, eng engine.Engine) map[string]string {
	t.Helper()
	db, err := eng.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	txn, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard()
	all := map[string]string{}
	c := txn.Cursor(engine.Range{})
	defer c.Close()
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			t.Fatal(err)
		}
		all[string(c.Key())] = string(value)
	}
	if c.Err() != nil {
		t.Fatal(c.Err())
	}
	return all
}

// planned returns the plan of one tree.
func planned(t *testing.T, plans datastore.Plans, tree string) datastore.TreePlan {
	t.Helper()
	i := slices.IndexFunc(plans.Trees, func(p datastore.TreePlan) bool { return p.Tree == tree })
	if i < 0 {
		t.Fatalf("%s is not in %+v", tree, plans)
	}
	return plans.Trees[i]
}

func expectPlan(t *testing.T, got, want datastore.TreePlan) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("the plan is\n%s\nwant\n%s", g, w)
	}
}

// A store is planned through the versions of an application, before and after each opening.
func TestPlan(t *testing.T) {
	eng, ctx := memory.Engine(), t.Context()
	tree1, _, d1 := users1()
	s := openOne(t, eng, d1)
	for id := uint64(1); id <= 4; id++ {
		u := user1Of(id)
		if err := tree1.Put(ctx, s, &u); err != nil {
			t.Fatal(err)
		}
	}
	closeStore(t, s)
	expectPlan(t, planned(t, planOf(t, eng, d1), "app.user"),
		datastore.TreePlan{Tree: "app.user", Stored: 1, Next: 1, Rows: 4, Versions: map[uint32]int64{1: 4}})

	tree2, _, d2 := users2()
	got := planned(t, planOf(t, eng, d2), "app.user")
	changes := strings.Join(got.Changes, "; ")
	for _, change := range []string{
		`Note string is added`, `Home.Country string is added, "ZA" in older rows`, `Homes[].Floor int8 is added`,
		`ByTag{}.Town is renamed City`, `Boss.Town is renamed City`, `Age becomes int32, from uint8`,
		`Name becomes optional(string), from string`,
	} {
		if !strings.Contains(changes, change) {
			t.Errorf("%q is not in %q", change, changes)
		}
	}
	if len(got.Changes) != 1+4*3+2 {
		t.Errorf("%d changes: %q", len(got.Changes), changes)
	}
	got.Changes = nil
	expectPlan(t, got,
		datastore.TreePlan{Tree: "app.user", Stored: 1, Next: 2, Rows: 4, Versions: map[uint32]int64{1: 4}, Older: 4})
	s = openOne(t, eng, d2)
	u := user2Of(5)
	if err := tree2.Put(ctx, s, &u); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)

	_, _, d3 := users3()
	got = planned(t, planOf(t, eng, d3), "app.user")
	if want := "Age int32 is given up"; !slices.Contains(got.Changes, want) || len(got.Changes) != 5 {
		t.Errorf("the changes are %q", got.Changes)
	}
	got.Changes = nil
	expectPlan(t, got, datastore.TreePlan{
		Tree: "app.user", Stored: 2, Next: 3, Rows: 5, Versions: map[uint32]int64{1: 4, 2: 1}, Older: 5,
	})
	closeStore(t, openOne(t, eng, d3))

	_, _, d4 := users4()
	got = planned(t, planOf(t, eng, d4), "app.user")
	if len(got.Changes) != 7 || got.Changes[0] != "Last string is added" || !slices.Contains(got.Changes, "ByTag map(struct{}) is given up") {
		t.Errorf("the changes are %q", got.Changes)
	}
	got.Changes = nil
	expectPlan(t, got, datastore.TreePlan{
		Tree: "app.user", Stored: 3, Next: 4, Function: "datastore_test.user3", Build: []string{"name"},
		Rows: 5, Versions: map[uint32]int64{1: 4, 2: 1}, Older: 5,
	})
	s = openOne(t, eng, d4)
	closeStore(t, s)

	// Without the definition, the rows lack the function.
	if got := planned(t, planOf(t, eng), "app.user"); got.Older != 5 || !strings.Contains(got.Lacks, "function") || got.Next != 4 {
		t.Errorf("without the definition: %+v", got)
	}
	s = openOne(t, eng, d4)
	if n, err := datastore.Migrate(ctx, s); err != nil || n != 5 {
		t.Fatal(n, err)
	}
	closeStore(t, s)
	done := datastore.TreePlan{Tree: "app.user", Stored: 4, Next: 4, Rows: 5, Versions: map[uint32]int64{4: 5}}
	expectPlan(t, planned(t, planOf(t, eng), "app.user"), done)
	expectPlan(t, planned(t, planOf(t, eng, d4), "app.user"), done)
}

// Whatever Open would refuse is in a plan, and the plan goes on with the other trees.
func TestPlanDifferences(t *testing.T) {
	type narrow struct {
		ID   uint64
		Name string
	}
	eng := memory.Engine()
	_, _, d1 := users1()
	closeStore(t, openOne(t, eng, d1))
	byID := func(u *narrow) uint64 { return u.ID }
	tree := models.NewTree("user", models.Uint64, byID, models.WithPolicy[narrow](models.Open))
	models.NewUnique(tree, "name", models.String, func(u *narrow) string { return u.Name })
	other := models.NewTree("other", models.String, func(u *narrow) string { return u.Name })
	d := models.NewDefinition("app", tree, other)

	plans := planOf(t, eng, d)
	var refused *datastore.DefinitionError
	if _, err := datastore.Open(t.Context(), eng, d); !errors.As(err, &refused) || !slices.Equal(plans.Differences, refused.Differences) {
		t.Errorf("planned %+v, refused %+v, %v", plans.Differences, refused, err)
	}
	if len(plans.Differences) < 6 {
		t.Errorf("planned %+v", plans.Differences)
	}
	expectPlan(t, planned(t, plans, "app.other"), datastore.TreePlan{Tree: "app.other", Next: 1})
}

// An index that is added, and one that is dropped.
func TestPlanIndexes(t *testing.T) {
	eng, ctx := memory.Engine(), t.Context()
	tree1, _, d1 := users1()
	s := openOne(t, eng, d1)
	u := user1Of(1)
	if err := tree1.Put(ctx, s, &u); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	later := models.NewTree("user", models.Uint64, func(u *user1) uint64 { return u.ID })
	models.NewIndex(later, "age", models.Uint8, func(u *user1) uint8 { return u.Age })
	d := models.NewDefinition("app", later)
	if plans := planOf(t, eng, d); len(plans.Differences) != 1 || plans.Differences[0].Path != "index name" {
		t.Errorf("the index is not missed: %+v", plans.Differences)
	}
	plans := planOf(t, eng, d, datastore.OpenOptions{DropIndexes: []string{"app.user/name", "app.user/never"}})
	expectPlan(t, planned(t, plans, "app.user"), datastore.TreePlan{
		Tree: "app.user", Stored: 1, Next: 1, Build: []string{"age"}, Drop: []string{"name"}, Rows: 1,
		Versions: map[uint32]int64{1: 1},
	})
	if len(plans.Differences) > 0 {
		t.Errorf("differences %+v", plans.Differences)
	}
}

// A schema file plans as its definition does, as far as it has what is needed.
func TestPlanSchemas(t *testing.T) {
	eng, ctx := memory.Engine(), t.Context()
	_, _, d1 := users1()
	closeStore(t, openOne(t, eng, d1))
	type later struct {
		user1
		Since time.Time
	}
	tree, _, d := usersOf(func(u *later) uint64 { return u.ID }, func(u *later) string { return u.Name })
	want := planOf(t, eng, d)
	got, err := datastore.PlanSchemas(ctx, eng, tree.Schema())
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) || len(want.Differences) > 0 || len(planned(t, want, "app.user").Changes) != 1 {
		t.Errorf("by the schema %+v\nby the definition %+v", got, want)
	}

	// Earlier names are not in the file.
	tree2, _, _ := users2()
	var file bytes.Buffer
	if err := tree2.Schema().Write(&file); err != nil {
		t.Fatal(err)
	}
	fromFile, err := shape.ReadSchema(&file)
	if err != nil {
		t.Fatal(err)
	}
	got, err = datastore.PlanSchemas(ctx, eng, fromFile)
	if err != nil || len(got.Differences) != 4 || got.Differences[0].Path != "Boss.Town" {
		t.Errorf("with a field renamed: %+v, %v", got, err)
	}

	if _, err := datastore.PlanSchemas(ctx, eng, tree.Schema(), tree.Schema()); !errors.Is(err, shape.ErrInvalid) {
		t.Errorf("one schema twice: %v", err)
	}
	if _, err := datastore.PlanSchemas(ctx, eng, shape.Schema{Tree: "app.user"}); !errors.Is(err, shape.ErrInvalid) {
		t.Errorf("no schema: %v", err)
	}
}

func TestPlanRefuses(t *testing.T) {
	_, _, d := users1()
	if _, err := datastore.Plan(t.Context(), memory.Engine(), d); !errors.Is(err, engine.ErrMissing) {
		t.Errorf("an empty database: %v", err)
	}
	dir := t.TempDir()
	missing := bolt.Options{Config: engine.Config{Path: dir, MustExist: true}}.Engine()
	if _, err := datastore.Plan(t.Context(), missing, d); !errors.Is(err, engine.ErrMissing) {
		t.Errorf("no database: %v", err)
	}
	if _, err := datastore.Plan(t.Context(), memory.Engine(), d, datastore.OpenOptions{DropIndexes: []string{"name"}}); !errors.Is(err, models.ErrDefinition) {
		t.Errorf("an index without a tree: %v", err)
	}
	if _, err := datastore.Plan(t.Context(), memory.Engine(), d, d); !errors.Is(err, models.ErrDefinition) {
		t.Errorf("one definition twice: %v", err)
	}
}

// A plan reads a store whose engine is opened to be read.
func TestPlanReadOnly(t *testing.T) {
	dir := t.TempDir()
	_, _, d1 := users1()
	closeStore(t, openOne(t, bolt.Engine(dir), d1))
	_, _, d2 := users2()
	plans, err := datastore.Plan(t.Context(), bolt.Options{Config: engine.Config{Path: dir, ReadOnly: true}}.Engine(), d2)
	if got := planned(t, plans, "app.user"); err != nil || got.Next != 2 || len(plans.Differences) > 0 {
		t.Errorf("%+v, %v", plans, err)
	}
}
