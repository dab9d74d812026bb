package record

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
)

// later does something within an interval after it was asked to: what many ask for
// in that time it does once. While nobody asks it has neither a goroutine nor a
// running timer, so that a process can hold thousands of idle peers.
type later struct {
	// interval is negative to leave everything to close.
	interval time.Duration
	do       func(context.Context) error

	mu sync.Mutex
	// timer is set from the first request until do begins, which covers it.
	timer   *time.Timer
	running sync.WaitGroup
	// hurried says that now is at work.
	hurried bool
	closed  bool
}

// ask has it done within the interval.
func (l *later) ask() {
	if l.interval < 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil && !l.closed {
		l.timer = time.AfterFunc(l.interval, l.run)
	}
}

func (l *later) run() {
	l.mu.Lock()
	l.timer = nil
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.running.Add(1)
	l.mu.Unlock()
	defer l.running.Done()
	// What fails is tried again an interval later, and reported by Sync and
	// Close, whose callers can do something about it.
	if err := l.do(context.Background()); err != nil && !errors.Is(err, models.ErrClosed) {
		l.ask()
	}
}

// now has something begun at once, on a goroutine of its own, unless that is being
// done.
func (l *later) now(do func(context.Context) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hurried || l.closed {
		return
	}
	l.hurried = true
	l.running.Go(func() {
		_ = do(context.Background()) // Sync and Close report it
		l.mu.Lock()
		l.hurried = false
		l.mu.Unlock()
	})
}

// close waits until it is not being done, and does it a last time.
func (l *later) close() error {
	l.mu.Lock()
	l.closed = true
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	l.mu.Unlock()
	l.running.Wait()
	return l.do(context.Background())
}
