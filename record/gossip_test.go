package record_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// newPubSub returns a gossipsub of a peer, which ends with the test.
func newPubSub(t testing.TB, n *node) *pubsub.PubSub {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	often := pubsub.DefaultGossipSubParams()
	often.HeartbeatInitialDelay, often.HeartbeatInterval = 20*time.Millisecond, 20*time.Millisecond
	ps, err := record.NewPubSub(ctx, n.host, pubsub.WithGossipSubParams(often))
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

// keepTopics has a peer keep topics synced until the test ends, with no other peers than it is given.
func keepTopics(t testing.TB, n *node, how record.KeepSynced, topics ...models.AnyTopic) {
	t.Helper()
	for _, topic := range topics {
		how.Topics = append(how.Topics, topic.Name())
	}
	how.Alone = true
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.node.KeepSynced(ctx, how) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("keeping in sync ends with %v", err)
		}
	})
}

// link connects two peers.
func link(t testing.TB, a, b *node) {
	t.Helper()
	err := a.host.Connect(context.Background(), peer.AddrInfo{ID: b.host.ID(), Addrs: b.host.Addrs()})
	if err != nil {
		t.Fatal(err)
	}
}

// listen waits until peers take messages of a topic from n.
func listen(t testing.TB, n *node, topic models.AnyTopic, peers ...*node) {
	t.Helper()
	for _, p := range peers {
		eventually(t, "the peer listens", func() bool { return gossiper(n, topic, p).Listens })
	}
}

// gossiper is what a peer knows of another one that gossips a topic.
func gossiper(n *node, topic models.AnyTopic, of *node) record.GossipPeer {
	for _, p := range n.node.GossipPeers(topic.Name()) {
		if p.ID == of.host.ID() {
			return p
		}
	}
	return record.GossipPeer{}
}

// Rows and retractions reach all peers by gossip, from one to the next, each only where its topic is.
func TestGossip(t *testing.T) {
	ctx := context.Background()
	all := make([]*node, 4)
	for i := range all {
		all[i] = newReader(t, memory.Engine())
		how := record.KeepSynced{PubSub: newPubSub(t, all[i]), Interval: time.Hour}
		keepTopics(t, all[i], how, AllPages, AllLetters, AllScans)
		if i > 0 {
			link(t, all[i-1], all[i])
		}
	}
	odd := newReader(t, memory.Engine())
	keepTopics(t, odd, record.KeepSynced{PubSub: newPubSub(t, odd), Interval: time.Hour}, OddPages)
	first, last := all[0], all[3]
	link(t, odd, last)
	for i := range all[1:] {
		for _, topic := range []models.AnyTopic{AllPages, AllLetters, AllScans} {
			listen(t, all[i], topic, all[i+1])
			listen(t, all[i+1], topic, all[i])
		}
	}
	// Before the meshes of the topics are there, not all that comes is sent on.
	key := models.MakePair(last.host.ID(), uint64(1))
	text := func(n *node) string {
		l, err := Letters.Get(ctx, n.store, key)
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			t.Error(err)
		}
		return l.Text
	}
	spread(t, all, func(try uint64) func(*node) bool {
		putPages(t, first, try, 2, 4)
		letter := Letter{From: key.First, Number: key.Second, Text: fmt.Sprint("try ", try)}
		if _, err := record.Publish(ctx, last.node, Letters, &letter); !errors.Is(err, record.ErrNoPeers) {
			t.Fatal(err)
		}
		return func(n *node) bool { return len(versions(t, n)) == 2 && text(n) == letter.Text }
	})
	if _, err := record.Retract(ctx, last.node, Letters, key); !errors.Is(err, record.ErrNoPeers) {
		t.Fatal(err)
	}
	for i, n := range all {
		eventually(t, fmt.Sprintf("peer %d has the retraction", i), func() bool { return text(n) == "" })
	}
	if got := versions(t, odd); len(got) != 0 {
		t.Errorf("a peer with another topic has %v", got)
	}
	for _, n := range all {
		for _, p := range n.node.GossipPeers(AllPages.Name()) {
			if p.Invalid > 0 || p.LeftAlone {
				t.Errorf("an honest peer is blamed: %+v", p)
			}
		}
	}
}

// spread changes rows until a change has reached all peers.
func spread(t testing.TB, all []*node, change func(try uint64) (has func(*node) bool)) {
	t.Helper()
	var has func(*node) bool
	polls := uint64(0)
	eventually(t, "all peers have the rows", func() bool {
		if polls%40 == 0 {
			has = change(1 + polls/40)
		}
		polls++
		for _, n := range all {
			if !has(n) {
				return false
			}
		}
		return true
	})
}

