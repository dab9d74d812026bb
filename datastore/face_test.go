package datastore_test

import (
	"context"
	"testing"

	dstest "github.com/ipfs/go-datastore/test"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
)

func TestFaceSuite(t *testing.T) {
	store, err := datastore.Open(context.Background(), memory.Engine(), town)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	dstest.SubtestAll(t, store.Datastore())
	for _, sub := range dstest.BatchSubtests {
		sub(t, store.Datastore())
	}
}
