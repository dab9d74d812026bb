package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ds "github.com/ipfs/go-datastore"
	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dynamic"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// leaf is a row of a tree whose deletions travel. At counts seconds.
type leaf struct {
	ID   uint64
	Text string
	At   uint64
}

func leafID(l *leaf) uint64 { return l.ID }

// leavesWith declares a tree of leaves in a definition of its own.
func leavesWith(options ...models.TreeOption[leaf]) (*models.Tree[leaf, uint64], *models.Definition) {
	options = append([]models.TreeOption[leaf]{
		models.KeyFields[leaf]("ID"), models.WithClock(func(l *leaf) uint64 { return l.At }), models.ClockField[leaf]("At"),
	}, options...)
	tree := models.NewTree("leaf", models.Uint64, leafID, options...)
	return tree, models.NewDefinition("wood", tree)
}

const leafAge = 24 * time.Hour

var (
	// leaves has no index, and fallen has one. Standing has no tombstones.
	leaves, wood = leavesWith(models.WithPolicy[leaf](models.Open), models.WithTombstones[leaf](leafAge, time.Second))
	fallen       = models.NewTree("fallen", models.Uint64, leafID, models.WithPolicy[leaf](models.Open),
		models.WithClock(func(l *leaf) uint64 { return l.At }), models.WithTombstones[leaf](leafAge, time.Second))
	fallenByText        = models.NewIndex(fallen, "text", models.String, func(l *leaf) string { return l.Text })
	ground              = models.NewDefinition("ground", fallen)
	standing, standings = leavesWith(models.WithPolicy[leaf](models.Open))
)

// tombstonesOf returns the clocks of the tombstones of a tree, by key, and its floor, -1 without one.
func tombstonesOf(t testing.TB, s *datastore.Store, of models.AnyTree, keys uint64) (clocks map[uint64]uint64, floor int64) {
	t.Helper()
	ses, err := s.BeginRead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer ses.End()
	place := ses.Place(of.Core())
	clocks = map[uint64]uint64{}
	for id := range keys {
		found, ok, err := place.Tombstone(ses, models.Uint64.AppendLast(nil, id))
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			clocks[id] = found.Clock
		}
	}
	at, found, err := place.Floor(ses)
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		return clocks, -1
	}
	return clocks, int64(at)
}

// Whatever a program does, the tombstones are of the rows that it has deleted last.
func TestTombstones(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		for _, tree := range []*models.Tree[leaf, uint64]{leaves, fallen} {
			rapid.Check(t, func(r *rapid.T) { tombstonesFollow(t, r, h, tree) })
			if err := tree.Clear(t.Context(), h); err != nil {
				t.Fatal(err)
			}
		}
	}, wood, ground)
}

