// Package later does a piece of work some time after a request.
package later

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
)

// Task is work that is done within an interval after a request, once for all requests in that
// time. Without requests it has neither a goroutine nor a running timer, so that a process can
// hold thousands of idle peers. Its methods may be called concurrently.
type Task struct {
	interval time.Duration
	do       func(context.Context) error

	mu sync.Mutex
	// timer runs from the first request until do begins.
	timer   *time.Timer
	running sync.WaitGroup
	// hurried says that Now has started do, which has not returned.
	hurried bool
	closed  bool
}

// New returns a task that calls do within interval after a request. With a negative interval
// only Now and Close call do.
func New(interval time.Duration, do func(context.Context) error) *Task {
	return &Task{interval: interval, do: do}
}

// Ask requests the work within the interval.
func (t *Task) Ask() {
	if t.interval < 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer == nil && !t.closed {
		t.timer = time.AfterFunc(t.interval, t.run)
	}
}

func (t *Task) run() {
	t.mu.Lock()
	t.timer = nil
	if t.closed {
		t.mu.Unlock()
		return
	}
	t.running.Add(1)
	t.mu.Unlock()
	defer t.running.Done()
	// After an error the work runs again an interval later. Close reports its error.
	if err := t.do(context.Background()); err != nil && !errors.Is(err, models.ErrClosed) {
		t.Ask()
	}
}

// Now begins do at once, on a goroutine of its own, unless an earlier call is still
// at work.
func (t *Task) Now(do func(context.Context) error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.hurried || t.closed {
		return
	}
	t.hurried = true
	t.running.Go(func() {
		defer func() {
			t.mu.Lock()
			t.hurried = false
			t.mu.Unlock()
		}()
		_ = do(context.Background()) // Close tries again, and reports the error
	})
}

// Close waits for a running call of do, and calls do a last time.
func (t *Task) Close() error {
	t.mu.Lock()
	t.closed = true
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	t.mu.Unlock()
	t.running.Wait()
	return t.do(context.Background())
}
