package record_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/record"
)

// keep keeps all pages of a peer synced until the test ends.
func keep(t *testing.T, n *node, how record.KeepSynced) {
	t.Helper()
	how.Topics = []string{AllPages.Name()}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.node.KeepSynced(ctx, how) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("keeping in sync ends with %v", err)
		}
	})
}

// A peer that keeps a topic synced with another gets what is put there later, and goes on after a
// failure.
func TestKeepSynced(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(a, b)
	putPages(t, a, 1, 1)
	putPages(t, b, 1, 2)
	reports := make(chan error, 1000)
	keep(t, a, record.KeepSynced{
		Peers: []peer.ID{b.host.ID()}, Alone: true, Interval: 20 * time.Millisecond,
		Done: func(_ record.SyncReport, err error) { reports <- err },
	})
	if err := <-reports; err != nil {
		t.Error(err)
	}
	putPages(t, a, 1, 3)
	putPages(t, b, 1, 4)
	eventually(t, "both have all pages", func() bool { return len(versions(t, a)) == 4 && len(versions(t, b)) == 4 })
}

// Peers that have a topic find each other through the DHT.
func TestKeepSyncedFinds(t *testing.T) {
	all := []*node{
		newNodeWith(t, memory.Engine(), library()),
		newNodeWith(t, memory.Engine(), library()),
		newNodeWith(t, memory.Engine(), library()),
	}
	connectAll(t, all)
	for i, n := range all {
		putPages(t, n, 1, uint64(i))
	}
	for _, n := range all[:2] {
		keep(t, n, record.KeepSynced{Interval: 50 * time.Millisecond})
	}
	eventually(t, "both have both pages", func() bool {
		return len(versions(t, all[0])) == 2 && len(versions(t, all[1])) == 2
	})
	if got := versions(t, all[2]); len(got) != 1 {
		t.Errorf("a peer that announces nothing has %v", got)
	}
}

// A topic that is none is refused at once.
func TestKeepSyncedNoTopic(t *testing.T) {
	a := newReader(t, memory.Engine())
	err := a.node.KeepSynced(t.Context(), record.KeepSynced{Topics: []string{"library.page/none"}})
	if !errors.Is(err, record.ErrNoTopic) {
		t.Error(err)
	}
}
