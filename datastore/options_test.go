package datastore_test

import (
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestOpenProgress checks that filling a new index tells how far it has come, and
// that an open with nothing to fill tells nothing.
func TestOpenProgress(t *testing.T) {
	const rows = 2500
	eng := memory.Engine()
	open := func(o datastore.OpenOptions, indexed bool) *datastore.Store {
		t.Helper()
		tree := models.NewTree("account", models.Uint64, accountKey)
		if indexed {
			models.NewIndex(tree, "name", models.String, func(a *account) string { return a.Name })
		}
		store, err := datastore.Open(t.Context(), eng, models.NewDefinition("bank", tree), o)
		if err != nil {
			t.Fatal(err)
		}
		if !indexed {
			accounts := make([]account, rows)
			for i := range accounts {
				accounts[i] = account{ID: uint64(i)}
			}
			if err := tree.PutMany(t.Context(), store, accounts); err != nil {
				t.Fatal(err)
			}
		}
		return store
	}
	var told []datastore.OpenProgress
	o := datastore.OpenOptions{Progress: func(p datastore.OpenProgress) { told = append(told, p) }}
	for _, indexed := range []bool{false, true, true} {
		store := open(o, indexed)
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if !indexed && len(told) != 0 {
			t.Errorf("nothing was filled, and told was %+v", told)
		}
	}
	last := int64(0)
	for _, p := range told {
		if p.Tree != "bank.account" || p.Index != "name" || p.Rows < last {
			t.Errorf("%+v after %d rows", p, last)
		}
		last = p.Rows
	}
	if len(told) < 2 || last != rows {
		t.Errorf("%d reports, the last of %d rows", len(told), last)
	}
}
