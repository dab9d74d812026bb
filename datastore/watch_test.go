package datastore_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

type (
	personChange  = models.Change[person, uint64]
	watchOptions  = models.WatchOptions
	peopleChanges = iter.Seq2[personChange, error]
)

// watchCase is a way to watch people. Has says if a person is among those watched, and compare gives
// the order of a snapshot.
type watchCase struct {
	name    string
	begin   func(context.Context, *datastore.Store, watchOptions) (peopleChanges, error)
	has     func(*person) bool
	compare func(a, b *person) int
}

func idOrder(a, b *person) int { return cmp.Compare(a.ID, b.ID) }

// firstTag returns the first of the tags from lower on that is below upper.
func firstTag(p *person, lower, upper string) (string, bool) {
	tags := slices.Sorted(slices.Values(p.Tags))
	for _, tag := range tags {
		if tag >= lower && tag < upper {
			return tag, true
		}
	}
	return "", false
}

// watchCases are watches of the tree and of every kind of index, each of all rows and of some.
func watchCases() []watchCase {
	everybody := func(*person) bool { return true }
	return []watchCase{
		{"tree", func(ctx context.Context, s *datastore.Store, o watchOptions) (peopleChanges, error) {
			return people.Watch(ctx, s, models.Range[uint64]{}, o)
		}, everybody, idOrder},
		{"range", func(ctx context.Context, s *datastore.Store, o watchOptions) (peopleChanges, error) {
			return people.Watch(ctx, s, models.From(uint64(50)).Before(sentinel+1), o)
		}, func(p *person) bool { return p.ID >= 50 }, idOrder},
		{"index", func(ctx context.Context, s *datastore.Store, o watchOptions) (peopleChanges, error) {
			return byName.Watch(ctx, s, models.From("name 3"), o)
		}, func(p *person) bool { return p.Name >= "name 3" }, func(a, b *person) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), idOrder(a, b))
		}},
		{"unique", func(ctx context.Context, s *datastore.Store, o watchOptions) (peopleChanges, error) {
			return byEmail.Watch(ctx, s, models.Range[string]{}, o)
		}, everybody, func(a, b *person) int { return cmp.Compare(a.Email, b.Email) }},
		{"part", func(ctx context.Context, s *datastore.Store, o watchOptions) (peopleChanges, error) {
			return byCityAge.Watch(ctx, s, models.FirstIs(byCityAge, "city 1"), o)
		}, func(p *person) bool { return p.City == "city 1" }, func(a, b *person) int {
			return cmp.Or(cmp.Compare(a.Age, b.Age), idOrder(a, b))
		}},
		{"multi", func(ctx context.Context, s *datastore.Store, o watchOptions) (peopleChanges, error) {
			return byTag.Watch(ctx, s, models.From("tag 1").Before("tag 4"), o)
		}, func(p *person) bool { _, ok := firstTag(p, "tag 1", "tag 4"); return ok }, func(a, b *person) int {
			first, _ := firstTag(a, "tag 1", "tag 4")
			second, _ := firstTag(b, "tag 1", "tag 4")
			return cmp.Or(cmp.Compare(first, second), idOrder(a, b))
		}},
		{"raw", func(ctx context.Context, s *datastore.Store, o watchOptions) (peopleChanges, error) {
			changes, err := people.Raw().Watch(ctx, s, models.Range[[]byte]{}, o)
			return decodeRaw(changes), err
		}, everybody, idOrder},
		{"trees", func(ctx context.Context, s *datastore.Store, o watchOptions) (peopleChanges, error) {
			changes, err := models.WatchTrees(ctx, s, []models.AnyTree{people}, o)
			return decodeRaw(changes), err
		}, everybody, idOrder},
	}
}

// decodeRaw makes changes of people of raw ones.
func decodeRaw(changes iter.Seq2[models.RawChange, error]) peopleChanges {
	decode := func(row *models.RawRow) *person {
		if row == nil {
			return nil
		}
		p, err := people.Decode(row.Key, row.Value)
		if err != nil {
			panic(err)
		}
		return &p
	}
	return func(yield func(personChange, error) bool) {
		for c, err := range changes {
			out := personChange{
				Kind: c.Kind, Seq: c.Seq, Old: decode(c.Old), New: decode(c.New), Was: c.Was, Is: c.Is, Origin: c.Origin,
				Last: c.Last,
			}
			if err == nil && c.Kind != models.SnapshotDone {
				out.Key, err = people.DecodeKey(c.Change.Key)
			}
			if !yield(out, err) {
				return
			}
		}
	}
}

// sentinel is the id of the person who is put last, and whom all watches see.
const sentinel = 1_000_000

