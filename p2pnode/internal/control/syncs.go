package control

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/record"
)

const (
	// maxSyncedPeers is how many peers are remembered for a topic.
	maxSyncedPeers = 16
	// maxRefusedRecords is how many records are named that a sync has refused.
	maxRefusedRecords = 100
)

// Syncs are the last syncs of each topic with each peer. The zero value has none. Its methods may be
// used concurrently.
type Syncs struct {
	mu sync.Mutex
	// last has them by topic and peer.
	last map[string]map[string]api.Synced
}

// Ended remembers a sync that has ended, with the error that record.Node.Sync has returned.
func (s *Syncs) Ended(r *record.SyncReport, d record.Direction, err error) api.Synced {
	e := syncedOf(r, d, time.Now().Add(-r.Took))
	e.Seconds, e.Done = r.Took.Seconds(), true
	e.Refused = refusedRecords(r)
	if err != nil {
		e.Error = err.Error()
	}
	s.remember(r.Topic, e)
	return e
}

// goesOn remembers how far a sync is.
func (s *Syncs) goesOn(r *record.SyncReport, d record.Direction, started time.Time) api.Synced {
	e := syncedOf(r, d, started)
	e.Seconds = time.Since(started).Seconds()
	s.remember(r.Topic, e)
	return e
}

func (s *Syncs) remember(topic string, e api.Synced) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		s.last = map[string]map[string]api.Synced{}
	}
	of := s.last[topic]
	if of == nil {
		of = map[string]api.Synced{}
		s.last[topic] = of
	}
	of[e.Peer] = e
	if len(of) <= maxSyncedPeers {
		return
	}
	oldest := e
	for _, one := range of {
		if one.Started.Before(oldest.Started) {
			oldest = one
		}
	}
	delete(of, oldest.Peer)
}

// of returns the last syncs of a topic, the newest first.
func (s *Syncs) of(topic string) []api.Synced {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []api.Synced{}
	for _, e := range s.last[topic] {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b api.Synced) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.Peer, b.Peer))
	})
	return all
}

func syncedOf(r *record.SyncReport, d record.Direction, started time.Time) api.Synced {
	return api.Synced{
		Peer: r.Peer.String(), Direction: d.String(), Started: started.UTC(),
		Pulled: syncCounts(&r.Pulled), Pushed: syncCounts(&r.Pushed), ToPull: r.ToPull, ToPush: r.ToPush,
		RoundTrips: r.RoundTrips, BytesRead: r.BytesRead, BytesWritten: r.BytesWritten,
	}
}

func syncCounts(c *record.SyncCounts) api.SyncCounts {
	return api.SyncCounts{Taken: c.Taken, Refused: c.RefusedInAll(), Missing: c.Missing}
}

// refusedRecords returns the first records that were refused.
func refusedRecords(r *record.SyncReport) (all []api.RefusedRecord) {
	for _, way := range []*record.SyncCounts{&r.Pulled, &r.Pushed} {
		for _, one := range way.Records {
			if one.Err != nil && len(all) < maxRefusedRecords {
				all = append(all, api.RefusedRecord{Key: one.Key, Reason: one.Err.Error(), Pushed: way == &r.Pushed})
			}
		}
	}
	return all
}
