//go:build js

package browser

import (
	"errors"
	"fmt"
	"sync"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/core/transport"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
)

// New starts a host. It is connected to nobody yet, except that it begins to reserve slots at its relays.
// Close ends it with all of its connections. The host has a resource manager with go-libp2p's limits for a
// small machine, and closes connections that are used least beyond some 100.
func New(opts Options) (host.Host, error) {
	opts, err := opts.normalize()
	if err != nil {
		return nil, err
	}
	h, err := start(opts)
	if err != nil {
		return nil, fmt.Errorf("start a host: %w", err)
	}
	return h, nil
}

// Numbers of connections between which the connection manager keeps.
const (
	lowWater  = 64
	highWater = 96
)

// page is a host in a page.
type page struct {
	*basichost.BasicHost
	// reachability stays, as long as it is not closed, what subscribers get first.
	reachability event.Emitter
	relays       *relays
	close        sync.Once
}

func start(opts Options) (_ host.Host, err error) {
	id, err := peer.IDFromPrivateKey(opts.Key)
	if err != nil {
		return nil, err
	}
	// Each part that was made is closed if a later one fails.
	var undo []func() error
	defer func() {
		if err != nil {
			for i := len(undo) - 1; i >= 0; i-- {
				err = errors.Join(err, undo[i]())
			}
		}
	}()
	limits := rcmgr.DefaultLimits.Scale(0, 0)
	resources, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits), rcmgr.WithMetricsDisabled())
	if err != nil {
		return nil, err
	}
	undo = append(undo, resources.Close)
	peers, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, err
	}
	undo = append(undo, peers.Close)
	err = errors.Join(peers.AddPrivKey(id, opts.Key), peers.AddPubKey(id, opts.Key.GetPublic()))
	if err != nil {
		return nil, err
	}
	connections, err := connmgr.NewConnManager(lowWater, highWater)
	if err != nil {
		return nil, err
	}
	undo = append(undo, connections.Close)
	bus := eventbus.NewBus()
	network, err := swarm.NewSwarm(id, peers, bus, swarm.WithResourceManager(resources))
	if err != nil {
		return nil, err
	}
	undo = append(undo, network.Close)
	up, err := addTransports(network, opts, resources)
	if err != nil {
		return nil, err
	}
	basic, err := basichost.NewHost(network, &basichost.HostOpts{
		EventBus: bus, ConnManager: connections, EnablePing: true, UserAgent: opts.UserAgent,
	})
	if err != nil {
		return nil, err
	}
	undo = []func() error{basic.Close} // which closes the others
	if err := client.AddTransport(basic, up); err != nil {
		return nil, err
	}
	h := &page{BasicHost: basic}
	if err := h.private(); err != nil {
		return nil, err
	}
	basic.Start()
	h.relays, err = keepRelays(basic, opts.Relays)
	if err != nil {
		return nil, errors.Join(err, h.reachability.Close())
	}
	return h, nil
}

// addTransports adds what a page can dial by.
func addTransports(
	s *swarm.Swarm, opts Options, resources network.ResourceManager,
) (transport.Upgrader, error) {
	muxers := []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: yamux.DefaultTransport}}
	security, err := noise.New(noise.ID, opts.Key, muxers)
	if err != nil {
		return nil, err
	}
	up, err := upgrader.New([]sec.SecureTransport{security}, muxers, nil, resources, nil)
	if err != nil {
		return nil, err
	}
	return up, errors.Join(
		s.AddTransport(&webSocket{upgrader: up, resources: resources}),
		s.AddTransport(&webTransport{noise: security, resources: resources}),
		s.AddTransport(&webRTC{noise: security, resources: resources}),
	)
}

// private says that nobody reaches the host but through relays: nothing has to find that out.
func (h *page) private() (err error) {
	h.reachability, err = h.EventBus().Emitter(new(event.EvtLocalReachabilityChanged), eventbus.Stateful)
	if err != nil {
		return err
	}
	return h.reachability.Emit(event.EvtLocalReachabilityChanged{Reachability: network.ReachabilityPrivate})
}

// Close is part of host.Host.
func (h *page) Close() (err error) {
	h.close.Do(func() {
		h.relays.stop()
		err = errors.Join(h.BasicHost.Close(), h.reachability.Close())
	})
	return err
}
