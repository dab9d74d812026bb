package keystore_test

import (
	"bytes"
	"errors"
	"maps"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned/versionedtest"
	"github.com/newsnet-africa/netabase-go/record/keystore"
)

// A row of a newer version is neither damage nor changed, whatever is asked of the key store.
func TestRowsOfANewerVersion(t *testing.T) {
	store := datastore.Temp(t, memory.Engine(), keystore.Definition)
	k := open(t, store, "provide")
	if _, err := k.Put(t.Context(), hashes(0, 10)...); err != nil {
		t.Fatal(err)
	}
	tree := keystore.Definition.Trees()[0]
	for key, value := range versionedtest.Rows(t, store, tree) {
		if len(value) == 0 || value[0] != 1 {
			t.Errorf("row %x is %x", key, value)
		}
	}
	versionedtest.Set(t, store, tree, 2)
	before := versionedtest.Rows(t, store, tree)
	_, get := k.Get(t.Context(), "")
	_, put := k.Put(t.Context(), hashes(0, 20)...)
	for call, err := range map[string]error{
		"Get": get, "Put": put, "Delete": k.Delete(t.Context(), hashes(0, 10)...), "Empty": k.Empty(t.Context()),
		"ResetCids": k.ResetCids(t.Context(), channel(hashes(5, 10))),
	} {
		if !errors.Is(err, models.ErrVersion) || errors.Is(err, models.ErrCorrupt) {
			t.Errorf("%s: %v", call, err)
		}
	}
	if after := versionedtest.Rows(t, store, tree); !maps.EqualFunc(before, after, bytes.Equal) {
		t.Errorf("%d rows are %d", len(before), len(after))
	}
}
