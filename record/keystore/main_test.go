package keystore_test

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"go.uber.org/goleak"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/record/keystore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// engines are those that key stores are tested on, by name. Badger's takes few rows in a
// transaction.
var engines = map[string]func(dir string) engine.Engine{
	"memory": func(string) engine.Engine { return memory.Engine() },
	"badger": func(dir string) engine.Engine {
		return badger.Options{Config: engine.Config{Path: dir, NoFsync: true}, MemTableMB: 1}.Engine()
	},
	"bolt": func(dir string) engine.Engine {
		return bolt.Options{Config: engine.Config{Path: dir, NoFsync: true}}.Engine()
	},
}

func onEveryEngine(t *testing.T, test func(t *testing.T, store *datastore.Store)) {
	for name, at := range engines {
		t.Run(name, func(t *testing.T) { test(t, datastore.Temp(t, at(t.TempDir()), keystore.Definition)) })
	}
}

// open opens a key store until the end of the test.
func open(t testing.TB, store *datastore.Store, name string) *keystore.Keystore {
	t.Helper()
	k, err := keystore.New(t.Context(), store, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

// hash returns the multihash of a number.
func hash(n int) multihash.Multihash {
	h, err := multihash.Sum(binary.AppendUvarint(nil, uint64(n)), multihash.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return h
}

// hashes returns the multihashes of the numbers from one to another.
func hashes(from, to int) (all []multihash.Multihash) {
	for n := from; n < to; n++ {
		all = append(all, hash(n))
	}
	return all
}

// channel returns a closed channel with the CIDs of multihashes.
func channel(all []multihash.Multihash) <-chan cid.Cid {
	c := make(chan cid.Cid, len(all))
	for _, h := range all {
		c <- cid.NewCidV1(cid.Raw, h)
	}
	close(c)
	return c
}

func compareHashes(a, b multihash.Multihash) int { return strings.Compare(string(a), string(b)) }

// check compares a key store with the keys that it is to have.
func check(t *testing.T, k *keystore.Keystore, want []multihash.Multihash) {
	t.Helper()
	ctx := context.Background()
	got, err := k.Get(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	want = slices.Clone(want)
	slices.SortFunc(got, compareHashes)
	slices.SortFunc(want, compareHashes)
	if !slices.EqualFunc(got, want, func(a, b multihash.Multihash) bool { return compareHashes(a, b) == 0 }) {
		t.Fatalf("%d keys, not %d", len(got), len(want))
	}
	if n, err := k.Size(ctx); err != nil || n != len(want) {
		t.Fatalf("the size is %d, %v, with %d keys", n, err, len(want))
	}
	zero, err := k.CountKeysUpTo(ctx, "0", 0)
	if err != nil {
		t.Fatal(err)
	}
	one, err := k.CountKeysUpTo(ctx, "1", 0)
	if err != nil || zero+one != len(want) {
		t.Fatalf("%d and %d are counted, %v, with %d keys", zero, one, err, len(want))
	}
}

// checkRows checks that nothing but keys is stored.
func checkRows(t *testing.T, store *datastore.Store, name string, want int) {
	t.Helper()
	if n, err := keystore.Rows(t.Context(), store); err != nil || n != want {
		t.Errorf("%d rows, %v, not %d", n, err, want)
	}
	if left, err := keystore.Leftover(t.Context(), store, name); err != nil || left {
		t.Errorf("rows are said to be left over: %t, %v", left, err)
	}
}
