package providers

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
)

// Expire removes the expired records and no other, also if it needs several transactions,
// whether it finds the rows in memory or not, and whether a key keeps some of its records.
func TestExpireInSeveralTransactions(t *testing.T) {
	for name, rowBytes := range map[string]int{"rows in memory": 16 << 20, "no rows in memory": 0} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			store, err := datastore.Open(ctx, memory.Engine(), definition)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			s, err := New(ctx, store, Options{
				Validity: time.Hour, MaxPerKey: -1, MaxPerPeer: -1, RowBytes: rowBytes, FileInterval: -1,
			})
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now()
			var changes []Change
			want, expired := map[[2]string]string{}, 0
			for key := range 2*atOnce + 100 {
				providers := key % 4
				if key == 7 { // more than one row, and more than one transaction
					providers = 2*atOnce + 1
				}
				for i := range providers {
					c := Change{Key: fmt.Sprint("key", key), Peer: fmt.Sprint("peer", i), Raw: rawTime(now)}
					if (key+i)%3 > 0 {
						c.Raw = rawTime(now.Add(-time.Hour - time.Duration(i%5)*time.Minute - 1))
						expired++
					} else {
						want[[2]string{c.Key, c.Peer}] = c.Raw
					}
					changes = append(changes, c)
				}
			}
			apply(t, s, changes...)
			if n, err := s.Expire(ctx, now); n != expired || err != nil {
				t.Errorf("Expire = %d, %v, want %d", n, err, expired)
			}
			got := map[[2]string]string{}
			for r, err := range s.All(ctx, store, nil) {
				if err != nil {
					t.Fatal(err)
				}
				got[[2]string{string(r.Key), string(r.Peer)}] = string(r.Raw)
			}
			if !maps.Equal(got, want) {
				t.Errorf("%d records are left, want %d", len(got), len(want))
			}
			for key := range 2*atOnce + 100 { // as lookups find them
				for i, r := range mustFind(t, s, fmt.Sprint("key", key)) {
					if want[[2]string{string(r.Key), string(r.Peer)}] != string(r.Raw) {
						t.Fatalf("key %d, provider %d: %+v is not to be there", key, i, r)
					}
				}
			}
			checkClean(t, s)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			checkClean(t, s)
		})
	}
}

// mustFind returns the provider records of a key.
func mustFind(t *testing.T, s *Store, key string) []Record {
	t.Helper()
	found, err := s.Of(context.Background(), s.store, []byte(key), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
