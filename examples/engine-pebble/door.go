package pebble

import (
	"context"
	"sync"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// door counts the users of an open database. Close uses it to turn new users away and to wait
// for the others. It lets one writer in at a time.
type door struct {
	mu      sync.Mutex
	inside  int
	closed  bool
	closing chan struct{}
	left    sync.Cond // mu; signalled when the last one leaves
	turn    chan struct{}
}

func newDoor() *door {
	d := &door{closing: make(chan struct{}), turn: make(chan struct{}, 1)}
	d.left.L = &d.mu
	return d
}

// enter lets the caller in. The caller calls leave at the end.
func (d *door) enter(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return engine.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	d.inside++
	return nil
}

func (d *door) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inside--; d.inside == 0 {
		d.left.Broadcast()
	}
}

// enterWriter waits for the writer before, but no longer than ctx lasts.
func (d *door) enterWriter(ctx context.Context) error {
	if err := d.enter(ctx); err != nil {
		return err
	}
	select {
	case d.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		d.leave()
		return ctx.Err()
	case <-d.closing:
		d.leave()
		return engine.ErrClosed
	}
}

func (d *door) leaveWriter() {
	<-d.turn
	d.leave()
}

// close waits until all have left. It is false for every caller but the first.
func (d *door) close() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.closed = true
	close(d.closing)
	for d.inside > 0 {
		d.left.Wait()
	}
	return true
}
