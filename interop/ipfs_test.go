package interop_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/pinning/pinner"
	"github.com/ipfs/boxo/pinning/pinner/dspinner"
	"github.com/ipfs/go-cid"
	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/namespace"
	dsq "github.com/ipfs/go-datastore/query"
	crdt "github.com/ipfs/go-ds-crdt"
	"github.com/ipfs/go-libdht/kad/key/bitstr"
	"github.com/libp2p/go-libp2p-kad-dht/provider/keystore"
	"github.com/multiformats/go-multihash"
)

// empty deletes everything.
func empty(t *testing.T, d ds.Batching) {
	t.Helper()
	for _, key := range rest(t, d, dsq.Query{KeysOnly: true}) {
		if err := d.Delete(t.Context(), ds.RawKey(key)); err != nil {
			t.Fatal(err)
		}
	}
}

// node returns a small node of a Merkle DAG.
func node(i int) *merkledag.ProtoNode { return merkledag.NodeWithData(fmt.Appendf(nil, "node %d", i)) }

func TestBlockstore(t *testing.T) {
	onEveryDatastore(t, func(t *testing.T, d ds.Batching) {
		ctx := context.Background()
		blocks := blockstore.NewBlockstore(d)
		const n = 300
		for i := range n {
			if err := blocks.Put(ctx, node(i)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range n {
			got, err := blocks.Get(ctx, node(i).Cid())
			if err != nil || string(got.RawData()) != string(node(i).RawData()) {
				t.Fatal(got, err)
			}
		}
		// Half of the blocks are deleted while all are listed.
		keys, err := blocks.AllKeysChan(ctx)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for c := range keys {
			if seen++; seen%2 == 0 {
				if err := blocks.DeleteBlock(ctx, c); err != nil {
					t.Fatal(err)
				}
			}
		}
		if left := len(rest(t, d, dsq.Query{Prefix: blockstore.BlockPrefix.String()})); seen != n || left != n/2 {
			t.Errorf("%d blocks were seen and %d are left", seen, left)
		}
	})
}

func TestPinner(t *testing.T) {
	onEveryDatastore(t, func(t *testing.T, d ds.Batching) {
		ctx := context.Background()
		dag := merkledag.NewDAGService(blockservice.New(blockstore.NewBlockstore(d), nil))
		root := node(0)
		for i := 1; i < 20; i++ {
			child := node(i)
			if err := dag.Add(ctx, child); err != nil {
				t.Fatal(err)
			}
			if err := root.AddNodeLink(fmt.Sprint(i), child); err != nil {
				t.Fatal(err)
			}
		}
		if err := dag.Add(ctx, root); err != nil {
			t.Fatal(err)
		}
		pins, err := dspinner.New(ctx, d, dag)
		if err != nil {
			t.Fatal(err)
		}
		if err := pins.Pin(ctx, root, true, "root"); err != nil {
			t.Fatal(err)
		}
		if err := pins.PinWithMode(ctx, node(1).Cid(), pin.Direct, "one"); err != nil {
			t.Fatal(err)
		}
		if err := pins.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		// Another pinner finds them.
		if pins, err = dspinner.New(ctx, d, dag); err != nil {
			t.Fatal(err)
		}
		for c, want := range map[cid.Cid]bool{root.Cid(): true, node(1).Cid(): true, node(7).Cid(): true, node(99).Cid(): false} {
			if _, pinned, err := pins.IsPinned(ctx, c); err != nil || pinned != want {
				t.Errorf("%s is pinned: %v, %v; want %v", c, pinned, err, want)
			}
		}
		if err := pins.Unpin(ctx, root.Cid(), true); err != nil {
			t.Fatal(err)
		}
		if _, pinned, err := pins.IsPinned(ctx, node(7).Cid()); err != nil || pinned {
			t.Errorf("an unpinned child is pinned: %v, %v", pinned, err)
		}
	})
}

// The key store of kad-dht's reprovider keeps the keys to provide.
func TestKeystore(t *testing.T) {
	onEveryDatastore(t, func(t *testing.T, d ds.Batching) {
		ctx := context.Background()
		keys, err := keystore.NewResettableKeystore(d)
		if err != nil {
			t.Fatal(err)
		}
		const n = 500
		var hashes []multihash.Multihash
		for i := range n {
			hashes = append(hashes, node(i).Cid().Hash())
		}
		if added, err := keys.Put(ctx, hashes...); err != nil || len(added) != n {
			t.Fatalf("%d are new, %v", len(added), err)
		}
		if added, err := keys.Put(ctx, hashes[:10]...); err != nil || len(added) != 0 {
			t.Errorf("%d known ones are new, %v", len(added), err)
		}
		zeros, err := keys.Get(ctx, bitstr.Key("0"))
		ones, err2 := keys.Get(ctx, bitstr.Key("1"))
		if err != nil || err2 != nil || len(zeros)+len(ones) != n || len(zeros) == 0 || len(ones) == 0 {
			t.Errorf("%d and %d, %v, %v", len(zeros), len(ones), err, err2)
		}
		if err := keys.Delete(ctx, zeros...); err != nil {
			t.Fatal(err)
		}
		if size, err := keys.Size(ctx); err != nil || size != len(ones) {
			t.Errorf("%d are left, %v; want %d", size, err, len(ones))
		}
		fresh := make(chan cid.Cid, n)
		for _, h := range hashes[:100] {
			fresh <- cid.NewCidV1(cid.Raw, h)
		}
		close(fresh)
		if err := keys.ResetCids(ctx, fresh); err != nil {
			t.Fatal(err)
		}
		if size, err := keys.Size(ctx); err != nil || size != 100 {
			t.Errorf("after the reset there are %d, %v; want 100", size, err)
		}
		if err := keys.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// replica broadcasts to all replicas.
type replica struct {
	heads  chan []byte
	others *[]*replica
}

func (r *replica) Broadcast(ctx context.Context, heads []byte) error {
	for _, other := range *r.others {
		if other == r {
			continue
		}
		select {
		case other.heads <- heads:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (r *replica) Next(ctx context.Context) ([]byte, error) {
	select {
	case heads := <-r.heads:
		return heads, nil
	case <-ctx.Done():
		return nil, crdt.ErrNoMoreBroadcast
	}
}

// Two replicas of a go-ds-crdt, both in one datastore, agree in the end.
func TestCRDT(t *testing.T) {
	onEveryDatastore(t, func(t *testing.T, d ds.Batching) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		dag := merkledag.NewDAGService(blockservice.New(blockstore.NewBlockstore(d), nil))
		var all []*replica
		var stores []*crdt.Datastore
		for i := range 2 {
			r := &replica{make(chan []byte, 64), &all}
			all = append(all, r)
			own := namespace.Wrap(d, ds.NewKey(fmt.Sprint("/replica", i)))
			store, err := crdt.New(own, ds.NewKey("/crdt"), dag, until{r, ctx}, crdt.DefaultOptions())
			if err != nil {
				t.Fatal(err)
			}
			stores = append(stores, store)
		}
		const n = 40
		for i := range n {
			if err := stores[i%2].Put(ctx, ds.NewKey(fmt.Sprint("/key", i)), fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := stores[0].Delete(ctx, ds.NewKey("/key0")); err != nil {
			t.Fatal(err)
		}
		agree := func() bool {
			a, b := rest(t, stores[0], dsq.Query{}), rest(t, stores[1], dsq.Query{})
			return len(a) == n-1 && fmt.Sprint(a) == fmt.Sprint(b)
		}
		for i := 0; !agree(); i++ {
			if i == 200 {
				t.Fatal("the replicas do not agree")
			}
			time.Sleep(20 * time.Millisecond) // they work on their own
		}
		cancel()
		for _, store := range stores {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// until is a replica that ends with a context. Crdt wants that before Close.
type until struct {
	*replica
	ctx context.Context
}

func (u until) Next(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(u.ctx, cancel)()
	return u.replica.Next(ctx)
}
