// Package sweep runs the work that removes expired rows and records when something is due.
// Packages datastore and record use it.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// maxRetry is the longest pause after a failed run.
const maxRetry = time.Hour

// Sweeper runs one piece of work when it is due, never twice at a time. It has no
// goroutine except while the work runs, and no timer while nothing is due. All
// methods may be called concurrently.
type Sweeper struct {
	pause, retry time.Duration
	work         func(context.Context) (next time.Time, err error)

	// ctx is the context of the work. Stop ends it.
	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	timer *time.Timer // nil if none is set
	due   time.Time   // when the timer fires, or during a run the time of the next one
	// running says that the work runs. Runs lets Stop wait for it.
	running, stopped bool
	runs             sync.WaitGroup
	failures         int
}

// New returns a Sweeper that runs work after Arm has set a time.
//
// Work gets a context that Stop ends. It returns the time at which it wants to run next, or the
// zero time for never. At least pause lies between two runs, so that one run handles many rows.
// After an error work runs again after retry, then after twice that, and so on up to an hour,
// unless it asked to run earlier. After engine.ErrClosed it does not run again by itself. A
// panic of work counts as an error, because the program cannot recover it from this goroutine.
func New(pause, retry time.Duration, work func(context.Context) (next time.Time, err error)) *Sweeper {
	s := &Sweeper{pause: pause, retry: retry, work: work}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Arm has the work run at due, or a pause from now if that is later. An earlier time that is
// already set stays set. Arm does nothing with the zero time, or after Stop.
func (s *Sweeper) Arm(due time.Time) {
	if due.IsZero() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arm(due)
}

func (s *Sweeper) arm(due time.Time) {
	if s.stopped || !s.due.IsZero() && !due.Before(s.due) {
		return
	}
	wait := max(time.Until(due), s.pause)
	if due = time.Now().Add(wait); !s.due.IsZero() && !due.Before(s.due) {
		return
	}
	s.due = due
	switch {
	case s.running: // run arms the timer when the work has returned
	case s.timer == nil:
		s.timer = time.AfterFunc(wait, s.run)
	default:
		s.timer.Reset(wait)
	}
}

func (s *Sweeper) run() {
	s.mu.Lock()
	if s.stopped || s.running {
		s.mu.Unlock()
		return
	}
	s.timer, s.due, s.running = nil, time.Time{}, true
	s.runs.Add(1)
	s.mu.Unlock()
	defer s.runs.Done()

	next, err := s.try()

	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
	wanted := s.due // set by calls of Arm meanwhile
	s.due = time.Time{}
	switch {
	case err == nil:
		s.failures = 0
	case !errors.Is(err, engine.ErrClosed):
		s.arm(time.Now().Add(s.backoff()))
	}
	for _, due := range []time.Time{next, wanted} {
		if !due.IsZero() {
			s.arm(due)
		}
	}
}

// try runs the work, and turns a panic into an error.
func (s *Sweeper) try() (next time.Time, err error) {
	defer func() {
		if failure := recover(); failure != nil {
			next, err = time.Time{}, fmt.Errorf("sweep: panic: %v", failure)
		}
	}()
	return s.work(s.ctx)
}

// backoff returns how long to wait after one more failure.
func (s *Sweeper) backoff() time.Duration {
	wait := s.retry
	for range s.failures {
		if wait *= 2; wait >= maxRetry {
			return maxRetry
		}
	}
	s.failures++
	return wait
}

// Stop ends the context of a run and waits for the run. The work does not run again.
func (s *Sweeper) Stop() {
	s.mu.Lock()
	s.stopped = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.cancel()
	s.mu.Unlock()
	s.runs.Wait()
}
