package control

import (
	"context"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/record"
)

var contentRoutes = []route{
	{method: "POST", path: "/v1/provide", token: true, body: typeJSON, serve: (*handler).provide},
	{method: "GET", path: "/v1/providers", token: true, query: []string{"cid", "local"}, serve: (*handler).providers},
}

const (
	// lookupTime is how long providing and finding providers may take.
	lookupTime = time.Minute
	// maxProviders is how many providers an answer has at most.
	maxProviders = 1000
)

func parseCID(text string) (cid.Cid, error) {
	c, err := cid.Decode(text)
	if err != nil {
		return c, invalid("cid %q: %v", shorten(text), err)
	}
	return c, nil
}

func (h *handler) provide(x *exchange) error {
	var body api.Provide
	if err := x.read(&body); err != nil {
		return err
	}
	c, err := parseCID(body.CID)
	switch {
	case err != nil:
		return err
	case h.Node.Peer == nil:
		return errOffline
	case h.Node.Peer.DHT.RoutingTable().Size() == 0:
		return record.ErrNoPeers
	}
	ctx, cancel := context.WithTimeout(x.ctx(), lookupTime)
	defer cancel()
	if err := h.Node.Peer.DHT.Provide(ctx, c, true); err != nil {
		return &api.Error{Code: api.NoPeers, Message: fmt.Sprintf("provide %s: %v", c, err)}
	}
	return x.answer(struct{}{})
}

func (h *handler) providers(x *exchange) error {
	c, err := parseCID(x.query("cid"))
	if err != nil {
		return err
	}
	local, err := x.flag("local")
	if err != nil {
		return err
	}
	all := []api.Provider{}
	if local {
		all, err = h.storedProviders(x.ctx(), c)
		if err != nil {
			return err
		}
		return x.answer(all)
	}
	switch {
	case h.Node.Peer == nil:
		return errOffline
	case h.Node.Peer.DHT.RoutingTable().Size() == 0:
		return record.ErrNoPeers
	}
	ctx, cancel := context.WithTimeout(x.ctx(), lookupTime)
	defer cancel()
	for p := range h.Node.Peer.DHT.FindProvidersAsync(ctx, c, maxProviders) {
		all = append(all, providerOf(p))
	}
	return x.answer(all)
}

func providerOf(p peer.AddrInfo) api.Provider {
	out := api.Provider{Peer: p.ID.String()}
	for _, a := range p.Addrs {
		out.Addresses = append(out.Addresses, a.String())
	}
	return out
}

// storedProviders returns the providers that are stored here. Some that came last may be with
// kad-dht still, which keeps no time of them.
func (h *handler) storedProviders(ctx context.Context, c cid.Cid) ([]api.Provider, error) {
	all := []api.Provider{}
	seen := map[peer.ID]bool{}
	for p, err := range h.Node.Records.ProvidersOf(ctx, c.Hash()) {
		if err != nil {
			return nil, err
		}
		out := api.Provider{Peer: p.Peer.String()}
		if !p.Received.IsZero() {
			out.Received = new(p.Received.UTC())
		}
		all, seen[p.Peer] = append(all, out), true
		if len(all) == maxProviders {
			return all, nil
		}
	}
	if h.Node.Peer == nil {
		return all, nil
	}
	waiting, err := h.Node.Peer.DHT.ProviderStore().GetProviders(ctx, c.Hash())
	if err != nil {
		return nil, err
	}
	for _, p := range waiting {
		if !seen[p.ID] && len(all) < maxProviders {
			all = append(all, providerOf(p))
		}
	}
	return all, nil
}