func lastPerson() person {
	return person{ID: sentinel, Name: "name 9", Email: "last", City: "city 1", Age: 99, Tags: []string{"tag 1"}}
}

// changePeople makes a random transaction, which may change people several times.
func changePeople(ctx context.Context, s *datastore.Store, random *rand.Rand) error {
	return s.UpdateRelaxed(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		for range 1 + random.IntN(3) {
			id := random.Uint64N(200)
			if random.IntN(3) == 0 {
				if err := people.Delete(ctx, tx, id); err != nil {
					return err
				}
				continue
			}
			p := somebody(random.Uint64N(200))
			p.ID, p.Email = id, fmt.Sprintf("%d %d", random.IntN(9), id)
			if err := people.Put(ctx, tx, &p); err != nil {
				return err
			}
		}
		return nil
	})
}

// history has the people after each commit.
type history struct {
	seqs   []uint64
	states []map[uint64]person
}

// at returns the people after commit seq.
func (h *history) at(seq uint64) map[uint64]person {
	i, found := slices.BinarySearch(h.seqs, seq)
	if !found {
		i--
	}
	return h.states[i]
}

// read adds the people after each commit that a watch gets, up to that of the last person.
func (h *history) read(t *testing.T, w session.Watch) {
	t.Helper()
	space := w.Place(people.Core()).Space
	state := h.states[0]
	for state[sentinel].ID == 0 {
		commits, err := w.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range commits {
			state = maps.Clone(state)
			for _, change := range c.Changes {
				id, err := people.DecodeKey(change.Key)
				if err != nil {
					t.Fatal(err)
				}
				delete(state, id)
				if change.New == nil {
					continue
				}
				row, err := format.ParseRow(append(bytes.Clone(space), change.Key...), change.New)
				if err != nil {
					t.Fatal(err)
				}
				if state[id], err = people.Decode(change.Key, row.Value); err != nil {
					t.Fatal(err)
				}
			}
			h.seqs, h.states = append(h.seqs, c.Seq), append(h.states, state)
		}
	}
}

// check replays what a watch has yielded, and compares it with the people after each commit.
func (h *history) check(t *testing.T, c watchCase, items []personChange, snapshot bool) {
	t.Helper()
	have := map[uint64]person{}
	done, seq := !snapshot, uint64(0)
	if done {
		seq = h.seqs[0]
		for id, p := range h.states[0] {
			if c.has(&p) {
				have[id] = p
			}
		}
	}
	var row *person
	for i, item := range items {
		if item.Seq < seq {
			t.Fatalf("item %d is of commit %d, after commit %d", i, item.Seq, seq)
		}
		seq = item.Seq
		old, was := have[item.Key]
		switch item.Kind {
		case models.SnapshotRow:
			if done || was || item.Old != nil || item.Was || !item.Is || item.New == nil {
				t.Fatalf("item %d: %+v; done %t, yielded before %t", i, item, done, was)
			}
			if row != nil && c.compare(row, item.New) >= 0 {
				t.Fatalf("%+v comes after %+v", item.New, row)
			}
			have[item.Key], row = *item.New, item.New
			continue
		case models.SnapshotDone:
			if done || item.Key != 0 || item.New != nil || item.Is {
				t.Fatalf("item %d: %+v", i, item)
			}
			done = true
		case models.RowChanged:
			if item.Was != was || was && !reflect.DeepEqual(old, *item.Old) || !item.Was && !item.Is {
				t.Fatalf("item %d: %+v; had %+v, %t", i, item, old, was)
			}
			if item.New != nil && item.New.ID != item.Key || item.Old != nil && item.Old.ID != item.Key {
				t.Fatalf("item %d: %+v", i, item)
			}
			delete(have, item.Key)
			if item.Is {
				have[item.Key] = *item.New
			}
			if done && item.Last == (i+1 < len(items) && items[i+1].Seq == item.Seq) {
				t.Fatalf("item %d of commit %d says last: %t", i, item.Seq, item.Last)
			}
		}
		if !done || item.Kind == models.RowChanged && !item.Last {
			continue
		}
		want := map[uint64]person{}
		for id, p := range h.at(seq) {
			if c.has(&p) {
				want[id] = p
			}
		}
		if !reflect.DeepEqual(have, want) {
			t.Fatalf("item %d: %d people after commit %d, want %d", i, len(have), seq, len(want))
		}
	}
	if !done {
		t.Error("the snapshot has no end")
	}
}

