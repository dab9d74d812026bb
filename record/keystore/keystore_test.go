package keystore_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-libdht/kad/key/bitstr"
	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/keystore"
)

// bits returns the Kademlia key of a multihash as kad-dht writes prefixes.
func bits(h multihash.Multihash) string {
	var b strings.Builder
	for _, octet := range sha256.Sum256(h) {
		fmt.Fprintf(&b, "%08b", octet)
	}
	return b.String()
}

// TestPrefixes compares every answer about a prefix with a search of all keys, before a reset
// and in the middle of one, when half of the keys are in both sets and there are as many rows
// of the new set alone.
func TestPrefixes(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, store *datastore.Store) {
		many := 100_000
		if testing.Short() {
			many = 20_000
		}
		k := open(t, store, "provide")
		all := hashes(0, many)
		if _, err := k.Put(t.Context(), all...); err != nil {
			t.Fatal(err)
		}
		inOrder := make([]string, len(all)) // kademlia keys, then multihashes
		for i, h := range all {
			inOrder[i] = bits(h) + string(h)
		}
		slices.Sort(inOrder)
		random := rand.New(rand.NewPCG(1, 2))
		compare := func() {
			t.Helper()
			for range 300 {
				prefix := inOrder[random.IntN(len(inOrder))][:random.IntN(30)]
				if random.IntN(4) == 0 && prefix != "" { // one that few keys or none have
					prefix = prefix[:len(prefix)-1] + string('0'+'1'-prefix[len(prefix)-1])
				}
				if len(prefix) < 8 && random.IntN(20) != 0 {
					continue // a hundred of these would take most of the time
				}
				var want []string
				for _, text := range inOrder {
					if strings.HasPrefix(text, prefix) {
						want = append(want, text[256:])
					}
				}
				got, err := k.Get(t.Context(), bitstr.Key(prefix))
				same := func(a multihash.Multihash, b string) bool { return string(a) == b }
				if err != nil || !slices.EqualFunc(got, want, same) {
					t.Fatalf("%q: %d keys, %v, not %d", prefix, len(got), err, len(want))
				}
				limit := random.IntN(2*len(want)+2) - 1
				capped := len(want)
				if limit > 0 {
					capped = min(capped, limit)
				}
				if n, err := k.CountKeysUpTo(t.Context(), bitstr.Key(prefix), limit); err != nil || n != capped {
					t.Fatalf("%q up to %d: %d keys, %v, not %d", prefix, limit, n, err, capped)
				}
				if is, err := k.ContainsPrefix(t.Context(), bitstr.Key(prefix)); err != nil || is != (len(want) > 0) {
					t.Fatalf("%q: %t, %v", prefix, is, err)
				}
			}
		}
		compare()
		_, end := halfReset(t, k, slices.Concat(hashes(many/2, many), hashes(many, many*3/2)))
		compare()
		end()
	})
}

