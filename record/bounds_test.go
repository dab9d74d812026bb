package record_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// checkTotals counts everything and compares that with what Records say.
func checkTotals(t testing.TB, r *record.Records, store *datastore.Store) {
	t.Helper()
	ctx := context.Background()
	var providers, records record.Usage
	ofKey, ofPeer := map[string]int{}, map[peer.ID]int{}
	if err := r.Sync(ctx, ds.NewKey("/")); err != nil {
		t.Fatal(err)
	}
	for p, err := range r.ProvidersReceived(ctx, time.Time{}, time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		providers.Rows++
		providers.Bytes += int64(len(p.Key) + len(p.Peer) + len(p.Raw))
		ofKey[string(p.Key)]++
		ofPeer[p.Peer]++
	}
	for v, err := range record.Values.All(ctx, store) {
		if err != nil {
			t.Fatal(err)
		}
		records.Rows++
		records.Bytes += int64(len(v.Key) + len(v.Raw))
	}
	for receipt, err := range receipts.Tree.All(ctx, store) {
		if err != nil {
			t.Fatal(err)
		}
		if receipt.Origin == receipts.Stranger {
			records.Rows++
			records.Bytes += int64(len(receipt.Key)) + int64(receipt.Size)
		}
	}
	if got := r.ProviderUsage(); got != providers {
		t.Errorf("the usage of providers is %+v, want %+v", got, providers)
	}
	if got := r.RecordUsage(); got != records {
		t.Errorf("the usage of records is %+v, want %+v", got, records)
	}
	for key, want := range ofKey {
		if n, err := r.CountProvidersOf(ctx, []byte(key)); err != nil || n != want {
			t.Errorf("%q has %d providers, %v; want %d", key, n, err, want)
		}
	}
	for p, want := range ofPeer {
		if n, err := r.CountProvidedBy(ctx, p); err != nil || n != want {
			t.Errorf("%q provides %d keys, %v; want %d", string(p), n, err, want)
		}
	}
}