// A peer that gossips invalid rows is soon not listened to, and is left alone by syncs. Those of others
// go on.
func TestGossipHostile(t *testing.T) {
	a, b, hostile := newReader(t, memory.Engine()), newReader(t, memory.Engine()), newReader(t, memory.Engine())
	var syncs atomic.Int64
	keepTopics(t, a, record.KeepSynced{
		PubSub: newPubSub(t, a), Peers: []peer.ID{hostile.host.ID()}, Interval: 10 * time.Millisecond,
		Done: func(record.SyncReport, error) { syncs.Add(1) },
	}, AllPages)
	keepTopics(t, b, record.KeepSynced{PubSub: newPubSub(t, b), Interval: time.Hour}, AllPages)
	link(t, a, b)
	link(t, a, hostile)
	send := sender(t, hostile, AllPages, a)
	listen(t, a, AllPages, b, hostile)
	listen(t, b, AllPages, a)
	for i := range 20 {
		send([]byte{byte(i)})
	}
	eventually(t, "the peer is left alone", func() bool { return gossiper(a, AllPages, hostile).LeftAlone })
	eventually(t, "the peer is not listened to", func() bool {
		before := gossiper(a, AllPages, hostile)
		row := pageRow(t, Page{ID: 100, Text: "too late", Version: uint64(before.Taken + before.Invalid + 1)})
		send(row.Append(nil))
		putPages(t, b, 1, uint64(1000+len(versions(t, b))))
		eventually(t, "others are listened to", func() bool {
			_, late := versions(t, a)[100]
			have, want := len(versions(t, a)), len(versions(t, b))
			if late {
				want++
			}
			return have >= want
		})
		return gossiper(a, AllPages, hostile) == before
	})
	if got := gossiper(b, AllPages, a); got.Invalid != 0 {
		t.Errorf("invalid rows are forwarded: %+v", got)
	}
	before := syncs.Load()
	time.Sleep(100 * time.Millisecond)
	if got := syncs.Load(); got > before+1 {
		t.Errorf("there are %d more syncs with the peer", got-before)
	}
}

