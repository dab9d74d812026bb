package datastore_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// The model of a user in an application, in its versions.
type (
	town1 struct{ Street, Town string }
	user1 struct {
		ID    uint64
		Name  string
		Age   uint8
		Home  town1
		Homes []town1
		ByTag map[string]town1
		Boss  *town1
	}

	// town2 has a field renamed, one added with a default, and one without.
	town2 struct {
		Country string `netabase:"default=ZA"`
		City    string `netabase:"was=Town"`
		Street  string
		Floor   int8
	}
	// user2 has the fields in another order, a wider age, and an optional name.
	user2 struct {
		Homes []town2
		Home  town2
		ByTag map[string]town2
		Boss  *town2
		Age   int32
		Name  *string
		ID    uint64
		Note  string
	}

	// user3 has given up the age and the floors.
	town3 struct{ Country, City, Street string }
	user3 struct {
		ID    uint64
		Name  *string
		Home  town3
		Homes []town3
		ByTag map[string]town3
		Boss  *town3
		Note  string
	}

	// user4 has its name in parts, which takes a function.
	user4 struct {
		ID          uint64
		First, Last string
		Home        town3
	}
)

func usersOf[M any](id func(*M) uint64, name func(*M) string, opts ...models.TreeOption[M]) (*models.Tree[M, uint64], *models.Index[M, uint64, string], *models.Definition) {
	tree := models.NewTree("user", models.Uint64, id, opts...)
	index := models.NewIndex(tree, "name", models.String, name)
	return tree, index, models.NewDefinition("app", tree)
}

func users1() (*models.Tree[user1, uint64], *models.Index[user1, uint64, string], *models.Definition) {
	return usersOf(func(u *user1) uint64 { return u.ID }, func(u *user1) string { return u.Name })
}

func nameOf(name *string) string {
	if name == nil {
		return ""
	}
	return *name
}

func users2() (*models.Tree[user2, uint64], *models.Index[user2, uint64, string], *models.Definition) {
	return usersOf(func(u *user2) uint64 { return u.ID }, func(u *user2) string { return nameOf(u.Name) })
}

func users3() (*models.Tree[user3, uint64], *models.Index[user3, uint64, string], *models.Definition) {
	return usersOf(func(u *user3) uint64 { return u.ID }, func(u *user3) string { return nameOf(u.Name) },
		models.WithGivenUp[user3]("Age", "Home.Floor", "Homes[].Floor", "ByTag{}.Floor", "Boss.Floor"))
}

// errNoName is the error of the function for a user without a name.
var errNoName = errors.New("user without a name")

func users4() (*models.Tree[user4, uint64], *models.Index[user4, uint64, string], *models.Definition) {
	split := func(u *user3) (user4, error) {
		first, last, found := strings.Cut(nameOf(u.Name), " ")
		if !found {
			return user4{}, errNoName
		}
		return user4{ID: u.ID, First: first, Last: last, Home: u.Home}, nil
	}
	return usersOf(func(u *user4) uint64 { return u.ID }, func(u *user4) string { return u.Last },
		models.WithEarlier(models.EarlierType(split)))
}

func user1Of(id uint64) user1 {
	home := town1{Street: fmt.Sprint("street ", id), Town: "Cape Town"}
	return user1{
		ID: id, Name: fmt.Sprintf("First%d Last%d", id, id%10), Age: uint8(id), Home: home,
		Homes: []town1{home, {Street: "b"}}, ByTag: map[string]town1{"work": home, "Town": {}}, Boss: &home,
	}
}

func town2Of(t town1) town2 { return town2{Country: "ZA", City: t.Town, Street: t.Street} }

func user2Of(id uint64) user2 {
	old := user1Of(id)
	boss := town2Of(*old.Boss)
	u := user2{ID: id, Name: &old.Name, Age: int32(old.Age), Home: town2Of(old.Home), Boss: &boss, ByTag: map[string]town2{}}
	for _, home := range old.Homes {
		u.Homes = append(u.Homes, town2Of(home))
	}
	for tag, home := range old.ByTag {
		u.ByTag[tag] = town2Of(home)
	}
	return u
}

func town3Of(t town2) town3 { return town3{Country: t.Country, City: t.City, Street: t.Street} }

func user3Of(id uint64) user3 {
	old := user2Of(id)
	boss := town3Of(*old.Boss)
	u := user3{ID: id, Name: old.Name, Home: town3Of(old.Home), Boss: &boss, ByTag: map[string]town3{}}
	for _, home := range old.Homes {
		u.Homes = append(u.Homes, town3Of(home))
	}
	for tag, home := range old.ByTag {
		u.ByTag[tag] = town3Of(home)
	}
	return u
}

