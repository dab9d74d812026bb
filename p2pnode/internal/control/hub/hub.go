// Package hub tells any number of readers of what happens at a node, without waiting for any of
// them.
package hub

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// Buffer is how many events wait for a reader before it counts as lagging.
const Buffer = 1024

// Errors that end a subscription.
var (
	// ErrLagging says that the reader has not kept up with the events.
	ErrLagging = errors.New("lagging: events came faster than they were read")
	// ErrClosed says that the hub is closed.
	ErrClosed = errors.New("the node is stopping")
)

// Hub gives each event to all who subscribe. Its methods may be called concurrently.
type Hub struct {
	mu      sync.Mutex
	readers map[*reader]struct{}
	closed  bool
}

// reader is a subscription. Its channel is closed when it ends, and err says why.
type reader struct {
	events chan api.Event
	err    error
}

// New returns a hub without readers.
func New() *Hub { return &Hub{readers: map[*reader]struct{}{}} }

// Watched reports whether anybody subscribes. An event that nobody reads need not be made.
func (h *Hub) Watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.readers) > 0
}

// Publish gives an event to the readers. It has the present time unless its own is set. A reader
// whose buffer is full gets no more.
func (h *Hub) Publish(e api.Event) {
	if e.Time.IsZero() {
		e.Time = time.Now().UTC()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for r := range h.readers {
		select {
		case r.events <- e:
		default:
			h.end(r, ErrLagging)
		}
	}
}

// Subscribe yields the events from now on. Buffer is how many may wait for the loop, at least 1.
// The last item is an error: ErrLagging, ErrClosed, or that of ctx. The subscription lasts until
// ctx ends or the loop does.
func (h *Hub) Subscribe(ctx context.Context, buffer int) iter.Seq2[api.Event, error] {
	r := &reader{events: make(chan api.Event, max(buffer, 1))}
	h.mu.Lock()
	if h.closed {
		r.err = ErrClosed
		close(r.events)
	} else {
		h.readers[r] = struct{}{}
	}
	h.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { h.remove(r, context.Cause(ctx)) })
	return func(yield func(api.Event, error) bool) {
		defer stop()
		defer h.remove(r, nil)
		for e := range r.events {
			if !yield(e, nil) {
				return
			}
		}
		yield(api.Event{}, h.reason(r))
	}
}

// Close ends all subscriptions, and those that come.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for r := range h.readers {
		h.end(r, ErrClosed)
	}
}

func (h *Hub) remove(r *reader, why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.end(r, why)
}

// end ends a subscription, unless it has ended. The lock is held.
func (h *Hub) end(r *reader, why error) {
	if _, ok := h.readers[r]; ok {
		delete(h.readers, r)
		r.err = why
		close(r.events)
	}
}

func (h *Hub) reason(r *reader) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return r.err
}
