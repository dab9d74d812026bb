package record_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

const noticeAge = 24 * time.Hour

// notices are memos whose tombstones stay for a day.
var (
	notices = models.NewTree("notice", models.Uint64, func(m *memo) uint64 { return m.ID },
		models.WithClock(func(m *memo) uint64 { return m.At }), models.WithPolicy[memo](models.Open),
		models.WithTombstones[memo](noticeAge, time.Second))
	allNotices = models.NewTopic(notices, "all", nil)
	wall       = models.NewDefinition("wall", notices)
)

// newPeers are peers with the models of options in a network without sockets, which a bubble of synctest can have.
// Nothing travels between them but by sync.
func newPeers(t testing.TB, n int, options record.Options) (all []*node) {
	t.Helper()
	network := mocknet.New()
	t.Cleanup(func() {
		if err := network.Close(); err != nil {
			t.Error(err)
		}
	})
	for range n {
		h, err := network.GenPeer()
		if err != nil {
			t.Fatal(err)
		}
		n := &node{host: h}
		n.records, n.store = openRecords(t, memory.Engine(), options)
		alone := dht.RoutingTableFilter(func(any, peer.ID) bool { return false })
		n.dht = newDHT(t, h, append(n.records.DHTOptions(), alone)...)
		n.node = join(t, n.records, n.dht)
		all = append(all, n)
	}
	if err := network.LinkAll(); err != nil {
		t.Fatal(err)
	}
	return all
}

// deletedAt returns when the notice was deleted whose tombstone a peer has, the zero time without one.
func deletedAt(t testing.TB, s *datastore.Store, id uint64) time.Time {
	t.Helper()
	ses, err := s.BeginRead(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer ses.End()
	of, _, err := ses.Place(notices.Core()).Tombstone(ses, notices.EncodeKey(id))
	if err != nil {
		t.Fatal(err)
	}
	return of.Taken
}

// A deletion goes from peer to peer with hours in between. All drop its tombstone at the time at which the first
// one does, give or take a second for each hop: none keeps it for longer, and none takes the row again.
func TestTombstoneOverHops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const (
			hops = 5
			// hop is how long a deletion stays with a peer before the next one hears of it.
			hop = 4*time.Hour + 700*time.Millisecond
		)
		ctx := t.Context()
		all := newPeers(t, hops+3, optionsOf(wall))
		chain, late, away := all[:hops+1], all[hops+1], all[hops+2]
		row := memo{1, "text", uint64(time.Now().Add(-time.Hour).Unix())}
		if err := notices.Put(ctx, chain[0].store, &row); err != nil {
			t.Fatal(err)
		}
		for i := range all[1:] {
			mustSync(t, all[i+1], all[i], allNotices, record.Pull)
		}
		has := func(n *node) bool {
			t.Helper()
			has, err := notices.Has(ctx, n.store, row.ID)
			if err != nil {
				t.Fatal(err)
			}
			return has
		}
		deleted := time.Now()
		if err := notices.Delete(ctx, chain[0].store, row.ID); err != nil {
			t.Fatal(err)
		}
		// By turns one or the other begins.
		heard := func(i int, by, from *node) {
			t.Helper()
			if !has(by) {
				t.Errorf("peer %d has lost the row before it has heard of the deletion", i)
			}
			if i%2 == 0 {
				mustSync(t, by, from, allNotices, record.Both)
			} else {
				mustSync(t, from, by, allNotices, record.Both)
			}
			at := deletedAt(t, by.store, row.ID)
			if most := deleted.Add(time.Duration(i) * time.Second); has(by) || at.Before(deleted) || at.After(most) {
				t.Errorf("peer %d has the row: %t, and takes it for deleted at %v, which was at %v", i, has(by), at, deleted)
			}
		}
		for i := 1; i <= hops; i++ {
			time.Sleep(hop)
			heard(i, chain[i], chain[i-1])
		}
		time.Sleep(time.Until(deleted.Add(noticeAge - time.Minute)))
		heard(hops+1, late, chain[hops])
		knowing := append(chain[:len(chain):len(chain)], late)
		for i, n := range knowing { // what they had, they have again, and that changes no age
			at := deletedAt(t, n.store, row.ID)
			if err := take(t, n.records, record.Key(notices, row.ID), wire.AppendTombstone(nil, row.At)); err != nil {
				t.Error(err)
			}
			mustSync(t, n, knowing[(i+1)%len(knowing)], allNotices, record.Both)
			if again := deletedAt(t, n.store, row.ID); !again.Equal(at) {
				t.Errorf("peer %d takes the row for deleted at %v, and before at %v", i, again, at)
			}
		}
		time.Sleep(time.Until(deleted.Add(noticeAge - time.Second)))
		synctest.Wait()
		for i, n := range knowing {
			if deletedAt(t, n.store, row.ID).IsZero() {
				t.Errorf("peer %d has dropped the tombstone early", i)
			}
		}
		time.Sleep(time.Duration(hops+4) * time.Second)
		synctest.Wait()
		for i, n := range knowing {
			if at := deletedAt(t, n.store, row.ID); !at.IsZero() {
				t.Errorf("peer %d keeps the tombstone of %v", i, at)
			}
			if !has(away) {
				t.Fatal("the peer that was away has lost its row")
			}
			mustSync(t, n, away, allNotices, record.Both)
			err := take(t, n.records, record.Key(notices, row.ID), encode(t, &row))
			if !errors.Is(err, record.ErrOldRecord) || has(n) {
				t.Errorf("peer %d takes the row again: %v", i, err)
			}
		}
	})
}

// A tombstone that has come has its age from the time at which it was received, which the DHT says, also if that age
// has been reached meanwhile: it is dropped then, and is not as young as a new one. Without that time it is new.
func TestTombstoneReceivedLongAgo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records, store := openRecords(t, memory.Engine(), optionsOf(wall))
		now := time.Now()
		clock := uint64(now.Add(-30 * time.Hour).Unix())
		for id, received := range map[uint64]time.Time{
			1: now.Add(-25 * time.Hour), 2: now.Add(-23 * time.Hour), 3: {}, 4: now.Add(time.Hour), 5: time.Unix(-1, 0),
		} {
			key := record.Key(notices, id)
			mustPut(t, records, dsKey(notices.Name(), key), kadRecord(t, key, wire.AppendTombstone(nil, clock), received))
		}
		has := func() (left []uint64) {
			synctest.Wait()
			for id := uint64(1); id <= 5; id++ {
				if !deletedAt(t, store, id).IsZero() {
					left = append(left, id)
				}
			}
			return left
		}
		time.Sleep(time.Minute)
		if got := has(); len(got) != 4 || got[0] != 2 {
			t.Errorf("after a minute there are %v", got)
		}
		for id := uint64(1); id <= 6; id++ {
			row := encode(t, &memo{id, "text", clock})
			if err := take(t, records, record.Key(notices, id), row); !errors.Is(err, record.ErrOldRecord) {
				t.Errorf("row %d: %v", id, err)
			}
		}
		time.Sleep(time.Hour)
		if got := has(); len(got) != 3 || got[0] != 3 {
			t.Errorf("after an hour there are %v", got)
		}
		time.Sleep(noticeAge - time.Hour)
		if got := has(); len(got) != 0 {
			t.Errorf("after a day there are %v", got)
		}
	})
}