func user4Of(id uint64) user4 {
	return user4{ID: id, First: fmt.Sprint("First", id), Last: fmt.Sprint("Last", id%10), Home: user3Of(id).Home}
}

// openOne opens a store with one definition.
func openOne(t *testing.T, eng engine.Engine, d *models.Definition) *datastore.Store {
	t.Helper()
	s, err := datastore.Open(t.Context(), eng, d)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func checkClean(t *testing.T, s *datastore.Store) {
	t.Helper()
	if report, err := datastore.Verify(t.Context(), s); err != nil || !report.Clean() {
		t.Fatalf("verifying: %+v, %v", report, err)
	}
}

func closeStore(t *testing.T, s *datastore.Store) {
	t.Helper()
	checkClean(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// expectUsers looks for users 1 to n by key, in a range, and by index.
func expectUsers[M any](t *testing.T, s *datastore.Store, tree *models.Tree[M, uint64], index *models.Index[M, uint64, string], n uint64, want func(uint64) M, name func(M) string) {
	t.Helper()
	for id := uint64(1); id <= n; id++ {
		got, err := tree.Get(t.Context(), s, id)
		if err != nil || !reflect.DeepEqual(got, want(id)) {
			t.Fatalf("user %d is %+v, %v; want %+v", id, got, err, want(id))
		}
		found := false
		for u, err := range index.Find(t.Context(), s, name(got)) {
			if err != nil {
				t.Fatal(err)
			}
			found = found || reflect.DeepEqual(u, got)
		}
		if !found {
			t.Fatalf("user %d is not in the index", id)
		}
	}
	all := uint64(0)
	for got, err := range tree.All(t.Context(), s) {
		if all++; err != nil || !reflect.DeepEqual(got, want(all)) {
			t.Fatalf("row %d is %+v, %v", all, got, err)
		}
	}
	if all != n {
		t.Fatalf("%d rows, want %d", all, n)
	}
}

// A model goes through four versions of an application. Rows of all versions lie
// in the store at once, each is read as the newest version, by every index.
func TestModelChanges(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			eng, ctx := newEngine(t), t.Context()
			tree1, index1, d1 := users1()
			s := openOne(t, eng, d1)
			for id := uint64(1); id <= 10; id++ {
				u := user1Of(id)
				if err := tree1.Put(ctx, s, &u); err != nil {
					t.Fatal(err)
				}
			}
			expectUsers(t, s, tree1, index1, 10, user1Of, func(u user1) string { return u.Name })
			closeStore(t, s)

			tree2, index2, d2 := users2()
			s = openOne(t, eng, d2)
			expectUsers(t, s, tree2, index2, 10, user2Of, func(u user2) string { return nameOf(u.Name) })
			for id := uint64(5); id <= 15; id++ { // some anew, some in place of older rows
				u := user2Of(id)
				if err := tree2.Put(ctx, s, &u); err != nil {
					t.Fatal(err)
				}
			}
			expectUsers(t, s, tree2, index2, 15, user2Of, func(u user2) string { return nameOf(u.Name) })
			closeStore(t, s)

			tree3, index3, d3 := users3()
			s = openOne(t, eng, d3)
			expectUsers(t, s, tree3, index3, 15, user3Of, func(u user3) string { return nameOf(u.Name) })
			closeStore(t, s)

			tree4, index4, d4 := users4()
			s = openOne(t, eng, d4)
			expectUsers(t, s, tree4, index4, 15, user4Of, func(u user4) string { return u.Last })
			err := tree4.Modify(ctx, s, 3, func(u *user4) error { u.Last = "Changed"; return nil })
			if err == nil {
				err = tree4.Delete(ctx, s, 15)
			}
			if err != nil {
				t.Fatal(err)
			}
			wanted := func(id uint64) user4 {
				u := user4Of(id)
				if id == 3 {
					u.Last = "Changed"
				}
				return u
			}
			expectUsers(t, s, tree4, index4, 14, wanted, func(u user4) string { return u.Last })
			rewritten, err := datastore.Migrate(ctx, s)
			if err != nil || rewritten != 13 {
				t.Errorf("%d rows were rewritten, %v", rewritten, err)
			}
			expectUsers(t, s, tree4, index4, 14, wanted, func(u user4) string { return u.Last })
			closeStore(t, s)

			// Without the function, now that no row needs it.
			tree5, index5, d5 := usersOf(func(u *user4) uint64 { return u.ID }, func(u *user4) string { return u.Last })
			s = openOne(t, eng, d5)
			expectUsers(t, s, tree5, index5, 14, wanted, func(u user4) string { return u.Last })
			if rewritten, err := datastore.Migrate(ctx, s); err != nil || rewritten != 0 {
				t.Errorf("%d rows were rewritten again, %v", rewritten, err)
			}
			closeStore(t, s)

			// The old programs are refused, and lose nothing.
			for i, d := range []*models.Definition{d1, d2, d3} {
				var refused *datastore.DefinitionError
				if _, err := datastore.Open(ctx, eng, d); !errors.As(err, &refused) || !strings.Contains(err.Error(), fmt.Sprintf("version %d", i+1)) {
					t.Errorf("version %d: %v", i+1, err)
				}
			}
			s = openOne(t, eng, d5)
			expectUsers(t, s, tree5, index5, 14, wanted, func(u user4) string { return u.Last })
			closeStore(t, s)
		})
	}
}

