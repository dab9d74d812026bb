package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

type (
	dish1 struct {
		ID   uint64
		Name string
	}
	dish2 struct {
		ID    uint64
		Title string `netabase:"was=Name"`
		Stars uint8  `netabase:"default=3"`
	}
	// dish3 has what a tree that travels can get.
	dish3 struct {
		ID    uint64
		Name  string
		Stars uint8 `netabase:"default=3"`
	}
	// dish4 takes a function.
	dish4 struct {
		ID    uint64
		Title []string
	}
)

func dishes[M any](tree string, id func(*M) uint64, options ...models.TreeOption[M]) *models.Tree[M, uint64] {
	return models.NewTree(tree, models.Uint64, id, options...)
}

// menus returns the trees of a program in its first release, and then in the next one.
func menus() (old, next *models.Definition, local *models.Tree[dish2, uint64], travels *models.Tree[dish3, uint64]) {
	old = models.NewDefinition("menu",
		dishes("local", func(d *dish1) uint64 { return d.ID }),
		dishes("travels", func(d *dish1) uint64 { return d.ID }, models.WithPolicy[dish1](models.Open)),
		dishes("function", func(d *dish1) uint64 { return d.ID }))
	local = dishes("local", func(d *dish2) uint64 { return d.ID })
	travels = dishes("travels", func(d *dish3) uint64 { return d.ID }, models.WithPolicy[dish3](models.Open))
	split := func(d *dish1) (dish4, error) { return dish4{d.ID, strings.Fields(d.Name)}, nil }
	next = models.NewDefinition("menu", local, travels,
		dishes("function", func(d *dish4) uint64 { return d.ID }, models.WithEarlier(models.EarlierType(split))))
	return old, next, local, travels
}

