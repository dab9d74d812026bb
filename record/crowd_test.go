package record_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
)

// The records of one minute, the keys of one peer and the providers of one key may each
// be far more than a transaction of the engine takes.
func TestCrowds(t *testing.T) {
	if testing.Short() {
		t.Skip("it stores 20,000 provider records")
	}
	ctx := context.Background()
	eng := badger.Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}, MemTableMB: 1}.Engine()
	opts := aDay
	opts.SyncInterval, opts.Bounds.ProvidersPerKey = -1, -1
	r, store := openRecords(t, eng, opts)
	at := time.Now().Add(-25 * time.Hour).Truncate(time.Minute)
	const keys, peers, ofPeer = 9_000, 600, 15
	batch, err := r.Batch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	put := func(key, peer string) {
		if err := batch.Put(ctx, providerKey(key, peer), binary.AppendVarint(nil, at.UnixNano())); err != nil {
			t.Fatal(err)
		}
	}
	for i := range keys {
		put(fmt.Sprint("key ", i), "one peer")
	}
	for i := range peers {
		for j := range ofPeer {
			put(fmt.Sprint("key ", j*peers+i), fmt.Sprint("peer ", i))
		}
		put("one key", fmt.Sprint("peer ", i))
	}
	if err := errors.Join(batch.Commit(ctx), r.Sync(ctx, ds.NewKey("/"))); err != nil {
		t.Fatal(err)
	}
	check := func(ofOne, ofKey int) {
		t.Helper()
		if err := r.Check(ctx); err != nil {
			t.Error(err)
		}
		if n, err := r.CountProvidedBy(ctx, "one peer"); n != ofOne || err != nil {
			t.Errorf("one peer provides %d keys, %v; want %d", n, err, ofOne)
		}
		if n, err := r.CountProvidersOf(ctx, []byte("one key")); n != ofKey || err != nil {
			t.Errorf("one key has %d providers, %v; want %d", n, err, ofKey)
		}
		checkTotals(t, r, store)
	}
	check(keys, peers)
	for _, tree := range providers.Trees() {
		if tree.Name() != "libp2p.share" {
			continue
		}
		for key, err := range tree.Raw().Keys(ctx, store, models.Range[[]byte]{}) {
			if err = errors.Join(err, tree.Raw().Delete(ctx, store, key)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := r.Scrub(ctx); err != nil {
		t.Fatal(err)
	}
	check(keys, peers)
	at = time.Now() // what is put from now on stays
	for i := range peers {
		put("one key", fmt.Sprint("peer ", i))
	}
	for i := range 3000 {
		put(fmt.Sprint("key ", i), "one peer")
	}
	if err := batch.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	check(keys, peers)
	expire(t, r, keys-3000+peers*ofPeer)
	check(3000, peers)
}