// Changes that lose something are refused, all together, and nothing changes.
func TestRefusedChanges(t *testing.T) {
	type place struct{ Street, City string } // Town is gone
	type changed struct {
		ID    uint64
		Name  uint64 // another type
		Age   int8   // narrower
		Home  place
		Homes []town1
		ByTag map[string]town1
		Boss  town1 // no longer optional
	}
	eng := memory.Engine()
	tree1, index1, d1 := users1()
	s := openOne(t, eng, d1)
	u := user1Of(1)
	if err := tree1.Put(t.Context(), s, &u); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	_, _, d := usersOf(func(u *changed) uint64 { return u.ID }, func(u *changed) string { return "" })
	_, err := datastore.Open(t.Context(), eng, d)
	var refused *datastore.DefinitionError
	if !errors.As(err, &refused) || !errors.Is(err, models.ErrDefinition) {
		t.Fatal(err)
	}
	t.Log(err)
	paths := map[string]bool{}
	for _, d := range refused.Differences {
		paths[d.Path] = true
		if d.Tree != "app.user" || d.What == "" || d.Remedy == "" {
			t.Errorf("a difference is %+v", d)
		}
	}
	for _, path := range []string{"Name", "Age", "Home.Town", "Boss"} {
		if !paths[path] {
			t.Errorf("%s is not in %v", path, refused.Differences)
		}
	}
	if len(paths) != 4 {
		t.Errorf("the differences are at %v", paths)
	}
	s = openOne(t, eng, d1)
	expectUsers(t, s, tree1, index1, 1, user1Of, func(u user1) string { return u.Name })
	closeStore(t, s)
}

// A row that a function refuses fails to be read with the function's error. It is not damage:
// verifying and repairing leave it.
func TestFunctionRefuses(t *testing.T) {
	eng, ctx := memory.Engine(), context.Background()
	tree := models.NewTree("user", models.Uint64, func(u *user3) uint64 { return u.ID })
	s := openOne(t, eng, models.NewDefinition("app", tree))
	nameless := "nameless"
	good := user3Of(2)
	if err := errors.Join(tree.Put(ctx, s, &user3{ID: 1, Name: &nameless}), tree.Put(ctx, s, &good)); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	split := func(u *user3) (user4, error) {
		if nameOf(u.Name) == nameless {
			return user4{}, errNoName
		}
		return user4Of(u.ID), nil
	}
	later := models.NewTree("user", models.Uint64, func(u *user4) uint64 { return u.ID }, models.WithEarlier(models.EarlierType(split)))
	s = openOne(t, eng, models.NewDefinition("app", later))
	defer s.Close()
	for range 2 {
		if _, err := later.Get(ctx, s, 1); !errors.Is(err, errNoName) || !errors.Is(err, models.ErrUpgrade) || errors.Is(err, models.ErrCorrupt) {
			t.Errorf("reading the row: %v", err)
		}
		if got, err := later.Get(ctx, s, 2); err != nil || got != user4Of(2) {
			t.Errorf("reading the other row: %+v, %v", got, err)
		}
		report, err := datastore.Repair(ctx, s)
		if err != nil || report.BadRows+report.Repaired != 0 || report.Unknown != 1 {
			t.Errorf("repairing: %+v, %v", report, err)
		}
		if n, err := datastore.Migrate(ctx, s); !errors.Is(err, errNoName) || n != 0 {
			t.Errorf("migrating: %d, %v", n, err)
		}
	}
}

type (
	shipZA struct {
		ID      uint64
		Country string `netabase:"default=ZA"`
	}
	// shipKE is shipZA with another default. That adds no version.
	shipKE struct {
		ID      uint64
		Country string `netabase:"default=KE"`
	}
)

