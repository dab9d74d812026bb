package datastore_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestRowsExpire has the clock under control: on the memory engine a store runs
// inside a synctest bubble.
func TestRowsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		eng := memory.Engine()
		store, err := datastore.Open(ctx, eng, town)
		if err != nil {
			t.Fatal(err)
		}
		soon := time.Now().Add(1500 * time.Millisecond)
		for i := range uint64(1000) {
			p := somebody(i)
			if err := people.PutUntil(ctx, store, &p, soon.Add(time.Duration(i%2)*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		lasting := somebody(5000)
		if err := people.Put(ctx, store, &lasting); err != nil {
			t.Fatal(err)
		}
		if at, err := people.Expiry(ctx, store, 2); !at.Equal(soon) || err != nil {
			t.Error(at, err)
		}
		if at, err := people.Expiry(ctx, store, 5000); !at.IsZero() || err != nil {
			t.Error(at, err)
		}
		// One is put again and one is told to last.
		again := somebody(0)
		if err := errors.Join(people.Put(ctx, store, &again), people.SetExpiry(ctx, store, 2, time.Time{})); err != nil {
			t.Fatal(err)
		}

		time.Sleep(time.Until(soon) - time.Nanosecond)
		if has, err := people.Has(ctx, store, 4); !has || err != nil {
			t.Error("gone too soon", err)
		}
		time.Sleep(time.Nanosecond)
		if has, err := people.Has(ctx, store, 4); has || err != nil {
			t.Error("still there", err)
		}
		if _, err := byEmail.Get(ctx, store, somebody(4).Email); !errors.Is(err, models.ErrNotFound) {
			t.Error(err)
		}
		heir := somebody(4)
		heir.ID = 6000
		if err := people.Insert(ctx, store, &heir); err != nil {
			t.Error("the address of a row that has expired is not free:", err)
		}

		time.Sleep(5 * time.Second) // the store sweeps by itself
		synctest.Wait()
		want := 500 + 2 + 1 + 1
		if n, err := people.Count(ctx, store, models.Range[uint64]{}); n != want || err != nil {
			t.Errorf("%d rows are left, want %d: %v", n, want, err)
		}
		if n, err := byTag.Count(ctx, store, models.Only("all")); n != want || err != nil {
			t.Errorf("%d entries are left, want %d: %v", n, want, err)
		}
		if report, err := datastore.Verify(ctx, store); err != nil || !report.Clean() {
			t.Errorf("%+v, %v", report, err)
		}

		// The remaining rows expire after a restart.
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		store = datastore.Temp(t, eng, town)
		time.Sleep(time.Hour + time.Minute)
		synctest.Wait()
		if n, err := people.Count(ctx, store, models.Range[uint64]{}); n != 4 || err != nil {
			t.Error(n, err)
		}
	})
}

func TestDatastoreTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		face := datastore.Temp(t, memory.Engine(), town).Datastore()
		a, b := ds.NewKey("/a"), ds.NewKey("/b")
		if err := errors.Join(face.PutWithTTL(ctx, a, []byte("1"), 300*time.Millisecond), face.Put(ctx, b, []byte("2"))); err != nil {
			t.Fatal(err)
		}
		if at, err := face.GetExpiration(ctx, a); !at.Equal(time.Now().Add(300*time.Millisecond)) || err != nil {
			t.Error(at, err)
		}
		if at, err := face.GetExpiration(ctx, b); !at.IsZero() || err != nil {
			t.Error(at, err)
		}
		results, err := face.Query(ctx, dsq.Query{ReturnExpirations: true, KeysOnly: true, Orders: []dsq.Order{dsq.OrderByKey{}}})
		if err != nil {
			t.Fatal(err)
		}
		if entries, err := results.Rest(); err != nil || len(entries) != 2 || entries[0].Expiration.IsZero() || !entries[1].Expiration.IsZero() || entries[0].Value != nil {
			t.Error(entries, err)
		}
		if err := face.SetTTL(ctx, b, time.Minute); err != nil {
			t.Error(err)
		}
		missing := ds.NewKey("/missing")
		if err := face.SetTTL(ctx, missing, time.Minute); err != ds.ErrNotFound {
			t.Error(err)
		}
		if _, err := face.GetExpiration(ctx, missing); err != ds.ErrNotFound {
			t.Error(err)
		}
		if err := face.PutWithTTL(ctx, a, nil, 0); !errors.Is(err, models.ErrInvalid) {
			t.Error(err)
		}
		end := time.Unix(0, math.MaxInt64)
		longest := time.Until(end) // a bubble begins in the year 2000
		if err := face.PutWithTTL(ctx, missing, nil, longest+1); !errors.Is(err, models.ErrInvalid) {
			t.Error(err)
		}
		if err := face.SetTTL(ctx, b, longest+1); !errors.Is(err, models.ErrInvalid) {
			t.Error(err)
		}
		if err := face.PutWithTTL(ctx, missing, nil, longest); err != nil {
			t.Error(err)
		}
		if at, err := face.GetExpiration(ctx, missing); !at.Equal(end) || err != nil {
			t.Error(at, err)
		}
		if err := face.Delete(ctx, missing); err != nil {
			t.Error(err)
		}
		time.Sleep(300 * time.Millisecond)
		if _, err := face.Get(ctx, a); err != ds.ErrNotFound {
			t.Error(err)
		}
		if got := keysOf(t, face, dsq.Query{KeysOnly: true}); len(got) != 1 || got[0] != "/b" {
			t.Error(got)
		}
		time.Sleep(time.Minute)
		if has, err := face.Has(ctx, b); has || err != nil {
			t.Error(has, err)
		}
	})
}

// refreshRounds says, in the environment, how often TestRefreshBesideTheSweep does so on
// each engine.
const refreshRounds = "NETABASE_REFRESH_ROUNDS"

// TestRefreshBesideTheSweep refreshes rows that have expired while they are being
// swept away: what was put last has to be there.
func TestRefreshBesideTheSweep(t *testing.T) {
	rounds := roundsOf(t, refreshRounds, 15, 5)
	onEveryEngine(t, func(t *testing.T, h *harness) {
		if h.restarts && !testing.Short() {
			t.Skip("one run tells as much")
		}
		const rows = 64
		ctx := context.Background()
		for round := range rounds {
			past := time.Now().Add(-time.Second)
			for i := range uint64(rows) {
				p := somebody(i)
				err := h.UpdateRelaxed(ctx, func(ctx context.Context, tx *datastore.WriteTx) error { return people.PutUntil(ctx, tx, &p, past) })
				if err != nil {
					t.Fatal(err)
				}
				if err := h.Datastore().PutWithTTL(ctx, ds.NewKey(fmt.Sprint("/", i)), nil, time.Nanosecond); err != nil {
					t.Fatal(err)
				}
			}
			var wg sync.WaitGroup
			var swept atomic.Int64
			wg.Go(func() {
				for range 4 {
					n, err := h.Expire(ctx)
					if err != nil && !errors.Is(err, models.ErrConflict) {
						t.Error(err)
					}
					swept.Add(int64(n))
				}
			})
			wg.Go(func() {
				for i := range uint64(rows) {
					p := somebody(i)
					if err := people.PutUntil(ctx, h.Store, &p, time.Now().Add(time.Hour)); err != nil {
						t.Error(err)
					}
					if err := h.Datastore().PutWithTTL(ctx, ds.NewKey(fmt.Sprint("/", i)), []byte("new"), time.Hour); err != nil {
						t.Error(err)
					}
				}
			})
			wg.Wait()
			for i := range uint64(rows) {
				if has, err := people.Has(ctx, h.Store, i); !has || err != nil {
					t.Fatalf("round %d: row %d is lost: %v", round, i, err)
				}
				if value, err := h.Datastore().Get(ctx, ds.NewKey(fmt.Sprint("/", i))); string(value) != "new" || err != nil {
					t.Fatalf("round %d: key %d is lost: %v", round, i, err)
				}
			}
			if t.Failed() {
				return
			}
		}
	}, town)
}
