package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Origin says who has made a change.
type Origin uint8

const (
	// Program is the program itself, by an ordinary call.
	Program Origin = iota
	// DHT is a peer that has put a record into the DHT.
	DHT
	// Synced is a peer that a topic was synced with.
	Synced
	// Expired says that the time of the row was over.
	Expired
	// Evicted says that there were too many records.
	Evicted
)

// Feed says how many changes of a tree a store keeps. Bounds that are zero do not count.
type Feed struct {
	Changes int64
	Age     time.Duration
	Bytes   int64
}

// Change is a row that a transaction has written or deleted, of a tree that somebody follows.
type Change struct {
	Tree *Tree
	// Key is the encoded primary key, in its last form.
	Key []byte
	// Old and New are the row before and after, as stored, nil if there was or is none. Old may be
	// damaged.
	Old, New []byte
	Origin   Origin
}

func (c *Change) size() int { return len(c.Key) + len(c.Old) + len(c.New) }

// Commit is a transaction that has changed rows of trees that are followed. All watches share it,
// and nobody changes it.
type Commit struct {
	Seq     uint64
	Changes []Change
	// bytes is the size of the changes.
	bytes int

	// rows are the changes by row, once coalesce is done.
	coalesce sync.Once
	rows     []Change
}

// NewCommit returns the commit of some changes.
func NewCommit(seq uint64, changes []Change) *Commit {
	c := &Commit{Seq: seq, Changes: changes}
	for i := range changes {
		c.bytes += changes[i].size()
	}
	return c
}

// Followed are the trees whose changes a store keeps for others: those that are watched or have a
// feed. It does not change. A nil one has none.
type Followed struct {
	trees map[*Tree]int
	// added is how often a tree came to be followed.
	added uint64
}

// With returns f and another tree, which counts for one follower more.
func (f *Followed) With(t *Tree) *Followed {
	next := f.clone()
	if next.trees[t]++; next.trees[t] == 1 {
		next.added++
	}
	return next
}

// Without returns f with one follower of a tree less.
func (f *Followed) Without(t *Tree) *Followed {
	next := f.clone()
	if next.trees[t]--; next.trees[t] == 0 {
		delete(next.trees, t)
	}
	return next
}

func (f *Followed) clone() *Followed {
	next := &Followed{trees: map[*Tree]int{}}
	if f != nil {
		next.added = f.added
		for t, n := range f.trees {
			next.trees[t] = n
		}
	}
	return next
}

// Has reports whether a tree is followed.
func (f *Followed) Has(t *Tree) bool { return f != nil && f.trees[t] > 0 }

// Covers reports whether every tree that later has was in f already.
func (f *Followed) Covers(later *Followed) bool {
	switch {
	case f == later || later == nil:
		return true
	case f == nil:
		return later.added == 0
	}
	return f.added == later.added
}

// Follows reports whether the transaction keeps the changes of a tree.
func (s *Session) Follows(t *Tree) bool { return s.Followed != nil && s.Followed.Has(t) }

// Note keeps a change of a tree that the transaction follows. It copies old, and the others are not
// changed any more.
func (s *Session) Note(t *Tree, key, old, row []byte) {
	c := Change{Tree: t, Key: key, New: row, Origin: s.Origin}
	if old != nil {
		c.Old = append(make([]byte, 0, len(old)), old...)
	}
	s.Changes = append(s.Changes, c)
}

// LaggingError ends a watch whose loop has not kept up.
type LaggingError struct {
	// Seq is the number of the last commit that the watch has given to the loop.
	Seq uint64
}

// ErrLagging is matched by every LaggingError.
var ErrLagging = errors.New("the watch has not kept up")

func (e *LaggingError) Error() string {
	return fmt.Sprintf("%v; the last commit that it has given is %d", ErrLagging, e.Seq)
}

func (e *LaggingError) Unwrap() error { return ErrLagging }

// ErrCompacted is returned for a watch that is to begin with commits that are not kept any more.
var ErrCompacted = errors.New("the commits to begin with are not kept any more")

// WatchRequest says which changes a watch gets.
type WatchRequest struct {
	// Trees are the trees of the store that are watched.
	Trees []*Tree
	// Lower and Upper bound the encoded primary keys if there is one tree, as in engine.Range.
	Lower, Upper []byte
	// After is the number of the commit behind which the watch begins, if Resume is set. Otherwise it
	// begins with the next commit.
	After  uint64
	Resume bool
	// Changes is how many changes may wait for the watch.
	Changes int
}

// Concerns returns how many changes of a commit the watch gets.
func (r *WatchRequest) Concerns(c *Commit) (n int) {
	for i := range c.Changes {
		if r.Wants(&c.Changes[i]) {
			n++
		}
	}
	return n
}

// Wants reports whether the watch gets a change.
func (r *WatchRequest) Wants(c *Change) bool {
	return slices.Contains(r.Trees, c.Tree) && bytes.Compare(c.Key, r.Lower) >= 0 &&
		(r.Upper == nil || bytes.Compare(c.Key, r.Upper) < 0)
}

// Watch is a watch of a store that has begun.
type Watch interface {
	// Seq is the number of the commit behind which it has begun.
	Seq() uint64
	// Next waits for the next commits with changes that it gets, in their order. It returns a
	// LaggingError, ErrCompacted, the error of ctx, or engine.ErrClosed once there are no more.
	Next(ctx context.Context) ([]*Commit, error)
	// Read begins a read transaction that has every commit up to seq, and none of the later ones.
	// Behind the commits up to seq that it has not returned yet, Next then returns one with the
	// number seq and without changes.
	Read(ctx context.Context) (s *Session, seq uint64, err error)
	// Place is where a tree of the watch is.
	Place(t *Tree) *Place
	// Close ends the watch.
	Close()
}

// Queue is where the commits of a watch wait for its loop. All methods may be called concurrently,
// but only one goroutine calls Next.
type Queue struct {
	mu      sync.Mutex
	commits []*Commit
	// changes and bytes are those of the commits.
	changes, bytes int
	// maxChanges and maxBytes bound what waits. One commit may wait whatever its size.
	maxChanges, maxBytes int
	// err ends the queue once the commits have been taken.
	err  error
	wake chan struct{}
}

// NewQueue returns an empty queue with bounds.
func NewQueue(maxChanges, maxBytes int) *Queue {
	return &Queue{maxChanges: maxChanges, maxBytes: maxBytes, wake: make(chan struct{}, 1)}
}

// Push adds a commit, n changes of which concern the watch. It reports false if the queue is full
// or has ended. There is always room for a commit without changes.
func (q *Queue) Push(c *Commit, n int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	full := len(q.commits) > 0 && (q.changes+n > q.maxChanges || q.bytes+c.bytes > q.maxBytes)
	if q.err != nil || full && len(c.Changes) > 0 {
		return false
	}
	q.commits = append(q.commits, c)
	q.changes += n
	q.bytes += c.bytes
	q.signal()
	return true
}

// End has Next return err once the commits have been taken. Only the first call counts.
func (q *Queue) End(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
		q.signal()
	}
}

func (q *Queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Next waits for the next commits and takes all of them, or returns the error that has ended the
// queue, or that of ctx.
func (q *Queue) Next(ctx context.Context) ([]*Commit, error) {
	for {
		q.mu.Lock()
		commits, err := q.commits, q.err
		q.commits, q.changes, q.bytes = nil, 0, 0
		q.mu.Unlock()
		if len(commits) > 0 {
			return commits, nil
		}
		if err != nil {
			return nil, err
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
