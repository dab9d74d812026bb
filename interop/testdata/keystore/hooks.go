package keystore

import (
	"context"

	"github.com/ipfs/go-cid"
	ds "github.com/ipfs/go-datastore"
)

// The other files of the suite set these.
var (
	// NewDatastore takes the place of ds.NewMapDatastore, and NewDatastoreAt that of
	// pebble.NewDatastore, in kad-dht's tests.
	NewDatastore   func() ds.Batching
	NewDatastoreAt func(path string, options any) (ds.Batching, error)
	// NewOurs returns our key store in the store of a datastore that NewDatastore returned.
	NewOurs func(d ds.Batching) (Ours, error)
)

// Ours is what kad-dht's tests call of our key store.
type Ours interface {
	Keystore
	ResetCids(ctx context.Context, cids <-chan cid.Cid) error
}
