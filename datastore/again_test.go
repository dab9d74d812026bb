package datastore_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

type member struct {
	ID, Group uint64
	Name      string
}

func memberID(m *member) uint64    { return m.ID }
func memberGroup(m *member) uint64 { return m.Group }
func memberName(m *member) string  { return m.Name }

// handles are those of one tree, declared by one definition.
type handles struct {
	tree       *models.Tree[member, uint64]
	group      *models.Index[member, uint64, uint64]
	name       *models.Unique[member, uint64, string]
	definition *models.Definition
}

func declareMembers() (h handles) {
	h.tree = models.NewTree("member", models.Uint64, memberID)
	h.group = models.NewIndex(h.tree, "group", models.Uint64, memberGroup)
	h.name = models.NewUnique(h.tree, "name", models.String, memberName)
	h.definition = models.NewDefinition("club", h.tree)
	return h
}

func TestTwoHandlesWorkOnOneTree(t *testing.T) {
	first, second := declareMembers(), declareMembers()
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		if err := first.tree.Put(ctx, h, &member{ID: 1, Group: 7, Name: "one"}); err != nil {
			t.Fatal(err)
		}
		h.restart()
		if err := second.tree.Put(ctx, h, &member{ID: 2, Group: 7, Name: "two"}); err != nil {
			t.Fatal(err)
		}
		for name, of := range map[string]handles{"first": first, "second": second} {
			if n, err := of.group.Count(ctx, h, models.Only[uint64](7)); err != nil || n != 2 {
				t.Errorf("the %s index has %d rows: %v", name, n, err)
			}
		}
		// The row that the other handle has put is replaced, its index entries included.
		if err := first.tree.Put(ctx, h, &member{ID: 2, Group: 8, Name: "deux"}); err != nil {
			t.Fatal(err)
		}
		if got, err := second.name.Get(ctx, h, "deux"); err != nil || got.Group != 8 {
			t.Errorf("%+v, %v", got, err)
		}
		if err := second.tree.Put(ctx, h, &member{ID: 3, Name: "one"}); !errors.Is(err, models.ErrUnique) {
			t.Errorf("a name that the other handle has given: %v", err)
		}
		err := h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
			if err := first.tree.Put(ctx, tx, &member{ID: 4, Name: "four"}); err != nil {
				return err
			}
			_, err := second.tree.Get(ctx, tx, 4)
			return err
		})
		if err != nil {
			t.Errorf("both in one transaction: %v", err)
		}
		if err := second.tree.Delete(ctx, h, 1); err != nil {
			t.Fatal(err)
		}
		if has, err := first.tree.Has(ctx, h, 1); err != nil || has {
			t.Errorf("after the other handle deleted the row: %v, %v", has, err)
		}
	}, first.definition, second.definition)
}

func TestTreesDeclaredAgainInAnotherWay(t *testing.T) {
	declare := func(add func(*models.Tree[member, uint64]), options ...models.TreeOption[member]) *models.Definition {
		tree := models.NewTree("member", models.Uint64, memberID, options...)
		add(tree)
		return models.NewDefinition("club", tree)
	}
	byGroup := func(tree *models.Tree[member, uint64]) { models.NewIndex(tree, "group", models.Uint64, memberGroup) }
	byName := func(tree *models.Tree[member, uint64]) { models.NewUnique(tree, "name", models.String, memberName) }
	type other struct{ ID uint32 }
	for want, second := range map[string]*models.Definition{
		"primary key is uint64 in one definition and string in the other": models.NewDefinition("club",
			models.NewTree("member", models.String, memberName)),
		"policy is local in one definition and open in the other": declare(byGroup,
			models.WithPolicy[member](models.Open)),
		"the model is": models.NewDefinition("club",
			models.NewTree("member", models.Uint64, func(o *other) uint64 { return uint64(o.ID) })),
		"index 2 is name (unique, by string, of all rows, not blind) in one definition and missing in": declare(byGroup),
		"index 1 is group (index, by uint64, of all rows, not blind) in one definition and name (unique": declare(
			func(tree *models.Tree[member, uint64]) { byName(tree); byGroup(tree) }),
		"club.more is in the second definition that is named club, and not in the first": models.NewDefinition("club",
			models.NewTree("more", models.Uint64, memberID)),
	} {
		store, err := datastore.Open(t.Context(), memory.Engine(), declareMembers().definition, second)
		var differ *datastore.DefinitionError
		if !errors.As(err, &differ) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: it should say %q", err, want)
		}
		if store != nil {
			t.Errorf("a store was opened: it should say %q", want)
		}
	}
}
