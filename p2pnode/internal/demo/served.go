package demo

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/control"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/golang"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/meters"
)

// served is a member as the page sees it. A member without a page has none: the methods that say what
// happened do nothing then. It may be used concurrently.
type served struct {
	number int
	pages  *pages

	mu sync.Mutex
	id peer.ID // empty until the member has started once
	// node and handler are set while the member is in the network. Requests that have begun then end
	// with ctx, and down waits for them: the store closes behind it.
	node    *control.Node
	handler http.Handler
	ctx     context.Context
	cancel  context.CancelFunc
	running *sync.WaitGroup
	meters  *meters.Meters // of the member as it runs now, or is about to
	held    int64
}

// measure returns the metrics for a member that is about to start.
func (s *served) measure() (*meters.Meters, error) {
	m, err := meters.New()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meters = m
	return m, nil
}

// up serves a member that has joined the network.
func (s *served) up(m *member) {
	if s == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	node := &control.Node{
		ID: m.node.Host.ID(), Store: m.store, Records: m.node.Records, Peer: m.node, Events: s.pages.events,
		Started: time.Now(), Version: "demo", Engine: string(s.pages.engine), Mode: "server",
		Protocol: string(dht.DefaultPrefix), Trees: []*control.Tree{s.pages.tree},
	}
	s.mu.Lock()
	node.Metrics, node.Series = s.meters.Registry, s.meters.Series
	s.id, s.node, s.ctx, s.cancel, s.running = node.ID, node, ctx, cancel, &sync.WaitGroup{}
	s.handler = control.New(control.Options{
		Node: node, Token: s.pages.token, Limits: s.pages.limits, Network: s.pages.network,
	})
	s.running.Go(func() { s.watch(ctx, node) })
	s.meters.WatchPeers(func() int { return len(node.Peer.Host.Network().Peers()) }, node.Peer.DHT.RoutingTable().Size)
	metered := s.meters
	s.running.Go(func() { metered.Run(ctx, node.Store.Size) })
	s.mu.Unlock()
	s.tell(api.Event{Kind: api.PeerUp})
}

// down ends the requests to a member, before it leaves the network.
func (s *served) down() {
	if s == nil {
		return
	}
	s.mu.Lock()
	if s.node == nil {
		s.mu.Unlock()
		return
	}
	running, metered := s.running, s.meters
	s.cancel()
	s.node, s.handler, s.running = nil, nil, nil
	s.mu.Unlock()
	running.Wait()
	_ = metered.Close() // nothing reads them any more
	s.tell(api.Event{Kind: api.PeerDown})
}

// enter returns the member if it is running. It does not stop until leave is called.
func (s *served) enter() (node *control.Node, handler http.Handler, ctx context.Context, leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.node == nil {
		return nil, nil, nil, func() {}
	}
	s.running.Add(1)
	return s.node, s.handler, s.ctx, s.running.Done
}

// ServeHTTP answers a request to the member's control interface.
func (s *served) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, handler, ends, leave := s.enter()
	defer leave()
	if handler == nil {
		refuse(w, api.NotFound, "peer "+strconv.Itoa(s.number)+" is stopped")
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(ends, cancel)()
	handler.ServeHTTP(w, r.WithContext(ctx))
}

// describe returns what the page draws of the member, or false if it has not started yet.
func (s *served) describe(ctx context.Context) (p api.NetworkPeer, ok bool) {
	node, _, _, leave := s.enter()
	defer leave()
	p = api.NetworkPeer{
		Name: strconv.Itoa(s.number), Self: true, Base: "/peer/" + strconv.Itoa(s.number), Up: node != nil,
		Links: []string{},
	}
	held := int64(-1)
	if node != nil {
		for _, id := range node.Peer.DHT.RoutingTable().ListPeers() {
			p.Links = append(p.Links, id.String())
		}
		if n, err := golang.Packages.Count(ctx, node.Store, models.Range[string]{}); err == nil {
			held = int64(n)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if held >= 0 {
		s.held = held
	}
	p.ID, p.Position, p.Held = s.id.String(), control.Position(s.id), s.held
	return p, s.id != ""
}
