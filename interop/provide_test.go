package interop_test

import (
	"context"
	"testing"
	"time"

	boxo "github.com/ipfs/boxo/provider"
	"github.com/ipfs/go-cid"
	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/namespace"
	dsq "github.com/ipfs/go-datastore/query"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p-kad-dht/provider"
	"github.com/libp2p/go-libp2p-kad-dht/provider/buffered"
	"github.com/libp2p/go-libp2p-kad-dht/provider/keystore"
	libp2ppeer "github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"
)

// provided waits until a peer knows that another provides all of the hashes.
func provided(t *testing.T, holder *dht.IpfsDHT, by libp2ppeer.ID, hashes []multihash.Multihash) {
	t.Helper()
	left := hashes
	for i := 0; len(left) > 0; i++ {
		if i == 400 {
			t.Fatalf("%d of %d keys are not provided", len(left), len(hashes))
		}
		found, err := holder.ProviderStore().GetProviders(t.Context(), left[0])
		if err == nil && len(found) == 1 && found[0].ID == by {
			left = left[1:]
			continue
		}
		time.Sleep(50 * time.Millisecond) // providers work on their own
	}
}

func hashesOf(n int) (hashes []multihash.Multihash) {
	for i := range n {
		hashes = append(hashes, node(i).Cid().Hash())
	}
	return hashes
}

// uncancelled is a datastore that ignores the end of contexts. When kad-dht's sweeping provider
// closes, it writes its state with a context that it has cancelled before.
type uncancelled struct{ ds.Batching }

func (u uncancelled) Put(ctx context.Context, key ds.Key, value []byte) error {
	return u.Batching.Put(context.WithoutCancel(ctx), key, value)
}

func (u uncancelled) Query(ctx context.Context, q dsq.Query) (dsq.Results, error) {
	return u.Batching.Query(context.WithoutCancel(ctx), q)
}

func (u uncancelled) Batch(ctx context.Context) (ds.Batch, error) {
	b, err := u.Batching.Batch(context.WithoutCancel(ctx))
	return uncancelledBatch{b}, err
}

type uncancelledBatch struct{ ds.Batch }

func (b uncancelledBatch) Put(ctx context.Context, key ds.Key, value []byte) error {
	return b.Batch.Put(context.WithoutCancel(ctx), key, value)
}

func (b uncancelledBatch) Delete(ctx context.Context, key ds.Key) error {
	return b.Batch.Delete(context.WithoutCancel(ctx), key)
}

func (b uncancelledBatch) Commit(ctx context.Context) error {
	return b.Batch.Commit(context.WithoutCancel(ctx))
}

// kad-dht's sweeping provider, buffered, keeps its keys, its queue and its schedule in the
// datastore, also across a restart.
func TestSweepingProvider(t *testing.T) {
	onEveryDatastore(t, func(t *testing.T, d ds.Batching) {
		us, other := newPlainPeer(t), newPlainPeer(t)
		connect(t, us, other)
		hashes := hashesOf(40)
		for round, add := range [][]multihash.Multihash{hashes[:20], hashes[20:]} {
			within := func(name string) ds.Batching { return namespace.Wrap(d, ds.NewKey(name)) }
			keys, err := keystore.NewKeystore(within("/provider/keys"))
			if err != nil {
				t.Fatal(err)
			}
			sweeping, err := provider.New(
				provider.WithHost(us.Host()),
				provider.WithPeerID(us.PeerID()),
				provider.WithRouter(us),
				provider.WithSelfAddrs(us.FilteredAddrs),
				provider.WithMessageSender(us.MessageSender()),
				provider.WithKeystore(
					keys,
				),
				provider.WithDatastore(uncancelled{within("/provider/schedule")}),
				provider.WithResumeCycle(true),
				provider.WithAddLocalRecord(func(context.Context, multihash.Multihash) error { return nil }),
			)
			if err != nil {
				t.Fatal(err)
			}
			p := buffered.New(sweeping, within("/provider/queue"))
			if err := p.StartProviding(true, add...); err != nil {
				t.Fatal(err)
			}
			provided(t, other, us.PeerID(), add)
			if n, err := keys.Size(t.Context()); err != nil || n != 20*(round+1) {
				t.Errorf("%d keys are kept, %v", n, err)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			if err := keys.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// boxo's reprovider stores the keys that it could not provide, and provides them after a
// restart.
func TestReprovider(t *testing.T) {
	onEveryDatastore(t, func(t *testing.T, d ds.Batching) {
		ctx := context.Background()
		us, other := newPlainPeer(t), newPlainPeer(t)
		connect(t, us, other)
		hashes := hashesOf(20)
		offline, err := boxo.New(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hashes {
			if err := offline.Provide(ctx, cid.NewCidV1(cid.Raw, h), true); err != nil {
				t.Fatal(err)
			}
		}
		if err := offline.Close(); err != nil {
			t.Fatal(err)
		}
		online, err := boxo.New(d, boxo.Online(us))
		if err != nil {
			t.Fatal(err)
		}
		provided(t, other, us.PeerID(), hashes)
		if err := online.Close(); err != nil {
			t.Error(err)
		}
	})
}
