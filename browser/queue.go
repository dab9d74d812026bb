//go:build js

package browser

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// chunkCost is what the queue counts for a chunk besides its bytes, so that many small ones do not take much
// more memory than it may.
const chunkCost = 64

// errFull is what a queue ends with that would hold too much.
var errFull = errors.New("the peer sends faster than it is read")

// queue has bytes that have come and are not read yet. Callbacks of the browser fill it. Its lock is
// never held while anything waits or while JavaScript is called, so that they do not wait for it.
type queue struct {
	// most bounds size: the bytes that are not read yet, and the cost of their chunks.
	most int
	// shared bounds the sizes of several queues, if it is set.
	shared   *budget
	mu       sync.Mutex
	chunks   [][]byte
	size     int
	err      error
	deadline time.Time
	// changed is closed, and replaced, at each change.
	changed chan struct{}
}

func newQueue(most int) *queue { return &queue{most: most, changed: make(chan struct{})} }

// change wakes all who wait. The lock is held.
func (q *queue) change() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// push adds bytes, which the queue then owns. It is false if they are too many: then the queue has ended.
func (q *queue) push(chunk []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.err != nil:
		return true
	case q.size+len(chunk)+chunkCost > q.most, len(chunk) > 0 && !q.shared.spend(len(chunk)+chunkCost):
		q.err = errFull
		q.change()
		return false
	case len(chunk) > 0:
		q.chunks = append(q.chunks, chunk)
		q.size += len(chunk) + chunkCost
		q.change()
	}
	return true
}

// end has reads return err once the bytes are read. The first end counts.
func (q *queue) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
		q.change()
	}
}

// drop ends the queue and forgets its bytes.
func (q *queue) drop(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.shared.restore(q.size)
	q.chunks, q.size, q.err = nil, 0, err
	q.change()
}

func (q *queue) setDeadline(t time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.deadline = t
	q.change()
}

// read copies bytes into p, and waits for some if there are none. Starved is called without the lock before it
// waits.
func (q *queue) read(p []byte, starved func()) (int, error) {
	for {
		q.mu.Lock()
		deadline, changed := q.deadline, q.changed
		switch {
		case past(deadline):
			q.mu.Unlock()
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0 && q.err == nil:
			q.mu.Unlock()
			return 0, nil
		case len(q.chunks) > 0:
			n := q.take(p)
			q.mu.Unlock()
			return n, nil
		case q.err != nil:
			err := q.err
			q.mu.Unlock()
			return 0, err
		}
		q.mu.Unlock()
		starved()
		if !wait(changed, deadline) {
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// take moves bytes into p. The lock is held, and there are some.
func (q *queue) take(p []byte) int {
	n := copy(p, q.chunks[0])
	size := n
	if q.chunks[0] = q.chunks[0][n:]; len(q.chunks[0]) == 0 {
		q.chunks[0] = nil
		q.chunks = q.chunks[1:]
		size += chunkCost
	}
	q.size -= size
	q.shared.restore(size)
	return n
}

// budget is how much several queues may hold. One that is nil has no bound.
type budget struct {
	most  int64
	spent atomic.Int64
}

// spend is false if there is not as much left.
func (b *budget) spend(size int) bool {
	if b == nil {
		return true
	}
	if b.spent.Add(int64(size)) > b.most {
		b.spent.Add(-int64(size))
		return false
	}
	return true
}

func (b *budget) restore(size int) {
	if b != nil {
		b.spent.Add(-int64(size))
	}
}

// past reports whether a deadline is over. The zero time is none.
func past(deadline time.Time) bool { return !deadline.IsZero() && !time.Now().Before(deadline) }

// wait waits for a change. It is false if the deadline comes first.
func wait(changed <-chan struct{}, deadline time.Time) bool {
	if deadline.IsZero() {
		<-changed
		return true
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-changed:
		return true
	case <-timer.C:
		return false
	}
}
