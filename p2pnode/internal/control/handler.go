package control

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// route is a path of the control interface with a method.
type route struct {
	method, path string
	// token says that the request has to carry the token.
	token bool
	// stream says that the answer goes on for as long as it takes.
	stream bool
	// bare says that the request needs no store: one for all peers of a demonstration.
	bare bool
	// body is the type of the request's body, empty for none.
	body string
	// query are the names of the query parameters.
	query []string
	serve func(*handler, *exchange) error
}

// The types of bodies.
const (
	typeJSON  = "application/json"
	typeLines = "application/x-ndjson"
	typeBytes = "application/octet-stream"
	typeText  = "text/plain; version=0.0.4; charset=utf-8"
	typeYAML  = "application/yaml"
)

// routes returns every path of the interface.
func routes() []route {
	return slices.Concat(
		statusRoutes,
		treeRoutes,
		writeRoutes,
		transferRoutes,
		eventRoutes,
		topicRoutes,
		peerRoutes,
		contentRoutes,
		storeRoutes,
	)
}

// handler serves a node.
type handler struct {
	Options
	trees map[string]*Tree
	token [sha256.Size]byte
}

// New returns the handler of a node.
func New(o Options) http.Handler {
	if o.Limits == nil {
		o.Limits = NewLimits()
	}
	h := &handler{Options: o, trees: map[string]*Tree{}, token: sha256.Sum256([]byte(o.Token))}
	for _, tree := range o.Node.Trees {
		h.trees[tree.Name()] = tree
	}
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, r := range routes() {
		mux.Handle(r.method+" "+r.path, h.at(r))
		methods[r.path] = append(methods[r.path], r.method)
	}
	for path, allowed := range methods {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			writeFault(w, http.StatusMethodNotAllowed, &api.Error{
				Code: api.Invalid, Message: r.URL.Path + " takes " + strings.Join(allowed, " and "),
			})
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if o.Page != nil && !strings.HasPrefix(r.URL.Path, "/v1/") {
			o.Page.ServeHTTP(w, r)
			return
		}
		writeFault(w, http.StatusNotFound, &api.Error{Code: api.NotFound, Message: "there is no " + shorten(r.URL.Path)})
	})
	return mux
}

// at returns the handler of a route.
func (h *handler) at(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		x := &exchange{w: w, r: request, route: &r}
		if err := h.serve(x); err != nil {
			h.fail(x, err)
		}
	})
}

// serve answers a request that may be answered.
func (h *handler) serve(x *exchange) error {
	if x.route.token && h.Token != "" && !h.authorized(x.r) {
		return &api.Error{
			Code:    api.NoToken,
			Message: "this request needs the token of the node's directory, from the file control.token",
		}
	}
	places := h.Limits.requests
	if x.route.stream {
		places = h.Limits.streams
	}
	if h.Node.Store == nil && !x.route.bare {
		return &api.Error{Code: api.NotFound, Message: "there is no node here, but below /peer/ and its number"}
	}
	leave, ok := enter(places)
	if !ok {
		return &api.Error{Code: api.Busy, Message: "too many requests at once: ask again later"}
	}
	defer leave()
	if err := x.check(); err != nil {
		return err
	}
	return x.route.serve(h, x)
}

// authorized reports whether the request has the token. It takes the same time for every wrong one.
func (h *handler) authorized(r *http.Request) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	sum := sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(sum[:], h.token[:]) == 1 && ok
}