// The totals are right whatever is done, by whom and in what order.
func TestTotals(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		opts := aDay
		opts.Models = []*models.Definition{Blog}
		opts.Bounds = record.Bounds{Records: 30, Providers: 40, ProvidersPerKey: 8, KeysPerPeer: 6, Bytes: 80 << 10}
		r, store := openRecords(t, eng, opts)
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				random := rand.New(rand.NewPCG(1, 2))
				for i := range 200 {
					at := time.Now().Add(-time.Duration(random.IntN(30)) * time.Hour)
					u := User{ID: random.Uint64N(20), Version: uint64(i)}
					u.Username = fmt.Sprint(u.ID, " ", random.IntN(3))
					userKey := dsKey("blog.user", record.Key(Users, u.ID))
					pk := fmt.Sprint("/pk/", random.IntN(20))
					provider := providerKey(fmt.Sprint("key", random.IntN(6)), fmt.Sprint("peer", random.IntN(12)))
					var err error
					switch random.IntN(9) {
					case 0, 1, 2:
						err = r.Put(ctx, provider, providerTime(at))
					case 3:
						err = r.Put(ctx, dsKey("pk", pk), kadRecord(t, pk, make([]byte, random.IntN(8000)), at))
					case 4:
						err = r.Put(ctx, userKey, receivedAt(t, u, at))
					case 5:
						err = errors.Join(r.Delete(ctx, provider), r.Delete(ctx, userKey), r.Delete(ctx, dsKey("pk", pk)))
					case 6:
						err = Users.Put(ctx, store, &u)
					case 7:
						_, err = r.Expire(ctx)
					case 8:
						batch, _ := r.Batch(ctx)
						err = errors.Join(batch.Put(ctx, userKey, receivedAt(t, u, at)), batch.Put(ctx, provider, providerTime(at)), batch.Commit(ctx))
					}
					for _, fine := range []error{record.ErrFull, record.ErrOldRecord, models.ErrUnique} {
						if errors.Is(err, fine) {
							err = nil
						}
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		checkTotals(t, r, store)
		records, providers := r.RecordUsage(), r.ProviderUsage()
		if records.Rows > 30 || providers.Rows > 40 || records.Bytes+providers.Bytes > 80<<10 {
			t.Errorf("there are %+v and %+v", records, providers)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := record.New(context.Background(), store, opts)
		if err != nil {
			t.Fatal(err)
		}
		if again.RecordUsage() != records || again.ProviderUsage() != providers {
			t.Errorf("after a restart: %+v and %+v, there were %+v and %+v", again.RecordUsage(), again.ProviderUsage(), records, providers)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// forgetTotals has a store be as one that a process has left that was not closed.
func forgetTotals(t testing.TB, store *datastore.Store) {
	t.Helper()
	for _, tree := range record.Definition.Trees() {
		if tree.Name() != "libp2p.total" {
			continue
		}
		for key, err := range tree.Raw().Keys(context.Background(), store, models.Range[[]byte]{}) {
			if err == nil {
				err = tree.Raw().Delete(context.Background(), store, key)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A process that has not closed its records leaves no total of them, and the next
// one counts.
func TestTotalsAfterCrash(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		opts := aDay
		opts.Models = []*models.Definition{Blog}
		r, store := openRecords(t, eng, opts)
		for i := range 20 {
			putAll(t, r, i, time.Now())
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		for round := range 3 {
			forgetTotals(t, store)
			next, err := record.New(context.Background(), store, opts)
			if err != nil {
				t.Fatal(err)
			}
			putAll(t, next, 1000+round, time.Now()) // which may come before the count has ended
			want := int64(2 * (21 + 2*round))
			eventually(t, fmt.Sprintf("process %d counts %d records", round, want), func() bool { return next.RecordUsage().Rows == want })
			checkTotals(t, next, store)
			putAll(t, next, 20+round, time.Now())
			if err := next.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestProvidersPerKeyAndPeer(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		opts := aDay
		opts.Bounds = record.Bounds{ProvidersPerKey: 3, KeysPerPeer: 2}
		r, store := openRecords(t, eng, opts)
		now := time.Now()
		put := func(key, peer string, want error) {
			t.Helper()
			if err := r.Put(ctx, providerKey(key, peer), providerTime(now)); !errors.Is(err, want) {
				t.Errorf("%s by %s: %v, want %v", key, peer, err, want)
			}
			now = now.Add(1)
		}
		for _, p := range []string{"a", "b", "c"} {
			put("k1", p, nil)
		}
		put("k1", "d", record.ErrFull)
		put("k1", "b", nil) // a known one comes again
		put("k2", "a", nil)
		put("k3", "a", record.ErrFull)
		put("k2", "a", nil)
		var bound *record.BoundError
		if err := r.Put(ctx, providerKey("k1", "e"), providerTime(now)); !errors.As(err, &bound) || bound.Limit != 3 {
			t.Errorf("the error is %v", err)
		}
		// In a batch they are left out, and everything else is there.
		batch, err := r.Batch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{"x", "a", "y"} {
			if err := errors.Join(batch.Put(ctx, providerKey("k1", p), providerTime(now)), batch.Put(ctx, providerKey("k4"+p, "z"+p), providerTime(now))); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Commit(ctx); err != nil {
			t.Error(err)
		}
		if n, err := r.CountProvidersOf(ctx, []byte("k1")); err != nil || n != 3 {
			t.Errorf("k1 has %+v, %v", n, err)
		}
		if n, err := r.CountProvidedBy(ctx, peer.ID("a")); err != nil || n != 2 {
			t.Errorf("a has %+v, %v", n, err)
		}
		if n, err := r.CountProvidersOf(ctx, []byte("k4y")); err != nil || n != 1 {
			t.Errorf("k4y has %+v, %v", n, err)
		}
		// Where one goes there is room for another.
		if err := r.Delete(ctx, providerKey("k1", "c")); err != nil {
			t.Error(err)
		}
		put("k1", "d", nil)
		checkTotals(t, r, store)
	})
}

// Each bound drops the oldest records first, and the program's own rows stay.
func TestEviction(t *testing.T) {
	start := time.Now().Add(-time.Hour)
	for name, test := range map[string]struct {
		bounds record.Bounds
		left   tally
	}{
		"records":   {record.Bounds{Records: 10}, tally{50, 5, 6, 6}},
		"providers": {record.Bounds{Providers: 10}, tally{10, 50, 51, 51}},
		"bytes":     {record.Bounds{Bytes: 70 << 10}, tally{0, 1, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
				opts := aDay
				opts.Bounds = test.bounds
				r, store := openRecords(t, eng, opts)
				own := User{ID: 1000, Username: "own"}
				if err := Users.Put(context.Background(), store, &own); err != nil {
					t.Fatal(err)
				}
				mustPut(t, r, dsKey("blog.user", record.Key(Users, own.ID)), receivedAt(t, own, start))
				for i := range 50 {
					putAll(t, r, i, start.Add(time.Duration(i)*time.Second))
				}
				if test.bounds.Bytes > 0 {
					// Two of which the store can hold one: all else goes, since
					// it is older, and the first of the two.
					for _, big := range []string{"/pk/big1", "/pk/big2"} {
						mustPut(t, r, dsKey("pk", big), kadRecord(t, big, make([]byte, 60<<10), time.Now()))
					}
					if used := r.RecordUsage().Bytes + r.ProviderUsage().Bytes; used > test.bounds.Bytes {
						t.Errorf("%d bytes are used", used)
					}
				} else if mustGet(t, r, dsKey("pk", "/pk/49")) == nil {
					t.Error("the newest value is gone")
				}
				if n := count(t, r, store); n != test.left {
					t.Errorf("left are %+v, want %+v", n, test.left)
				}
				if got := user(t, store, own.ID); got != own {
					t.Errorf("the program's own row is %+v", got)
				}
				checkTotals(t, r, store)
			})
		})
	}
}

// A store with more than its bounds allow comes below them as it is used.
func TestLoweredBounds(t *testing.T) {
	r, store := openRecords(t, memory.Engine(), aDay)
	batch, err := r.Batch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		if err := batch.Put(context.Background(), providerKey(fmt.Sprint("key", i), "p"), providerTime(time.Now())); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	opts := aDay
	opts.Bounds.Providers = 100
	lower, err := record.New(context.Background(), store, opts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		mustPut(t, lower, providerKey("new", fmt.Sprint(i)), providerTime(time.Now()))
	}
	if n := lower.ProviderUsage().Rows; n != 100 {
		t.Errorf("%d are left, want 100", n)
	}
	checkTotals(t, lower, store)
	if err := lower.Close(); err != nil {
		t.Fatal(err)
	}
}
