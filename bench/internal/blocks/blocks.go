// Package blocks opens the datastores that an IPFS node can keep its blocks in, so that they
// can be compared. Each makes every batch durable before it returns. Otherwise each has its own
// defaults.
package blocks

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	ds "github.com/ipfs/go-datastore"
	badger4 "github.com/ipfs/go-ds-badger4"
	flatfs "github.com/ipfs/go-ds-flatfs"
	pebbleds "github.com/ipfs/go-ds-pebble"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

// Store is an open datastore.
type Store struct {
	ds.Batching
	// Collect frees the space of what was deleted.
	Collect func(ctx context.Context) error
	// Close closes the datastore and what it lies in.
	Close func() error
}

// Contender is a kind of datastore.
type Contender struct {
	Name string
	Open func(dir string) (Store, error)
}

// Contenders are all datastores to compare, ours first.
var Contenders = []Contender{
	{"netabase badger", func(dir string) (Store, error) { return ours(badger.Engine(dir)) }},
	{"netabase bolt", func(dir string) (Store, error) { return ours(bolt.Engine(dir)) }},
	{"go-ds-pebble", openPebble},
	{"go-ds-badger4", openBadger4},
	{"go-ds-flatfs", openFlatfs},
}

// Find returns the contender with a name.
func Find(name string) (Contender, error) {
	for _, c := range Contenders {
		if c.Name == name {
			return c, nil
		}
	}
	return Contender{}, fmt.Errorf("there is no contender %q", name)
}

func ours(eng engine.Engine) (Store, error) {
	store, err := datastore.Open(context.Background(), eng)
	if err != nil {
		return Store{}, err
	}
	face := store.Datastore()
	return Store{face, face.CollectGarbage, func() error { return errors.Join(face.Close(), store.Close()) }}, nil
}

func openPebble(dir string) (Store, error) {
	d, err := pebbleds.NewDatastore(dir, pebbleds.WithPebbleWriteOptions(pebble.Sync))
	if err != nil {
		return Store{}, err
	}
	collect := func(ctx context.Context) error { return d.DB.Compact(ctx, []byte{0}, []byte{0xFF}, true) }
	return Store{d, collect, d.Close}, nil
}

func openBadger4(dir string) (Store, error) {
	opts := badger4.DefaultOptions
	opts.GcInterval = 0
	opts.SyncWrites = true
	opts.Logger = nil
	d, err := badger4.NewDatastore(dir, &opts)
	if err != nil {
		return Store{}, err
	}
	collect := func(ctx context.Context) error { return errors.Join(d.DB.Flatten(2), d.CollectGarbage(ctx)) }
	return Store{d, collect, d.Close}, nil
}

func openFlatfs(dir string) (Store, error) {
	d, err := flatfs.CreateOrOpen(dir, flatfs.NextToLast(2), true)
	if err != nil {
		return Store{}, err
	}
	return Store{d, func(context.Context) error { return nil }, d.Close}, nil
}
