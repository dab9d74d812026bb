package record_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/record"
)

// Provider records of a few keys, of which some have more than one row takes, are
// what a map says, whatever is put, deleted and expired in whatever batches.
func TestProvidersAgainstMap(t *testing.T) {
	for seed := range uint64(24) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { providersAgainstMap(t, rand.New(rand.NewPCG(seed, 0))) })
	}
}

func providersAgainstMap(t *testing.T, random *rand.Rand) {
	ctx := context.Background()
	opts := aDay
	opts.Bounds.ProvidersPerKey = []int{-1, 20, 50}[random.IntN(3)]
	r, store := openRecords(t, memory.Engine(), opts)
	now := time.Now()
	want := map[string]map[peer.ID]time.Time{"a": {}, "b": {}, "c": {}}
	peers := []int{3, 40, 120}[random.IntN(3)]
	for range 60 {
		batch, err := r.Batch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for range 1 + random.IntN(40) {
			key := []string{"a", "a", "b", "c"}[random.IntN(4)]
			p := peer.ID(fmt.Sprint("peer", random.IntN(peers)))
			path := providerKey(key, string(p))
			if random.IntN(5) == 0 {
				err = batch.Delete(ctx, path)
				delete(want[key], p)
			} else {
				at := now.Add(-time.Duration(random.IntN(60*30))*time.Minute - 30*time.Second)
				err = batch.Put(ctx, path, providerTime(at))
				_, known := want[key][p]
				if limit := opts.Bounds.ProvidersPerKey; known || limit < 0 || len(want[key]) < limit {
					want[key][p] = at
				}
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		if random.IntN(10) == 0 {
			gone := 0
			for _, of := range want {
				for p, at := range of {
					if at.Before(now.Add(-24 * time.Hour)) {
						delete(of, p)
						gone++
					}
				}
			}
			expire(t, r, gone)
		}
	}
	checkTotals(t, r, store)
	for key, of := range want {
		found, err := r.Query(ctx, dsq.Query{Prefix: ds.NewKey(providerKey(key, "x").String()).Parent().String()})
		if err != nil {
			t.Fatal(err)
		}
		entries, err := found.Rest()
		if err != nil || len(entries) != len(of) {
			t.Fatalf("%s: %d entries, %v; want %d", key, len(entries), err, len(of))
		}
		for p, at := range of {
			path := providerKey(key, string(p))
			if value, err := r.Get(ctx, path); err != nil || !bytes.Equal(value, providerTime(at)) {
				t.Fatalf("%s %s: %x, %v", key, p, value, err)
			}
			if !slices.ContainsFunc(entries, func(e dsq.Entry) bool { return e.Key == path.String() && bytes.Equal(e.Value, providerTime(at)) }) {
				t.Fatalf("the query does not find %s %s", key, p)
			}
		}
		for i := range peers {
			p := peer.ID(fmt.Sprint("peer", i))
			_, known := of[p]
			if has, err := r.Has(ctx, providerKey(key, string(p))); err != nil || has != known {
				t.Fatalf("%s %s is there: %v, %v; want %v", key, p, has, err, known)
			}
		}
	}
	var received []time.Time
	for p, err := range r.ProvidersReceived(ctx, time.Time{}, time.Time{}) {
		if err != nil || !want[string(p.Key)][p.Peer].Equal(p.Received) {
			t.Fatalf("received: %v, %v", p, err)
		}
		received = append(received, p.Received.Truncate(time.Minute))
	}
	if !slices.IsSortedFunc(received, time.Time.Compare) || int64(len(received)) != r.ProviderUsage().Rows {
		t.Fatalf("%d received, in order: %v", len(received), received)
	}
	// Deleted records leave nothing behind.
	for key, of := range want {
		for p := range of {
			if err := r.Delete(ctx, providerKey(key, string(p))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if left := count(t, r, store); left.providers != 0 || r.ProviderUsage() != (record.Usage{}) {
		t.Fatalf("%+v are left, %+v", left, r.ProviderUsage())
	}
}
