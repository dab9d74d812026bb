package control

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/node"
)

var peerRoutes = []route{
	{method: "GET", path: "/v1/network", bare: true, serve: (*handler).network},
	{method: "GET", path: "/v1/peers", serve: (*handler).peers},
	{method: "POST", path: "/v1/peers/connect", token: true, body: typeJSON, serve: (*handler).connect},
	{method: "GET", path: "/v1/peers/schemas", token: true, query: []string{"peer"}, serve: (*handler).peerSchemas},
	{method: "POST", path: "/v1/peers/schemas/fetch", token: true, body: typeJSON, serve: (*handler).fetchSchema},
}

// connectTime is how long connecting may take.
const connectTime = 15 * time.Second

// Position returns where a peer is on the ring of the key space: api.NetworkPeer.Position.
func Position(p peer.ID) float64 {
	sum := sha256.Sum256([]byte(p))
	return float64(binary.BigEndian.Uint64(sum[:8])>>12) / (1 << 52)
}

func (h *handler) network(x *exchange) error {
	now := h.Network
	if now == nil {
		now = h.networkNow
	}
	view, err := now(x.ctx())
	if err != nil {
		return err
	}
	return x.answer(view)
}

// networkNow says what the node knows of the network: itself, and the peers it is connected to or
// has in its routing table.
func (h *handler) networkNow(context.Context) (api.Network, error) {
	n := h.Node
	self := api.NetworkPeer{
		ID: n.ID.String(), Position: Position(n.ID), Self: true, Up: n.Peer != nil, Links: []string{},
		Held: n.Records.RecordUsage().Rows,
	}
	if n.Peer == nil {
		return api.Network{Peers: []api.NetworkPeer{self}}, nil
	}
	view := api.Network{}
	for _, p := range n.Peer.DHT.RoutingTable().ListPeers() {
		self.Links = append(self.Links, p.String())
	}
	slices.Sort(self.Links)
	view.Peers = append(view.Peers, self)
	for _, p := range h.peersNow() {
		id, err := peer.Decode(p.ID)
		if err != nil {
			return view, err
		}
		view.Peers = append(view.Peers, api.NetworkPeer{
			ID: p.ID, Position: Position(id), Up: p.Connected, Links: []string{}, Held: -1,
		})
	}
	return view, nil
}

func (h *handler) peers(x *exchange) error { return x.answer(h.peersNow()) }

// peersNow returns the peers that are connected or in the routing table, by id.
func (h *handler) peersNow() []api.Peer {
	all := []api.Peer{}
	if h.Node.Peer == nil {
		return all
	}
	ids := map[peer.ID]bool{}
	for _, id := range h.Node.Peer.Host.Network().Peers() {
		ids[id] = true
	}
	for _, id := range h.Node.Peer.DHT.RoutingTable().ListPeers() {
		ids[id] = true
	}
	for id := range ids {
		all = append(all, peerNow(h.Node.Peer, id))
	}
	slices.SortFunc(all, func(a, b api.Peer) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// peerNow describes a peer.
func peerNow(n *node.Node, id peer.ID) api.Peer {
	p := api.Peer{ID: id.String(), Addresses: []string{}, Routing: n.DHT.RoutingTable().Find(id) == id}
	store := n.Host.Peerstore()
	conns := n.Host.Network().ConnsToPeer(id)
	for _, c := range conns {
		p.Addresses = append(p.Addresses, c.RemoteMultiaddr().String())
		p.Direction = direction(c.Stat().Direction)
	}
	p.Connected = len(conns) > 0
	if !p.Connected {
		for _, a := range store.Addrs(id) {
			p.Addresses = append(p.Addresses, a.String())
		}
	}
	slices.Sort(p.Addresses)
	p.Addresses = slices.Compact(p.Addresses)
	p.LatencyMS = float64(store.LatencyEWMA(id)) / float64(time.Millisecond)
	if agent, err := store.Get(id, "AgentVersion"); err == nil {
		p.Agent, _ = agent.(string)
		p.Agent = shorten(p.Agent)
	}
	return p
}

func direction(d network.Direction) string {
	switch d {
	case network.DirInbound:
		return "inbound"
	case network.DirOutbound:
		return "outbound"
	}
	return ""
}

func (h *handler) connect(x *exchange) error {
	var body api.Connect
	if err := x.read(&body); err != nil {
		return err
	}
	if h.Node.Peer == nil {
		return errOffline
	}
	to, err := peer.AddrInfoFromString(body.Address)
	switch {
	case err != nil:
		return invalid("address %q: %v", shorten(body.Address), err)
	case to.ID == h.Node.ID:
		return invalid("address %q is this node's own", shorten(body.Address))
	}
	ctx, cancel := context.WithTimeout(x.ctx(), connectTime)
	defer cancel()
	if err := h.Node.Peer.Host.Connect(ctx, *to); err != nil {
		return &api.Error{Code: api.NoPeers, Message: err.Error()}
	}
	return x.answer(peerNow(h.Node.Peer, to.ID))
}

// peerSchemas asks another peer for the trees that it has.
func (h *handler) peerSchemas(x *exchange) error {
	id, err := peer.Decode(x.query("peer"))
	switch {
	case err != nil:
		return invalid("peer %q: %v", shorten(x.query("peer")), err)
	case h.Node.Peer == nil:
		return errOffline
	}
	schemas, err := h.Node.Peer.Record.Schemas(x.ctx(), id)
	if err != nil {
		return peerError(err)
	}
	all := make([]api.PeerSchema, len(schemas))
	for i, s := range schemas {
		all[i] = api.PeerSchema{Tree: s.Tree, Hash: hexText(s.Hash[:]), Known: s.Known}
		if s.Known {
			all[i].Relation = s.Relation.String()
		}
	}
	return x.answer(all)
}

// fetchSchema gets a schema file from another peer.
func (h *handler) fetchSchema(x *exchange) error {
	var body api.FetchSchema
	if err := x.read(&body); err != nil {
		return err
	}
	id, err := peer.Decode(body.Peer)
	if err != nil {
		return invalid("peer %q: %v", shorten(body.Peer), err)
	}
	hash, err := hex.DecodeString(body.Hash)
	if err != nil || len(hash) != sha256.Size {
		return invalid("hash %q: it has %d hex digits", shorten(body.Hash), 2*sha256.Size)
	}
	if h.Node.Peer == nil {
		return errOffline
	}
	schema, err := h.Node.Peer.Record.FetchSchema(x.ctx(), id, body.Tree, [sha256.Size]byte(hash))
	if err != nil {
		return peerError(err)
	}
	var file bytes.Buffer
	if err := schema.Write(&file); err != nil {
		return err
	}
	return x.send(typeJSON, file.Bytes())
}

// peerError says that another peer has failed to answer, and not this node.
func peerError(err error) error {
	if fault := faultOf(err); fault.Code != api.Internal {
		return fault
	}
	return &api.Error{Code: api.NoPeers, Message: err.Error()}
}
