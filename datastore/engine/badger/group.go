package badger

import "sync"

// group makes commits durable together: one of those that wait flushes for all
// that were waiting when it began.
type group struct {
	flush func() error

	mu       sync.Mutex
	changed  sync.Cond
	flushing bool
	asked    uint64 // commits that have asked so far
	flushed  uint64 // of those, how many are durable
	err      error
}

func newGroup(flush func() error) *group {
	g := &group{flush: flush}
	g.changed.L = &g.mu
	return g
}

// wait returns when everything written before the call is durable. Once a flush has
// failed it always returns that error: the system may have dropped the pages that it
// could not write, and a flush that succeeds later proves nothing.
func (g *group) wait() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	mine := g.asked
	for g.flushed < mine && g.err == nil {
		if g.flushing {
			g.changed.Wait()
			continue
		}
		g.flushing = true
		covers := g.asked
		g.mu.Unlock()
		err := g.flush()
		g.mu.Lock()
		g.flushing = false
		if err != nil {
			g.err = err
		} else {
			g.flushed = covers
		}
		g.changed.Broadcast()
	}
	if g.flushed >= mine {
		return nil
	}
	return g.err
}
