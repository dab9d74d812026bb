package datastore_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestKeysInErrors checks that whatever names a key names it as people write it.
func TestKeysInErrors(t *testing.T) {
	ctx, eng := t.Context(), memory.Engine()
	store, err := datastore.Open(ctx, eng, town)
	if err != nil {
		t.Fatal(err)
	}
	one, two := somebody(1), somebody(2)
	one.City = "Łódź, old"
	if err := people.PutMany(ctx, store, []person{one, two}); err != nil {
		t.Fatal(err)
	}
	taken := somebody(3)
	taken.Email = one.Email
	says(t, people.Put(ctx, store, &taken), models.ErrUnique,
		"put town.person/email 1@example.com: unique index violated: row 1 has the key, and row 3 would have it too")
	_, err = byCityAge.Last(ctx, store, models.Only(models.MakePair("a, b", int64(-4))))
	says(t, err, models.ErrNotFound, "town.person/city_age")
	_, err = people.Get(ctx, store, 77)
	says(t, err, models.ErrNotFound, "get town.person 77: ")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	// The row of one is damaged, so its entries point to nothing that can be read.
	changeKeys(t, eng, func(txn engine.WriteTxn, key, value []byte) {
		if len(key) == 9 && bytes.HasSuffix(key, []byte{0, 1}) && bytes.HasPrefix(value, []byte{0, 1, 0xA6}) {
			value[len(value)-1] ^= 1
			if err := txn.Put(key, value); err != nil {
				t.Fatal(err)
			}
		}
	})
	for _, definitions := range [][]*models.Definition{{town}, nil} {
		if store, err = openWith(t, eng, definitions); err != nil {
			t.Fatal(err)
		}
		report, err := datastore.Verify(ctx, store)
		if err != nil {
			t.Fatal(err)
		}
		var damage []string
		for _, d := range report.Damage {
			damage = append(damage, d.String())
		}
		for _, want := range []string{
			"bad row in town.person at 1: ",
			"orphan entry in town.person/name at name 1 of row 1: ",
			"orphan entry in town.person/email at 1@example.com: ",
			`orphan entry in town.person/city_age at "Łódź, old",-4 of row 1: `,
		} {
			if !slices.ContainsFunc(damage, func(d string) bool { return strings.HasPrefix(d, want) }) {
				t.Errorf("%d definitions: nothing begins with %q in\n%s", len(definitions), want, strings.Join(damage, "\n"))
			}
		}
		if definitions != nil {
			for _, err := range people.Range(ctx, store, models.Range[uint64]{}) {
				says(t, err, models.ErrCorrupt, "range town.person 1: ")
				break
			}
			for _, err := range byCityAge.Range(ctx, store, models.From(models.MakePair("Ł", int64(0)))) {
				says(t, err, models.ErrCorrupt, `range town.person/city_age "Łódź, old",-4: row 1: `)
			}
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func openWith(t *testing.T, eng engine.Engine, definitions []*models.Definition) (*datastore.Store, error) {
	t.Helper()
	if definitions == nil {
		return datastore.Open(t.Context(), eng)
	}
	return datastore.Open(t.Context(), eng, definitions[0])
}

func says(t *testing.T, err, is error, text string) {
	t.Helper()
	if !errors.Is(err, is) || !strings.Contains(err.Error(), text) {
		t.Errorf("got error %q, want %q in one that is %q", err, text, is)
	}
}
