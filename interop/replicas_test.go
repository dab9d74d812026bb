package interop_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ipfs/boxo/bitswap"
	"github.com/ipfs/boxo/bitswap/network/bsnet"
	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/ipld/merkledag"
	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
	crdt "github.com/ipfs/go-ds-crdt"
	"github.com/libp2p/go-libp2p/core/host"
	libp2ppeer "github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// listAll asks for all keys.
var listAll = dsq.Query{KeysOnly: true}

// Two peers have a replica of a go-ds-crdt each, with all of its data in a datastore of ours,
// and get each other's blocks by bitswap. One closes in the midst of its work, when go-ds-crdt
// writes with contexts that it has cancelled; it has everything after it has opened again.
func TestReplicas(t *testing.T) {
	for name, at := range onDisk {
		t.Run(name, func(t *testing.T) {
			dirs := [2]string{t.TempDir(), t.TempDir()}
			key := func(i int) ds.Key { return ds.NewKey(fmt.Sprint("/key/", i)) }
			const n = 30
			withReplicas(t, dirs, at, func(stores [2]*crdt.Datastore) {
				for i := range n {
					if err := stores[i%2].Put(t.Context(), key(i), fmt.Append(nil, i)); err != nil {
						t.Fatal(err)
					}
				}
				waitFor(t, func() bool { return agree(t, stores, n) })
				if err := stores[1].Delete(t.Context(), key(0)); err != nil { // the other has put it
					t.Fatal(err)
				}
				waitFor(t, func() bool { return agree(t, stores, n-1) })
				batch, err := stores[0].Batch(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for i := n; i < 2*n; i++ {
					if err := batch.Put(t.Context(), key(i), fmt.Append(nil, i)); err != nil {
						t.Fatal(err)
					}
				}
				if err := batch.Commit(t.Context()); err != nil {
					t.Fatal(err)
				}
				for i := 2 * n; i < 3*n; i++ {
					if err := stores[0].Put(t.Context(), key(i), fmt.Append(nil, i)); err != nil {
						t.Fatal(err)
					}
				}
			})
			withReplicas(t, dirs, at, func(stores [2]*crdt.Datastore) {
				if has := len(rest(t, stores[0], listAll)); has != 3*n-1 {
					t.Errorf("the replica that has written has %d keys", has)
				}
				if err := stores[0].Put(t.Context(), key(3*n), nil); err != nil {
					t.Fatal(err)
				}
				waitFor(t, func() bool { return agree(t, stores, 3*n) })
			})
		})
	}
}

func agree(t *testing.T, stores [2]*crdt.Datastore, n int) bool {
	t.Helper()
	a, b := rest(t, stores[0], listAll), rest(t, stores[1], listAll)
	return len(a) == n && fmt.Sprint(a) == fmt.Sprint(b)
}

// withReplicas lends two replicas that know each other, and closes them.
func withReplicas(t *testing.T, dirs [2]string, at func(string) engine.Engine, use func([2]*crdt.Datastore)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all []*replica
	var hosts [2]host.Host
	var stores [2]*crdt.Datastore
	for i, dir := range dirs {
		d, err := datastore.OpenDatastore(ctx, at(dir))
		if err != nil {
			t.Fatal(err)
		}
		hosts[i] = newHost(t)
		blocks := blockstore.NewBlockstore(d)
		exchange := bitswap.New(ctx, bsnet.NewFromIpfsHost(hosts[i]), nil, blocks)
		all = append(all, &replica{make(chan []byte, 256), &all})
		options := crdt.DefaultOptions()
		options.RepairInterval = time.Second
		stores[i], err = crdt.New(d, ds.NewKey("/crdt"), merkledag.NewDAGService(blockservice.New(blocks, exchange)),
			until{all[i], ctx}, options)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			cancel()
			if err := errors.Join(stores[i].Close(), exchange.Close(), d.Check(context.Background()), d.Close()); err != nil {
				t.Error(err)
			}
		}()
	}
	if err := hosts[0].Connect(ctx, libp2ppeer.AddrInfo{ID: hosts[1].ID(), Addrs: hosts[1].Addrs()}); err != nil {
		t.Fatal(err)
	}
	use(stores)
}
