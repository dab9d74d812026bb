package journal_test

import (
	"context"
	"errors"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal"
	"github.com/newsnet-africa/netabase-go/models"
)

// tabs is an engine whose databases are open in several programs, as in the tabs of a browser.
type tabs struct{ *disk }

func (tabs) Name() string { return "journal" }

func (e tabs) Open(ctx context.Context) (engine.DB, error) {
	p, err := e.open(ctx, journal.Options{CheckpointBytes: 1 << 20})
	if err != nil {
		return nil, err
	}
	return p.db, nil
}

// The models of programs of different age, which have other fields beside the first two.
type (
	note          struct{ ID, Text string }
	titled        struct{ ID, Text, Title string }
	full          struct{ ID, Text, Title, Weight string }
	treeOf[M any] = models.Tree[M, string]
)

func treeOfNotes[M any](id func(*M) string, options ...models.TreeOption[M]) (*treeOf[M], *models.Definition) {
	tree := models.NewTree("note", models.String, id, append(options, models.WithPolicy[M](models.Open))...)
	return tree, models.NewDefinition("press", tree)
}

func openTab(t *testing.T, eng engine.Engine, d *models.Definition) *datastore.Store {
	t.Helper()
	store, err := datastore.Open(t.Context(), eng, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// refuse fails unless a tab cannot open a store with a definition.
func refuse(t *testing.T, eng engine.Engine, d *models.Definition) {
	t.Helper()
	store, err := datastore.Open(t.Context(), eng, d)
	if err == nil {
		store.Close()
	}
	if !errors.Is(err, engine.ErrLocked) {
		t.Errorf("a tab opens it with %v", err)
	}
}

// A model that has changed makes a schema version. Tabs that had the store open would not know it, and two of them
// would give two versions one number.
func TestTabsWithOtherModels(t *testing.T) {
	ctx := t.Context()
	plain, plainly := treeOfNotes(func(n *note) string { return n.ID })
	titles, titledly := treeOfNotes(func(n *titled) string { return n.ID })
	_, both := treeOfNotes(func(n *full) string { return n.ID })
	eng := tabs{newDisk()}

	first := openTab(t, eng, plainly)
	if err := plain.Put(ctx, first, &note{"a", "1"}); err != nil {
		t.Fatal(err)
	}
	refuse(t, eng, titledly)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	first = openTab(t, eng, titledly) // which has not written yet when others come
	refuse(t, eng, both)
	second := openTab(t, eng, titledly)
	if err := titles.Put(ctx, second, &titled{"b", "2", "B"}); err != nil {
		t.Fatal(err)
	}
	if err := titles.Put(ctx, first, &titled{"c", "3", "C"}); err != nil { // which sees all of the other
		t.Fatal(err)
	}
	for id, want := range map[string]titled{"a": {"a", "1", ""}, "b": {"b", "2", "B"}, "c": {"c", "3", "C"}} {
		if got, err := titles.Get(ctx, first, id); err != nil || got != want {
			t.Errorf("there is %v, %v; want %v", got, err, want)
		}
	}
}

// Two tabs would make two dictionaries with one number.
func TestTabsWithCompression(t *testing.T) {
	_, plainly := treeOfNotes(func(n *note) string { return n.ID })
	_, compressed := treeOfNotes(func(n *note) string { return n.ID }, models.WithCompression[note]())
	eng := tabs{newDisk()}
	first := openTab(t, eng, plainly)
	refuse(t, eng, compressed)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	openTab(t, eng, compressed)
	refuse(t, eng, plainly)
	refuse(t, eng, compressed)
}
