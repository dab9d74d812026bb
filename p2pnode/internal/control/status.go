package control

import (
	"context"
	"runtime/metrics"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

var statusRoutes = []route{
	{method: "GET", path: "/v1/status", serve: (*handler).status},
	{method: "GET", path: "/v1/version", bare: true, serve: (*handler).version},
	{method: "GET", path: "/v1/config", serve: (*handler).config},
	{method: "GET", path: "/v1/series", query: []string{"since"}, serve: (*handler).series},
	{method: "GET", path: "/metrics", serve: (*handler).metrics},
	{method: "GET", path: "/openapi.yaml", bare: true, serve: (*handler).openAPI},
}

func (h *handler) status(x *exchange) error {
	s, err := h.statusNow(x.ctx())
	if err != nil {
		return err
	}
	return x.answer(s)
}

func (h *handler) statusNow(ctx context.Context) (s api.Status, err error) {
	n := h.Node
	trees, err := n.Store.Inspect().Trees(ctx)
	if err != nil {
		return s, err
	}
	disk, err := n.Store.Size(ctx)
	if err != nil {
		return s, err
	}
	id := n.Store.ID()
	s = api.Status{
		Peer: n.ID.String(), Addresses: []string{}, Version: n.Version, Started: n.Started.UTC(), Dir: n.Dir,
		Engine: n.Engine, Mode: n.Mode, Protocol: n.Protocol, Store: hexText(id[:]), Encrypted: n.Encrypted,
		Trees: len(trees), Records: api.Usage(n.Records.RecordUsage()), Providers: api.Usage(n.Records.ProviderUsage()),
		DiskBytes: uint64(max(disk, 0)), MemoryBytes: heap(),
	}
	if n.Peer == nil {
		return s, nil
	}
	addresses, err := peer.AddrInfoToP2pAddrs(new(n.Peer.Address()))
	if err != nil {
		return s, err
	}
	for _, a := range addresses {
		s.Addresses = append(s.Addresses, a.String())
	}
	s.Mode = "client"
	if slices.ContainsFunc(n.Peer.Host.Mux().Protocols(), func(p protocol.ID) bool {
		return strings.HasPrefix(string(p), n.Protocol+"/kad/")
	}) {
		s.Mode = "server"
	}
	s.Connected, s.Known = len(n.Peer.Host.Network().Peers()), n.Peer.DHT.RoutingTable().Size()
	return s, nil
}

// heap returns how many bytes the objects of the process take.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

func (h *handler) version(x *exchange) error { return x.answer(versionNow(h.Node.Version)) }

func (h *handler) config(x *exchange) error {
	if h.Node.Settings == nil {
		return x.answer([]api.Setting{})
	}
	return x.answer(h.Node.Settings)
}

func (h *handler) metrics(x *exchange) error {
	if h.Node.Metrics == nil {
		return &api.Error{Code: api.NotFound, Message: "there are no metrics here"}
	}
	x.begin(typeText)
	x.extend()
	promhttp.HandlerFor(h.Node.Metrics, promhttp.HandlerOpts{}).ServeHTTP(x.w, x.r)
	return nil
}

// openAPI serves the description of the interface.
func (h *handler) openAPI(x *exchange) error { return x.send(typeYAML, api.Description) }