// halfReset begins a reset and returns when its keys are stored, as far as they make whole
// batches. Finish ends it well; interrupt ends it with its context.
func halfReset(t *testing.T, k *keystore.Keystore, all []multihash.Multihash) (finish, interrupt func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cids := make(chan cid.Cid)
	done := make(chan error, 1)
	go func() { done <- k.ResetCids(ctx, cids) }()
	for _, h := range all {
		cids <- cid.NewCidV1(cid.Raw, h)
	}
	finish = func() {
		t.Helper()
		defer cancel()
		close(cids)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	interrupt = func() {
		t.Helper()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	return finish, interrupt
}

// Everything that can happen to keys happens in random order, and a set of numbers says which
// keys there are to be.
func TestModel(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, store *datastore.Store) {
		random := rand.New(rand.NewPCG(3, 4))
		k := open(t, store, "provide")
		type set = map[int]bool
		now, next := set{}, set(nil) // next while there is a reset
		var finish, interrupt func()
		var waiting set // what the reset has taken from its channel but not stored
		some := func() (numbers []int, all []multihash.Multihash) {
			for range random.IntN(30) {
				n := random.IntN(60)
				numbers, all = append(numbers, n), append(all, hash(n))
			}
			return numbers, all
		}
		for range 400 {
			numbers, all := some()
			switch random.IntN(8) {
			case 0, 1, 2:
				added, err := k.Put(t.Context(), all...)
				if err != nil {
					t.Fatal(err)
				}
				var want []multihash.Multihash
				for _, n := range numbers {
					if !now[n] {
						want = append(want, hash(n))
					}
					now[n] = true
					if next != nil {
						next[n] = true
					}
				}
				if !slices.EqualFunc(added, want, func(a, b multihash.Multihash) bool { return compareHashes(a, b) == 0 }) {
					t.Fatalf("%d keys are new, not %d", len(added), len(want))
				}
			case 3:
				if err := k.Delete(t.Context(), all...); err != nil {
					t.Fatal(err)
				}
				for _, n := range numbers {
					delete(now, n)
					delete(next, n)
				}
			case 4:
				if err := k.Empty(t.Context()); err != nil {
					t.Fatal(err)
				}
				now = set{}
			case 5: // a reset whose first keys are stored before what follows
				if next == nil {
					next, waiting = set{}, set{}
					for _, n := range numbers {
						next[n] = true
					}
					finish, interrupt = startReset(t, k, all)
					if len(numbers) > 0 {
						waiting = set{numbers[keystore.BatchSize%len(numbers)]: true}
					}
				}
			case 6:
				if next != nil {
					finish()
					maps.Copy(next, waiting) // some of these were deleted
					now, next = next, nil
				}
			case 7:
				if next == nil {
					break
				}
				interrupt()
				next = nil
				if random.IntN(2) == 0 { // and the key store is opened again
					if err := k.Close(); err != nil {
						t.Fatal(err)
					}
					k = open(t, store, "provide")
				}
			}
			var want []multihash.Multihash
			for n := range now {
				want = append(want, hash(n))
			}
			check(t, k, want)
		}
		if next != nil {
			finish()
		}
		if err := k.Empty(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkRows(t, store, "provide", 0)
	})
}

// startReset begins a reset with a batch that is stored when startReset returns: the keys of
// all, repeated as often as it takes.
func startReset(t *testing.T, k *keystore.Keystore, all []multihash.Multihash) (finish, interrupt func()) {
	t.Helper()
	if len(all) == 0 {
		return halfReset(t, k, nil)
	}
	repeated := make([]multihash.Multihash, 0, keystore.BatchSize+1)
	for len(repeated) < keystore.BatchSize+1 { // it takes the last one when the batch is stored
		repeated = append(repeated, all[len(repeated)%len(all)])
	}
	return halfReset(t, k, repeated)
}

func TestResetRemovesWhatItReplaces(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, store *datastore.Store) {
		k, other := open(t, store, "wan"), open(t, store, "lan")
		if _, err := other.Put(t.Context(), hashes(0, 10)...); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Put(t.Context(), hashes(0, 10_000)...); err != nil {
			t.Fatal(err)
		}
		if err := k.ResetCids(t.Context(), channel(hashes(5_000, 15_000))); err != nil {
			t.Fatal(err)
		}
		check(t, k, hashes(5_000, 15_000))
		check(t, other, hashes(0, 10))
		checkRows(t, store, "wan", 10_010)
		if err := k.Empty(t.Context()); err != nil {
			t.Fatal(err)
		}
		check(t, k, nil)
		check(t, other, hashes(0, 10))
		checkRows(t, store, "wan", 10)
	})
}

// While a reset is running, a key that is in both sets has one row.
func TestResetStoresKeysOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, store *datastore.Store) {
		k := open(t, store, "provide")
		all := hashes(0, keystore.BatchSize)
		if _, err := k.Put(t.Context(), all...); err != nil {
			t.Fatal(err)
		}
		finish, _ := startReset(t, k, all)
		check(t, k, all)
		if n, err := keystore.Rows(t.Context(), store); err != nil || n != len(all) {
			t.Errorf("%d rows, %v, of %d keys", n, err, len(all))
		}
		finish()
		check(t, k, all)
		checkRows(t, store, "provide", len(all))
	})
}

