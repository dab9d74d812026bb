package daemon

import (
	"github.com/libp2p/go-libp2p/core/network"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// connections tells the hub of peers that come and go.
func (d *Daemon) connections() network.Notifiee {
	tell := func(kind api.EventKind, c network.Conn) {
		d.shown.Events.Publish(api.Event{Kind: kind, Peer: d.shown.ID.String(), From: c.RemotePeer().String()})
	}
	return &network.NotifyBundle{
		ConnectedF: func(n network.Network, c network.Conn) {
			if len(n.ConnsToPeer(c.RemotePeer())) == 1 {
				tell(api.PeerUp, c)
			}
		},
		DisconnectedF: func(n network.Network, c network.Conn) {
			if n.Connectedness(c.RemotePeer()) != network.Connected {
				tell(api.PeerDown, c)
			}
		},
	}
}
