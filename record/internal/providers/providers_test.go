package providers

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// definition is the definition of the stores of these tests.
var definition = models.NewDefinition("libp2p", Trees()...)

// newStore returns provider records without bounds, which file nothing in the background.
func newStore(t *testing.T, store *datastore.Store) *Store {
	t.Helper()
	s, err := New(
		context.Background(),
		store,
		Options{Validity: -1, MaxPerKey: -1, MaxPerPeer: -1, RowBytes: 1 << 20, FileInterval: -1},
	)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// apply makes changes in one transaction.
func apply(t *testing.T, s *Store, changes ...Change) {
	t.Helper()
	b := s.NewBatch()
	defer b.Close()
	err := s.store.UpdateRelaxed(context.Background(), func(ctx context.Context, tx *datastore.WriteTx) error {
		refused, err := b.Apply(ctx, tx, tx, changes)
		if len(refused) > 0 {
			t.Errorf("refused: %v", refused)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Committed()
}

// rawTime is a time as kad-dht puts it.
func rawTime(at time.Time) string { return string(binary.AppendVarint(nil, at.UnixNano())) }

// A process that ends while it files leaves everything that the next one needs. Whichever part
// was the last, each record is then found once by key, by peer and by time.
func TestFilingIsResumed(t *testing.T) {
	for parts := range 80 {
		t.Run(fmt.Sprint(parts, " parts"), func(t *testing.T) {
			ctx := context.Background()
			random := rand.New(rand.NewPCG(uint64(parts), 0))
			store, err := datastore.Open(ctx, memory.Engine(), definition)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			s := newStore(t, store)
			want := map[[2]string]string{}
			put := func() {
				var changes []Change
				for range 150 {
					// One key has more providers than a row takes.
					c := Change{
						Key:  fmt.Sprint("key", max(random.IntN(30)-10, 0)),
						Peer: fmt.Sprint("peer", random.IntN(60)),
					}
					at := [2]string{c.Key, c.Peer}
					if c.Delete = random.IntN(6) == 0; c.Delete {
						delete(want, at)
					} else {
						c.Raw = rawTime(time.Unix(int64(random.IntN(6000)), int64(random.IntN(1e9))))
						want[at] = c.Raw
					}
					changes = append(changes, c)
				}
				apply(t, s, changes...)
			}
			put()
			if err := s.File(ctx); err != nil {
				t.Fatal(err)
			}
			put()
			for range parts {
				if err := s.filePart(ctx, 10); err != nil {
					t.Fatal(err)
				}
			}
			put()
			checkRecords(t, s, want)

			s = newStore(t, store) // without Close
			checkRecords(t, s, want)
			put()
			checkRecords(t, s, want)
			checkClean(t, s)
			if n, err := refLogs.Count(ctx, store, models.Range[uint64]{}); err != nil || n != 0 {
				t.Errorf("%d entries of the log are left, %v", n, err)
			}
			if usage := s.Usage(); usage.Rows != int64(len(want)) {
				t.Errorf("there are %+v, want %d", usage, len(want))
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// checkRecords asks for every key, and for every peer's keys.
func checkRecords(t *testing.T, s *Store, want map[[2]string]string) {
	t.Helper()
	got := map[[2]string]string{}
	for i := range 30 {
		key := fmt.Append(nil, "key", i)
		found, err := s.Of(context.Background(), s.store, key, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range found {
			at := [2]string{string(key), string(r.Peer)}
			if _, twice := got[at]; twice {
				t.Errorf("%q is there twice", at)
			}
			got[at] = string(r.Raw)
		}
	}
	if !maps.Equal(got, want) {
		t.Fatalf("there are %d records, want %d", len(got), len(want))
	}
}

func check(t *testing.T, s *Store) datastore.Report {
	t.Helper()
	var report datastore.Report
	if err := s.Check(context.Background(), &report); err != nil {
		t.Fatal(err)
	}
	return report
}

func checkClean(t *testing.T, s *Store) {
	t.Helper()
	if report := check(t, s); !report.Clean() {
		t.Fatalf("Check: %+v", report)
	}
}

// A read-only store returns all records of a key, whether or not their references are filed.
// references are filed.
func TestReadOnly(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	open := func(readOnly bool) *datastore.Store {
		t.Helper()
		eng := bolt.Options{Config: engine.Config{Path: dir, ReadOnly: readOnly}}.Engine()
		store, err := datastore.Open(ctx, eng, definition)
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	store := open(false)
	raw := rawTime(time.Unix(3600, 0))
	apply(t, newStore(t, store), Change{Key: "key0", Peer: "peer", Raw: raw})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	store = open(true)
	defer store.Close()
	s := newStore(t, store)
	checkRecords(t, s, map[[2]string]string{{"key0", "peer"}: raw})
	for r, err := range s.By(ctx, "peer") {
		t.Errorf("%v is filed, %v", r, err)
	}
	checkClean(t, s)
	var report datastore.Report
	if err := Verify(ctx, store, &report); err != nil || !report.Clean() {
		t.Errorf("Verify: %+v, %v", report, err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// A tree of references equals a map from groups to counts of references, also if a group has so
// many that it is divided.
func TestRefsAgainstMap(t *testing.T) {
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), definition)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := newStore(t, store)
	random := rand.New(rand.NewPCG(1, 2))
	want := map[uint32]map[uint64]int{1: {}, 2: {}, 3: {}}
	divided := uint8(0)
	for round := range 120 {
		err := s.update(ctx, func(t2 *txn) error {
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
			return changes.compact().file(t2, shares, func(made refChanges) error {
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
			if n, err := countRefs(ctx, store, shares, group); err != nil || n != total {
				t.Fatalf("group %d has %d references, %v; want %d", group, n, err, total)
			}
			if head, err := shares.Get(ctx, store, models.MakePair(group, uint32(0))); err == nil {
				divided = max(divided, head.Bits)
			}
			if round%10 != 0 {
				continue
			}
			got := map[uint64]int{}
			for ref, err := range refsIn(ctx, store, shares, models.FirstIs(shares, group)) {
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

// Check finds wrong references, and Repair corrects them.
func TestRepairMakesReferences(t *testing.T) {
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), definition)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := newStore(t, store)
	defer func() { _ = s.Close() }()
	const keys, of = 300, 40
	id := func(i int) peer.ID { return peer.ID(fmt.Sprint("peer", i)) }
	for i := range keys {
		apply(t, s, Change{Key: fmt.Sprint(i), Peer: string(id(i % of)), Raw: rawTime(time.Unix(int64(i)*60, 0))})
	}
	checkClean(t, s)
	change := func(tree *refTree, group uint32, edit func(*refRow)) error {
		return tree.Modify(ctx, store, models.MakePair(group, uint32(0)), func(r *refRow) error { edit(r); return nil })
	}
	for name, damage := range map[string]func() error{
		"shares are gone":   func() error { return shares.Clear(ctx, store) },
		"arrivals are gone": func() error { return arrivals.Clear(ctx, store) },
		"one is missing": func() error {
			return change(shares, 3, func(r *refRow) { r.Refs, r.Count = r.Refs[1:], r.Count-1 })
		},
		"one is of nothing": func() error {
			return change(arrivals, 7, func(r *refRow) { r.Refs = append(r.Refs, r.Refs[len(r.Refs)-1]+1); r.Count++ })
		},
		"one is there twice": func() error {
			return change(shares, 5, func(r *refRow) { r.Refs = slices.Insert(r.Refs, 0, r.Refs[0]); r.Count++ })
		},
		"a count is wrong": func() error { return change(shares, 6, func(r *refRow) { r.Count += 2 }) },
		"a row is gone": func() error {
			return rows.Delete(ctx, store, models.MakePair(s.seed.hash([]byte("17")), uint8(0)))
		},
		"a peer is unknown": func() error { return peers.Delete(ctx, store, 9) },
		"the seed is another": func() error {
			s.seed.Value[0]++
			return seeds.Put(ctx, store, &s.seed)
		},
	} {
		if err := damage(); err != nil {
			t.Fatal(name, err)
		}
		s = newStore(t, store)
		if report := check(t, s); report.Clean() {
			t.Errorf("%s: Check finds nothing", name)
		}
		var report datastore.Report
		if err := Verify(ctx, store, &report); err != nil || report.Clean() || len(report.Damage) == 0 {
			t.Errorf("%s: Verify says %+v, %v", name, report, err)
		}
		report = datastore.Report{}
		if err := s.Repair(ctx, &report); err != nil || report.Left() > 0 || report.Repaired == 0 {
			t.Errorf("%s: Repair says %+v, %v", name, report, err)
		}
		checkClean(t, s)
		left := 0
		for i := range of {
			n, err := s.CountBy(ctx, id(i))
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			for _, err := range s.By(ctx, id(i)) {
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
		if usage := s.Usage(); usage.Rows != int64(left) || left < keys-1-keys/of-1 {
			t.Errorf("%s: %d records are left, %+v", name, left, usage)
		}
	}
}
