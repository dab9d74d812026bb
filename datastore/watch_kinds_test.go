package datastore_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// Blind indexes are watched by a whole key.
func TestWatchBlind(t *testing.T) {
	ctx := t.Context()
	c := newClinic(models.Local)
	s := openLocked(t, memory.Engine(), c.definition)
	defer s.Close()
	put := func(p patient) {
		t.Helper()
		if err := c.patients.Put(ctx, s, &p); err != nil {
			t.Fatal(err)
		}
	}
	put(patient{1, "Lagos", "n1", 30})
	put(patient{2, "Abuja", "n2", 40})
	city, err := c.byCity.Watch(ctx, s, "Lagos", models.WatchOptions{Snapshot: true})
	if err != nil {
		t.Fatal(err)
	}
	number, err := c.byNumber.Watch(ctx, s, "n2", models.WatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for change, err := range city {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%v %d %t %t", change.Kind, change.Key, change.Was, change.Is))
		switch len(got) {
		case 2:
			put(patient{2, "Lagos", "n2", 40})
			put(patient{1, "Abuja", "n1", 30})
			put(patient{1, "Jos", "n1", 30})
			put(patient{2, "Jos", "n3", 41})
		}
		if len(got) == 5 {
			break
		}
	}
	want := []string{
		"snapshot row 1 false true", "snapshot done 0 false false", "changed 2 false true", "changed 1 true false",
		"changed 2 true false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("in the city: %q", got)
	}
	got = nil
	for change, err := range number {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %t %t %d", change.Key, change.Was, change.Is, change.New.Age))
		if !change.Is {
			break
		}
	}
	if want := []string{"2 true true 40", "2 true false 41"}; !slices.Equal(got, want) {
		t.Errorf("with the number: %q", got)
	}
}

// Trees that are watched together are in one order, and the last change of a transaction is the last of
// all trees. A snapshot has one after the other, and changes of those that it has had.
func TestWatchTrees(t *testing.T) {
	type entry struct {
		ID   uint64
		Text string
	}
	newTree := func(name string) *models.Tree[entry, uint64] {
		return models.NewTree(name, models.Uint64, func(e *entry) uint64 { return e.ID })
	}
	first, between, last := newTree("first"), newTree("between"), newTree("last")
	definition := models.NewDefinition("several", first, between, last)
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		put := func(id uint64) {
			t.Helper()
			err := h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
				for _, tree := range []*models.Tree[entry, uint64]{last, between, first} {
					if err := tree.Put(ctx, tx, &entry{id, tree.Name()}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		put(1)
		trees := []models.AnyTree{last, first}
		changes, err := models.WatchTrees(ctx, h.Store, trees, models.WatchOptions{Snapshot: true})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for c, err := range changes {
			switch {
			case err != nil:
				t.Fatal(err)
			case c.Kind == models.SnapshotDone:
				got = append(got, "done")
				put(3)
			default:
				got = append(got, fmt.Sprintf("%v %s %s %t", c.Kind, c.Tree.Name(), c.Tree.FormatKey(c.Key), c.Last))
				if e, err := last.Decode(c.New.Key, c.New.Value); err != nil || e.Text != c.Tree.Name() {
					t.Errorf("%+v, %v", e, err)
				}
			}
			if len(got) == 1 {
				put(2) // the row of the first tree comes as a change, and that of the second with the snapshot
			}
			if c.Last && len(got) > 5 {
				break
			}
		}
		want := []string{
			"snapshot row several.last 1 false", "changed several.last 2 true", "snapshot row several.first 1 false",
			"snapshot row several.first 2 false", "done", "changed several.last 3 false", "changed several.first 3 true",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	}, definition)
}
