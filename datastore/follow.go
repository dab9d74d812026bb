package datastore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// follow is what a store keeps for those who follow its changes. A transaction that has changed
// trees that somebody follows gets the next number when it commits. Such transactions commit one
// after the other, so that the order of the numbers is the order of the commits on every engine, and
// so do those that change topics. All others commit as if nobody followed anything.
type follow struct {
	// trees are those whose changes transactions keep. It changes only while gate is held for
	// writing, and every transaction holds it for reading while it commits. So a transaction that has
	// begun before a tree was followed does not commit afterwards without its changes.
	trees atomic.Pointer[session.Followed]
	gate  sync.RWMutex

	// turn is held by the transaction that commits with a number, or changes topics.
	turn sync.Mutex
	// seq is the last number that was given, while turn is held.
	seq uint64

	// mu is for what follows. Nothing else is locked while it is held, but queues.
	mu sync.Mutex
	// waiting are the commits that no watch has been told of, in their order.
	waiting []*numbered
	watches map[*session.Tree][]*watch
	closed  bool
}

// numbered is a commit that has its number.
type numbered struct {
	*session.Commit
	// settled says that watches may be told of it: it is as durable as it is going to be.
	settled bool
	// reader, if set, is the only watch that is told: it has begun to read after the commit.
	reader *watch
}

// commitFollowed commits a transaction. If it has changed what somebody follows, it gets a number. If it
// has changed topics, their leaves change with it.
func (s *Store) commitFollowed(
	ctx context.Context, ses *session.Session, txn engine.WriteTxn, d engine.Durability,
) error {
	f := &s.follow
	f.gate.RLock()
	if ses.Writes > 0 && !ses.Followed.Covers(f.trees.Load()) {
		f.gate.RUnlock()
		return engine.ErrConflict // which has the transaction run again
	}
	if len(ses.Changes) == 0 && len(ses.TopicChanges) == 0 {
		defer f.gate.RUnlock()
		return txn.Commit(ctx, d)
	}
	c, untidy, err := s.commitInTurn(ctx, ses, txn)
	f.gate.RUnlock()
	if err != nil {
		return err
	}
	defer s.tidyAll(ctx, untidy)
	if c != nil {
		defer f.settle(c)
	}
	if d == engine.Relaxed {
		return nil
	}
	// Others commit meanwhile, and one flush of the engine serves them all.
	err = s.db.Sync(context.WithoutCancel(ctx))
	if errors.Is(err, engine.ErrClosed) {
		err = nil // closing has made it durable
	}
	return err
}

// commitInTurn commits a transaction after those before it. It returns the commit if it has a number, and
// the leaves of topics that tidyAll is to be called with.
func (s *Store) commitInTurn(
	ctx context.Context, ses *session.Session, txn engine.WriteTxn,
) (c *numbered, untidy []session.Untidy, err error) {
	f := &s.follow
	f.turn.Lock()
	defer f.turn.Unlock()
	if len(ses.TopicChanges) > 0 {
		untidy, err = s.commitLeaves(ctx, ses, txn)
	} else {
		err = txn.Commit(ctx, engine.Relaxed)
	}
	if err != nil || len(ses.Changes) == 0 {
		return nil, untidy, err
	}
	f.seq++
	c = &numbered{Commit: session.NewCommit(f.seq, ses.Changes)}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, c)
	return c, untidy, nil
}

// settle tells the watches of a commit once all before it have settled.
func (f *follow) settle(c *numbered) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.settled = true
	f.tellSettled()
}

// tellSettled tells the watches of the commits that have settled, in order, while mu is held.
func (f *follow) tellSettled() {
	for len(f.waiting) > 0 && f.waiting[0].settled {
		if c := f.waiting[0]; c.reader != nil {
			c.reader.queue.Push(c.Commit, 0)
		} else {
			f.tell(c.Commit)
		}
		f.waiting[0] = nil
		f.waiting = f.waiting[1:]
	}
	if len(f.waiting) == 0 {
		f.waiting = nil
	}
}

