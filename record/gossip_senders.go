package record

import (
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// mostInvalid is how many invalid records of a topic a peer may gossip within a day. Honest peers
	// check what they send.
	mostInvalid = 8
	// mostSenders is of how many peers is kept what they have sent.
	mostSenders = 1024
)

// senders counts what peers have gossiped in a topic. All methods may be called concurrently.
type senders struct {
	mu   sync.Mutex
	sent map[peer.ID]*sent
}

// sent is what a peer has sent within a day.
type sent struct {
	since                   time.Time
	taken, ignored, invalid int
}

func (s *sent) isOver(now time.Time) bool { return now.Sub(s.since) >= misbehavedFor }

// count counts a message of a peer.
func (s *senders) count(p peer.ID, result pubsub.ValidationResult, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.sent[p]
	if of == nil || of.isOver(now) {
		s.makeRoom(now)
		of = &sent{since: now}
		s.sent[p] = of
	}
	switch result {
	case pubsub.ValidationAccept:
		of.taken++
	case pubsub.ValidationReject:
		of.invalid++
	default:
		of.ignored++
	}
}

// makeRoom forgets peers when there are too many: those that have sent nothing for a day, or else one
// that has sent the fewest invalid records.
func (s *senders) makeRoom(now time.Time) {
	if len(s.sent) < mostSenders {
		return
	}
	var least peer.ID
	for p, of := range s.sent {
		if of.isOver(now) {
			delete(s.sent, p)
		} else if least == "" || of.invalid < s.sent[least].invalid {
			least = p
		}
	}
	if len(s.sent) >= mostSenders {
		delete(s.sent, least)
	}
}

// leaveAlone reports whether a peer has sent too many invalid records.
func (s *senders) leaveAlone(p peer.ID, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.sent[p]
	return of != nil && of.invalid > mostInvalid && !of.isOver(now)
}

// list returns what is kept.
func (s *senders) list(now time.Time) map[peer.ID]GossipPeer {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[peer.ID]GossipPeer, len(s.sent))
	for p, of := range s.sent {
		if !of.isOver(now) {
			all[p] = GossipPeer{
				ID: p, Taken: of.taken, Ignored: of.ignored, Invalid: of.invalid, LeftAlone: of.invalid > mostInvalid,
			}
		}
	}
	return all
}
