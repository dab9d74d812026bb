//go:build js

package browser

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// How long the host waits after a relay has refused or could not be reached.
	firstWait   = time.Second
	longestWait = time.Minute
	// A reservation is renewed after half of its time, within these bounds.
	shortestStay = 10 * time.Second
	longestStay  = 10 * time.Minute
	// reserveTime is how long connecting and reserving may take.
	reserveTime = 30 * time.Second
	// maxAddresses bounds the addresses of one relay.
	maxAddresses = 8
)

// relays keeps reservations. go-libp2p's autorelay would tell only of relays with public addresses, and
// serves hosts that look for relays.
type relays struct {
	host    host.Host
	emitter event.Emitter
	cancel  context.CancelFunc
	work    sync.WaitGroup
	// lost wakes who keeps a relay when it has no connection any more.
	lost map[peer.ID]chan struct{}
	bell *network.NotifyBundle

	mu    sync.Mutex
	addrs map[peer.ID][]ma.Multiaddr
}

func keepRelays(h host.Host, all []peer.AddrInfo) (*relays, error) {
	emitter, err := h.EventBus().Emitter(new(event.EvtAutoRelayAddrsUpdated), eventbus.Stateful)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &relays{
		host: h, emitter: emitter, cancel: cancel,
		lost: map[peer.ID]chan struct{}{}, addrs: map[peer.ID][]ma.Multiaddr{},
	}
	var once []peer.AddrInfo
	for _, relay := range all {
		if r.lost[relay.ID] == nil {
			r.lost[relay.ID] = make(chan struct{}, 1)
			once = append(once, relay)
		}
	}
	r.bell = &network.NotifyBundle{DisconnectedF: r.disconnected}
	h.Network().Notify(r.bell)
	for _, relay := range once {
		h.ConnManager().Protect(relay.ID, "relay")
		r.work.Go(func() { r.keep(ctx, relay) })
	}
	return r, nil
}

func (r *relays) stop() {
	r.cancel()
	r.work.Wait()
	r.host.Network().StopNotify(r.bell)
	_ = r.emitter.Close() // it has no error but that it is closed
}

// disconnected is told of each connection that ends.
func (r *relays) disconnected(n network.Network, c network.Conn) {
	lost := r.lost[c.RemotePeer()]
	if lost == nil || n.Connectedness(c.RemotePeer()) == network.Connected {
		return
	}
	select {
	case lost <- struct{}{}:
	default:
	}
}

// keep keeps a reservation with one relay until ctx ends.
func (r *relays) keep(ctx context.Context, relay peer.AddrInfo) {
	wait := firstWait
	for ctx.Err() == nil {
		until, err := r.reserve(ctx, relay)
		stay := min(max(time.Until(until)/2, shortestStay), longestStay)
		if err != nil {
			r.set(relay.ID, nil)
			stay, wait = wait, min(2*wait, longestWait)
		} else {
			wait = firstWait
		}
		timer := time.NewTimer(stay)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-r.lost[relay.ID]:
			r.set(relay.ID, nil)
		}
		timer.Stop()
	}
}

// reserve gets a reservation, or renews it, and tells others of it.
func (r *relays) reserve(ctx context.Context, relay peer.AddrInfo) (until time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, reserveTime)
	defer cancel()
	if err := r.host.Connect(ctx, relay); err != nil {
		return time.Time{}, err
	}
	reservation, err := client.Reserve(ctx, r.host, relay)
	if err != nil {
		return time.Time{}, err
	}
	r.set(relay.ID, through(relay.ID, r.host.Peerstore().Addrs(relay.ID)))
	return reservation.Expiration, nil
}

// through returns the addresses of a peer behind a relay, given those of the relay.
func through(relay peer.ID, addrs []ma.Multiaddr) (all []ma.Multiaddr) {
	circuit := ma.StringCast(fmt.Sprintf("/p2p/%s/p2p-circuit", relay))
	for _, a := range addrs {
		if _, err := a.ValueForProtocol(ma.P_CIRCUIT); err != nil && len(all) < maxAddresses {
			all = append(all, a.Encapsulate(circuit))
		}
	}
	return all
}

// set sets the addresses by way of one relay, and tells the host all of them if they have changed.
func (r *relays) set(relay peer.ID, addrs []ma.Multiaddr) {
	slices.SortFunc(addrs, ma.Multiaddr.Compare)
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.EqualFunc(r.addrs[relay], addrs, ma.Multiaddr.Equal) {
		return
	}
	r.addrs[relay] = addrs
	var all []ma.Multiaddr
	for _, a := range r.addrs {
		all = append(all, a...)
	}
	slices.SortFunc(all, ma.Multiaddr.Compare)
	_ = r.emitter.Emit(event.EvtAutoRelayAddrsUpdated{RelayAddrs: all}) // it fails only when closed
}
