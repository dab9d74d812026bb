package keystore_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/record/keystore"
)

// While one set of keys replaces another again and again, readers see the one or the other, and
// keys that are put meanwhile are there after the last reset.
func TestReadersDuringResets(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, store *datastore.Store) {
		ctx := t.Context()
		k := open(t, store, "provide")
		const many = 400
		sets := [2][]string{}
		for n := range 2 {
			for _, h := range hashes(n*many, n*many+many) {
				sets[n] = append(sets[n], string(h))
			}
		}
		if err := k.ResetCids(ctx, channel(hashes(0, many))); err != nil {
			t.Fatal(err)
		}
		var others sync.WaitGroup
		over := make(chan struct{})
		for range 2 {
			others.Go(func() {
				for {
					select {
					case <-over:
						return
					default:
					}
					readOneSet(t, k, sets)
				}
			})
		}
		for n := range 10 {
			others.Go(func() {
				if err := k.Delete(ctx, hash(-1)); err != nil {
					t.Error(err)
				}
			})
			if err := k.ResetCids(ctx, channel(hashes((n+1)%2*many, (n+1)%2*many+many))); err != nil {
				t.Error(err)
			}
		}
		close(over)
		others.Wait()
		check(t, k, hashes(0, many))

		finish, _ := halfReset(t, k, hashes(many, 2*many))
		var isNew atomic.Int64
		for n := range 8 { // each has half of the keys of the next
			others.Go(func() {
				added, err := k.Put(ctx, hashes(3*many+n*10, 3*many+n*10+20)...)
				if err != nil {
					t.Error(err)
				}
				isNew.Add(int64(len(added)))
			})
		}
		others.Wait()
		if isNew.Load() != 90 {
			t.Errorf("%d keys were new, not 90", isNew.Load())
		}
		finish()
		check(t, k, append(hashes(many, 2*many), hashes(3*many, 3*many+90)...))
	})
}

// readOneSet reads all keys, which are to be those of one of two sets.
func readOneSet(t *testing.T, k *keystore.Keystore, sets [2][]string) {
	got, err := k.Get(t.Context(), "")
	if err != nil {
		t.Error(err)
		return
	}
	seen := map[string]bool{}
	for _, h := range got {
		seen[string(h)] = true
	}
	of := 0
	if !seen[sets[0][0]] {
		of = 1
	}
	for _, h := range sets[of] {
		if !seen[h] {
			t.Errorf("a key of set %d is missing", of)
			return
		}
	}
	if len(got) != len(sets[of]) {
		t.Errorf("%d keys are read, not %d", len(got), len(sets[of]))
	}
}
