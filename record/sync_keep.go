package record

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"
	"golang.org/x/sync/errgroup"

	"github.com/newsnet-africa/netabase-go/models"
)

// KeepSynced are the options of [Node.KeepSynced].
type KeepSynced struct {
	// Topics are the full names of the topics to keep in sync.
	Topics []string
	// Peers are peers to sync with, beside those that are found. The host has to know addresses of
	// them, or the DHT.
	Peers []peer.ID
	// Alone switches off that peers are found through the DHT, and that this peer announces there
	// that it has the topics.
	Alone bool
	// Interval is the time between two syncs of a topic with a peer, and between two searches for
	// peers. Each is up to a quarter longer or shorter, so that peers do not do it all at once.
	// Defaults to 5 minutes.
	Interval time.Duration
	// Direction says which way records go. Defaults to Both.
	Direction Direction
	// Done, if set, is called after each sync, with its error. Two calls never run at the same time.
	Done func(SyncReport, error)
}

const (
	defaultKeepInterval = 5 * time.Minute
	// firstRetry is how long after a failure a peer is tried again. It doubles with each failure, up
	// to longestRetry.
	firstRetry   = 5 * time.Second
	longestRetry = time.Hour
	// misbehavedFor is how long a peer that has broken the protocol is left alone.
	misbehavedFor = 24 * time.Hour
	// mostPartners is how many peers that were found a topic is synced with.
	mostPartners = 8
	// keptAtOnce is how many syncs run at the same time.
	keptAtOnce = 2
	// searchTime is how long a search for peers may take, and an announcement.
	searchTime = time.Minute
	// announceInterval is how often this peer announces that it has a topic.
	announceInterval = 12 * time.Hour
)

// topicKey is the key in the DHT under which peers announce that they have a topic.
func topicKey(name string) cid.Cid {
	hash, _ := multihash.Sum([]byte("/netabase/topic/"+name), multihash.SHA2_256, -1) // which always can
	return cid.NewCidV1(cid.Raw, hash)
}

// partner is a topic and a peer to sync it with.
type partner struct {
	topic string
	peer  peer.ID
}

// partnership is what is known of a partner.
type partnership struct {
	given    bool
	next     time.Time
	failures int
}

// keeper runs KeepSynced.
type keeper struct {
	node     *Node
	how      KeepSynced
	partners map[partner]*partnership
	// announce is when a topic is announced next, and search when peers are looked for.
	announce, search time.Time
}

// KeepSynced keeps topics in sync with other peers until ctx ends, and returns ctx's error, or
// models.ErrClosed when the Records are closed. It syncs with the peers that it is given, and with up
// to eight for each topic that it finds through the DHT, where it announces that this peer has the
// topics. A peer that cannot be synced with is tried again after 5 seconds, then after twice as long
// each time, up to an hour. A peer that misbehaves is left alone for a day.
func (n *Node) KeepSynced(ctx context.Context, how KeepSynced) error {
	for _, name := range how.Topics {
		if n.records.topics[name] == nil {
			return fmt.Errorf("keep %s synced: %w", shorten(name), ErrNoTopic)
		}
	}
	if how.Interval <= 0 {
		how.Interval = defaultKeepInterval
	}
	k := &keeper{node: n, how: how, partners: map[partner]*partnership{}}
	for _, name := range how.Topics {
		for _, p := range how.Peers {
			k.partners[partner{name, p}] = &partnership{given: true}
		}
	}
	for {
		if !how.Alone {
			k.find(ctx)
		}
		next := k.syncDue(ctx)
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
		case <-n.records.ending.Done():
		case <-timer.C:
		}
		timer.Stop()
		switch {
		case n.records.closed.Load():
			return models.ErrClosed
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// jittered returns a time that is up to a quarter longer or shorter.
func jittered(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2+1)
}

// find announces the topics and looks for peers that have them, when it is time. The DHT may know
// nobody: then there is nobody to find either.
func (k *keeper) find(ctx context.Context) {
	now := time.Now()
	if now.Before(k.search) {
		return
	}
	k.search = now.Add(jittered(k.how.Interval))
	announces := !now.Before(k.announce)
	for _, name := range k.how.Topics {
		searching, cancel := context.WithTimeout(ctx, searchTime)
		k.findFor(searching, name)
		if announces && k.node.dht.Provide(searching, topicKey(name), true) == nil {
			k.announce = now.Add(announceInterval)
		}
		cancel()
	}
}

func (k *keeper) findFor(ctx context.Context, name string) {
	found := 0
	for at, state := range k.partners {
		if at.topic == name && !state.given {
			found++
		}
	}
	for info := range k.node.dht.FindProvidersAsync(ctx, topicKey(name), 2*mostPartners) {
		at := partner{name, info.ID}
		if info.ID == k.node.dht.PeerID() || k.partners[at] != nil || found >= mostPartners {
			continue
		}
		found++
		k.partners[at] = &partnership{}
	}
}

// syncDue syncs with the partners for whom it is time, and returns when there is something to do
// next.
func (k *keeper) syncDue(ctx context.Context) time.Time {
	type result struct {
		at     partner
		report SyncReport
		err    error
	}
	now := time.Now()
	results := make(chan result)
	var running errgroup.Group
	running.SetLimit(keptAtOnce)
	due := k.due(now)
	go func() {
		for _, at := range due {
			running.Go(func() error {
				report, err := k.node.Sync(ctx, at.peer, at.topic, SyncOptions{Direction: k.how.Direction})
				results <- result{at, report, err}
				return nil
			})
		}
		_ = running.Wait() // it has no errors
		close(results)
	}()
	for r := range results {
		k.synced(r.at, r.err)
		if k.how.Done != nil {
			k.how.Done(r.report, r.err)
		}
	}
	next := now.Add(k.how.Interval)
	if !k.how.Alone {
		next = k.search
	}
	for _, state := range k.partners {
		next = earlier(next, state.next)
	}
	return next
}

// due are the partners for whom it is time.
func (k *keeper) due(now time.Time) (due []partner) {
	for at, state := range k.partners {
		if !now.Before(state.next) {
			due = append(due, at)
		}
	}
	return due
}

// synced says when a partner is synced with next.
func (k *keeper) synced(at partner, err error) {
	state := k.partners[at]
	now := time.Now()
	switch {
	case err == nil:
		state.failures = 0
		state.next = now.Add(jittered(k.how.Interval))
	case errors.Is(err, ErrMisbehaved):
		state.next = now.Add(jittered(misbehavedFor))
	default:
		state.failures++
		wait := min(firstRetry<<min(state.failures-1, 20), longestRetry)
		state.next = now.Add(jittered(wait))
		if !state.given && wait == longestRetry {
			delete(k.partners, at) // another search may find it again
		}
	}
}
