package datastore_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

type peopleVersion = *models.Version[person]

// checkVersion compares what a version has with rows, in every way to read it.
func checkVersion(v peopleVersion, want []person) error {
	if v.Len() != len(want) {
		return fmt.Errorf("%d rows, want %d", v.Len(), len(want))
	}
	i := 0
	for p := range v.All() {
		if !reflect.DeepEqual(*p, want[i]) || p != v.At(i) {
			return fmt.Errorf("row %d is %+v, want %+v", i, *p, want[i])
		}
		i++
	}
	for p := range v.Backward() {
		i--
		if p != v.At(i) {
			return fmt.Errorf("row %d is %+v backward", i, *p)
		}
	}
	return nil
}

// Live queries of a tree and of indexes run beside writers. Each version has the rows of the range in
// order, as they were after its commit, also once later versions have come.
func TestLiveAgainstHistory(t *testing.T) {
	lives := map[string]func(context.Context, *datastore.Store) iter.Seq2[peopleVersion, error]{
		"tree": func(ctx context.Context, s *datastore.Store) iter.Seq2[peopleVersion, error] {
			return people.Live(ctx, s, models.Range[uint64]{})
		},
		"range": func(ctx context.Context, s *datastore.Store) iter.Seq2[peopleVersion, error] {
			return people.Live(ctx, s, models.From(uint64(50)).Before(sentinel+1))
		},
		"part": func(ctx context.Context, s *datastore.Store) iter.Seq2[peopleVersion, error] {
			return byCityAge.Live(ctx, s, models.FirstIs(byCityAge, "city 1"))
		},
		"multi": func(ctx context.Context, s *datastore.Store) iter.Seq2[peopleVersion, error] {
			return byTag.Live(ctx, s, models.From("tag 1").Before("tag 4"))
		},
	}
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		h0 := &history{states: []map[uint64]person{{}}}
		for i := range uint64(200) {
			p := somebody(i)
			h0.states[0][i] = p
			if err := people.Put(ctx, h.Store, &p); err != nil {
				t.Fatal(err)
			}
		}
		reference := follow(t, h.Store, 1<<20)
		h0.seqs = append(h0.seqs, reference.Seq())
		versions := map[string][]peopleVersion{}
		var mu sync.Mutex
		var begun, loops sync.WaitGroup
		for name, live := range lives {
			begun.Add(1)
			loops.Go(func() {
				first := true
				for v, err := range live(ctx, h.Store) {
					if err != nil {
						t.Error(err)
						return
					}
					if first {
						first = false
						begun.Done()
					}
					mu.Lock()
					versions[name] = append(versions[name], v)
					mu.Unlock()
					for p := range v.Backward() {
						if p.ID == sentinel {
							return
						}
					}
				}
			})
		}
		random := rand.New(rand.NewPCG(1, 3))
		for range 300 {
			if err := changePeople(ctx, h.Store, random); err != nil {
				t.Fatal(err)
			}
		}
		begun.Wait()
		last := lastPerson()
		if err := people.Put(ctx, h.Store, &last); err != nil {
			t.Fatal(err)
		}
		loops.Wait()
		h0.read(t, reference)
		for _, c := range watchCases() {
			for _, v := range versions[c.name] {
				var want []person
				for _, p := range h0.at(v.Seq()) {
					if c.has(&p) {
						want = append(want, p)
					}
				}
				slices.SortFunc(want, func(a, b person) int { return c.compare(&a, &b) })
				if err := checkVersion(v, want); err != nil {
					t.Fatalf("%s, after commit %d: %v", c.name, v.Seq(), err)
				}
			}
		}
	}, town)
}

// A loop that is much too slow gets one version with all that it has missed. Large ranges, which have
// many lists of rows, keep their order while rows come and go everywhere.
func TestLiveSlow(t *testing.T) {
	skipShort(t)
	ctx := t.Context()
	s, err := datastore.Open(ctx, memory.Engine(), town)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows := map[uint64]person{}
	random := rand.New(rand.NewPCG(1, 4))
	step := 0
	for v, err := range people.Live(ctx, s, models.Range[uint64]{}) {
		if err != nil {
			t.Fatal(err)
		}
		if v.Seq() < lastCommit(t, s) {
			continue // it has the first of the two commits of a step, and the next version has both
		}
		want := make([]person, 0, len(rows))
		for _, p := range rows {
			want = append(want, p)
		}
		slices.SortFunc(want, func(a, b person) int { return idOrder(&a, &b) })
		if err := checkVersion(v, want); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		if step++; step == 12 {
			break
		}
		// In some steps more changes come than may wait, and in all a commit at least.
		err := s.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
			for range []int{3000, 100, 3000, 1}[step%4] {
				p := somebody(random.Uint64N(5000))
				p.ID += 5000
				p.Email = fmt.Sprint(p.ID)
				if step%3 == 0 || random.IntN(4) == 0 {
					delete(rows, p.ID)
					if err := people.Delete(ctx, tx, p.ID); err != nil {
						return err
					}
					continue
				}
				rows[p.ID] = p
				if err := people.Put(ctx, tx, &p); err != nil {
					return err
				}
			}
			return nil
		})
		last := somebody(uint64(step))
		last.Email = fmt.Sprint("step ", step)
		rows[last.ID] = last
		if err := errors.Join(err, people.Put(ctx, s, &last)); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range people.Live(ctx, s, models.Range[uint64]{}.Limit(3)) {
		if !errors.Is(err, models.ErrInvalid) {
			t.Errorf("with a limit: %v", err)
		}
	}
}