// Watches of every kind, with and without a snapshot, run beside writers and write in their loops. Each
// has exactly the rows of its range after every commit.
func TestWatchAgainstHistory(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		h0 := &history{states: []map[uint64]person{{}}}
		for i := range uint64(200) {
			if i%3 > 0 {
				p := somebody(i)
				h0.states[0][i] = p
				if err := people.Put(ctx, h.Store, &p); err != nil {
					t.Fatal(err)
				}
			}
		}
		reference := follow(t, h.Store, 1<<20)
		h0.seqs = append(h0.seqs, reference.Seq())
		options := watchOptions{Buffer: 1 << 20}
		type running struct {
			watchCase
			snapshot bool
			changes  peopleChanges
			items    []personChange
		}
		var all []*running
		var loops, writers sync.WaitGroup
		for _, c := range watchCases() {
			for _, snapshot := range []bool{false, true} {
				options.Snapshot = snapshot
				changes, err := c.begin(ctx, h.Store, options)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, &running{c, snapshot, changes, nil})
			}
		}
		for i, r := range all {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			if r.snapshot {
				writers.Add(1)
			}
			loops.Go(func() {
				reading := r.snapshot
				defer func() {
					if reading {
						writers.Done()
					}
				}()
				for item, err := range r.changes {
					if err != nil {
						t.Errorf("%s: %v", r.name, err)
						return
					}
					r.items = append(r.items, item)
					switch {
					case item.Kind == models.SnapshotDone:
						reading = false
						writers.Done()
					case reading && random.IntN(8) == 0:
						if err := changePeople(ctx, h.Store, random); err != nil {
							t.Error(err)
						}
					case item.Key == sentinel:
						return
					}
				}
			})
		}
		for i := range 2 {
			writers.Go(func() {
				random := rand.New(rand.NewPCG(uint64(i), 2))
				for range 150 {
					if err := changePeople(ctx, h.Store, random); err != nil && !errors.Is(err, models.ErrConflict) {
						t.Error(err)
					}
				}
			})
		}
		writers.Wait()
		last := lastPerson()
		if err := people.Put(ctx, h.Store, &last); err != nil {
			t.Fatal(err)
		}
		loops.Wait()
		h0.read(t, reference)
		for _, r := range all {
			t.Run(fmt.Sprintf("%s/%t", r.name, r.snapshot), func(t *testing.T) { h0.check(t, r.watchCase, r.items, r.snapshot) })
		}
	}, town)
}

// A watch ends with an error that says why, and only once.
func TestWatchEnds(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		begin := func(ctx context.Context, o watchOptions) peopleChanges {
			t.Helper()
			changes, err := people.Watch(ctx, h.Store, models.Range[uint64]{}, o)
			if err != nil {
				t.Fatal(err)
			}
			return changes
		}
		put := func(ids ...uint64) {
			t.Helper()
			for _, id := range ids {
				p := somebody(id)
				if err := people.Put(ctx, h.Store, &p); err != nil {
					t.Fatal(err)
				}
			}
		}
		ends := func(changes peopleChanges) (ids []uint64, err error) {
			for c, e := range changes {
				if err != nil {
					t.Error("an error is not the last item")
				}
				if err = e; err == nil {
					ids = append(ids, c.Key)
				}
			}
			return ids, err
		}
		slow, snapshot := begin(ctx, watchOptions{Buffer: 2}), begin(ctx, watchOptions{Buffer: 2, Snapshot: true})
		stopped := errors.New("stopped on purpose")
		ending, stop := context.WithCancelCause(ctx)
		ended := begin(ending, watchOptions{})
		once := begin(ctx, watchOptions{})
		closing := begin(ctx, watchOptions{})
		put(1, 2, 3)

		var lagging *models.LaggingError
		ids, err := ends(slow)
		if !slices.Equal(ids, []uint64{1, 2}) || !errors.As(err, &lagging) || !errors.Is(err, models.ErrLagging) {
			t.Errorf("slow: %d, %v", ids, err)
		}
		if _, err := ends(snapshot); !errors.As(err, &lagging) {
			t.Errorf("slow, with a snapshot: %v", err)
		}
		stop(stopped)
		if ids, err := ends(ended); !errors.Is(err, stopped) || len(ids) > 0 {
			t.Errorf("ended: %d, %v", ids, err)
		}
		if _, err := people.Watch(ending, h.Store, models.Range[uint64]{}, watchOptions{}); err == nil {
			t.Error("a watch begins with a context that has ended")
		}
		for c, err := range once {
			if err != nil || c.Key != 1 {
				t.Errorf("%d, %v", c.Key, err)
			}
			break
		}
		if ids, err := ends(once); !errors.Is(err, models.ErrClosed) || len(ids) > 0 {
			t.Errorf("a second loop: %d, %v", ids, err)
		}
		if err := h.Store.Close(); err != nil {
			t.Fatal(err)
		}
		if ids, err := ends(closing); !errors.Is(err, models.ErrClosed) || !slices.Equal(ids, []uint64{1, 2, 3}) {
			t.Errorf("closed: %d, %v", ids, err)
		}
		if _, err := people.Watch(ctx, h.Store, models.Range[uint64]{}, watchOptions{}); !errors.Is(err, models.ErrClosed) {
			t.Errorf("a watch of a closed store: %v", err)
		}
		h.open()
	}, town)
}

