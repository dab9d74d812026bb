package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/record/internal/policy"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"

	kbucket "github.com/libp2p/go-libp2p-kbucket"
	kadrecord "github.com/libp2p/go-libp2p-record"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	"github.com/libp2p/go-libp2p/core/peer"
)

// PublishReport says which of the peers closest to the key of a published record took
// it. Those peers keep the record and serve it.
type PublishReport struct {
	// Key is the record's key, "/blog.user/00000000000000000001", say.
	Key string
	// Took are the peers that took the record.
	Took []peer.ID
	// Failed are the peers that did not take it.
	Failed []PeerFailure
}

// PeerFailure says why a peer did not take a record. Err matches [ErrRefused] if the peer
// was reached, and [ErrOldRecord] too if it holds a better record: kad-dht tells no other
// reason. Otherwise Err is the error of the network, or the context's.
type PeerFailure struct {
	Peer peer.ID
	Err  error
}

// sendTimeout is how long a peer has to take a record, as in kad-dht.
const sendTimeout = 30 * time.Second

// peerPoll is how often the routing table is looked at while it is empty. It has no
// way to tell.
const peerPoll = 20 * time.Millisecond

// awaitPeer waits until the routing table has a peer, as long as ctx allows: until its
// deadline, or not at all where it has none.
func (n *Node) awaitPeer(ctx context.Context) error {
	if n.dht.RoutingTable().Size() > 0 {
		return nil
	}
	if _, bounded := ctx.Deadline(); !bounded {
		return ErrNoPeers
	}
	tick := time.NewTicker(peerPoll)
	defer tick.Stop()
	for n.dht.RoutingTable().Size() == 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrNoPeers, ctx.Err())
		case <-n.records.ending.Done():
			return ErrNoPeers
		case <-tick.C:
		}
	}
	return nil
}

// send gives a record to the peers closest to its key, as kad-dht does. But kad-dht does
// not say which peers took it.
func (n *Node) send(ctx context.Context, tree *modelTree, recordKey string, c *policy.Candidate) (PublishReport, error) {
	report := PublishReport{Key: recordKey}
	closest, err := n.dht.GetClosestPeers(ctx, recordKey)
	switch {
	case errors.Is(err, kbucket.ErrLookupFailure):
		return report, fmt.Errorf("%w: %w", ErrNoPeers, err)
	case err != nil:
		return report, err
	case len(closest) == 0:
		return report, ErrNoPeers
	}
	rec := kadrecord.MakePutRecord(recordKey, c.Data)
	rec.TimeReceived = string(wire.AppendTime(nil, time.Now()))
	failures := make([]error, len(closest))
	var sending sync.WaitGroup
	for i, p := range closest {
		sending.Go(func() { failures[i] = n.sendTo(ctx, tree, p, rec, c) })
	}
	sending.Wait()
	var why error
	for i, p := range closest {
		if failures[i] == nil {
			report.Took = append(report.Took, p)
			continue
		}
		report.Failed = append(report.Failed, PeerFailure{p, failures[i]})
		if why == nil || errors.Is(failures[i], ErrOldRecord) {
			why = failures[i]
		}
	}
	if len(report.Took) == 0 {
		return report, fmt.Errorf("%w: %d were asked: %w", ErrNotTaken, len(closest), why)
	}
	return report, nil
}

// sendTo gives a record to one peer. A peer that refuses one only ends the stream, so
// it is asked what it has instead.
func (n *Node) sendTo(ctx context.Context, tree *modelTree, p peer.ID, rec *recpb.Record, c *policy.Candidate) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err := n.messages.PutValue(ctx, p, rec)
	if err == nil || ctx.Err() != nil {
		return err
	}
	held, _, asked := n.messages.GetValue(ctx, p, string(rec.GetKey()))
	switch {
	case asked != nil:
		return err // it is not there
	case bytes.Equal(held.GetValue(), c.Data):
		return nil // only the answer was lost
	}
	better, invalid := tree.checkRecord(string(rec.GetKey()), held.GetValue())
	if invalid == nil && better.Compare(c) > 0 {
		return fmt.Errorf("%w: %w", ErrRefused, ErrOldRecord)
	}
	return ErrRefused
}
