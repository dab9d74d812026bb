package record_test

import (
	"context"
	"errors"
	"testing"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
	"github.com/multiformats/go-base32"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/record"
)

// TestQueryForeignKeys checks that keys beneath "/providers" which are no
// provider records are found, whenever they were put.
func TestQueryForeignKeys(t *testing.T) {
	store := datastore.Temp(t, memory.Engine(), record.Definition)
	ctx := t.Context()
	foreign := ds.NewKey("/providers/" + base32.RawStdEncoding.EncodeToString([]byte("key")) + "/peer/and/more")
	for _, before := range []bool{true, false} {
		if before {
			if err := store.Datastore().Put(ctx, foreign, nil); err != nil {
				t.Fatal(err)
			}
		}
		records, err := record.New(context.Background(), store, record.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !before {
			if err := records.Put(ctx, foreign, nil); err != nil {
				t.Fatal(err)
			}
		}
		found, err := records.Query(ctx, dsq.Query{Prefix: "/providers/" + base32.RawStdEncoding.EncodeToString([]byte("key")), KeysOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if all, err := found.Rest(); err != nil || len(all) != 1 || all[0].Key != foreign.String() {
			t.Errorf("put before: %t: %v, %v", before, all, err)
		}
		if err := errors.Join(records.Delete(ctx, foreign), records.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