func ships[M any](id func(*M) uint64, country func(*M) string) (*models.Tree[M, uint64], *models.Index[M, uint64, string], *models.Definition) {
	tree := models.NewTree("ship", models.Uint64, id, models.WithPolicy[M](models.Open))
	return tree, models.NewIndex(tree, "country", models.String, country), models.NewDefinition("fleet", tree)
}

// A default belongs to the version that brought the field in. A program with another one stores and
// reads the rows of peers that do not have the field alike, so that the index has them.
func TestOtherDefault(t *testing.T) {
	eng, ctx := memory.Engine(), t.Context()
	_, _, first := ships(func(s *shipZA) uint64 { return s.ID }, func(s *shipZA) string { return s.Country })
	closeStore(t, openOne(t, eng, first))
	tree, index, second := ships(func(s *shipKE) uint64 { return s.ID }, func(s *shipKE) string { return s.Country })
	s := openOne(t, eng, second)
	if err := tree.Raw().Put(ctx, s, models.Uint64.AppendLast(nil, 1), []byte("\xa1\x62ID\x01")); err != nil {
		t.Fatal(err)
	}
	got, err := tree.Get(ctx, s, 1)
	if err != nil || got.Country != "ZA" {
		t.Errorf("the row is %+v, %v", got, err)
	}
	if found, err := index.Count(ctx, s, models.Only(got.Country)); err != nil || found != 1 {
		t.Errorf("%d rows in the index, %v", found, err)
	}
	closeStore(t, s)
}

// Whatever commit of opening and migrating the process ends at, the store is whole and the next
// process reads every row as the newest version, by the index too.
func TestMigrationEnds(t *testing.T) {
	tree3, _, d3 := users3()
	tree4, index4, d4 := users4()
	for commit := 1; ; commit++ {
		eng := &enginetest.Failing{Engine: memory.Engine()}
		s := openOne(t, eng, d3)
		const rows = 30
		for id := uint64(1); id <= rows; id++ {
			u := user3Of(id)
			if err := tree3.Put(t.Context(), s, &u); err != nil {
				t.Fatal(err)
			}
		}
		closeStore(t, s)
		eng.EndAt(commit)
		s, err := datastore.Open(t.Context(), eng, d4)
		if err == nil {
			_, err = datastore.Migrate(t.Context(), s)
			_ = s.Close()
		}
		ended := eng.Ended()
		eng.EndAt(0)
		if ended == (err == nil) {
			t.Fatalf("commit %d: %v", commit, err)
		}
		s = openOne(t, eng, d4)
		expectUsers(t, s, tree4, index4, rows, user4Of, func(u user4) string { return u.Last })
		if _, err := datastore.Migrate(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		expectUsers(t, s, tree4, index4, rows, user4Of, func(u user4) string { return u.Last })
		closeStore(t, s)
		if !ended {
			if commit < 5 {
				t.Errorf("there were %d commits", commit)
			}
			return
		}
	}
}

// An array of another length is refused: its elements would be cut off or made up.
func TestArrayOfAnotherLength(t *testing.T) {
	type short struct {
		ID   uint64
		Hash [4]byte
		Days [2]int
	}
	type long struct {
		ID   uint64
		Hash [8]byte
		Days [3]int
	}
	type slices struct {
		ID   uint64
		Hash []byte
		Days []int
	}
	eng, ctx := memory.Engine(), t.Context()
	shorts := models.NewTree("row", models.Uint64, func(r *short) uint64 { return r.ID })
	s := openOne(t, eng, models.NewDefinition("app", shorts))
	if err := shorts.Put(ctx, s, &short{1, [4]byte{1, 2, 3, 4}, [2]int{5, 6}}); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)

	longs := models.NewTree("row", models.Uint64, func(r *long) uint64 { return r.ID })
	var refused *datastore.DefinitionError
	if _, err := datastore.Open(ctx, eng, models.NewDefinition("app", longs)); !errors.As(err, &refused) ||
		len(refused.Differences) != 2 {
		t.Error(err)
	}

	all := models.NewTree("row", models.Uint64, func(r *slices) uint64 { return r.ID })
	s = openOne(t, eng, models.NewDefinition("app", all))
	if got, err := all.Get(ctx, s, 1); err != nil ||
		!reflect.DeepEqual(got, slices{1, []byte{1, 2, 3, 4}, []int{5, 6}}) {
		t.Error(got, err)
	}
	closeStore(t, s)
}
