package daemon

import (
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// keepSynced keeps topics in sync with other peers, and gossips their new rows, until the daemon is closed.
func (d *Daemon) keepSynced() {
	ps, err := record.NewPubSub(d.ctx, d.peer.Host)
	if err != nil {
		d.log.Error("topics are not kept in sync", "error", err)
		return
	}
	// Before another peer is known, nobody can be found, nor told that the topics are here.
	for d.peer.DHT.RoutingTable().Size() == 0 {
		select {
		case <-d.ctx.Done():
			return
		case <-time.After(firstWait):
		}
	}
	given := make([]peer.ID, len(d.cfg.Bootstrap))
	for i, p := range d.cfg.Bootstrap {
		given[i] = p.ID
	}
	err = d.peer.Record.KeepSynced(d.ctx, record.KeepSynced{
		Topics: d.cfg.Sync, Peers: given, PubSub: ps, Done: d.synced,
	})
	if d.ctx.Err() == nil && !errors.Is(err, models.ErrClosed) {
		d.log.Error("topics are not kept in sync any longer", "error", err)
	}
}

// answered remembers what a sync has done that another peer has begun.
func (d *Daemon) answered(report record.SyncReport, err error) {
	if d.ctx.Err() == nil {
		d.shown.Answered.Ended(&report, report.Direction, err)
	}
}

// synced remembers what a sync has done.
func (d *Daemon) synced(report record.SyncReport, err error) {
	if d.ctx.Err() != nil {
		return
	}
	d.shown.Syncs.Ended(&report, record.Both, err)
	switch {
	case errors.Is(err, record.ErrMisbehaved):
		d.log.Warn("a peer breaks the protocol of syncs, and is left alone", "error", err)
	case err != nil:
		d.log.Info("a topic is not synced", "error", err)
	default:
		d.log.Debug("a topic is synced", "topic", report.Topic, "peer", report.Peer.String(),
			"pulled", report.Pulled.Taken, "pushed", report.Pushed.Taken)
	}
}