func tombstonesFollow(t *testing.T, r *rapid.T, h *harness, tree *models.Tree[leaf, uint64]) {
	ctx := t.Context()
	const keys = 4
	want, _ := tombstonesOf(t, h.Store, tree, keys)
	rows := map[uint64]uint64{} // with the clocks
	for l, err := range tree.All(ctx, h) {
		if err != nil {
			t.Fatal(err)
		}
		rows[l.ID] = l.At
	}
	remove := func(id uint64) {
		if at, found := rows[id]; found {
			want[id] = at
			delete(rows, id)
		}
	}
	stop := errors.New("stop")
	for range rapid.IntRange(1, 6).Draw(r, "steps") {
		id := rapid.Uint64Range(0, keys-1).Draw(r, "id")
		at := rapid.Uint64Range(0, 9).Draw(r, "at")
		l := leaf{id, fmt.Sprint(at % 3), at}
		var err error
		switch op := rapid.SampledFrom([]string{
			"put", "upsert", "import", "delete", "drop", "range", "index", "face", "undone", "both", "expired",
		}).Draw(r, "op"); op {
		case "put":
			err = tree.Put(ctx, h, &l)
			rows[id] = at
			delete(want, id)
		case "upsert":
			err = tree.Upsert(ctx, h, id, func(m *leaf, _ bool) (bool, error) { *m = l; return true, nil })
			rows[id] = at
			delete(want, id)
		case "import":
			_, err = datastore.Import(ctx, h.Store, tree, func(yield func(leaf, error) bool) { yield(l, nil) })
			rows[id] = at
			delete(want, id)
		case "delete":
			err = tree.Delete(ctx, h, id)
			remove(id)
		case "drop":
			err = tree.Upsert(ctx, h, id, func(*leaf, bool) (bool, error) { return false, nil })
			remove(id)
		case "range":
			_, err = tree.DeleteRange(ctx, h, models.From(id))
			for id := id; id < keys; id++ {
				remove(id)
			}
		case "index":
			if tree == fallen {
				_, err = fallenByText.DeleteRange(ctx, h, models.Only(l.Text))
				for id, at := range maps.Clone(rows) {
					if fmt.Sprint(at%3) == l.Text {
						remove(id)
					}
				}
			}
		case "face":
			err = h.Store.Datastore().Delete(ctx, ds.NewKey("/"+tree.Name()+"/primary/"+tree.PathText(id)))
			remove(id)
		case "undone":
			err = h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
				return errors.Join(tree.Delete(ctx, tx, id), tree.Put(ctx, tx, &leaf{ID: (id + 1) % keys}), stop)
			})
			if errors.Is(err, stop) {
				err = nil
			}
		case "both":
			err = h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
				return errors.Join(tree.Put(ctx, tx, &l), tree.Delete(ctx, tx, id))
			})
			rows[id] = at
			remove(id)
		case "expired":
			err = tree.PutUntil(ctx, h, &l, time.Now().Add(-time.Second))
			err = errors.Join(err, tree.Delete(ctx, h, id))
			delete(rows, id)
			delete(want, id)
		}
		if err != nil {
			t.Fatal(err)
		}
		h.restart()
		if got, _ := tombstonesOf(t, h.Store, tree, keys); !maps.Equal(got, want) {
			r.Fatalf("the tombstones are %v, want %v", got, want)
		}
	}
	h.verify()
}

// A tombstone goes when it has its age, and leaves a floor that is not above the time at which it was made.
func TestTombstonesAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, eng := t.Context(), memory.Engine()
		s, err := datastore.Open(ctx, eng, wood, ground)
		if err != nil {
			t.Fatal(err)
		}
		now := uint64(time.Now().Unix())
		bury := func(id, clock uint64) {
			t.Helper()
			if err := errors.Join(leaves.Put(ctx, s, &leaf{ID: id, At: clock}), leaves.Delete(ctx, s, id)); err != nil {
				t.Fatal(err)
			}
		}
		bury(0, 7)
		bury(1, now)
		time.Sleep(leafAge / 2)
		bury(2, math.MaxUint64) // as a stranger may have made it up
		bury(3, now+1)
		if err := leaves.PutUntil(ctx, s, &leaf{ID: 4, At: now}, time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(leafAge/2 - time.Second)
		synctest.Wait()
		if got, floor := tombstonesOf(t, s, leaves, 9); len(got) != 4 || floor != -1 {
			t.Errorf("the tombstones are %v, the floor is %d", got, floor)
		}
		time.Sleep(3 * time.Second) // the store sweeps by itself
		synctest.Wait()
		if got, floor := tombstonesOf(t, s, leaves, 9); len(got) != 2 || floor != int64(now) {
			t.Errorf("the tombstones are %v, the floor is %d, want %d", got, floor, now)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = datastore.Temp(t, eng, wood, ground)
		time.Sleep(leafAge / 2)
		synctest.Wait()
		want := now + uint64((leafAge / 2).Seconds())
		if got, floor := tombstonesOf(t, s, leaves, 9); len(got) != 0 || floor != int64(want) {
			t.Errorf("the tombstones are %v, the floor is %d, want %d", got, floor, want)
		}
		if got, floor := tombstonesOf(t, s, fallen, 9); len(got) != 0 || floor != -1 {
			t.Errorf("another tree has the tombstones %v and the floor %d", got, floor)
		}
		if report, err := datastore.Verify(ctx, s); err != nil || !report.Clean() {
			t.Errorf("%+v, %v", report, err)
		}
	})
}

