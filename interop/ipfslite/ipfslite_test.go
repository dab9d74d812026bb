package ipfslite_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	ipfslite "github.com/hsanjuan/ipfs-lite"
	"github.com/ipfs/go-cid"
	dual "github.com/libp2p/go-libp2p-kad-dht/dual"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

var engines = map[string]func(dir string) engine.Engine{"bolt": bolt.Engine, "badger": badger.Engine}

// node is a peer with everything that it keeps, its blocks, its part of the DHT and the queue of
// its provider, in one datastore of ours.
type node struct {
	*ipfslite.Peer
	host  host.Host
	dht   *dual.DHT
	store *datastore.Face
	end   context.CancelFunc
}

func start(t *testing.T, key crypto.PrivKey, eng engine.Engine) *node {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	store, err := datastore.OpenDatastore(ctx, eng)
	if err != nil {
		t.Fatal(err)
	}
	loopback := multiaddr.StringCast("/ip4/127.0.0.1/tcp/0")
	h, dht, err := ipfslite.SetupLibp2p(ctx, key, nil, []multiaddr.Multiaddr{loopback}, store)
	if err != nil {
		t.Fatal(err)
	}
	lite, err := ipfslite.New(ctx, store, nil, h, dht, &ipfslite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return &node{lite, h, dht, store, cancel}
}

// stop ends a peer as its users do: with its context.
func (n *node) stop(t *testing.T) {
	t.Helper()
	n.end()
	if err := errors.Join(n.dht.Close(), n.host.Close()); err != nil {
		t.Error(err)
	}
	if err := errors.Join(n.store.Check(context.Background()), n.store.Close()); err != nil {
		t.Error(err)
	}
}

func (n *node) meet(other *node) {
	n.Bootstrap([]peer.AddrInfo{{ID: other.host.ID(), Addrs: other.host.Addrs()}})
}

func (n *node) read(t *testing.T, c cid.Cid) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	file, err := n.GetFile(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// One peer adds files, the other gets them, provides and is found. Both have what they had when
// they open again.
func TestIPFSLite(t *testing.T) {
	for name, at := range engines {
		t.Run(name, func(t *testing.T) {
			dirs := [2]string{t.TempDir(), t.TempDir()}
			var keys [2]crypto.PrivKey
			for i := range keys {
				key, _, err := crypto.GenerateEd25519Key(rand.Reader)
				if err != nil {
					t.Fatal(err)
				}
				keys[i] = key
			}
			large := make([]byte, 3<<20) // blocks of 256 KiB
			if _, err := rand.Read(large); err != nil {
				t.Fatal(err)
			}
			ctx := t.Context()

			a, b := start(t, keys[0], at(dirs[0])), start(t, keys[1], at(dirs[1]))
			b.meet(a)
			var files []cid.Cid
			for i := range 10 {
				file, err := a.AddFile(ctx, bytes.NewReader(fmt.Appendf(nil, "file %d", i)), nil)
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, file.Cid())
			}
			file, err := a.AddFile(ctx, bytes.NewReader(large), nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range files {
				if got := b.read(t, c); string(got) != fmt.Sprint("file ", i) {
					t.Errorf("file %d is %q", i, got)
				}
			}
			if !bytes.Equal(b.read(t, file.Cid()), large) {
				t.Error("the large file is another")
			}
			if err := b.Remove(ctx, files[0]); err != nil {
				t.Fatal(err)
			}
			// On loopback only the DHT of the local network has peers.
			if err := b.dht.LAN.Provide(ctx, file.Cid(), true); err != nil {
				t.Fatal(err)
			}
			isFound(t, a, file.Cid(), b.host.ID())
			a.stop(t)
			b.stop(t)

			a, b = start(t, keys[0], at(dirs[0])), start(t, keys[1], at(dirs[1]))
			if !bytes.Equal(b.read(t, file.Cid()), large) { // it knows nobody yet
				t.Error("the large file is another after the restart")
			}
			if has, err := b.HasBlock(ctx, files[0]); err != nil || has {
				t.Errorf("the removed block is there: %v, %v", has, err)
			}
			b.meet(a)
			if got := b.read(t, files[0]); string(got) != "file 0" {
				t.Errorf("file 0 is %q", got)
			}
			isFound(t, a, file.Cid(), b.host.ID())
			a.stop(t)
			b.stop(t)
		})
	}
}

// isFound checks that a peer finds a provider.
func isFound(t *testing.T, by *node, c cid.Cid, provider peer.ID) {
	t.Helper()
	for range 200 {
		found, err := by.dht.LAN.FindProviders(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range found {
			if p.ID == provider {
				return
			}
		}
		time.Sleep(50 * time.Millisecond) // the announcement and the routing tables come on their own
	}
	t.Fatalf("the provider of %s is not found", c)
}
