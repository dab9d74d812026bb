//go:build !js

package main

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/examples/browser/board"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// native is a peer outside of the browser, that pages can dial. It keeps the notes while it runs.
type native struct {
	records *record.Records
	host    host.Host
	dht     *dht.IpfsDHT
	stop    func()
	ended   chan error
}

// startNative starts a peer that knows others.
func startNative(ctx context.Context, others []*native) (_ *native, err error) {
	n := &native{stop: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	n.records, err = record.Open(ctx, memory.Engine(), record.Options{
		Models: []*models.Definition{board.Board}, MaxRecordAge: -1,
	})
	if err != nil {
		return nil, err
	}
	n.host, err = libp2p.New(libp2p.ListenAddrStrings(
		"/ip4/127.0.0.1/tcp/0/ws", "/ip4/127.0.0.1/udp/0/quic-v1/webtransport",
	))
	if err != nil {
		return nil, err
	}
	n.dht, err = dht.New(n.host, append(n.records.DHTOptions(), dht.Mode(dht.ModeServer))...)
	if err != nil {
		return nil, err
	}
	node, err := record.Join(n.records, n.dht)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	n.stop = stop
	gossip, err := record.NewPubSub(ctx, n.host)
	if err != nil {
		return nil, err
	}
	how := record.KeepSynced{Topics: []string{board.All.Name()}, PubSub: gossip}
	for _, other := range others {
		if err := n.host.Connect(ctx, other.info()); err != nil {
			return nil, err
		}
		how.Peers = append(how.Peers, other.host.ID())
	}
	n.ended = make(chan error, 1)
	go func() { n.ended <- node.KeepSynced(ctx, how) }()
	return n, nil
}

func (n *native) info() peer.AddrInfo { return peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()} }

// close closes from the network inwards.
func (n *native) close() (err error) {
	n.stop()
	if n.ended != nil {
		if ended := <-n.ended; !errors.Is(ended, context.Canceled) {
			err = ended
		}
	}
	if n.dht != nil {
		err = errors.Join(err, n.dht.Close())
	}
	if n.host != nil {
		err = errors.Join(err, n.host.Close())
	}
	if n.records != nil {
		err = errors.Join(err, n.records.Close())
	}
	return err
}
