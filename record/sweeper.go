package record

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
)

// sweepPause is the shortest time between two sweeps, and so about how long
// what has expired may stay: what expires one by one is removed together.
const sweepPause = time.Minute

// sweeper expires what is due, when it is. While nothing is due it has no
// goroutine, and while nothing is stored no timer either.
type sweeper struct {
	// sweep removes what has expired and returns when the next will, the zero
	// time for never.
	sweep func(context.Context) (next time.Time, err error)

	mu      sync.Mutex
	timer   *time.Timer
	due     time.Time // when the timer fires
	cancel  context.CancelFunc
	running sync.WaitGroup
	closed  bool
}

// arm has the sweep run once due has come, or a little later. The zero time is
// never.
func (s *sweeper) arm(due time.Time) {
	if due.IsZero() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.timer != nil && !due.Before(s.due) {
		return
	}
	wait := max(time.Until(due), sweepPause)
	due = time.Now().Add(wait)
	switch {
	case s.timer == nil:
		s.timer = time.AfterFunc(wait, s.run)
	case due.Before(s.due):
		s.timer.Reset(wait)
	default:
		return
	}
	s.due = due
}

func (s *sweeper) run() {
	s.mu.Lock()
	s.timer = nil
	if s.closed {
		s.mu.Unlock()
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.running.Add(1)
	s.mu.Unlock()
	defer s.running.Done()
	defer cancel()

	next, err := s.sweep(ctx)
	if err != nil && next.IsZero() && !errors.Is(err, models.ErrClosed) {
		next = time.Now() // again after the pause
	}
	s.arm(next)
}

// close ends a sweep that is under way.
func (s *sweeper) close() {
	s.mu.Lock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.cancel != nil {
		s.cancel()
	}
	s.mu.Unlock()
	s.running.Wait()
}
