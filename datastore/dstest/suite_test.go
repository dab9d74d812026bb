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
	"github.com/newsnet-africa/netabase-go/models"
)

var engines = map[string]func(dir string) engine.Engine{
	"memory": func(string) engine.Engine { return memory.Engine() },
	"bolt": func(dir string) engine.Engine {
		return bolt.Options{Config: engine.Config{Path: dir, NoFsync: true}}.Engine()
	},
	"badger": func(dir string) engine.Engine {
		return badger.Options{Config: engine.Config{Path: dir, NoFsync: true}}.Engine()
	},
}

// traits are those of the datastores of a store.
var traits = dstest.Traits{
	Closed:   models.ErrClosed,
	Conflict: models.ErrConflict,
	ReadOnly: models.ErrReadOnly,
	Ended:    models.ErrTxnDone,
}

func open(eng engine.Engine) (ds.Batching, error) {
	return datastore.OpenDatastore(context.Background(), eng)
}

func TestStore(t *testing.T) {
	itself := traits
	itself.InContext = true
	run(t, open, itself)
}

// run runs the suite on every engine.
func run(t *testing.T, open func(engine.Engine) (ds.Batching, error), traits dstest.Traits) {
	for name, engineAt := range engines {
		t.Run(name, func(t *testing.T) {
			dstest.Run(t, func(t *testing.T) ds.Batching {
				d, err := open(engineAt(t.TempDir()))
				if err != nil {
					t.Fatal(err)
				}
				return d
			}, traits)
			if name != "memory" {
				dstest.RunFiles(t, func(dir string) (ds.Batching, error) { return open(engineAt(dir)) })
			}
		})
	}
}
