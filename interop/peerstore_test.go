package interop_test

import (
	"context"
	"errors"
	"testing"
	"time"

	mockclock "github.com/benbjohnson/clock"
	ds "github.com/ipfs/go-datastore"
	"github.com/libp2p/go-libp2p/core/crypto"
	libp2ppeer "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	//lint:ignore SA1019 programs that keep their peers still have nothing else
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoreds"
	suite "github.com/libp2p/go-libp2p/p2p/host/peerstore/test"
	"github.com/multiformats/go-multiaddr"

	"github.com/newsnet-africa/netabase-go/datastore"
)

// onRecordsAndStores runs a test with records as the datastore, and with a store.
func onRecordsAndStores(t *testing.T, test func(t *testing.T, d ds.Batching)) {
	onEveryDatastore(t, test)
	for name, at := range onDisk {
		t.Run("store, "+name, func(t *testing.T) {
			reopened(t, at(t.TempDir()), func(d *datastore.Face) { test(t, d) })
		})
	}
}

// peerstoreOptions are the options of libp2p's own tests of its peerstore.
func peerstoreOptions(clock *mockclock.Mock) pstoreds.Options {
	opts := pstoreds.DefaultOpts()
	opts.GCPurgeInterval = time.Second
	opts.CacheSize = 0 // every call then asks the datastore
	opts.MaxAddrsPerPeer = 0
	if clock != nil {
		opts.Clock = clock
	}
	return opts
}

// libp2p's own tests of its peerstore pass with the peerstore in ours.
func TestPeerstore(t *testing.T) {
	onRecordsAndStores(t, func(t *testing.T, d ds.Batching) {
		suite.TestPeerstore(t, func() (peerstore.Peerstore, func()) {
			empty(t, d)
			p, err := pstoreds.NewPeerstore(context.Background(), d, pstoreds.DefaultOpts())
			if err != nil {
				t.Fatal(err)
			}
			return p, func() { p.Close() }
		})
	})
}

func TestAddressBook(t *testing.T) {
	onRecordsAndStores(t, func(t *testing.T, d ds.Batching) {
		clock := mockclock.NewMock()
		suite.TestAddrBook(t, func() (peerstore.AddrBook, func()) {
			empty(t, d)
			book, err := pstoreds.NewAddrBook(context.Background(), d, peerstoreOptions(clock))
			if err != nil {
				t.Fatal(err)
			}
			return book, func() { book.Close() }
		}, clock)
	})
}

func TestKeyBook(t *testing.T) {
	onRecordsAndStores(t, func(t *testing.T, d ds.Batching) {
		suite.TestKeyBook(t, func() (peerstore.KeyBook, func()) {
			empty(t, d)
			book, err := pstoreds.NewKeyBook(context.Background(), d, peerstoreOptions(nil))
			if err != nil {
				t.Fatal(err)
			}
			return book, func() {}
		})
	})
}

// A peerstore whose context has ended writes on until it is closed. Everything is there when it is
// opened again.
func TestPeerstoreIsKept(t *testing.T) {
	key, public, err := crypto.GenerateEd25519Key(nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := libp2ppeer.IDFromPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	addresses := []multiaddr.Multiaddr{
		multiaddr.StringCast("/ip4/192.0.2.1/tcp/1"), multiaddr.StringCast("/ip4/192.0.2.1/tcp/2"),
	}
	for name, at := range onDisk {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			reopened(t, at(dir), func(d *datastore.Face) {
				ctx, cancel := context.WithCancel(t.Context())
				peers, err := pstoreds.NewPeerstore(ctx, d, pstoreds.DefaultOpts())
				if err != nil {
					t.Fatal(err)
				}
				peers.AddAddrs(id, addresses[:1], peerstore.PermanentAddrTTL)
				cancel()
				peers.AddAddrs(id, addresses[1:], peerstore.PermanentAddrTTL)
				if err := errors.Join(
					peers.AddPrivKey(id, key), peers.AddProtocols(id, "/a/1"), peers.Put(id, "name", "Ada"), peers.Close(),
				); err != nil {
					t.Fatal(err)
				}
			})
			reopened(t, at(dir), func(d *datastore.Face) {
				peers, err := pstoreds.NewPeerstore(t.Context(), d, pstoreds.DefaultOpts())
				if err != nil {
					t.Fatal(err)
				}
				protocols, err := peers.GetProtocols(id)
				name, err2 := peers.Get(id, "name")
				kept := peers.PrivKey(id)
				if len(peers.Addrs(id)) != 2 || kept == nil || !kept.Equals(key) || len(protocols) != 1 || name != "Ada" {
					t.Errorf("kept are %v, %v, %v and %v, %v", peers.Addrs(id), kept, protocols, name, errors.Join(err, err2))
				}
				if err := peers.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
