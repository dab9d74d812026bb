package demo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/control"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/control/hub"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/golang"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/page"
)

// pages serves the page, the control interface of every running member below /peer/NUMBER, and what
// belongs to all of them: the network and its events. The other methods may be called concurrently
// with close.
type pages struct {
	engine Engine
	url    string
	token  string
	events *hub.Hub
	limits *control.Limits
	tree   *control.Tree
	server *http.Server
	cancel context.CancelFunc
	ended  chan struct{}

	mu     sync.Mutex
	served []*served // the first member's first
}

// tokenBytes is how many random bytes the token of a demonstration has.
const tokenBytes = 16

// newPages listens on address, which is one of loopback, and serves what there is.
func newPages(address string, engine Engine) (*pages, error) {
	tree, err := control.Host(golang.Packages)
	if err != nil {
		return nil, fmt.Errorf("the page: %w", err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("the page: %w", err)
	}
	random := make([]byte, tokenBytes)
	_, _ = rand.Read(random) // never fails
	ctx, cancel := context.WithCancel(context.Background())
	p := &pages{
		engine: engine, url: "http://" + listener.Addr().String() + "/", token: hex.EncodeToString(random),
		events: hub.New(), limits: control.NewLimits(), tree: tree, cancel: cancel, ended: make(chan struct{}),
	}
	p.server = control.NewServer(ctx, control.SameOrigin(listener.Addr(), p.handler()), nil)
	go func() {
		defer close(p.ended)
		// It ends when close is called. A failure before leaves the demonstration without its page.
		_ = p.server.Serve(control.Bounded(listener))
	}()
	return p, nil
}

// closePages is how long close waits for requests.
const closePages = time.Second

// close ends all requests and the server.
func (p *pages) close() error {
	p.events.Close()
	p.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), closePages)
	defer cancel()
	err := p.server.Shutdown(ctx)
	if err != nil {
		err = p.server.Close()
	}
	<-p.ended
	return err
}

// add makes a place for the next member, which is not running yet.
func (p *pages) add(number int) *served {
	s := &served{number: number, pages: p}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.served = append(p.served, s)
	return s
}

func (p *pages) all() []*served {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.served[:len(p.served):len(p.served)]
}

func (p *pages) handler() http.Handler {
	// A node without a store has the paths that are everybody's, and no others.
	everybody := control.New(control.Options{
		Node: &control.Node{Events: p.events}, Limits: p.limits, Network: p.network, Token: p.token,
	})
	mux := http.NewServeMux()
	mux.Handle("GET /v1/network", everybody)
	mux.Handle("GET /v1/events", everybody)
	mux.HandleFunc("/peer/{number}/", p.member)
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, api.NotFound, "each peer has its own interface here, below /peer/1/ for the first")
	})
	mux.Handle("/", page.Handler())
	return mux
}

// member answers a request below /peer/NUMBER.
func (p *pages) member(w http.ResponseWriter, r *http.Request) {
	all := p.all()
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || number < 1 || number > len(all) {
		refuse(w, api.NotFound, "there is no such peer")
		return
	}
	http.StripPrefix("/peer/"+r.PathValue("number"), all[number-1]).ServeHTTP(w, r)
}

func refuse(w http.ResponseWriter, code api.Code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	_ = json.NewEncoder(w).Encode(api.Failure{Error: &api.Error{Code: code, Message: message}})
}

// network describes all members.
func (p *pages) network(ctx context.Context) (api.Network, error) {
	n := api.Network{Peers: []api.NetworkPeer{}}
	for _, s := range p.all() {
		if described, ok := s.describe(ctx); ok {
			n.Peers = append(n.Peers, described)
		}
	}
	return n, ctx.Err()
}