func TestInterruptedReset(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, store *datastore.Store) {
		ctx := t.Context()
		k := open(t, store, "provide")
		if _, err := k.Put(ctx, hashes(0, 100)...); err != nil {
			t.Fatal(err)
		}
		_, interrupt := startReset(t, k, hashes(50, 150))
		if err := k.ResetCids(ctx, channel(nil)); !errors.Is(err, keystore.ErrResetInProgress) {
			t.Errorf("a second reset: %v", err)
		}
		interrupt()
		check(t, k, hashes(0, 100))

		cids := make(chan cid.Cid)
		ended := make(chan error, 1)
		go func() { ended <- k.ResetCids(ctx, cids) }()
		cids <- cid.NewCidV1(cid.Raw, hash(200))
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, keystore.ErrClosed) {
			t.Errorf("a reset in progress at Close: %v", err)
		}

		k = open(t, store, "provide")
		check(t, k, hashes(0, 100))
		err := k.ResetCids(ctx, func() <-chan cid.Cid {
			c := make(chan cid.Cid, 2)
			c <- cid.NewCidV1(cid.Raw, hash(1))
			c <- cid.Undef
			return c
		}())
		if !errors.Is(err, models.ErrInvalid) {
			t.Errorf("an undefined CID: %v", err)
		}
		check(t, k, hashes(0, 100))
		if err := k.ResetCids(ctx, nil); err != nil {
			t.Errorf("no channel: %v", err)
		}
		if err := k.ResetCids(ctx, channel(hashes(0, 100))); err != nil {
			t.Fatal(err)
		}
		check(t, k, hashes(0, 100))
		checkRows(t, store, "provide", 100)
	})
}

// A key store that is opened twice ends the reset of the first, which says so and does no harm.
func TestOpenedAgain(t *testing.T) {
	store := datastore.Temp(t, memory.Engine(), keystore.Definition)
	first := open(t, store, "provide")
	if _, err := first.Put(t.Context(), hashes(0, 10)...); err != nil {
		t.Fatal(err)
	}
	cids := make(chan cid.Cid)
	ended := make(chan error, 1)
	go func() { ended <- first.ResetCids(t.Context(), cids) }()
	cids <- cid.NewCidV1(cid.Raw, hash(20))
	second := open(t, store, "provide")
	close(cids)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "opened again") {
		t.Errorf("the first one's reset: %v", err)
	}
	check(t, second, hashes(0, 10))
}

func TestRefusals(t *testing.T) {
	store := datastore.Temp(t, memory.Engine(), keystore.Definition)
	ctx := t.Context()
	for _, name := range []string{"", strings.Repeat("x", 65)} {
		if _, err := keystore.New(ctx, store, name); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("name %q: %v", name, err)
		}
	}
	without := datastore.Temp(t, memory.Engine())
	if _, err := keystore.New(ctx, without, "provide"); !errors.Is(err, models.ErrUnknownTree) {
		t.Errorf("a store without the definition: %v", err)
	}
	k := open(t, store, "provide")
	if _, err := k.Get(ctx, "01x"); !errors.Is(err, models.ErrInvalid) {
		t.Errorf("a prefix with an x: %v", err)
	}
	if _, err := k.Put(ctx, hash(1)); err != nil {
		t.Fatal(err)
	}
	whole := bitstr.Key(bits(hash(1)))
	if got, err := k.Get(ctx, whole); err != nil || len(got) != 1 {
		t.Errorf("a prefix of 256 bits: %d keys, %v", len(got), err)
	}
	if got, err := k.Get(ctx, whole+"0"); err != nil || len(got) != 0 {
		t.Errorf("a prefix of 257 bits: %d keys, %v", len(got), err)
	}

	over, cancel := context.WithCancel(ctx)
	cancel()
	calls := func(ctx context.Context) map[string]error {
		_, put := k.Put(ctx, hash(2))
		_, get := k.Get(ctx, "0")
		_, count := k.CountKeysUpTo(ctx, "0", 1)
		_, contains := k.ContainsPrefix(ctx, "0")
		_, size := k.Size(ctx)
		return map[string]error{
			"put": put, "get": get, "count": count, "contains": contains, "size": size,
			"delete": k.Delete(ctx, hash(1)), "empty": k.Empty(ctx), "reset": k.ResetCids(ctx, channel(nil)),
		}
	}
	for call, err := range calls(over) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with an ended context: %v", call, err)
		}
	}
	check(t, k, hashes(1, 2))
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for call, err := range calls(ctx) {
		if !errors.Is(err, models.ErrClosed) {
			t.Errorf("%s in a closed store: %v", call, err)
		}
	}
	for range 2 {
		if err := k.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	}
	for call, err := range calls(ctx) {
		if !errors.Is(err, keystore.ErrClosed) {
			t.Errorf("%s after Close: %v", call, err)
		}
	}
}
