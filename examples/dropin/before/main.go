// This program takes part in a DHT, and keeps the records that the DHT places on it in a
// map. They are gone when the program ends.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	ds "github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	host, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, host.Close()) }()

	store := dssync.MutexWrap(ds.NewMapDatastore())
	defer func() { err = errors.Join(err, store.Close()) }()

	node, err := dht.New(host, dht.Mode(dht.ModeServer), dht.ProtocolPrefix("/example"), dht.Datastore(store))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, node.Close()) }()

	fmt.Printf("listening on %s/p2p/%s\n", host.Addrs()[0], host.ID())
	<-ctx.Done()
	return nil
}
