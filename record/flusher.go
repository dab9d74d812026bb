package record

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
)

// flusher makes relaxed commits durable within an interval. While nothing is
// written it has neither a goroutine nor a running timer, so that a process can
// hold thousands of idle peers.
type flusher struct {
	// interval is negative to leave everything to close.
	interval time.Duration
	// file files what is pending, sync does that and makes all durable.
	file, sync func(context.Context) error

	mu sync.Mutex
	// timer is set from the first write until the flush that covers it begins.
	timer   *time.Timer
	running sync.WaitGroup
	// easing says that ease is at work.
	easing bool
	closed bool
}

// wrote notes that something has been committed that is not durable yet.
func (f *flusher) wrote() {
	if f.interval < 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.timer == nil && !f.closed {
		f.timer = time.AfterFunc(f.interval, f.flush)
	}
}

func (f *flusher) flush() {
	f.mu.Lock()
	f.timer = nil
	if f.closed {
		f.mu.Unlock()
		return
	}
	f.running.Add(1)
	f.mu.Unlock()
	defer f.running.Done()
	// What fails is tried again an interval later, and reported by Sync and
	// Close, whose callers can do something about it.
	if err := f.sync(context.Background()); err != nil && !errors.Is(err, models.ErrClosed) {
		f.wrote()
	}
}

// ease files what is pending now, on a goroutine of its own, so that whoever puts
// more does not have to.
func (f *flusher) ease() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.easing || f.closed {
		return
	}
	f.easing = true
	f.running.Go(func() {
		_ = f.file(context.Background()) // or who puts too much is told
		f.mu.Lock()
		f.easing = false
		f.mu.Unlock()
	})
}

// close waits for a flush that is under way and makes everything durable.
func (f *flusher) close() error {
	f.mu.Lock()
	f.closed = true
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
	f.mu.Unlock()
	f.running.Wait()
	return f.sync(context.Background())
}
