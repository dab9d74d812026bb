package interop_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/celestiaorg/go-header/headertest"
	headerstore "github.com/celestiaorg/go-header/store"
	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	//lint:ignore SA1019 programs that keep their peers still have nothing else
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoreds"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
)

// A libp2p node keeps its peers and its part of the DHT in one datastore.
func Example_libp2p() {
	run := func(ctx context.Context, dir string) (err error) {
		d, err := datastore.OpenDatastore(ctx, badger.Engine(dir))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, d.Close()) }()
		peers, err := pstoreds.NewPeerstore(ctx, d, pstoreds.DefaultOpts())
		if err != nil {
			return err
		}
		h, err := libp2p.New(libp2p.Peerstore(peers), libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
		if err != nil {
			return errors.Join(err, peers.Close())
		}
		defer func() { err = errors.Join(err, h.Close()) }() // closes the peerstore, too
		node, err := dht.New(h, dht.Datastore(d), dht.Mode(dht.ModeServer))
		if err != nil {
			return err
		}
		fmt.Println(node.Mode() == dht.ModeServer, len(peers.PeersWithKeys()))
		return node.Close()
	}
	runIn(run)
	// Output: true 1
}

// go-header's store keeps its headers in a datastore.
func Example_goHeader() {
	run := func(ctx context.Context, dir string) (err error) {
		d, err := datastore.OpenDatastore(ctx, badger.Engine(dir))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, d.Close()) }()
		headers, err := headerstore.NewStore[*headertest.DummyHeader](d)
		if err != nil {
			return err
		}
		if err := headers.Start(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, headers.Stop(ctx)) }()
		if err := headers.Append(ctx, &headertest.DummyHeader{HeightI: 1}); err != nil {
			return err
		}
		first, err := headers.GetByHeight(ctx, 1)
		if err != nil {
			return err
		}
		fmt.Println(first.Height())
		return nil
	}
	runIn(run)
	// Output: 1
}

// runIn runs a program in an empty directory.
func runIn(run func(ctx context.Context, dir string) error) {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := run(context.Background(), dir); err != nil {
		log.Print(err)
	}
}