// sender returns a function with which a peer sends any data to another one that gossips a topic.
func sender(t testing.TB, n *node, topic models.AnyTopic, to *node) func(data []byte) {
	t.Helper()
	id := pubsub.WithTopicMessageIdFn(func(m *pb.Message) string {
		hash := sha256.Sum256([]byte(m.GetTopic() + "\x00" + string(m.GetData())))
		return string(hash[:])
	})
	joined, err := newPubSub(t, n).Join("/netabase/topic/"+topic.Name(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := joined.Relay(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the peers know of each other", func() bool {
		for _, p := range joined.ListPeers() {
			if p == to.host.ID() {
				return true
			}
		}
		return false
	})
	return func(data []byte) {
		if err := joined.Publish(t.Context(), data); err != nil {
			t.Error(err)
		}
	}
}

// A message is taken, ignored or invalid by what is wrong with it, and one that comes again is none.
func TestGossipVerdicts(t *testing.T) {
	options := library()
	options.MaxValueBytes, options.Bounds.Records = 1000, 1
	a := newNodeWith(t, memory.Engine(), options)
	putPages(t, a, 5, 1, 21) // before it gossips: what it has sent itself, it does not judge
	keepTopics(t, a, record.KeepSynced{PubSub: newPubSub(t, a), Interval: time.Hour}, OddPages, AllLetters)
	page := func(p Page) []byte {
		row := pageRow(t, p)
		return row.Append(nil)
	}
	old := pageRow(t, Page{ID: 5, Version: 1})
	old.Age = 25 * time.Hour
	good := page(Page{ID: 3, Version: 1})
	otherKey, large := append([]byte{1, '7'}, good[len(Pages.PathText(3))+1:]...), string(make([]byte, 2000))
	for name, c := range map[string]struct {
		topic models.AnyTopic
		data  []byte
		want  record.GossipPeer
	}{
		"a new row":            {OddPages, good, record.GossipPeer{Taken: 1}},
		"a held row":           {OddPages, page(Page{ID: 1, Text: "page 1", Version: 5}), record.GossipPeer{Taken: 1}},
		"a better row":         {OddPages, page(Page{ID: 21, Version: 6}), record.GossipPeer{Taken: 1}},
		"an old row":           {OddPages, page(Page{ID: 1, Version: 4}), record.GossipPeer{Ignored: 1}},
		"an expired row":       {OddPages, old.Append(nil), record.GossipPeer{Ignored: 1}},
		"a large row":          {OddPages, page(Page{ID: 7, Text: large}), record.GossipPeer{Ignored: 1}},
		"a row of no topic":    {OddPages, page(Page{ID: 2, Version: 1}), record.GossipPeer{Invalid: 1}},
		"no record":            {OddPages, []byte("no record"), record.GossipPeer{Invalid: 1}},
		"nothing":              {OddPages, nil, record.GossipPeer{Invalid: 1}},
		"an unsigned row":      {AllLetters, page(Page{ID: 9, Version: 1}), record.GossipPeer{Invalid: 1}},
		"another key":          {OddPages, otherKey, record.GossipPeer{Invalid: 1}},
		"bytes behind the row": {OddPages, append(page(Page{ID: 13, Version: 1}), 0), record.GossipPeer{Invalid: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			n := newReader(t, memory.Engine())
			link(t, a, n)
			send := sender(t, n, c.topic, a)
			send(c.data)
			c.want.ID, c.want.Listens = n.host.ID(), true
			var got record.GossipPeer
			eventually(t, "the message is judged", func() bool {
				got = gossiper(a, c.topic, n)
				return got.Taken+got.Ignored+got.Invalid > 0
			})
			if got != c.want {
				t.Errorf("it is %+v, want %+v", got, c.want)
			}
		})
	}
	// A bound is reached, for which the oldest go and nobody is blamed.
	if u := a.records.RecordUsage(); u.Rows > 1 {
		t.Errorf("there are %d records of others", u.Rows)
	}
}

// A change is pushed to a peer that does not gossip, soon.
func TestKeepSyncedPushes(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(a, b)
	synced := make(chan error, 100)
	keepTopics(t, a, record.KeepSynced{
		PubSub: newPubSub(t, a), Peers: []peer.ID{b.host.ID()}, Interval: time.Hour,
		Done: func(_ record.SyncReport, err error) { synced <- err },
	}, AllPages)
	if err := <-synced; err != nil {
		t.Fatal(err)
	}
	for i := range uint64(100) {
		putPages(t, a, 1, i)
	}
	eventually(t, "the peer has the pages", func() bool { return len(versions(t, b)) == 100 })
	if n := len(synced); n > 2 {
		t.Errorf("there were %d syncs for it", n)
	}
}

// A row that is larger than messages are is synced.
func TestGossipOfALargeRow(t *testing.T) {
	options := library()
	options.MaxValueBytes = 2 << 20
	a, b := newNodeWith(t, memory.Engine(), options), newNodeWith(t, memory.Engine(), options)
	link(t, a, b)
	keepTopics(t, b, record.KeepSynced{PubSub: newPubSub(t, b), Interval: time.Hour}, AllPages)
	synced := make(chan error, 100)
	keepTopics(t, a, record.KeepSynced{
		PubSub: newPubSub(t, a), Peers: []peer.ID{b.host.ID()}, Interval: time.Hour,
		Done: func(_ record.SyncReport, err error) { synced <- err },
	}, AllPages)
	if err := <-synced; err != nil {
		t.Fatal(err)
	}
	listen(t, a, AllPages, b)
	large := Page{ID: 1, Text: string(make([]byte, pubsub.DefaultMaxMessageSize)), Version: 1}
	if err := Pages.Put(t.Context(), a.store, &large); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the peer has the row", func() bool { return len(versions(t, b)) == 1 })
}

// More rows at once than are gossiped are synced.
func TestGossipOfMany(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(a, b)
	link(t, a, b)
	synced := make(chan error, 100)
	keepTopics(t, b, record.KeepSynced{PubSub: newPubSub(t, b), Interval: time.Hour}, AllPages)
	keepTopics(t, a, record.KeepSynced{
		PubSub: newPubSub(t, a), Peers: []peer.ID{b.host.ID()}, Interval: time.Hour,
		Done: func(_ record.SyncReport, err error) { synced <- err },
	}, AllPages)
	if err := <-synced; err != nil {
		t.Fatal(err)
	}
	listen(t, a, AllPages, b)
	putPages(t, a, 1, upTo(1, 3000)...)
	eventually(t, "the peer has the pages", func() bool { return len(versions(t, b)) == 3000 })
	if sent := gossiper(b, AllPages, a); sent.Taken > 1000 {
		t.Errorf("%d rows are gossiped", sent.Taken)
	}
}

// Few rows that a sync brings are gossiped on, by either side of it. Many are not.
func TestGossipPassesOn(t *testing.T) {
	hub, other, away := newReader(t, memory.Engine()), newReader(t, memory.Engine()), newReader(t, memory.Engine())
	for _, n := range []*node{other, away} {
		meet(hub, n)
		link(t, hub, n)
	}
	for _, n := range []*node{hub, other} {
		keepTopics(t, n, record.KeepSynced{PubSub: newPubSub(t, n), Interval: time.Hour}, AllPages)
	}
	listen(t, hub, AllPages, other)
	listen(t, other, AllPages, hub)
	putPages(t, away, 1, 1)
	mustSync(t, away, hub, AllPages, record.Push)
	eventually(t, "the other peer has what was pushed", func() bool { return len(versions(t, other)) == 1 })
	putPages(t, away, 1, 2)
	mustSync(t, hub, away, AllPages, record.Pull)
	eventually(t, "the other peer has what was pulled", func() bool { return len(versions(t, other)) == 2 })

	putPages(t, away, 1, upTo(3, 200)...)
	mustSync(t, away, hub, AllPages, record.Push)
	putPages(t, away, 1, 201)
	mustSync(t, away, hub, AllPages, record.Push)
	eventually(t, "the other peer has the last one", func() bool { return versions(t, other)[201] == 1 })
	if n := len(versions(t, other)); n != 3 {
		t.Errorf("the other peer has %d rows, not 3", n)
	}
}
