package record

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
	"github.com/newsnet-africa/netabase-go/record/internal/syncing"
)

const (
	// gossipPrefix is the beginning of the names of gossipsub topics.
	gossipPrefix = "/netabase/topic/"
	// gossipAtOnce is how many messages of a topic are checked at once, and committed together.
	gossipAtOnce = 256
	// Of the rows that change, gossipBurst are published at once, and gossipRate each second.
	gossipBurst, gossipRate = 128, 64
	// gossipBytes bounds what is published: gossipsub drops what its messages have no room for.
	gossipBytes = pubsub.DefaultMaxMessageSize - 1024
)

// gossip is a topic that this peer gossips.
type gossip struct {
	records *Records
	topic   *syncTopic
	// gives says that this peer gossips rows of its own.
	gives  bool
	self   peer.ID
	joined *pubsub.Topic
	// leave undoes what joinGossip has done, the last thing first.
	leave   []func()
	senders senders
	// arrived are the messages that wait for run, until ended is closed.
	arrived chan *gossiped
	ended   <-chan struct{}
	// room is how many rows may be published, as of the time since.
	publishing sync.Mutex
	room       int
	since      time.Time
}

// gossips are the topics that are gossiped, by full name.
type gossips struct {
	mu  sync.Mutex
	all map[string]*gossip
}

// of returns the gossip of a topic, or nil.
func (g *gossips) of(topic string) *gossip {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.all[topic]
}

// set sets the gossip of a topic, which ends with nil.
func (g *gossips) set(topic string, to *gossip) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all == nil {
		g.all = map[string]*gossip{}
	}
	g.all[topic] = to
}

// gossiped is a record that has come by gossip.
type gossiped struct {
	arriving
	// verdict gets the error for which it is not taken, or nil.
	verdict chan error
}

// gossipID is the id of a message: see docs/sync.md.
func gossipID(m *pb.Message) string {
	hash := sha256.New()
	hash.Write([]byte(m.GetTopic()))
	hash.Write([]byte{0})
	hash.Write(m.GetData())
	return string(hash.Sum(nil))
}

// joinGossip joins the gossip of a topic, until close. Messages are taken only if how has Pull, and only
// while run runs and ctx has not ended.
func (n *Node) joinGossip(ctx context.Context, ps *pubsub.PubSub, topic *syncTopic, how Direction) (*gossip, error) {
	g := &gossip{
		records: n.records, topic: topic, gives: how&Push != 0, self: n.dht.PeerID(),
		senders: senders{sent: map[peer.ID]*sent{}},
		arrived: make(chan *gossiped), ended: ctx.Done(), room: gossipBurst, since: time.Now(),
	}
	fail := func(err error) (*gossip, error) {
		g.close()
		return nil, fmt.Errorf("gossip %s: %w", topic.Name(), err)
	}
	name := gossipPrefix + topic.Name()
	var err error
	if g.joined, err = ps.Join(name, pubsub.WithTopicMessageIdFn(gossipID)); err != nil {
		return fail(err)
	}
	g.leave = append(g.leave, func() { _ = g.joined.Close() }) // nobody else uses it
	_ = g.joined.SetScoreParams(topicScore())                  // a program's own gossipsub may keep no scores
	if how&Pull != 0 {
		err := ps.RegisterTopicValidator(name, g.validate, pubsub.WithValidatorConcurrency(gossipAtOnce))
		if err != nil {
			return fail(err)
		}
		g.leave = append(g.leave, func() { _ = ps.UnregisterTopicValidator(name) }) // it is there
		forget, err := g.joined.Relay()
		if err != nil {
			return fail(err)
		}
		g.leave = append(g.leave, forget)
	}
	n.records.gossips.set(topic.Name(), g)
	g.leave = append(g.leave, func() { n.records.gossips.set(topic.Name(), nil) })
	return g, nil
}

// close leaves the topic.
func (g *gossip) close() {
	for i := len(g.leave) - 1; i >= 0; i-- {
		g.leave[i]()
	}
}

// validate is the validator of the topic. It returns when the record has been stored, or is not going
// to be, and run answers it: so that many are committed together, and what is forwarded is stored here.
func (g *gossip) validate(ctx context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if from == g.self {
		return pubsub.ValidationAccept // publish has checked it
	}
	row, err := syncing.ParseRow(m.GetData())
	if err != nil {
		err = fmt.Errorf("%w: %w", models.ErrInvalid, err)
		g.records.metrics.refused(ctx, err)
		return g.judge(from, err)
	}
	came := &gossiped{arriving: arriving{Row: row}, verdict: make(chan error, 1)}
	select {
	case g.arrived <- came:
	case <-ctx.Done():
		return pubsub.ValidationIgnore
	case <-g.ended:
		return pubsub.ValidationIgnore
	}
	select {
	case err := <-came.verdict:
		return g.judge(from, err)
	case <-ctx.Done():
		return pubsub.ValidationIgnore
	case <-g.ended:
		return pubsub.ValidationIgnore
	}
}

// judge says what becomes of a message, whose record is not taken for err unless that is nil.
func (g *gossip) judge(from peer.ID, err error) pubsub.ValidationResult {
	result := pubsub.ValidationIgnore
	switch {
	case err == nil:
		result = pubsub.ValidationAccept
	case errors.Is(err, policy.ErrExpired), errors.Is(err, models.ErrMerge):
		// Clocks differ, and so do the rows that it is merged with.
	case errors.Is(err, models.ErrInvalid):
		result = pubsub.ValidationReject
	}
	g.senders.count(from, result, time.Now())
	return result
}

// run stores what comes, until ctx ends. Whatever comes while some is being committed is committed
// together.
func (g *gossip) run(ctx context.Context) {
	for {
		var some []*gossiped
		select {
		case <-ctx.Done():
			return
		case came := <-g.arrived:
			some = append(some, came)
		}
	more:
		for len(some) < gossipAtOnce {
			select {
			case came := <-g.arrived:
				some = append(some, came)
			default:
				break more
			}
		}
		all := make([]*arriving, len(some))
		for i := range some {
			all[i] = &some[i].arriving
		}
		err := g.records.take(ctx, g.topic, all)
		for _, came := range some {
			if err != nil {
				came.verdict <- err
			} else {
				came.verdict <- came.refused
			}
		}
	}
}

// hasRoom reports whether one more row may be published now.
func (g *gossip) hasRoom(now time.Time) bool {
	g.publishing.Lock()
	defer g.publishing.Unlock()
	if more := int(min(now.Sub(g.since), time.Hour) * gossipRate / time.Second); more > 0 {
		g.room, g.since = min(g.room+more, gossipBurst), now
	}
	return g.room > 0
}

// publish publishes a record of this peer, for which hasRoom has reported room, and reports whether
// it has. It does not publish what this peer itself would refuse.
func (g *gossip) publish(ctx context.Context, row syncing.Row) bool {
	own := arriving{Row: row}
	if own.check(g.records, g.topic, time.Now()) != nil {
		return false
	}
	data := row.Append(nil)
	if len(data) > gossipBytes {
		return false
	}
	g.publishing.Lock()
	g.room--
	g.publishing.Unlock()
	return g.joined.Publish(ctx, data) == nil
}
