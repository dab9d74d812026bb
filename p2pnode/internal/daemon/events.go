package daemon

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/network"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/control"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/control/hub"
)

// tell tells the hub of an event of this peer.
func (d *Daemon) tell(e api.Event) {
	e.Peer = d.shown.ID.String()
	d.shown.Events.Publish(e)
}

// connections tells the hub of peers that come and go.
func (d *Daemon) connections() network.Notifiee {
	return &network.NotifyBundle{
		ConnectedF: func(n network.Network, c network.Conn) {
			if len(n.ConnsToPeer(c.RemotePeer())) == 1 {
				d.tell(api.Event{Kind: api.PeerUp, From: c.RemotePeer().String()})
			}
		},
		DisconnectedF: func(n network.Network, c network.Conn) {
			if n.Connectedness(c.RemotePeer()) != network.Connected {
				d.tell(api.Event{Kind: api.PeerDown, From: c.RemotePeer().String()})
			}
		},
	}
}

// asked tells the hub of records that other peers put here or ask for. The DHT waits for it.
func (d *Daemon) asked(_ context.Context, s network.Stream, req *pb.Message) {
	kind := api.Asked
	switch req.GetType() {
	case pb.Message_PUT_VALUE:
		kind = api.Placed
	case pb.Message_GET_VALUE:
	default:
		return
	}
	if !d.shown.Events.Watched() {
		return
	}
	e := api.Event{Kind: kind, From: s.Conn().RemotePeer().String()}
	e.Tree, e.Key = d.nameRecord(string(req.GetKey()))
	d.tell(e)
}

// nameRecord returns the tree and the key of a record, as people write it, and nothing for a record of
// no model.
func (d *Daemon) nameRecord(recordKey string) (tree, key string) {
	name, text, _ := strings.Cut(strings.TrimPrefix(recordKey, "/"), "/")
	for _, t := range d.shown.Trees {
		if t.Name() != name {
			continue
		}
		if encoded, err := t.Raw().ParsePathText(text); err == nil {
			return name, t.FormatKey(encoded)
		}
	}
	return "", ""
}

// watchTree tells the hub of changes of a tree that the program does not make, until the daemon is
// closed.
func (d *Daemon) watchTree(t *control.Tree) {
	for {
		changes, err := t.Watch(d.ctx, d.store, hub.Buffer)
		if err != nil {
			return // the store is closed
		}
		for c, err := range changes {
			if errors.Is(err, models.ErrLagging) {
				d.log.Info("changes came faster than they were told of", "tree", t.Name())
				break
			}
			if err != nil {
				return
			}
			if c.Origin != models.OriginProgram && d.shown.Events.Watched() {
				if e, err := t.Event(&c, false); err == nil {
					d.tell(e)
				}
			}
		}
	}
}

// refusals is a log that tells the hub of refused records, too. Package record bounds how many it logs.
type refusals struct {
	slog.Handler
	daemon *Daemon
}

// Enabled reports whether anybody wants to know of refusals.
func (r refusals) Enabled(ctx context.Context, level slog.Level) bool {
	return r.Handler.Enabled(ctx, level) || r.daemon.shown.Events.Watched()
}

func (r refusals) Handle(ctx context.Context, entry slog.Record) error {
	e := api.Event{Time: entry.Time.UTC(), Kind: api.Refused}
	entry.Attrs(func(a slog.Attr) bool {
		if a.Key == "reason" {
			e.Reason = a.Value.String()
		}
		return true
	})
	if e.Reason != "" {
		r.daemon.tell(e)
	}
	if !r.Handler.Enabled(ctx, entry.Level) {
		return nil
	}
	return r.Handler.Handle(ctx, entry)
}