// Verify finds each kind of damage, and Repair mends it and changes nothing else.
func TestTombstonesRepair(t *testing.T) {
	ctx, eng := t.Context(), memory.Engine()
	before := time.Now().Unix()
	with := func(use func(s *datastore.Store)) {
		t.Helper()
		s, err := datastore.Open(ctx, eng, wood)
		if err != nil {
			t.Fatal(err)
		}
		use(s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	with(func(s *datastore.Store) {
		for id := range uint64(3) {
			if err := errors.Join(leaves.Put(ctx, s, &leaf{ID: id, At: 5}), leaves.Delete(ctx, s, id)); err != nil {
				t.Fatal(err)
			}
		}
		if err := leaves.Put(ctx, s, &leaf{ID: 3, At: 5}); err != nil {
			t.Fatal(err)
		}
	})
	whole := dump(t, eng)
	var space []byte
	at := map[byte][]int{}
	for i, p := range whole {
		if p.key[0] == byte(format.Tombstones) {
			at[p.key[1]] = append(at[p.key[1]], i)
			space = p.key[2:3]
		}
	}
	if len(at[1]) != 3 || len(at[2]) != 3 {
		t.Fatalf("the keys about tombstones are %v", at)
	}
	row := append(bytes.Clone(space), models.Uint64.AppendLast(nil, 3)...)
	stray := format.TombstoneKey(row)
	floorKey, floor := format.TombstoneFloor(space, 9)
	// The floor after Repair: none, that of the time of the deletions, or that of the age ago.
	type rule int
	const (
		none rule = iota
		deletion
		ageAgo
	)
	for name, c := range map[string]struct {
		change func(all []pair) []pair
		bad    func(r datastore.Report) int64
		left   int // tombstones after Repair
		floor  rule
	}{
		"a flipped tombstone": {
			func(all []pair) []pair { all[at[1][1]].value[3] ^= 1; return all },
			func(r datastore.Report) int64 { return min(r.BadRows, r.Orphans) }, 2, deletion,
		},
		"no tombstone": {
			func(all []pair) []pair { return slices.Delete(all, at[1][0], at[1][0]+1) },
			func(r datastore.Report) int64 { return r.Orphans }, 2, deletion,
		},
		"a flipped tombstone and its entry": {
			func(all []pair) []pair { all[at[1][2]].value[3] ^= 1; all[at[2][2]].value[0] ^= 1; return all },
			func(r datastore.Report) int64 { return r.BadRows - 1 }, 2, deletion,
		},
		"no entry in the queue": {
			func(all []pair) []pair { return slices.Delete(all, at[2][0], at[2][0]+1) },
			func(r datastore.Report) int64 { return r.Missing }, 3, none,
		},
		"a flipped entry in the queue": {
			func(all []pair) []pair { all[at[2][2]].value[0] ^= 1; return all },
			func(r datastore.Report) int64 { return r.Missing }, 3, none,
		},
		"a short entry in the queue": {func(all []pair) []pair {
			key := append(format.TombstoneQueue(space), 1)
			return append(all, pair{key, format.AppendChecksum(nil, key)})
		}, func(r datastore.Report) int64 { return r.BadRows }, 3, none},
		"a tombstone and its row": {func(all []pair) []pair {
			return append(all, pair{stray, format.AppendTombstone(nil, stray, format.Tombstone{Clock: 1, Taken: 1})})
		}, func(r datastore.Report) int64 { return r.Orphans }, 3, none},
		"a flipped floor": {
			func(all []pair) []pair { return append(all, pair{floorKey, append(floor[1:], 0)}) },
			func(r datastore.Report) int64 { return r.BadRows }, 3, ageAgo,
		},
		"of no tree": {
			func(all []pair) []pair { return append(all, pair{[]byte{6, 1, 200, 1}, []byte{1, 2, 3, 4, 5}}) },
			func(r datastore.Report) int64 { return r.BadRows }, 3, none,
		},
	} {
		t.Run(name, func(t *testing.T) {
			all := make([]pair, len(whole))
			for i, p := range whole {
				all[i] = pair{bytes.Clone(p.key), bytes.Clone(p.value)}
			}
			s := datastore.Temp(t, load(t, c.change(all)), wood)
			report, err := datastore.Verify(ctx, s)
			if err != nil || c.bad(report) == 0 {
				t.Errorf("%+v, error %v", report, err)
			}
			if _, err = datastore.Repair(ctx, s); err != nil {
				t.Fatal(err)
			}
			if report, err = datastore.Verify(ctx, s); err != nil || !report.Clean() {
				t.Errorf("after repair %+v, error %v", report, err)
			}
			got, floor := tombstonesOf(t, s, leaves, 9)
			if len(got) != c.left {
				t.Errorf("after repair the tombstones are %v", got)
			}
			first, last := int64(-1), int64(-1)
			switch now := time.Now().Unix(); c.floor {
			case deletion:
				first, last = before, now
			case ageAgo:
				first, last = before-int64(leafAge.Seconds()), now-int64(leafAge.Seconds())
			}
			if floor < first || floor > last {
				t.Errorf("after repair the floor is %d, want %d to %d", floor, first, last)
			}
			if n, err := leaves.Count(ctx, s, models.Range[uint64]{}); n != 1 || err != nil {
				t.Errorf("after repair there are %d rows, error %v", n, err)
			}
			for id := range uint64(4) { // whatever was there, it can be replaced
				if err := leaves.Put(ctx, s, &leaf{ID: id}); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A store says that a tree has tombstones, and opens with no definition that disagrees.
func TestTombstonesInCatalog(t *testing.T) {
	ctx, eng := t.Context(), memory.Engine()
	open := func(d *models.Definition) (*datastore.Store, error) { return datastore.Open(ctx, eng, d) }
	use := func(d *models.Definition, use func(s *datastore.Store)) {
		t.Helper()
		s, err := open(d)
		if err != nil {
			t.Fatal(err)
		}
		use(s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	use(standings, func(s *datastore.Store) {
		if err := errors.Join(standing.Put(ctx, s, &leaf{ID: 1, At: 3}), standing.Put(ctx, s, &leaf{ID: 2, At: 3}),
			standing.Delete(ctx, s, 2)); err != nil {
			t.Fatal(err)
		}
		if info, err := s.Inspect().Store(ctx); err != nil || slices.Contains(info.Features.ReadOnly, "tombstones") {
			t.Errorf("%+v, error %v", info, err)
		}
	})
	var file shape.Schema
	use(wood, func(s *datastore.Store) {
		info, err := s.Inspect().Store(ctx)
		if err != nil || !slices.Contains(info.Features.ReadOnly, "tombstones") {
			t.Errorf("%+v, error %v", info, err)
		}
		if err := leaves.Delete(ctx, s, 1); err != nil {
			t.Error(err)
		}
		if got, _ := tombstonesOf(t, s, leaves, 9); !maps.Equal(got, map[uint64]uint64{1: 3}) {
			t.Errorf("the tombstones are %v", got)
		}
		if file, err = s.Inspect().Schema(ctx, leaves.Name()); err != nil {
			t.Error(err)
		}
		if relation, err := file.Compare(leaves.Schema()); relation != shape.Same || err != nil {
			t.Errorf("the store's schema and the tree's: %v, %v", relation, err)
		}
	})
	_, otherUnit := leavesWith(models.WithPolicy[leaf](models.Open), models.WithTombstones[leaf](leafAge, time.Millisecond))
	for _, d := range []*models.Definition{standings, otherUnit} {
		var differs *datastore.DefinitionError
		if _, err := open(d); !errors.As(err, &differs) || differs.Differences[0].Path != "tombstones" {
			t.Errorf("opened, error %v", err)
		}
	}
	_, longer := leavesWith(models.WithPolicy[leaf](models.Open), models.WithTombstones[leaf](2*leafAge, time.Second))
	use(longer, func(s *datastore.Store) {
		if of, err := s.Inspect().Schema(ctx, leaves.Name()); err != nil || of.Tombstones.Age != 2*leafAge {
			t.Errorf("%+v, error %v", of.Tombstones, err)
		}
	})
	// A program without the type of the model has tombstones by the schema file.
	defs, err := dynamic.Definitions([]shape.Schema{file})
	if err != nil {
		t.Fatal(err)
	}
	use(defs[0].Definition, func(s *datastore.Store) {
		tree := defs[0].Trees()[0]
		key := models.Uint64.AppendLast(nil, 5)
		value, err := models.DagCBOR[leaf]().Append(nil, &leaf{ID: 5, At: 8})
		err = errors.Join(err, tree.Raw().Put(ctx, s, key, value), tree.Raw().Delete(ctx, s, key))
		if got, _ := tombstonesOf(t, s, tree, 9); err != nil || !maps.Equal(got, map[uint64]uint64{1: 3, 5: 8}) {
			t.Errorf("the tombstones are %v, error %v", got, err)
		}
	})
	// A backup has them.
	use(wood, func(s *datastore.Store) {
		copied := memory.Engine()
		if _, err := datastore.Restore(ctx, copied, bytes.NewReader(backup(t, s))); err != nil {
			t.Fatal(err)
		}
		if got, _ := tombstonesOf(t, datastore.Temp(t, copied, wood), leaves, 9); len(got) != 2 {
			t.Errorf("in the copy the tombstones are %v", got)
		}
	})
}

func TestTombstonesRefused(t *testing.T) {
	type option = models.TreeOption[leaf]
	policy := models.WithPolicy[leaf](models.Open)
	merge := models.WithMerge(func(a, _ *leaf) leaf { return *a })
	clock := models.WithClock(func(l *leaf) uint64 { return l.At })
	for name, options := range map[string][]option{
		"local":    {clock, models.WithTombstones[leaf](leafAge, time.Second)},
		"signed":   {clock, models.WithPolicy[leaf](models.Signed), models.WithTombstones[leaf](leafAge, time.Second)},
		"no clock": {policy, models.WithTombstones[leaf](leafAge, time.Second)},
		"merge":    {policy, clock, merge, models.WithTombstones[leaf](leafAge, time.Second)},
		"no unit":  {policy, clock, models.WithTombstones[leaf](leafAge, 0)},
		"no age":   {policy, clock, models.WithTombstones[leaf](0, time.Second)},
		"for ever": {policy, clock, models.WithTombstones[leaf](math.MaxInt64, time.Second)},
	} {
		tree := models.NewTree("leaf", models.Uint64, leafID, options...)
		if err := models.NewDefinition("wood", tree).Err(); !errors.Is(err, models.ErrDefinition) {
			t.Errorf("%s: %v", name, err)
		}
	}
	type dated struct {
		ID uint64
		At time.Time
	}
	tree := models.NewTree("dated", models.Uint64, func(d *dated) uint64 { return d.ID },
		models.WithPolicy[dated](models.Open), models.WithClock(func(d *dated) uint64 { return uint64(max(d.At.UnixMicro(), 0)) }),
		models.ClockField[dated]("At"), models.WithTombstones[dated](leafAge, time.Second))
	if err := models.NewDefinition("wood", tree).Err(); !errors.Is(err, models.ErrDefinition) || !strings.Contains(err.Error(), "microseconds") {
		t.Error(err)
	}
	long := models.NewTree("long", models.String, func(l *leaf) string { return strings.Repeat("x", int(l.ID)) },
		policy, clock, models.WithTombstones[leaf](leafAge, time.Second))
	s := datastore.Temp(t, memory.Engine(), models.NewDefinition("wood", long))
	for size := uint64(32_700); size < 32_768; size++ {
		err := long.Put(t.Context(), s, &leaf{ID: size})
		if err == nil {
			err = long.Delete(t.Context(), s, strings.Repeat("x", int(size)))
			if err != nil {
				t.Fatalf("a row with a key of %d bytes can be put and not deleted: %v", size, err)
			}
		} else if !errors.Is(err, models.ErrKeySize) || size < 32_757 {
			t.Fatalf("%d: %v", size, err)
		}
	}
}

// A tree that is watched shows a deletion once, and who has made it.
func TestTombstonesWatched(t *testing.T) {
	ctx, s := t.Context(), datastore.Temp(t, memory.Engine(), wood)
	w, err := s.BeginWatch(ctx, session.WatchRequest{Trees: []*session.Tree{leaves.Core()}, Changes: 9})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := errors.Join(leaves.Put(ctx, s, &leaf{ID: 1, At: 3}), leaves.Delete(ctx, s, 1), leaves.Delete(ctx, s, 1)); err != nil {
		t.Fatal(err)
	}
	commits := take(t, w, 2)
	if c := commits[1].Changes; len(c) != 1 || c[0].Old == nil || c[0].New != nil || c[0].Origin != session.Program {
		t.Errorf("%+v", c)
	}
}
