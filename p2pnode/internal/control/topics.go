package control

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/suggest"
	"github.com/newsnet-africa/netabase-go/record"
)

var topicRoutes = []route{
	{method: "GET", path: "/v1/topics", serve: (*handler).topics},
	{
		method: "POST", path: "/v1/topics/{tree}/{topic}/sync", token: true, stream: true, body: typeJSON,
		serve: (*handler).sync,
	},
}

func (h *handler) topics(x *exchange) error {
	all := []api.Topic{}
	for _, tree := range h.Node.Trees {
		for _, topic := range tree.Raw().Topics() {
			rows, _, err := topic.Sum(x.ctx(), h.Node.Store, nil, nil)
			if err != nil {
				return err
			}
			name := topic.Name()
			_, own, _ := strings.Cut(name, "/")
			all = append(all, api.Topic{
				Name: name, Tree: tree.Name(), Topic: own, Rows: int64(rows), Partial: topic.Partial(),
				Kept: slices.Contains(h.Node.Kept, name), Synced: h.Node.Syncs.of(name),
				Answered: h.Node.Answered.of(name), Gossip: h.gossip(name),
			})
		}
	}
	slices.SortFunc(all, func(a, b api.Topic) int { return cmp.Compare(a.Name, b.Name) })
	return x.answer(all)
}

// gossip returns the peers that gossip a topic.
func (h *handler) gossip(topic string) []api.GossipPeer {
	all := []api.GossipPeer{}
	if h.Node.Peer == nil {
		return all
	}
	for _, p := range h.Node.Peer.Record.GossipPeers(topic) {
		all = append(all, api.GossipPeer{
			Peer: p.ID.String(), Listens: p.Listens, Taken: p.Taken, Ignored: p.Ignored, Invalid: p.Invalid,
			LeftAlone: p.LeftAlone,
		})
	}
	return all
}

// directions are the words for directions.
var directions = map[string]record.Direction{
	"": record.Both, "both": record.Both, "pull": record.Pull, "push": record.Push,
}

func (h *handler) sync(x *exchange) error {
	topic, err := h.topicOf(x)
	if err != nil {
		return err
	}
	var body api.Sync
	if err := x.read(&body); err != nil {
		return err
	}
	direction, ok := directions[body.Direction]
	if !ok {
		return invalid("direction is %q: it is pull, push or both", shorten(body.Direction))
	}
	if h.Node.Peer == nil {
		return errOffline
	}
	partners, err := h.partners(body.Peer)
	if err != nil {
		return err
	}
	write, err := x.lines()
	if err != nil {
		return err
	}
	var fault error
	synced := 0
	for _, p := range partners {
		err := h.syncWith(x.ctx(), p, topic, direction, write)
		switch {
		case err == nil:
			synced++
		case x.ctx().Err() != nil || errors.Is(err, errGone):
			return err
		default:
			fault = err
		}
	}
	if synced > 0 {
		return nil
	}
	return peerError(fault)
}

// topicOf returns the full name of the topic that the path names.
func (h *handler) topicOf(x *exchange) (string, error) {
	tree, err := h.hosted(x)
	if err != nil {
		return "", err
	}
	own := x.r.PathValue("topic")
	if topic, ok := tree.Raw().Topic(own); ok {
		return topic.Name(), nil
	}
	known := []string{}
	for _, topic := range tree.Raw().Topics() {
		_, name, _ := strings.Cut(topic.Name(), "/")
		known = append(known, name)
	}
	return "", &api.Error{
		Code: api.UnknownTopic, Message: tree.Name() + " has no topic " + shorten(own),
		Suggestion: suggest.Word(own, known), Known: known,
	}
}

// partners are the peers to sync with: the one with an id, or without an id those that are connected and
// sync topics.
func (h *handler) partners(id string) ([]peer.ID, error) {
	if id != "" {
		p, err := peer.Decode(id)
		switch {
		case err != nil:
			return nil, invalid("peer %q: %v", shorten(id), err)
		case p == h.Node.ID:
			return nil, invalid("peer %q is this node itself", shorten(id))
		}
		return []peer.ID{p}, nil
	}
	host := h.Node.Peer.Host
	var all []peer.ID
	for _, p := range host.Network().Peers() {
		if spoken, err := host.Peerstore().SupportsProtocols(p, record.SyncProtocol); err == nil && len(spoken) > 0 {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return nil, &api.Error{Code: api.NoPeers, Message: "no peer is connected that syncs topics"}
	}
	slices.Sort(all)
	return all, nil
}

// syncWith syncs a topic with a peer, and writes how far it is.
func (h *handler) syncWith(
	ctx context.Context, p peer.ID, topic string, d record.Direction, write func(any) error,
) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	started := time.Now()
	tell := func(r *record.SyncReport) {
		if err := write(h.Node.Syncs.goesOn(r, d, started)); err != nil {
			cancel(err)
		}
	}
	tell(&record.SyncReport{Peer: p, Topic: topic})
	h.locate(ctx, p)
	report, err := h.Node.Peer.Record.Sync(ctx, p, topic, record.SyncOptions{Direction: d, Progress: tell})
	if ctx.Err() != nil && err != nil {
		err = context.Cause(ctx)
	}
	report.Took = time.Since(started)
	return errors.Join(write(h.Node.Syncs.Ended(&report, d, err)), err)
}

// locate asks the DHT for the addresses of a peer that is not connected. If it has none, those count that
// the host has.
func (h *handler) locate(ctx context.Context, p peer.ID) {
	host := h.Node.Peer.Host
	if host.Network().Connectedness(p) == network.Connected {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	if found, err := h.Node.Peer.DHT.FindPeer(ctx, p); err == nil {
		host.Peerstore().AddAddrs(p, found.Addrs, peerstore.TempAddrTTL)
	}
}
