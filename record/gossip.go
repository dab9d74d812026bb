package record

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// gossipInvalidWeight makes the score of a peer minus the square of the number of invalid messages
	// that it has sent in a topic. They count less and less as time goes by.
	gossipInvalidWeight = -1
	// gossipForgotten is how long it takes until they count no more.
	gossipForgotten = 24 * time.Hour
	// Scores from which on a peer is told of no messages, gets none that this peer publishes, and is
	// not listened to: after 4, 7 and 11 invalid messages.
	gossipThreshold, publishThreshold, graylistThreshold = -10, -40, -100
	// gossipRetained is how long scores of a peer that is gone are kept.
	gossipRetained = time.Hour
	// gossipQueue is how many messages may wait for a peer, and for being checked.
	gossipQueue = 256
)

// NewPubSub returns a gossipsub for [KeepSynced]. It runs until ctx ends, or the host is closed.
//
// Messages have no author and no signature, as docs/sync.md has it, and at most 1 MiB. A peer that
// sends invalid records in a topic leaves the mesh with the first, and is not listened to after the
// eleventh, for some hours. Options come after those of NewPubSub, and replace them.
//
// A program that has a gossipsub of its own can use that: [Node.KeepSynced] checks the messages of its
// topics there too, and sets the parameters of their scores. It has to be made with
// pubsub.StrictNoSign and pubsub.WithNoAuthor, since other peers refuse messages with a signature.
// Without pubsub.WithPeerScore a peer that sends invalid records is only left alone by syncs; with it,
// Topics of pubsub.PeerScoreParams may not be nil, since gossipsub v0.19 panics then when a topic is
// added.
func NewPubSub(ctx context.Context, h host.Host, options ...pubsub.Option) (*pubsub.PubSub, error) {
	all := append([]pubsub.Option{
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(),
		pubsub.WithFloodPublish(true), // also to those that are not in the mesh yet
		pubsub.WithMaxMessageSize(pubsub.DefaultMaxMessageSize),
		pubsub.WithPeerOutboundQueueSize(gossipQueue),
		pubsub.WithValidateQueueSize(gossipQueue),
		pubsub.WithPeerScore(
			&pubsub.PeerScoreParams{
				SkipAtomicValidation: true, Topics: map[string]*pubsub.TopicScoreParams{},
				BehaviourPenaltyWeight: -10, BehaviourPenaltyThreshold: 6,
				BehaviourPenaltyDecay: pubsub.ScoreParameterDecay(time.Hour),
				DecayInterval:         pubsub.DefaultDecayInterval, DecayToZero: pubsub.DefaultDecayToZero,
				RetainScore: gossipRetained,
			},
			&pubsub.PeerScoreThresholds{
				SkipAtomicValidation: true, GossipThreshold: gossipThreshold,
				PublishThreshold: publishThreshold, GraylistThreshold: graylistThreshold,
			}),
	}, options...)
	ps, err := pubsub.NewGossipSub(ctx, h, all...)
	if err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	return ps, nil
}

// topicScore are the parameters of a topic's scores: only invalid messages count.
func topicScore() *pubsub.TopicScoreParams {
	return &pubsub.TopicScoreParams{
		SkipAtomicValidation: true, TopicWeight: 1,
		TimeInMeshQuantum:              time.Second, // by which gossipsub divides, whatever the weight
		InvalidMessageDeliveriesWeight: gossipInvalidWeight,
		InvalidMessageDeliveriesDecay:  pubsub.ScoreParameterDecay(gossipForgotten),
	}
}

// GossipPeer is a peer that gossips a topic, or has done so.
type GossipPeer struct {
	ID peer.ID
	// Listens says that it is connected and takes messages of the topic.
	Listens bool
	// Taken, Ignored and Invalid are how many messages came from it within the last day and were
	// taken, were ignored, and were invalid. A message that came from several peers counts for
	// the first.
	Taken, Ignored, Invalid int
	// LeftAlone says that so many were invalid that [Node.KeepSynced] does not sync with it.
	LeftAlone bool
}

// GossipPeers returns the peers that gossip a topic with this one, ordered by their ids: those that
// listen, and the last thousand or so from which messages came. There are none while no
// [Node.KeepSynced] gossips the topic.
func (n *Node) GossipPeers(topic string) []GossipPeer {
	g := n.records.gossips.of(topic)
	if g == nil {
		return nil
	}
	all := g.senders.list(time.Now())
	for _, p := range g.joined.ListPeers() {
		sent := all[p]
		sent.ID, sent.Listens = p, true
		all[p] = sent
	}
	peers := make([]GossipPeer, 0, len(all))
	for _, p := range all {
		peers = append(peers, p)
	}
	slices.SortFunc(peers, func(a, b GossipPeer) int { return cmp.Compare(a.ID, b.ID) })
	return peers
}
