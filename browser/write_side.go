//go:build js

package browser

import (
	"sync"
	"time"
)

// writeSide is what streams of browsers have in common of their writes: why they fail, and for how long they wait.
type writeSide struct {
	// mu is never held while anything waits or while JavaScript is called.
	mu sync.Mutex
	// failed is what writes return from now on.
	failed   error
	deadline time.Time
	// changed is closed, and replaced, when a write may go on.
	changed chan struct{}
}

// change wakes who waits for a write. The lock is held.
func (w *writeSide) change() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// fail has writes return err. It is false if they fail already.
func (w *writeSide) fail(err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed != nil {
		return false
	}
	w.failed = err
	w.change()
	return true
}

// SetWriteDeadline is part of network.MuxedStream.
func (w *writeSide) SetWriteDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = t
	w.change()
	return nil
}
