package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/syncing"
)

// SyncProtocol is the libp2p protocol in which two peers bring a topic together. See docs/sync.md.
const SyncProtocol protocol.ID = "/netabase/sync/1.0.0"

// Errors of [Node.Sync].
var (
	// ErrNoTopic is returned for a topic that this peer or the other one does not have.
	ErrNoTopic = errors.New("the peer has no such topic")
	// ErrBusy is returned if the other peer has too many sessions. It may have time later.
	ErrBusy = errors.New("the peer has too many sessions")
	// ErrStalled is returned if the other peer does not answer in time.
	ErrStalled = errors.New("the peer does not answer")
	// ErrMisbehaved is returned if the other peer breaks the protocol, or sends records that nobody
	// asked for, or records that are invalid. The records before that have been taken.
	ErrMisbehaved = errors.New("the peer breaks the protocol")
)

// Direction says which way records go between two peers.
type Direction uint8

const (
	// Pull takes records from the other peer.
	Pull Direction = Direction(syncing.Pull)
	// Push gives records to the other peer.
	Push Direction = Direction(syncing.Push)
	// Both does both.
	Both = Pull | Push
)

func (d Direction) String() string {
	switch d {
	case Pull:
		return "pull"
	case Push:
		return "push"
	case Both:
		return "both"
	}
	return fmt.Sprintf("direction(%d)", uint8(d))
}

// SyncOptions are the options of [Node.Sync].
type SyncOptions struct {
	// Direction says which way records go. Defaults to Both.
	Direction Direction
	// Progress, if set, is called after every exchange of messages, with what has been done so
	// far. Sync goes on when it returns. It may not keep the report.
	Progress func(*SyncReport)
}

// SyncReport says what a sync has done. Of one that another peer has begun, Pushed counts what was given
// as taken, whatever the other peer makes of it, and ToPull and ToPush are what was done.
type SyncReport struct {
	Peer  peer.ID
	Topic string
	// Direction says which way records were to go, as this peer sees it.
	Direction Direction
	// ToPull and ToPush are how many records each way the two have found to be due so far, with those
	// that have gone already. They grow while the two compare, and with records that are better than
	// what was sent. Less is done of them if rows change meanwhile.
	ToPull, ToPush int
	// Pulled are the records that came from the other peer, and Pushed those that went there.
	Pulled, Pushed SyncCounts
	// RoundTrips is how often this peer has waited for an answer. BytesRead and BytesWritten are the
	// bytes of the protocol's messages.
	RoundTrips              int
	BytesRead, BytesWritten int64
	Took                    time.Duration
}

// SyncCounts counts the records that went one way.
type SyncCounts struct {
	// Taken is how many records were taken. Some may have been held already.
	Taken int
	// Refused is how many records were refused, by the reason: "old", "invalid" and so on, as the
	// metric netabase.record.refusals has them, and "expired" and "other". It may be nil.
	Refused map[string]int
	// Missing is how many records the peer that was to send them did not have any more.
	Missing int
	// Records are the first 1,000 of the records that were taken or refused.
	Records []SyncedRecord
}

// InAll is how many records were taken, refused or missing.
func (c *SyncCounts) InAll() int { return c.Taken + c.RefusedInAll() + c.Missing }

// RefusedInAll is how many records were refused, for any reason.
func (c *SyncCounts) RefusedInAll() (n int) {
	for _, some := range c.Refused {
		n += some
	}
	return n
}

// SyncedRecord is a record that was taken or refused.
type SyncedRecord struct {
	// Key is the record's key, "/blog.user/00000000000000000001", say.
	Key string
	// Err says why the record was refused. It is nil if the record was taken.
	Err error
}

// mostSynced is how many records a SyncCounts lists.
const mostSynced = 1000

// count counts a record that was taken, or refused for a reason.
func (c *SyncCounts) count(tree *modelTree, key, reason string, err error) {
	if err == nil {
		c.Taken++
	} else {
		if c.Refused == nil {
			c.Refused = map[string]int{}
		}
		c.Refused[reason]++
	}
	if len(c.Records) < mostSynced {
		c.Records = append(c.Records, SyncedRecord{tree.namespace + shorten(key), err})
	}
}

// Sync brings a topic of this peer and of another one together: afterwards each has the best record
// of the two for every key, as far as the direction and the bounds of the peers allow. Topic is the
// full name of a topic of one of Options.Models. The two have to be connected, or the host has to
// know an address of p.
//
// The two compare ids, in a few messages whose number and size grow with how much they differ, and
// send each other the records that the other one lacks. A record that comes is checked, chosen and
// bounded as one from the DHT, keeps its signature, and keeps its age: it expires when it would
// have expired at the other peer. A row that the other peer has put itself has the age 0. In a
// signed tree retractions travel too.
//
// Records are committed as they come, some at a time. So a sync that ends with an error has done a
// part of its work, which the next one does not repeat. The report is true in any case. Errors match
// [ErrNoTopic], [ErrBusy], [ErrStalled] or [ErrMisbehaved], or are libp2p's, ctx's or the store's. A
// record that is refused is no error.
//
// From [Join] on, the node answers other peers that sync the topics of Options.Models.
func (n *Node) Sync(ctx context.Context, p peer.ID, topic string, how SyncOptions) (SyncReport, error) {
	report := SyncReport{Peer: p, Topic: topic}
	fail := func(err error) (SyncReport, error) {
		return report, fmt.Errorf("sync %s with %s: %w", shorten(topic), p, err)
	}
	if n.records.closed.Load() {
		return fail(models.ErrClosed)
	}
	if how.Direction == 0 {
		how.Direction = Both
	}
	report.Direction = how.Direction
	if how.Direction > Both {
		return fail(fmt.Errorf("%w: unknown %v", models.ErrInvalid, how.Direction))
	}
	of := n.records.topics[topic]
	if of == nil {
		return fail(fmt.Errorf("%w: it is not of one of the models that the records were made with", ErrNoTopic))
	}
	start, tries := time.Now(), 0
	list, err := n.beginList(ctx, of, how.Direction)
	if err != nil {
		return fail(err)
	}
	for {
		done := report.Pulled.Taken + report.Pushed.Taken
		report.ToPull, report.ToPush = report.Pulled.InAll(), report.Pushed.InAll()
		err := n.syncOnce(ctx, p, of, how, list, &report)
		report.Took = time.Since(start)
		switch {
		case err == nil:
			return report, nil
		case errors.Is(err, errSessionSpent) && report.Pulled.Taken+report.Pushed.Taken > done:
			continue // where it has left off
		case errors.Is(err, ErrBusy) && tries < busyTries && ctx.Err() == nil:
			tries++ // an earlier session of this peer may just be ending there
			select {
			case <-time.After(busyPause):
			case <-ctx.Done():
			}
		default:
			return fail(err)
		}
	}
}

// A peer that is busy is asked this many times more, after a pause each.
const (
	busyTries = 5
	busyPause = 100 * time.Millisecond
)

// errSessionSpent ends a session that has used up its time or its bytes.
var errSessionSpent = errors.New("the session has used up its time or its bytes")
