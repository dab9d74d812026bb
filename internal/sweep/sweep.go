// Package sweep runs the work that removes what has expired, when something is
// due. The stores of package datastore use it, and the records of package record.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// maxRetry is the longest pause between two runs that fail.
const maxRetry = time.Hour

// Sweeper runs one piece of work when it is due, never twice at a time. It has no
// goroutine except while the work runs, and no timer while nothing is due. All
// methods may be called concurrently.
type Sweeper struct {
	pause, retry time.Duration
	work         func(context.Context) (next time.Time, err error)

	// ctx is that of the work. Stop ends it.
	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	timer *time.Timer // nil while none is set
	due   time.Time   // when the timer fires, or the next run is wanted after this one
	// running says that the work runs. Runs lets Stop wait for it.
	running, stopped bool
	runs             sync.WaitGroup
	failures         int
}

// New returns a Sweeper that runs work once Arm has said when.
//
// Work gets a context that Stop ends, and returns when it wants to run next, the
// zero time for never. At least pause lies between the end of a run and the next,
// so that what falls due one by one is done together. After an error work runs
// again after retry, then after twice that, and so on up to an hour, unless it
// asked to run before; and not by itself after engine.ErrClosed. A panic of work
// counts as an error: it would otherwise end the program from a goroutine in
// which the program cannot recover it.
func New(pause, retry time.Duration, work func(context.Context) (next time.Time, err error)) *Sweeper {
	s := &Sweeper{pause: pause, retry: retry, work: work}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Arm has the work run at due, or a pause from now if that is later. A run that
// is wanted earlier than that stays wanted. The zero time changes nothing, nor
// does a call after Stop.
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
	wanted := s.due // by calls of Arm meanwhile
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

// try runs the work, and makes a panic of it an error.
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

// Stop ends the context of a run that is under way and waits for it. Nothing runs
// afterwards.
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
