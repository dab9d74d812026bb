package record

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// newRecords returns Records that file nothing by themselves.
func newRecords(t *testing.T, store *datastore.Store, opts Options) *Records {
	t.Helper()
	opts.SyncInterval, opts.MaxRecordAge, opts.ProviderValidity = -1, -1, -1
	r, err := New(store, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A process that ends while it files leaves all that the next one needs: whichever
// part was the last, everything is there afterwards, once, and is found by peer and
// by time.
func TestFilingIsResumed(t *testing.T) {
	for parts := range 80 {
		t.Run(fmt.Sprint(parts, " parts"), func(t *testing.T) {
			ctx := context.Background()
			random := rand.New(rand.NewPCG(uint64(parts), 0))
			store, err := datastore.Open(ctx, memory.Engine(), Definition)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			r := newRecords(t, store, Options{})
			want := map[string]string{}
			post := func() {
				batch, err := r.Batch(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for range 150 {
					// One key has more providers than a row takes.
					key := fmt.Sprint("key", max(random.IntN(30)-10, 0))
					id := fmt.Sprint("peer", random.IntN(60))
					path := providerKey([]byte(key), []byte(id))
					if random.IntN(6) == 0 {
						delete(want, path)
						err = batch.Delete(ctx, ds.NewKey(path))
					} else {
						at := time.Unix(int64(random.IntN(6000)), int64(random.IntN(1e9)))
						o := FiledOffer{Nanos: at.UnixNano()}
						want[path] = string(o.appendRaw(nil))
						err = batch.Put(ctx, ds.NewKey(path), []byte(want[path]))
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				if err := batch.Commit(ctx); err != nil {
					t.Fatal(err)
				}
			}
			post()
			if err := r.file(ctx); err != nil {
				t.Fatal(err)
			}
			post()
			for range parts {
				step := r.fileRefsPart
				if random.IntN(2) == 0 {
					step = r.filePart
				}
				if err := step(ctx, 10); err != nil {
					t.Fatal(err)
				}
			}
			post()
			checkOffers(t, r, want)

			r = newRecords(t, store, Options{}) // without Close
			checkOffers(t, r, want)
			post()
			checkOffers(t, r, want)
			if err := r.Check(ctx); err != nil {
				t.Fatal(err)
			}
			checkOffers(t, r, want)
			if n, err := Journal.Count(ctx, store, models.Range[uint64]{}); err != nil || n != 0 {
				t.Errorf("%d postings are left, %v", n, err)
			}
			if n, err := OwedRefs.Count(ctx, store, models.Range[uint64]{}); err != nil || n != 0 {
				t.Errorf("%d rows of references are left, %v", n, err)
			}
			if usage := r.ProviderUsage(); usage.Rows != int64(len(want)) {
				t.Errorf("there are %+v, want %d", usage, len(want))
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// What an earlier process has not filed is there also if the store can only be read.
func TestPendingIsRead(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	open := func(readOnly bool) *datastore.Store {
		t.Helper()
		eng := bolt.Options{Config: engine.Config{Path: dir, ReadOnly: readOnly}}.Engine()
		store, err := datastore.Open(ctx, eng, Definition)
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	store := open(false)
	r := newRecords(t, store, Options{})
	batch, err := r.Batch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	o := FiledOffer{Nanos: int64(time.Hour)}
	path := providerKey([]byte("key0"), []byte("peer"))
	if err := errors.Join(batch.Put(ctx, ds.NewKey(path), o.appendRaw(nil)), batch.Commit(ctx), store.Close()); err != nil {
		t.Fatal(err)
	}

	store = open(true)
	defer store.Close()
	r = newRecords(t, store, Options{})
	checkOffers(t, r, map[string]string{path: string(o.appendRaw(nil))})
	for p, err := range r.ProvidedBy(ctx, "peer") {
		t.Errorf("%v is filed, %v", p, err)
	}
	if err := r.Check(ctx); err != nil {
		t.Errorf("Check: %v", err)
	}
	if report, err := Verify(ctx, store); err != nil || !report.Clean() {
		t.Errorf("Verify: %+v, %v", report, err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// checkOffers asks for every key, which files nothing.
func checkOffers(t *testing.T, r *Records, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for i := range 30 {
		key := fmt.Append(nil, "key", i)
		offers, err := r.offers(context.Background(), r.store, key, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range offers {
			path := providerKey(key, []byte(o.Peer))
			if _, twice := got[path]; twice {
				t.Errorf("%s is there twice", path)
			}
			got[path] = string(o.Raw)
		}
	}
	if !maps.Equal(got, want) {
		t.Fatalf("there are %d offers, want %d", len(got), len(want))
	}
}

// A tree of references is what a map from groups to numbers of references says,
// also where a group has so many that it is divided.
func TestRefsAgainstMap(t *testing.T) {
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), Definition)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r := newRecords(t, store, Options{})
	random := rand.New(rand.NewPCG(1, 2))
	want := map[uint32]map[uint64]int{1: {}, 2: {}, 3: {}}
	divided := uint8(0)
	for round := range 120 {
		err := r.changeRelaxed(ctx, func(l *ledger) error {
			var changes refChanges
			for range 200 {
				group := 1 + random.Uint32N(3)
				of := want[group]
				ref := random.Uint64()
				switch {
				case random.IntN(3) == 0 || round > 60 && random.IntN(3) > 0: // towards the end there are ever fewer
					for ref = range of {
						break
					}
					changes.add(group, ref, -1)
					if of[ref]--; of[ref] <= 0 {
						delete(of, ref)
					}
				case random.IntN(10) == 0:
					n := random.IntN(3)
					changes.add(group, ref, n)
					if n > 0 {
						of[ref] += n
					}
				default:
					changes.add(group, ref, 1)
					of[ref]++
				}
			}
			return changes.compact().file(l, Shares, func(made refChanges) error {
				if group := made[0].group; len(want[group]) > 0 {
					t.Errorf("group %d is said to be empty, and has %d", group, len(want[group]))
				}
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		for group, of := range want {
			total := 0
			for _, n := range of {
				total += n
			}
			if n, err := countRefs(ctx, store, Shares, group); err != nil || n != total {
				t.Fatalf("group %d has %d references, %v; want %d", group, n, err, total)
			}
			if head, err := Shares.Get(ctx, store, models.MakePair(group, uint32(0))); err == nil {
				divided = max(divided, head.Bits)
			}
			if round%10 != 0 {
				continue
			}
			got := map[uint64]int{}
			for ref, err := range refsIn(ctx, store, Shares, models.FirstIs[uint32, uint32](group)) {
				if err != nil {
					t.Fatal(err)
				}
				got[ref.hash] += ref.n
			}
			if !maps.Equal(got, of) {
				t.Fatalf("group %d has other references: %d, want %d", group, len(got), len(of))
			}
		}
	}
	if divided < 3 {
		t.Errorf("no group was divided by more than %d bits", divided)
	}
}

// What becomes wrong with references is found, and made right.
func TestScrubMakesReferences(t *testing.T) {
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), Definition)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r := newRecords(t, store, Options{})
	defer func() { _ = r.Close() }()
	const keys, peers = 300, 40
	id := func(i int) peer.ID { return peer.ID(fmt.Sprint("peer", i)) }
	for i := range keys {
		o := FiledOffer{Nanos: int64(i) * int64(time.Minute)}
		if err := r.Put(ctx, ds.NewKey(providerKey(fmt.Append(nil, i), []byte(id(i%peers)))), o.appendRaw(nil)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Check(ctx); err != nil {
		t.Fatal(err)
	}
	change := func(tree *refTree, group uint32, edit func(*RefSet)) error {
		return tree.Modify(ctx, store, models.MakePair(group, uint32(0)), func(s *RefSet) error { edit(s); return nil })
	}
	for name, damage := range map[string]func() error{
		"shares are gone":   func() error { return Shares.Clear(ctx, store) },
		"arrivals are gone": func() error { return Arrivals.Clear(ctx, store) },
		"one is missing": func() error {
			return change(Shares, 3, func(s *RefSet) { s.Refs, s.Count = s.Refs[1:], s.Count-1 })
		},
		"one is of nothing": func() error {
			return change(Arrivals, 7, func(s *RefSet) { s.Refs = append(s.Refs, s.Refs[len(s.Refs)-1]+1); s.Count++ })
		},
		"one is there twice": func() error {
			return change(Shares, 5, func(s *RefSet) { s.Refs = slices.Insert(s.Refs, 0, s.Refs[0]); s.Count++ })
		},
		"a count is wrong": func() error { return change(Shares, 6, func(s *RefSet) { s.Count += 2 }) },
		"a row is gone": func() error {
			return Providers.Delete(ctx, store, models.MakePair(r.seed.hash([]byte("17")), uint8(0)))
		},
		"a peer is unknown": func() error { return Peers.Delete(ctx, store, 9) },
		"the seed is another": func() error {
			r.seed.Value[0]++
			return Seeds.Put(ctx, store, &r.seed)
		},
	} {
		if err := damage(); err != nil {
			t.Fatal(name, err)
		}
		r.cache = rowCache{limit: 1 << 20}
		clear(r.counts.pages[:])
		r.numbers.number.Purge()
		r.numbers.id = peerIDs{}
		if err := r.Check(ctx); !isDamage(err) {
			t.Errorf("%s: Check says %v", name, err)
		}
		if report, err := Verify(ctx, store); err != nil || report.Clean() || len(report.Damage) == 0 {
			t.Errorf("%s: Verify says %+v, %v", name, report, err)
		}
		if len(name)%2 == 0 {
			if err := r.Scrub(ctx); err != nil {
				t.Errorf("%s: Scrub says %v", name, err)
			}
		} else {
			if report, err := Repair(ctx, store); err != nil || report.Left() > 0 || report.Repaired == 0 {
				t.Errorf("%s: Repair says %+v, %v", name, report, err)
			}
			r = newRecords(t, store, Options{})
		}
		if err := r.Check(ctx); err != nil {
			t.Errorf("%s: after Scrub, Check says %v", name, err)
		}
		left := 0
		for i := range peers {
			n, err := r.CountProvidedBy(ctx, id(i))
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			for _, err := range r.ProvidedBy(ctx, id(i)) {
				if err != nil {
					t.Fatal(err)
				}
				found++
			}
			if found != n {
				t.Errorf("%s: %v provides %d and is counted with %d", name, id(i), found, n)
			}
			left += n
		}
		if usage := r.ProviderUsage(); usage.Rows != int64(left) || left < keys-1-keys/peers-1 {
			t.Errorf("%s: %d offers are left, %+v", name, left, usage)
		}
	}
}
