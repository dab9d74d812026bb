package record

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"

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
	// PubSub, if set, gossips new rows of the topics, as docs/sync.md specifies: those that Direction
	// lets come and go. See [NewPubSub]. One KeepSynced can gossip a topic at a time.
	PubSub *pubsub.PubSub
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
	// pushPause is how long after a change of this program a topic is synced with those that the change
	// has not reached by gossip, and how long after the last sync at least.
	pushPause = time.Second
	// pushRest is how many times as long as a sync has taken a partner is left alone after it.
	pushRest = 4
	// announceInterval is how often this peer announces that it has a topic.
	announceInterval = 12 * time.Hour
)

// topicKey is the key in the DHT under which peers announce that they have a topic.
func topicKey(name string) cid.Cid {
	hash, _ := multihash.Sum([]byte(gossipPrefix+name), multihash.SHA2_256, -1) // which always can
	return cid.NewCidV1(cid.Raw, hash)
}

// partner is a topic and a peer to sync it with.
type partner struct {
	topic string
	peer  peer.ID
}

// partnership is what is known of a partner.
type partnership struct {
	given bool
	// next is when it is time for a sync. If wake is set, it is so at wake already, since this program
	// has changed rows of the topic; that does not hold after a failure.
	next, wake time.Time
	// rested is when it is time at the earliest, after the last sync.
	rested   time.Time
	running  bool
	failures int
}

// due is when a partner is synced with next, which is not running.
func (p *partnership) due() time.Time {
	if p.failures > 0 {
		return p.next
	}
	return earlier(p.next, p.wake)
}

// kept is what a sync has come to.
type kept struct {
	at     partner
	report SyncReport
	err    error
}

// keeper runs KeepSynced.
type keeper struct {
	node *Node
	how  KeepSynced
	// gossips are the topics that are gossiped, by full name.
	gossips map[string]*gossip

	// The rest is for the goroutine of loop.
	partners map[partner]*partnership
	running  int
	done     chan kept
	found    chan partner
	changes  changes
}

// changes are the topics of which this program has changed rows.
type changes struct {
	mu sync.Mutex
	// topics says of each whether there were rows that were not gossiped.
	topics map[string]bool
	woken  chan struct{}
}

// add adds a topic. Quiet says that the rows were not gossiped.
func (c *changes) add(topic string, quiet bool) {
	c.mu.Lock()
	c.topics[topic] = c.topics[topic] || quiet
	c.mu.Unlock()
	select {
	case c.woken <- struct{}{}:
	default: // it is awake
	}
}

// take returns the topics, of which there are none afterwards.
func (c *changes) take() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	topics := c.topics
	c.topics = map[string]bool{}
	return topics
}

// KeepSynced keeps topics in sync with other peers until ctx ends, and returns ctx's error, or
// models.ErrClosed when the Records are closed. It syncs with the peers that it is given, and with up
// to eight for each topic that it finds through the DHT, where it announces that this peer has the
// topics. A peer that cannot be synced with is tried again after 5 seconds, then after twice as long
// each time, up to an hour. A peer that misbehaves is left alone for a day.
//
// A second after this program has changed rows of a topic, it syncs with the partners that the change
// has not reached by gossip. They follow at longer intervals if syncs take long.
//
// With a PubSub rows also come and go by gossip: those that this program changes, and up to 64 that a sync
// brings. A peer that gossips more than eight invalid records of
// a topic within a day is left alone for a day, too.
func (n *Node) KeepSynced(ctx context.Context, how KeepSynced) error {
	for _, name := range how.Topics {
		if n.records.topics[name] == nil {
			return fmt.Errorf("keep %s synced: %w", shorten(name), ErrNoTopic)
		}
	}
	if how.Interval <= 0 {
		how.Interval = defaultKeepInterval
	}
	if how.Direction == 0 {
		how.Direction = Both
	}
	k := &keeper{
		node: n, how: how, gossips: map[string]*gossip{}, partners: map[partner]*partnership{},
		done: make(chan kept, keptAtOnce), found: make(chan partner),
		changes: changes{topics: map[string]bool{}, woken: make(chan struct{}, 1)},
	}
	for _, name := range how.Topics {
		for _, p := range how.Peers {
			k.partners[partner{name, p}] = &partnership{given: true}
		}
	}
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(n.records.ending, func() { cancel(models.ErrClosed) })
	defer stop()
	err := k.run(running, cancel)
	switch {
	case n.records.closed.Load():
		return models.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}

// run runs until ctx ends.
func (k *keeper) run(ctx context.Context, cancel context.CancelCauseFunc) error {
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel(nil)
	if k.how.PubSub != nil {
		for name := range k.topics() {
			g, err := k.node.joinGossip(ctx, k.how.PubSub, k.node.records.topics[name], k.how.Direction)
			if err != nil {
				return err
			}
			defer g.close()
			k.gossips[name] = g
			work.Go(func() { g.run(ctx) })
		}
	}
	if k.how.Direction&Push != 0 {
		watch, err := k.watch(ctx)
		if err != nil {
			return err
		}
		work.Go(func() { cancel(k.follow(ctx, watch)) })
	}
	if !k.how.Alone {
		work.Go(func() { k.find(ctx) })
	}
	k.loop(ctx)
	return context.Cause(ctx)
}

// topics yields each topic once.
func (k *keeper) topics() map[string]*syncTopic {
	topics := map[string]*syncTopic{}
	for _, name := range k.how.Topics {
		topics[name] = k.node.records.topics[name]
	}
	return topics
}

// loop syncs with partners until ctx ends.
func (k *keeper) loop(ctx context.Context) {
	for ctx.Err() == nil {
		next := k.begin(ctx)
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case at := <-k.found:
			k.add(at)
		case <-k.changes.woken:
			k.wake()
		case d := <-k.done:
			k.ended(&d)
		}
		timer.Stop()
	}
	for k.running > 0 {
		d := <-k.done
		k.ended(&d)
	}
}