// fillMenus makes a store with three trees of ten rows each, whose models have changed since.
func fillMenus(t *testing.T, path string) {
	t.Helper()
	old, next, _, _ := menus()
	store, err := datastore.Open(t.Context(), badger.Engine(path), old)
	if err != nil {
		t.Fatal(err)
	}
	for _, tree := range old.Trees() {
		dishes := tree.(*models.Tree[dish1, uint64])
		for id := range uint64(10) {
			if err := dishes.Put(t.Context(), store, &dish1{id, "fish and chips"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	closeStore(t, store)
	if store, err = datastore.Open(t.Context(), badger.Engine(path), next); err != nil {
		t.Fatal(err)
	}
	closeStore(t, store)
}

// TestMigrate migrates the trees of a program that p2pnode does not know.
func TestMigrate(t *testing.T) {
	peer := t.TempDir()
	path := filepath.Join(peer, "store")
	fillMenus(t, path)

	for range 2 { // a plan changes nothing
		out, errOut, status := run(t, "migrate", "-dry-run", peer)
		if status != 0 || errOut != "" || !strings.Contains(out, "menu.local: 10 of 10 rows are older than version 2\n") ||
			!strings.Contains(out, "  it stays: rows of version 1") || !strings.HasSuffix(out, "\n30 rows to rewrite\n") {
			t.Errorf("%q, %q, status %d", out, errOut, status)
		}
	}
	out, _, status := run(t, "migrate", path, "-json", "-dry-run")
	all := events(t, out)
	if last := all[len(all)-1]; status != 0 || len(all) != 5 || last["event"] != "summary" || last["older"] != 30. || last["differences"] != 0. {
		t.Errorf("%q, status %d", out, status)
	}
	if tree := all[1]; tree["tree"] != "menu.local" || tree["stored"] != 2. || tree["next"] != 2. || tree["rows"] != 10. || tree["older"] != 10. || tree["versions"].(event)["1"] != 10. || tree["lacks"] != nil {
		t.Errorf("%v", tree)
	}

	// The tree with a function fails, and the others are migrated.
	out, errOut, status := run(t, "migrate", path)
	if status != 1 || out != "20 rows rewritten\n" || !strings.Contains(errOut, "menu.function") {
		t.Errorf("%q, %q, status %d", out, errOut, status)
	}
	out, errOut, status = run(t, "migrate", path, "-json")
	all = events(t, out)
	if status != 1 || len(all) != 1 || all[0]["rewritten"] != 0. || !strings.Contains(errOut, "menu.function") {
		t.Errorf("%q, %q, status %d", out, errOut, status)
	}

	_, next, local, travels := menus()
	store, err := datastore.Open(t.Context(), badger.Engine(path), next)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, store)
	for id := range uint64(10) {
		if got, err := local.Get(t.Context(), store, id); err != nil || got != (dish2{id, "fish and chips", 3}) {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := travels.Get(t.Context(), store, id); err != nil || got != (dish3{id, "fish and chips", 3}) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if report, err := datastore.Verify(t.Context(), store); err != nil || !report.Clean() {
		t.Errorf("%+v, %v", report, err)
	}
	if n, err := datastore.Migrate(t.Context(), store); err != nil || n != 10 {
		t.Errorf("the program migrates %d rows, %v", n, err)
	}
}

// TestMigrateSchema plans for the trees of schema files.
func TestMigrateSchema(t *testing.T) {
	dir := t.TempDir()
	old, _, _, travels := menus()
	store, err := datastore.Open(t.Context(), bolt.Engine(dir), old)
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Trees()[1].(*models.Tree[dish1, uint64]).Put(t.Context(), store, &dish1{1, "soup"}); err != nil {
		t.Fatal(err)
	}
	closeStore(t, store)

	files := t.TempDir()
	write := func(name string, tree interface{ Schema() shape.Schema }) string {
		path := filepath.Join(files, name)
		file, err := os.Create(path)
		if err == nil {
			err = tree.Schema().Write(file)
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
		return path
	}
	more := write("more.json", travels)
	out, errOut, status := run(t, "migrate", "-dry-run", "-schema", more, dir)
	if want := "menu.travels: 1 of 1 rows are older than version 2\n  Stars uint8 is added, 3 in older rows\n1 rows to rewrite\n"; status != 0 || out != want || errOut != "" {
		t.Errorf("%q, %q, status %d", out, errOut, status)
	}

	other := dishes("travels", func(d *dish4) uint64 { return d.ID }, models.WithPolicy[dish4](models.Signed))
	models.NewDefinition("menu", other)
	changed := write("changed.json", other)
	out, _, status = run(t, "migrate", "-dry-run", "-schema", changed, dir)
	if status != 1 || !strings.Contains(out, "refused: menu.travels: policy is open") || !strings.Contains(out, "refused: menu.travels: Name is missing") {
		t.Errorf("%q, status %d", out, status)
	}
	out, _, status = run(t, "migrate", "-json", "-dry-run", "-schema", changed, dir)
	all := events(t, out)
	if last := all[len(all)-1]; status != 1 || last["differences"] != 2. || all[len(all)-2]["path"] != "Name" {
		t.Errorf("%q, status %d", out, status)
	}

	// Comparing says the same.
	stored := filepath.Join(files, "stored.json")
	out, _, status = run(t, "schema", "export", dir, "menu.travels")
	if status != 0 || os.WriteFile(stored, []byte(out), 0o600) != nil {
		t.Fatalf("%q, status %d", out, status)
	}
	local := file(t, "local.json", strings.ReplaceAll(out, "menu.travels", "menu.local"))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{stored, dir, "menu.travels"}, "same"},
		{[]string{dir, "menu.travels", more}, "newer"},
		{[]string{more, stored}, "older"},
		{[]string{dir, "menu.travels", changed}, "diverged"},
		{[]string{dir, "menu.local", dir, "menu.local"}, "same"},
	} {
		out, errOut, status := run(t, append([]string{"schema", "compare"}, c.args...)...)
		if status != 0 || out != c.want+"\n" || errOut != "" {
			t.Errorf("%q: %q, %q, status %d, want %s", c.args, out, errOut, status, c.want)
		}
	}
	if out, errOut, status := run(t, "schema", "compare", stored, local); status != 1 || out != "" || !strings.Contains(errOut, "another tree") {
		t.Errorf("another tree: %q, %q, status %d", out, errOut, status)
	}

	deep := file(t, "deep.json", `{"netabase":"schema","version":1,"shape":`+strings.Repeat(`{"kind":"list","elem":`, 1_000))
	broken := file(t, "broken.json", `{"netabase":"schema","version":1,"tree":5}`)
	for _, args := range [][]string{
		{"migrate"},
		{"migrate", dir, dir},
		{"migrate", "-schema", more, dir},
		{"migrate", "-dry-run", "-schema", broken, dir},
		{"migrate", "-dry-run", "-schema", more, "-schema", more, dir},
		{"migrate", "-dry-run", "-schema", filepath.Join(files, "none.json"), dir},
		{"migrate", t.TempDir()},
		{"migrate", "-dry-run", t.TempDir()},
		{"schema"},
		{"schema", "export", dir},
		{"schema", "export", dir, "menu.none"},
		{"schema", "export", t.TempDir(), "menu.travels"},
		{"schema", "compare", stored},
		{"schema", "compare", stored, dir},
		{"schema", "compare", stored, stored, stored},
		{"schema", "compare", stored, broken},
		{"schema", "compare", deep, stored},
		{"schema", "compare", stored, filepath.Join(files, "none.json")},
		{"schema", "eat", dir, "menu.travels"},
	} {
		if out, errOut, status := run(t, args...); status != 2 || out != "" || errOut == "" {
			t.Errorf("%q: %q, %q, status %d", args, out, errOut, status)
		}
	}
}
