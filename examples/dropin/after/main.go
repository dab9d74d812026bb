// This program takes part in a DHT, and keeps the records that the DHT places on it in a
// database. They are still there when the program starts again.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"

	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/record"
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

	store, err := record.Open(ctx, badger.Engine("dht_db"), record.Options{})
	if err != nil {
		return err
	}
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