// jittered returns a time that is up to a quarter longer or shorter.
func jittered(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2+1)
}

// find announces the topics and looks for peers that have them, again and again until ctx ends. The DHT
// may know nobody: then there is nobody to find either.
func (k *keeper) find(ctx context.Context) {
	next := announcements{}
	for ctx.Err() == nil {
		for name := range k.topics() {
			k.search(ctx, name)
			next.announce(ctx, name, func(ctx context.Context) error {
				return k.node.dht.Provide(ctx, topicKey(name), true)
			})
		}
		timer := time.NewTimer(jittered(k.how.Interval))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// search looks for peers that have a topic.
func (k *keeper) search(ctx context.Context, name string) {
	searching, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	for info := range k.node.dht.FindProvidersAsync(searching, topicKey(name), 2*mostPartners) {
		select {
		case k.found <- partner{name, info.ID}:
		case <-ctx.Done():
		}
	}
}

// announcements are when topics are announced next, by full name. One that is not among them is due.
type announcements map[string]time.Time

// announce announces a topic with provide if it is due. If that fails it stays due.
func (a announcements) announce(ctx context.Context, name string, provide func(context.Context) error) {
	if time.Now().Before(a[name]) {
		return
	}
	providing, cancel := context.WithTimeout(ctx, searchTime) // its own: a search may take all of its time
	defer cancel()
	if provide(providing) == nil {
		a[name] = time.Now().Add(announceInterval)
	}
}

// add adds a partner that was found, if there are not too many.
func (k *keeper) add(at partner) {
	found := 0
	for other, state := range k.partners {
		if other.topic == at.topic && !state.given {
			found++
		}
	}
	if at.peer != k.node.dht.PeerID() && k.partners[at] == nil && found < mostPartners {
		k.partners[at] = &partnership{}
	}
}

// wake brings forward the syncs of topics that this program has changed, with those partners that the
// changes have not reached by gossip.
func (k *keeper) wake() {
	soon := time.Now().Add(pushPause)
	for topic, quiet := range k.changes.take() {
		told := map[peer.ID]bool{}
		if g := k.gossips[topic]; g != nil && !quiet {
			for _, p := range g.joined.ListPeers() {
				told[p] = true
			}
		}
		for at, state := range k.partners {
			if at.topic == topic && !told[at.peer] && state.wake.IsZero() {
				state.wake = soon
				if state.rested.After(soon) {
					state.wake = state.rested
				}
			}
		}
	}
}

// begin begins syncs with partners for whom it is time, as many as may run at the same time, and returns
// when there is something to do next.
func (k *keeper) begin(ctx context.Context) (next time.Time) {
	for now := time.Now(); ; {
		var first partner
		next = now.Add(k.how.Interval)
		for at, state := range k.partners {
			if due := state.due(); !state.running && due.Before(next) {
				first, next = at, due
			}
		}
		if next.After(now) {
			return next
		}
		if k.running == keptAtOnce {
			return now.Add(k.how.Interval) // the end of one comes first
		}
		state := k.partners[first]
		if k.isLeftAlone(first.peer, now) {
			state.wake, state.next, state.failures = time.Time{}, now.Add(jittered(misbehavedFor)), 1
			continue
		}
		state.wake, state.running = time.Time{}, true
		k.running++
		go func() {
			report, err := k.node.Sync(ctx, first.peer, first.topic, SyncOptions{Direction: k.how.Direction})
			k.done <- kept{first, report, err}
		}()
	}
}

// isLeftAlone reports whether a peer has gossiped too many invalid records.
func (k *keeper) isLeftAlone(p peer.ID, now time.Time) bool {
	for _, g := range k.gossips {
		if g.senders.leaveAlone(p, now) {
			return true
		}
	}
	return false
}

// ended says when a partner is synced with next.
func (k *keeper) ended(d *kept) {
	k.running--
	state, now := k.partners[d.at], time.Now()
	state.running, state.rested = false, now.Add(max(pushPause, pushRest*d.report.Took))
	if !state.wake.IsZero() && state.rested.After(state.wake) {
		state.wake = state.rested
	}
	switch {
	case d.err == nil:
		state.failures = 0
		state.next = now.Add(jittered(k.how.Interval))
	case errors.Is(d.err, ErrMisbehaved):
		state.failures++ // so that nothing wakes it
		state.next = now.Add(jittered(misbehavedFor))
	default:
		state.failures++
		wait := min(firstRetry<<min(state.failures-1, 20), longestRetry)
		state.next = now.Add(jittered(wait))
		if !state.given && wait == longestRetry {
			delete(k.partners, d.at) // another search may find it again
		}
	}
	if k.how.Done != nil {
		k.how.Done(d.report, d.err)
	}
}
