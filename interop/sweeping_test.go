package interop_test

import (
	"context"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p-kad-dht/provider"
	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/keystore"
)

// kad-dht's sweeping provider has its keys in our key store, in the store of the records. It
// provides those that it is told of, those of a reset, and both after a restart. Another peer
// finds their provider.
func TestSweepingProviderWithOurKeys(t *testing.T) {
	for name, at := range engines {
		t.Run(name, func(t *testing.T) {
			store := datastore.Temp(t, at(t.TempDir()), record.Definition, keystore.Definition, Shop)
			records, err := record.New(t.Context(), store, record.Options{Models: []*models.Definition{Shop}})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := records.Close(); err != nil {
					t.Error(err)
				}
			}()
			hashes := hashesOf(40)
			other := newPlainPeer(t)
			us := newPlainPeer(t)
			connect(t, us, other)

			withProvider(t, us, store, 0, func(keys *keystore.Keystore, p *provider.SweepingProvider) {
				if err := p.StartProviding(true, hashes[:20]...); err != nil {
					t.Fatal(err)
				}
				provided(t, other, us.PeerID(), hashes[:20])
				pinned := make(chan cid.Cid, 30)
				for _, h := range hashes[10:] {
					pinned <- cid.NewCidV1(cid.Raw, h)
				}
				close(pinned)
				if err := keys.ResetCids(t.Context(), pinned); err != nil {
					t.Fatal(err)
				}
				if err := p.RefreshSchedule(); err != nil {
					t.Fatal(err)
				}
				provided(t, other, us.PeerID(), hashes)
			})
			us = newPlainPeer(t) // a peer of another name, for which nothing is provided yet
			connect(t, us, other)
			withProvider(t, us, store, 30, func(*keystore.Keystore, *provider.SweepingProvider) {
				for _, h := range hashes[10:] {
					waitFor(t, func() bool {
						found, err := other.FindProviders(t.Context(), cid.NewCidV1(cid.Raw, h))
						return err == nil && len(found) == 2
					})
				}
			})
		})
	}
}

// withProvider runs a sweeping provider with the keys in a store, of which there are to be
// size. It goes over all of them every second.
func withProvider(
	t *testing.T, us *dht.IpfsDHT, store *datastore.Store, size int,
	use func(*keystore.Keystore, *provider.SweepingProvider),
) {
	t.Helper()
	keys, err := keystore.New(t.Context(), store, "provide")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := keys.Size(t.Context()); err != nil || n != size {
		t.Errorf("%d keys, %v, not %d", n, err, size)
	}
	p, err := provider.New(provider.WithHost(us.Host()), provider.WithPeerID(us.PeerID()), provider.WithRouter(us),
		provider.WithSelfAddrs(us.FilteredAddrs), provider.WithMessageSender(us.MessageSender()),
		provider.WithKeystore(keys), provider.WithReprovideInterval(time.Second), provider.WithMaxReprovideDelay(time.Second),
		provider.WithAddLocalRecord(func(context.Context, multihash.Multihash) error { return nil }))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if err := keys.Close(); err != nil {
			t.Error(err)
		}
	}()
	use(keys, p)
}

// waitFor waits until something is so that others bring about.
func waitFor(t *testing.T, is func() bool) {
	t.Helper()
	for i := 0; !is(); i++ {
		if i == 400 {
			t.Fatal("it has not come about in 20 seconds")
		}
		time.Sleep(50 * time.Millisecond)
	}
}