// tell gives a commit to the watches.
func (f *follow) tell(c *session.Commit) {
	for i := range c.Changes {
		tree := c.Changes[i].Tree
		if i > 0 && tree == c.Changes[i-1].Tree {
			continue
		}
		for _, w := range f.watches[tree] {
			w.tell(c)
		}
	}
}

// close ends all watches.
func (f *follow) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, watches := range f.watches {
		for _, w := range watches {
			w.queue.End(models.ErrClosed)
		}
	}
}

// maxWaiting bounds the bytes of the changes that wait for a watch: 8 MiB.
const maxWaiting = 8 << 20

// watch is a watch of a store.
type watch struct {
	store   *Store
	request session.WatchRequest
	// begin is the number of the commit behind which the watch has begun.
	begin uint64
	queue *session.Queue
	// last is the number of the last commit that the watch was told of, and given that of the last one
	// that was queued, while follow.mu is held.
	last, given uint64
	ended       atomic.Bool
}

// BeginWatch is how trees are watched.
func (s *Store) BeginWatch(ctx context.Context, r session.WatchRequest) (session.Watch, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	for _, tree := range r.Trees {
		if s.places[tree] == nil {
			return nil, &models.Error{Op: "watch", Tree: tree.Name, Err: models.ErrUnknownTree}
		}
	}
	if r.Resume {
		return nil, session.ErrCompacted
	}
	w := &watch{store: s, request: r, queue: session.NewQueue(max(r.Changes, 1), maxWaiting)}
	return w, s.follow.add(w)
}

func (f *follow) add(w *watch) error {
	f.gate.Lock()
	defer f.gate.Unlock()
	f.turn.Lock()
	defer f.turn.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return models.ErrClosed
	}
	w.begin = f.seq
	w.last, w.given = f.seq, f.seq
	if f.watches == nil {
		f.watches = map[*session.Tree][]*watch{}
	}
	trees := f.trees.Load()
	for _, tree := range w.request.Trees {
		f.watches[tree] = append(f.watches[tree], w)
		trees = trees.With(tree)
	}
	f.trees.Store(trees)
	return nil
}

func (f *follow) remove(w *watch) {
	f.gate.Lock()
	defer f.gate.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	trees := f.trees.Load()
	for _, tree := range w.request.Trees {
		f.watches[tree] = without(f.watches[tree], w)
		if len(f.watches[tree]) == 0 {
			delete(f.watches, tree)
		}
		trees = trees.Without(tree)
	}
	f.trees.Store(trees)
}

// without removes w from watches, in another order.
func without(watches []*watch, w *watch) []*watch {
	for i := range watches {
		if watches[i] == w {
			last := len(watches) - 1
			watches[i], watches[last] = watches[last], nil
			return watches[:last]
		}
	}
	return watches
}

// tell queues a commit, while follow.mu is held.
func (w *watch) tell(c *session.Commit) {
	if c.Seq <= w.last {
		return // it was told of another tree's changes, or began behind it
	}
	w.last = c.Seq
	n := w.request.Concerns(c)
	if n == 0 {
		return
	}
	if w.queue.Push(c, n) {
		w.given = c.Seq
	} else {
		w.queue.End(&session.LaggingError{Seq: w.given})
	}
}

func (w *watch) Seq() uint64 { return w.begin }

func (w *watch) Next(ctx context.Context) ([]*session.Commit, error) { return w.queue.Next(ctx) }

// Read begins a transaction that has the commits up to seq.
func (w *watch) Read(ctx context.Context) (ses *session.Session, seq uint64, err error) {
	f := &w.store.follow
	f.turn.Lock()
	defer f.turn.Unlock()
	if ses, err = w.store.BeginRead(ctx); err != nil {
		return nil, 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, &numbered{Commit: session.NewCommit(f.seq, nil), settled: true, reader: w})
	f.tellSettled()
	return ses, f.seq, nil
}

func (w *watch) Place(t *session.Tree) *session.Place { return w.store.places[t] }

func (w *watch) Close() {
	if w.ended.CompareAndSwap(false, true) {
		w.queue.End(models.ErrClosed)
		w.store.follow.remove(w)
	}
}
