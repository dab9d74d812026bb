package backend

import (
	"context"
	"encoding/binary"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
)

// sweepBatch is how many deletes kad-dht v0.42.2 commits at a time.
const sweepBatch = 256

// sweep removes the provider records that are older than validity. It does so as kad-dht's
// provider manager does, whose sweep cannot be called alone: it reads all records.
func sweep(ctx context.Context, store ds.Batching, validity time.Duration) error {
	found, err := store.Query(ctx, dsq.Query{Prefix: "/providers/"})
	if err != nil {
		return err
	}
	defer found.Close()
	batch, err := store.Batch(ctx)
	if err != nil {
		return err
	}
	now, deletes := time.Now(), 0
	for entry := range found.Next() {
		if entry.Error != nil {
			return entry.Error
		}
		nanos, n := binary.Varint(entry.Value)
		if n > 0 && now.Sub(time.Unix(0, nanos)) <= validity {
			continue
		}
		if err := batch.Delete(ctx, ds.RawKey(entry.Key)); err != nil {
			return err
		}
		if deletes++; deletes%sweepBatch != 0 {
			continue
		}
		if err := batch.Commit(ctx); err != nil {
			return err
		}
		if batch, err = store.Batch(ctx); err != nil {
			return err
		}
	}
	return batch.Commit(ctx)
}
