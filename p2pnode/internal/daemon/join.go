package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	"github.com/libp2p/go-libp2p/p2p/host/autorelay"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/node"
)

var modes = map[string]dht.ModeOpt{"server": dht.ModeServer, "client": dht.ModeClient, "auto": dht.ModeAuto}

// join starts the peer, and all that keeps it in the network.
func (d *Daemon) join(ctx context.Context) (err error) {
	c := d.cfg
	listen := make([]string, len(c.Listen))
	for i, a := range c.Listen {
		listen[i] = a.String()
	}
	d.peer, err = node.Start(ctx, d.store, node.Config{
		Key: d.key, Records: d.recordOptions(), Listen: listen, Private: c.PSK, Replication: c.Replication,
		Host: d.hostOptions(),
		DHT: []dht.Option{
			dht.Mode(modes[c.Mode]), dht.ProtocolPrefix(protocol.ID(c.Protocol)), dht.OnRequestHook(d.asked),
			dht.BootstrapPeers(c.Bootstrap...),
		},
	})
	if err != nil {
		return err
	}
	d.peer.Host.Network().Notify(d.connections())
	d.meters.WatchPeers(func() int { return len(d.peer.Host.Network().Peers()) }, d.peer.DHT.RoutingTable().Size)
	d.work.Go(func() { d.meters.Run(d.ctx, d.store.Size) })
	for _, tree := range d.shown.Trees {
		if tree.Policy() != models.Local {
			d.work.Go(func() { d.watchTree(tree) })
		}
	}
	if d.cfg.Records.RepublishInterval > 0 {
		d.work.Go(func() {
			err := d.peer.Record.Republish(d.ctx)
			if d.ctx.Err() == nil && !errors.Is(err, models.ErrClosed) {
				d.log.Error("records are not republished any longer", "error", err)
			}
		})
	}
	if len(c.Bootstrap) > 0 {
		d.work.Go(d.bootstrap)
	}
	if c.MDNS {
		d.work.Go(d.findLocal)
	}
	if len(c.Sync) > 0 {
		d.work.Go(d.keepSynced)
	}
	return nil
}

func (d *Daemon) hostOptions() []libp2p.Option {
	c := d.cfg
	options := []libp2p.Option{
		libp2p.UserAgent("p2pnode/" + Version()),
		libp2p.PrometheusRegisterer(d.meters.Registry),
	}
	if len(c.Announce) > 0 {
		options = append(options, libp2p.AddrsFactory(func([]ma.Multiaddr) []ma.Multiaddr { return c.Announce }))
	}
	if c.NAT {
		options = append(options, libp2p.NATPortMap())
	}
	switch {
	case c.Relay:
		options = append(options, libp2p.EnableHolePunching(), libp2p.EnableAutoRelayWithPeerSource(d.relays))
	case c.Browsers, c.RelayService != "off":
		options = append(options, libp2p.EnableRelay()) // to dial pages through relays
	default:
		options = append(options, libp2p.DisableRelay())
	}
	if c.RelayService != "off" {
		var limits []relay.Option
		if c.RelayService == "full" {
			limits = append(limits, relay.WithInfiniteLimits())
		}
		// It waits otherwise until others have found that the node is reached from outside, which one on
		// loopback never is.
		options = append(options, libp2p.EnableRelayService(limits...), libp2p.ForceReachabilityPublic())
	}
	return options
}

// relays gives the peers to bootstrap from, which may relay.
func (d *Daemon) relays(_ context.Context, most int) <-chan peer.AddrInfo {
	found := make(chan peer.AddrInfo, most)
	defer close(found)
	for _, p := range d.cfg.Bootstrap {
		if len(found) < most {
			found <- p
		}
	}
	return found
}

var _ autorelay.PeerSource = (*Daemon)(nil).relays

// How long the node waits until it tries again to reach the peers to bootstrap from, and how long an
// attempt may take.
const (
	firstWait   = time.Second
	longestWait = 2 * time.Minute
	dialTime    = 15 * time.Second
)

// bootstrap connects to the peers of the settings whenever no other peer is known.
func (d *Daemon) bootstrap() {
	wait := firstWait
	for {
		if d.peer.DHT.RoutingTable().Size() == 0 {
			ctx, cancel := context.WithTimeout(d.ctx, dialTime)
			err := d.peer.Join(ctx, d.cfg.Bootstrap)
			cancel()
			if err != nil {
				if d.ctx.Err() != nil {
					return
				}
				d.log.Warn("no peer to bootstrap from is reached", "again in", wait, "error", err)
			} else {
				wait = firstWait
			}
		} else {
			wait = firstWait
		}
		select {
		case <-d.ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, longestWait)
	}
}

// findLocal looks for peers in the local network, until the daemon is closed. A machine may have no
// network yet.
func (d *Daemon) findLocal() {
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		service := mdns.NewMdnsService(d.peer.Host, mdnsService, (*found)(d))
		err := service.Start()
		if err == nil {
			<-d.ctx.Done()
		} else {
			d.log.Warn("no peers can be found by multicast DNS: it needs a network with multicast",
				"again in", wait, "error", err)
		}
		_ = service.Close() // it ends what goes on, and has no other error
		select {
		case <-d.ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// found connects to peers that multicast DNS has found.
type found Daemon

func (f *found) HandlePeerFound(p peer.AddrInfo) {
	ctx, cancel := context.WithTimeout(f.ctx, dialTime)
	defer cancel()
	if f.peer.Host.Network().Connectedness(p.ID) == network.Connected {
		return
	}
	if err := f.peer.Host.Connect(ctx, p); err != nil {
		f.log.Info("a peer in the local network is not reached", "peer", p.ID.String(), "error", err)
	}
}

// mdnsService is the name under which nodes find one another. Peers of another DHT are found as well,
// and stay out of the routing table.
const mdnsService = "_netabase._udp"