// Watches that make no sense are refused, and the error says where.
func TestWatchRefuses(t *testing.T) {
	s, err := datastore.Open(t.Context(), memory.Engine(), town)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	watch := func(rng models.Range[uint64], o watchOptions) error {
		_, err := people.Watch(t.Context(), s, rng, o)
		return err
	}
	other := models.NewTree("other", models.Uint64, func(p *person) uint64 { return p.ID })
	for name, c := range map[string]struct{ err, want error }{
		"reverse":  {watch(models.Range[uint64]{}.Reverse(), watchOptions{}), models.ErrInvalid},
		"limit":    {watch(models.Range[uint64]{}.Limit(3), watchOptions{}), models.ErrInvalid},
		"offset":   {watch(models.Range[uint64]{}.Offset(3), watchOptions{}), models.ErrInvalid},
		"buffer":   {watch(models.Range[uint64]{}, watchOptions{Buffer: -1}), models.ErrInvalid},
		"both":     {watch(models.Range[uint64]{}, watchOptions{Snapshot: true, Resume: true}), models.ErrInvalid},
		"no feed":  {watch(models.Range[uint64]{}, watchOptions{Resume: true}), models.ErrCompacted},
		"leading":  {watch(models.Leading(uint64(1), 1), watchOptions{}), models.ErrInvalid},
		"no trees": {second(models.WatchTrees(t.Context(), s, nil, watchOptions{})), models.ErrInvalid},
		"twice": {
			second(models.WatchTrees(t.Context(), s, []models.AnyTree{people, people}, watchOptions{})),
			models.ErrInvalid,
		},
		"index":   {second(byName.Watch(t.Context(), s, models.Range[string]{}.Limit(3), watchOptions{})), models.ErrInvalid},
		"unknown": {second(other.Watch(t.Context(), s, models.Range[uint64]{}, watchOptions{})), models.ErrUnknownTree},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: error %v, want one that matches %v", name, c.err, c.want)
		}
	}
}

func second[A any](_ A, err error) error { return err }

// Thousands of watches that nobody reads hold no more than what one of them may hold.
func TestManyWatches(t *testing.T) {
	skipShort(t)
	const watches, rows = 5000, 2000
	s, err := datastore.Open(t.Context(), memory.Engine(), town)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, stop := context.WithCancel(t.Context())
	all := make([]peopleChanges, watches)
	for i := range all {
		if all[i], err = byName.Watch(ctx, s, models.Only("nobody"), watchOptions{Buffer: 100}); err != nil {
			t.Fatal(err)
		}
	}
	before := heap()
	for i := range uint64(rows) {
		p := somebody(i % 5)
		p.City = string(make([]byte, 1000))
		if err := people.Put(ctx, s, &p); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > 32<<20 {
		t.Errorf("%d watches grew by %d bytes", watches, grown)
	}
	for _, err := range all[0] {
		if !errors.Is(err, models.ErrLagging) {
			t.Errorf("error %v", err)
		}
	}
	stop()
	for _, changes := range all[1:] {
		for _, err := range changes {
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v", err)
			}
		}
	}
}

// heap returns the bytes of the heap that are in use.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// A row that expires is a change when the store removes it, and until then no reader and every watch
// has it.
func TestWatchExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		s, err := datastore.Open(ctx, memory.Engine(), town)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		changes, err := byName.Watch(ctx, s, models.Only("name 1"), watchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p := somebody(1)
		if err := people.PutUntil(ctx, s, &p, time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		var got []personChange
		for c, err := range changes {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, c); len(got) == 2 {
				break
			}
		}
		want := []personChange{
			{Seq: got[0].Seq, Key: 1, New: &p, Is: true, Last: true},
			{Seq: got[1].Seq, Key: 1, Old: &p, Was: true, Last: true, Origin: models.OriginExpiry},
		}
		if !reflect.DeepEqual(got, want) || got[0].Seq >= got[1].Seq {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if fmt.Sprint(got[0].Origin, got[1].Origin, got[0].Kind) != "program expiry changed" {
			t.Errorf("origins %v and %v, kind %v", got[0].Origin, got[1].Origin, got[0].Kind)
		}
	})
}
