package datastore_test

import (
	"context"
	"iter"
	"testing"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// loops go over all people, by each kind of key.
var loops = []func(context.Context, models.Reader, bool) iter.Seq2[person, error]{
	func(ctx context.Context, r models.Reader, reverse bool) iter.Seq2[person, error] {
		return people.Range(ctx, r, turned(models.Range[uint64]{}, reverse))
	},
	func(ctx context.Context, r models.Reader, reverse bool) iter.Seq2[person, error] {
		return byName.Range(ctx, r, turned(models.Range[string]{}, reverse))
	},
	func(ctx context.Context, r models.Reader, reverse bool) iter.Seq2[person, error] {
		return byEmail.Range(ctx, r, turned(models.Range[string]{}, reverse))
	},
	func(ctx context.Context, r models.Reader, reverse bool) iter.Seq2[person, error] {
		return byTag.Range(ctx, r, turned(models.Only("all"), reverse))
	},
}

func turned[K any](rng models.Range[K], reverse bool) models.Range[K] {
	if reverse {
		return rng.Reverse()
	}
	return rng
}

// TestWritesInLoops writes and deletes rows before, behind and at where a loop is,
// on a store and in a transaction: every row that is left alone is seen once.
func TestWritesInLoops(t *testing.T) {
	most := 400
	if testing.Short() {
		most = 80 // three pages
	}
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			store := datastore.Temp(t, newEngine(t), town)
			rapid.Check(t, func(rt *rapid.T) {
				ctx := context.Background()
				if err := people.Clear(ctx, store); err != nil {
					rt.Fatal(err)
				}
				all := make([]person, rapid.IntRange(1, most).Draw(rt, "rows"))
				for i := range all {
					all[i] = somebody(2 * uint64(i))
				}
				if err := people.PutMany(ctx, store, all); err != nil {
					rt.Fatal(err)
				}
				over := rapid.SampledFrom(loops).Draw(rt, "loop")
				reverse := rapid.Bool().Draw(rt, "reverse")
				seen, touched := map[uint64]int{}, map[uint64]bool{}
				loop := func(w models.Writer) error {
					for p, err := range over(ctx, w, reverse) {
						if err != nil {
							return err
						}
						seen[p.ID]++
						for range rapid.IntRange(0, 2).Draw(rt, "writes") {
							id := rapid.OneOf(rapid.Just(p.ID), rapid.Uint64Range(0, 2*uint64(len(all)))).Draw(rt, "id")
							touched[id] = true
							if rapid.Bool().Draw(rt, "delete") {
								err = people.Delete(ctx, w, id)
							} else {
								moved := somebody(id)
								moved.Name, moved.Tags = "name 3", []string{"all", "moved"}
								err = people.Put(ctx, w, &moved)
							}
							if err != nil {
								return err
							}
						}
					}
					return nil
				}
				var err error
				if rapid.Bool().Draw(rt, "transaction") {
					err = store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error { return loop(tx) })
				} else {
					err = loop(store)
				}
				if err != nil {
					rt.Fatal(err)
				}
				for _, p := range all {
					if !touched[p.ID] && seen[p.ID] != 1 {
						rt.Fatalf("row %d is seen %d times", p.ID, seen[p.ID])
					}
				}
				report, err := datastore.Verify(ctx, store)
				if err != nil || !report.Clean() {
					rt.Fatalf("%+v, %v", report, err)
				}
			})
		})
	}
}
