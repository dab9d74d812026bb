package dstest_test

import (
	"context"
	"errors"
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

// closing is a datastore that is closed with its store.
type closing struct {
	*datastore.Face
	store *datastore.Store
}

func (c closing) Close() error { return errors.Join(c.Face.Close(), c.store.Close()) }

func open(eng engine.Engine) (ds.Batching, error) {
	store, err := datastore.Open(context.Background(), eng)
	if err != nil {
		return nil, err
	}
	return closing{store.Datastore(), store}, nil
}

func TestStore(t *testing.T) { run(t, open, traits) }

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
