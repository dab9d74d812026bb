// Package gate counts the calls and transactions that are under way in an open
// database, so that closing it can refuse new ones and wait for the others. It also
// lets the writers of an engine with a single writer take turns.
//
// A Gate starts no goroutine and blocks on channels alone, which makes engines
// built on it work in testing/synctest bubbles.
package gate

import (
	"context"
	"math"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Gate is open when New returns it. Its methods may be called concurrently.
type Gate struct {
	// inside counts those who are in; closed is added to it on closing, so
	// that one atomic addition both enters and tells whether that was allowed.
	inside  atomic.Int64
	closing chan struct{}
	drained chan struct{}
	turn    chan struct{}
}

const closed = math.MinInt64

// New returns an open gate.
func New() *Gate {
	return &Gate{
		closing: make(chan struct{}),
		drained: make(chan struct{}, 1),
		turn:    make(chan struct{}, 1),
	}
}

// Enter lets the caller in, who must call Leave in the end. It never waits: it
// returns engine.ErrClosed once Close has been called, or the context's error.
func (g *Gate) Enter(ctx context.Context) error {
	if g.inside.Add(1) < 0 {
		g.Leave()
		return engine.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		g.Leave()
		return err
	}
	return nil
}

// Leave undoes one Enter.
func (g *Gate) Leave() {
	if g.inside.Add(-1) == closed {
		select {
		case g.drained <- struct{}{}:
		default: // someone refused at the gate was the last to leave before
		}
	}
}

// Pass returns what Enter would, for a caller with nothing to do inside.
func (g *Gate) Pass(ctx context.Context) error {
	err := g.Enter(ctx)
	if err == nil {
		g.Leave()
	}
	return err
}

// Await waits until done is closed, the context ends or the gate closes.
func (g *Gate) Await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-g.closing:
		return engine.ErrClosed
	}
}

// EnterWriter lets one caller in at a time, who must call LeaveWriter in the
// end. It waits for its turn until the context ends or the gate closes.
func (g *Gate) EnterWriter(ctx context.Context) error {
	if err := g.Enter(ctx); err != nil {
		return err
	}
	select {
	case g.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case g.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		g.Leave()
		return ctx.Err()
	case <-g.closing:
		g.Leave()
		return engine.ErrClosed
	}
}

// LeaveWriter undoes one EnterWriter.
func (g *Gate) LeaveWriter() {
	<-g.turn
	g.Leave()
}

// Closing is closed when Close is called.
func (g *Gate) Closing() <-chan struct{} { return g.closing }

// Close refuses newcomers and waits until all have left. It reports false, at
// once, to every caller but the first.
func (g *Gate) Close() bool {
	for {
		inside := g.inside.Load()
		if inside < 0 {
			return false
		}
		if !g.inside.CompareAndSwap(inside, inside+closed) {
			continue
		}
		close(g.closing)
		if inside > 0 {
			<-g.drained
		}
		return true
	}
}
