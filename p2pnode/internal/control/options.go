package control

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/control/hub"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/node"
	"github.com/newsnet-africa/netabase-go/record"
)

// Node is the node that is shown and worked on. Nothing but Syncs and Answered changes while it is served.
type Node struct {
	// ID is the id of the peer.
	ID peer.ID
	// Store is the open store, and Records are the records in it.
	Store   *datastore.Store
	Records *record.Records
	// Peer is the running peer, nil for a store that is open without a network: what needs other
	// peers is refused then.
	Peer *node.Node
	// Trees are the models. The store's other trees can only be listed.
	Trees []*Tree
	// Events has the events of the node. Required.
	Events *hub.Hub
	// Kept are the full names of the topics that the node keeps in sync with other peers.
	Kept []string
	// Syncs are the syncs of topics that the node has begun, and Answered those that others have. They
	// change while the node is served.
	Syncs, Answered Syncs

	// Metrics has the metrics, nil for none.
	Metrics prometheus.Gatherer
	// Series returns the charts since an instant, nil for none.
	Series func(since time.Time) api.Series

	// The rest is what the status says.
	Started                              time.Time
	Version, Dir, Engine, Mode, Protocol string
	Encrypted                            bool
	// Settings are those that the node was started with.
	Settings []api.Setting
}

// Options configure the handler of a node.
type Options struct {
	// Node is the node. Required.
	Node *Node
	// Token has to come with every request that changes something or asks other peers. Required,
	// unless the handler is served within the process alone.
	Token string
	// Network says what the page draws. Defaults to what the node itself knows.
	Network func(context.Context) (api.Network, error)
	// Page is served at the paths that are not the control interface's. Defaults to none.
	Page http.Handler
	// Limits bound the work that is done at the same time. Handlers of one server share them.
	// Defaults to limits of its own.
	Limits *Limits
	// Log is told of requests that the node failed to answer. Defaults to none.
	Log *slog.Logger
}
