package keystore_test

import (
	"context"
	"errors"
	"os"

	ds "github.com/ipfs/go-datastore"
	"github.com/libp2p/go-libp2p-kad-dht/provider/keystore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	ours "github.com/newsnet-africa/netabase-go/record/keystore"
)

// engines are those of NETABASE_SUITE_ENGINE. A path of memory's is one of bolt's.
var engines = map[string]func(path string) engine.Engine{
	"badger": func(path string) engine.Engine {
		return badger.Options{Config: engine.Config{Path: path, NoFsync: true}, MemTableMB: 4}.Engine()
	},
	"bolt": func(path string) engine.Engine {
		return bolt.Options{Config: engine.Config{Path: path, NoFsync: true}}.Engine()
	},
	"memory": func(path string) engine.Engine {
		if path == "" {
			return memory.Engine()
		}
		return bolt.Engine(path)
	},
}

// datastoreOfStore is a datastore that closes its store.
type datastoreOfStore struct {
	ds.Batching
	store *datastore.Store
	path  string // to remove
}

func (d *datastoreOfStore) Close() error {
	err := errors.Join(d.Batching.Close(), d.store.Close())
	if d.path != "" {
		err = errors.Join(err, os.RemoveAll(d.path))
	}
	return err
}

func openAt(path string) (*datastoreOfStore, error) {
	eng := engines[os.Getenv("NETABASE_SUITE_ENGINE")](path)
	store, err := datastore.Open(context.Background(), eng, ours.Definition)
	if err != nil {
		return nil, err
	}
	return &datastoreOfStore{Batching: store.Datastore(), store: store}, nil
}

func init() {
	keystore.NewDatastoreAt = func(path string, _ any) (ds.Batching, error) { return openAt(path) }
	keystore.NewDatastore = func() ds.Batching {
		path := ""
		if os.Getenv("NETABASE_SUITE_ENGINE") != "memory" {
			var err error
			if path, err = os.MkdirTemp("", "keystore"); err != nil {
				panic(err)
			}
		}
		d, err := openAt(path)
		if err != nil {
			panic(err)
		}
		d.path = path
		return d
	}
	keystore.NewOurs = func(d ds.Batching) (keystore.Ours, error) {
		for {
			switch wrapped := d.(type) {
			case *datastoreOfStore:
				return ours.New(context.Background(), wrapped.store, "provide")
			case ds.Shim:
				d = wrapped.Children()[0].(ds.Batching)
			}
		}
	}
}
