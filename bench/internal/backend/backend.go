// Package backend opens the datastores that kad-dht can use, so that they can be compared. None
// waits for the disk at each write, because a DHT node can lose its last records. Otherwise
// each has its own defaults.
package backend

import (
	"context"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	ds "github.com/ipfs/go-datastore"
	badger4 "github.com/ipfs/go-ds-badger4"
	flatfs "github.com/ipfs/go-ds-flatfs"
	leveldb "github.com/ipfs/go-ds-leveldb"
	pebbleds "github.com/ipfs/go-ds-pebble"
	"github.com/syndtr/goleveldb/leveldb/util"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/record"
)

// Store is an open datastore.
type Store interface {
	ds.Batching
	// Expire removes the provider records that are older than validity.
	Expire(ctx context.Context, validity time.Duration) error
	// Compact frees as much space as it can.
	Compact(ctx context.Context) error
}

// Backend is a kind of datastore.
type Backend struct {
	Name string
	Open func(dir string) (Store, error)
	// Queries is false if the datastore has to read everything to answer a query below a
	// prefix.
	Queries bool
}

// Backends are all backends to compare, ours first.
var Backends = []Backend{
	{"netabase badger", func(dir string) (Store, error) { return open(badger.Engine(dir)) }, true},
	{"netabase bolt", func(dir string) (Store, error) { return open(bolt.Engine(dir)) }, true},
	{"go-ds-badger4", openBadger4, true},
	{"go-ds-pebble", openPebble, true},
	{"go-ds-leveldb", openLevelDB, true},
	{"go-ds-flatfs", openFlatfs, false},
	{"floor", func(string) (Store, error) { return newFloor(), nil }, true},
}

// Find returns the backend with a name.
func Find(name string) (Backend, error) {
	for _, b := range Backends {
		if b.Name == name {
			return b, nil
		}
	}
	return Backend{}, fmt.Errorf("there is no backend %q", name)
}

// ours is record.Records with the store beneath, as DHTOptions sets it up.
type ours struct {
	*record.Records
	store *datastore.Store
}

func open(eng engine.Engine) (Store, error) {
	store, err := datastore.Open(context.Background(), eng, record.Definition)
	if err != nil {
		return nil, err
	}
	// The bounds are the defaults, except those that the data would reach.
	r, err := record.New(context.Background(), store,
		record.Options{Bounds: record.Bounds{Providers: -1, Records: -1, Bytes: -1}})
	if err != nil {
		store.Close()
		return nil, err
	}
	return ours{r, store}, nil
}

func (o ours) Expire(ctx context.Context, _ time.Duration) error {
	_, err := o.Records.Expire(ctx)
	return err
}

func (o ours) Compact(ctx context.Context) error { return o.store.Compact(ctx) }

func (o ours) Close() error {
	if err := o.Records.Close(); err != nil {
		return err
	}
	return o.store.Close()
}

// scanning is a datastore of others. It expires records as kad-dht does.
type scanning struct {
	ds.Batching
	compact func(context.Context) error
}

func (s scanning) Expire(ctx context.Context, validity time.Duration) error {
	return sweep(ctx, s.Batching, validity)
}

func (s scanning) Compact(ctx context.Context) error {
	if s.compact == nil {
		return nil
	}
	return s.compact(ctx)
}

func openBadger4(dir string) (Store, error) {
	opts := badger4.DefaultOptions
	opts.GcInterval = 0
	opts.SyncWrites = false
	opts.Logger = nil
	d, err := badger4.NewDatastore(dir, &opts)
	if err != nil {
		return nil, err
	}
	return scanning{d, func(context.Context) error { return d.DB.Flatten(2) }}, nil
}

func openPebble(dir string) (Store, error) {
	d, err := pebbleds.NewDatastore(dir, pebbleds.WithPebbleWriteOptions(pebble.NoSync))
	if err != nil {
		return nil, err
	}
	return scanning{d, func(ctx context.Context) error { return d.DB.Compact(ctx, []byte{0}, []byte{0xFF}, true) }}, nil
}

func openLevelDB(dir string) (Store, error) {
	d, err := leveldb.NewDatastore(dir, &leveldb.Options{NoSync: true})
	if err != nil {
		return nil, err
	}
	return scanning{d, func(context.Context) error { return d.DB.CompactRange(util.Range{}) }}, nil
}

func openFlatfs(dir string) (Store, error) {
	d, err := flatfs.CreateOrOpen(dir, flatfs.NextToLast(2), false)
	if err != nil {
		return nil, err
	}
	return scanning{flat(d), nil}, nil
}
