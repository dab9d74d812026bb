package dstest_test

import (
	"context"
	"testing"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/dstest"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
)

func TestStore(t *testing.T) {
	for name, open := range map[string]func(dir string) engine.Engine{
		"memory": func(string) engine.Engine { return memory.Engine() },
		"bolt":   bolt.Engine,
		"badger": badger.Engine,
	} {
		t.Run(name, func(t *testing.T) {
			dstest.Run(t, func(t *testing.T) ds.Batching {
				store, err := datastore.Open(context.Background(), open(t.TempDir()))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := store.Close(); err != nil {
						t.Error(err)
					}
				})
				return store.Datastore()
			})
		})
	}
}
