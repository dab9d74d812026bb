package interop_test

import (
	"context"
	"testing"
	"time"

	mockclock "github.com/benbjohnson/clock"
	ds "github.com/ipfs/go-datastore"
	"github.com/libp2p/go-libp2p/core/peerstore"
	//lint:ignore SA1019 programs that keep their peers still have nothing else
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoreds"
	suite "github.com/libp2p/go-libp2p/p2p/host/peerstore/test"
)

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
	onEveryDatastore(t, func(t *testing.T, d ds.Batching) {
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
	onEveryDatastore(t, func(t *testing.T, d ds.Batching) {
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
	onEveryDatastore(t, func(t *testing.T, d ds.Batching) {
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
