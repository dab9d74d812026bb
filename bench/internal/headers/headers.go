// Package headers has what go-header's store of headers is compared on: datastores that wait for
// the disk at each write, and a chain of headers.
package headers

import (
	"context"
	"fmt"

	"github.com/dgraph-io/badger/v4/options"
	ds "github.com/ipfs/go-datastore"
	badger4 "github.com/ipfs/go-ds-badger4"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

// Contender is a kind of datastore. It has its own defaults, unless its name says otherwise.
type Contender struct {
	Name string
	Open func(dir string) (ds.Batching, error)
}

// Rival names the datastore that ours are compared with.
const Rival = "go-ds-badger4"

// Contenders are all datastores to compare, ours first.
var Contenders = []Contender{
	{"netabase badger", func(dir string) (ds.Batching, error) {
		return datastore.OpenDatastore(context.Background(), badger.Engine(dir))
	}},
	{"netabase bolt", func(dir string) (ds.Batching, error) {
		return datastore.OpenDatastore(context.Background(), bolt.Engine(dir))
	}},
	{"netabase badger, MemTableMB 64", func(dir string) (ds.Batching, error) {
		opts := badger.Options{Config: engine.Config{Path: dir}, MemTableMB: 64}
		return datastore.OpenDatastore(context.Background(), opts.Engine())
	}},
	{Rival, func(dir string) (ds.Batching, error) { return openBadger4(dir, badger4.DefaultOptions) }},
	{"go-ds-badger4 of celestia-node", func(dir string) (ds.Batching, error) {
		// What constraintBadgerConfig of celestia-node sets, on two processors.
		opts := badger4.DefaultOptions
		opts.ValueThreshold = 512
		opts.ValueLogMaxEntries = 100_000_000
		opts.ChecksumVerificationMode = options.OnBlockRead
		opts.VerifyValueChecksum = true
		opts.BlockCacheSize = 0
		opts.Compression = options.None
		opts.MemTableSize = 16 << 20
		opts.NumMemtables = 3
		opts.NumLevelZeroTables = 3
		opts.NumLevelZeroTablesStall = 5
		opts.NumCompactors = 2
		opts.CompactL0OnClose = true
		return openBadger4(dir, opts)
	}},
}

func openBadger4(dir string, opts badger4.Options) (ds.Batching, error) {
	opts.GcInterval = 0 // it would run while others are measured, or not at all
	opts.SyncWrites = true
	opts.Logger = nil
	return badger4.NewDatastore(dir, &opts)
}

// Find returns the datastore with a name.
func Find(name string) (Contender, error) {
	for _, d := range Contenders {
		if d.Name == name {
			return d, nil
		}
	}
	return Contender{}, fmt.Errorf("there is no contender %q", name)
}
