package datastore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
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
	// seq is the last number that was given, and reserved the last that the store says may have been,
	// while turn is held.
	seq, reserved uint64
	// feeds are those of the trees, and are not changed once the store is open.
	feeds map[*session.Tree]*feed

	// mu is for what follows. Nothing else is locked while it is held, but queues.
	mu sync.Mutex
	// waiting are the commits that no watch has been told of, in their order.
	waiting []*numbered
	// told is the number of the last commit that watches were told of.
	told    uint64
	watches map[*session.Tree][]*watch
	closed  bool
}

// numbered is a commit that has its number.
type numbered struct {
	*session.Commit
	// synced says that it is durable before watches are told of it: because it has reserved numbers, so that
	// no number that they know is given again, or because it is the first in a feed, so that no later one is
	// taken for that, whatever a loss of power takes.
	synced bool
	// settled says that watches may be told of it: it is as durable as it is going to be.
	settled bool
	// reader, if set, is the only watch that is told: it has begun to read after the commit.
	reader *watch
}

// commitFollowed commits a transaction. If it has changed what somebody follows, it gets a number. If it
// has changed topics, that is in their logs.
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
	done, err := s.commitInTurn(ctx, ses, txn)
	f.gate.RUnlock()
	if err != nil {
		return err
	}
	defer s.file(ctx, done.due)
	defer s.trim(ctx, done.over)
	if done.commit != nil {
		defer f.settle(done.commit)
	}
	if d == engine.Relaxed && (done.commit == nil || !done.commit.synced) {
		return nil
	}
	// Others commit meanwhile, and one flush of the engine serves them all.
	err = s.db.Sync(context.WithoutCancel(ctx))
	if errors.Is(err, engine.ErrClosed) {
		err = nil // closing has made it durable
	}
	return err
}

// reserve is how many numbers the store reserves at a time.
const reserve = 1 << 16

// done is what is left to do after a commit in turn.
type done struct {
	// commit is nil if it has no number.
	commit *numbered
	// over are the feeds that have too much, and due the topics whose logs do.
	over []*feed
	due  []*session.Topic
}

// commitInTurn commits a transaction after those before it.
func (s *Store) commitInTurn(ctx context.Context, ses *session.Session, txn engine.WriteTxn) (d done, err error) {
	f := &s.follow
	f.turn.Lock()
	defer f.turn.Unlock()
	seq, reserved := f.seq, f.reserved
	var totals map[*feed]feedTotals
	if len(ses.Changes) > 0 {
		if seq++; seq > reserved {
			reserved = f.seq + reserve
			if err := txn.Put(format.LastCommit(reserved)); err != nil {
				return d, err
			}
		}
		if totals, err = f.feed(ctx, s.db, txn, seq, ses.Changes); err != nil {
			return d, err
		}
	}
	if len(ses.TopicChanges) > 0 {
		d.due, err = s.commitLogs(ctx, ses, txn)
	} else {
		err = txn.Commit(ctx, engine.Relaxed)
	}
	if err != nil || len(ses.Changes) == 0 {
		return d, err
	}
	synced := reserved != f.reserved
	for of, after := range totals {
		synced = synced || of.after == of.before
		if of.after = after; of.over() {
			d.over = append(d.over, of)
		}
	}
	d.commit = &numbered{Commit: session.NewCommit(seq, ses.Changes), synced: synced}
	f.seq, f.reserved = seq, reserved
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, d.commit)
	return d, nil
}

// feed writes the changes of a commit into the feeds of their trees, in its transaction. It returns
// what these have if it commits.
func (f *follow) feed(
	ctx context.Context, db engine.DB, txn engine.WriteTxn, seq uint64, changes []session.Change,
) (after map[*feed]feedTotals, err error) {
	if len(f.feeds) == 0 {
		return nil, nil
	}
	for i := range changes {
		tree := changes[i].Tree
		of := f.feeds[tree]
		if _, done := after[of]; of == nil || done {
			continue
		}
		// The transaction is not read from: others may have committed since it has begun.
		if err := of.learn(ctx, db); err != nil {
			return nil, err
		}
		totals, err := of.add(txn, seq, changes, tree)
		if err != nil {
			return nil, err
		}
		if after == nil {
			after = map[*feed]feedTotals{}
		}
		after[of] = totals
	}
	return after, nil
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
		switch c := f.waiting[0]; {
		case c.reader == nil:
			f.tell(c.Commit)
		case c.reader.queue == nil || !c.reader.queue.Push(c.Commit, 0):
			c.reader.marks = append(c.reader.marks, c.Commit)
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
	f.told = c.Seq
	for i := range c.Changes {
		tree := c.Changes[i].Tree
		if i > 0 && tree == c.Changes[i-1].Tree {
			continue
		}
		if of := f.feeds[tree]; of != nil {
			of.told = c.Seq
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
	// fed says that all trees have feeds. A watch that is behind reads them, from at on, and has no
	// queue. Only Next uses both.
	fed bool
	at  uint64
	// queue is where commits wait. It is nil if the watch is behind.
	queue *session.Queue
	// last is the number of the last commit that the watch was told of, and given that of the last one
	// that was queued, while follow.mu is held.
	last, given uint64
	// marks are those of reads that a watch that is behind has yet to come to, while follow.mu is held.
	marks []*session.Commit
	// counted says that its trees are followed because of it. Those with feeds are followed anyway.
	counted bool
	// mu is held while the watch is put among those that are told of commits, or closed.
	mu     sync.Mutex
	closed bool
}

// BeginWatch is how trees are watched.
func (s *Store) BeginWatch(ctx context.Context, r session.WatchRequest) (session.Watch, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	w := &watch{store: s, request: r, fed: true}
	for _, tree := range r.Trees {
		if s.places[tree] == nil {
			return nil, &models.Error{Op: "watch", Tree: tree.Name, Err: models.ErrUnknownTree}
		}
		if s.follow.feeds[tree] == nil {
			w.fed = false
			if r.Resume {
				err := fmt.Errorf("%w: the tree has no feed", session.ErrCompacted)
				return nil, &models.Error{Op: "watch", Tree: tree.Name, Err: err}
			}
		}
	}
	if !r.Resume {
		return w, s.follow.add(w)
	}
	w.begin, w.at = r.After, r.After
	return w, s.checkResume(ctx, w)
}

// checkResume refuses a watch that cannot go on where it is to begin.
func (s *Store) checkResume(ctx context.Context, w *watch) error {
	s.follow.turn.Lock()
	last := s.follow.seq
	s.follow.turn.Unlock()
	if w.at > last {
		return fmt.Errorf("%w: the watch is to begin behind commit %d, and the last one is %d", models.ErrInvalid, w.at, last)
	}
	txn, err := s.db.View(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	for _, tree := range w.request.Trees {
		if err := s.follow.feeds[tree].checkFloor(txn, w.at); err != nil {
			return &models.Error{Op: "watch", Tree: tree.Name, Err: err}
		}
	}
	return nil
}

// add has a watch told of the commits from now on.
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
	w.begin, w.at = f.seq, f.seq
	f.enter(w)
	w.counted = true
	trees := f.trees.Load()
	for _, tree := range w.request.Trees {
		trees = trees.With(tree)
	}
	f.trees.Store(trees)
	return nil
}

// enter puts a watch among those that are told of commits, from behind w.at on, while mu is held.
func (f *follow) enter(w *watch) {
	w.last, w.given = w.at, w.at
	w.queue = session.NewQueue(max(w.request.Changes, 1), maxWaiting)
	if f.watches == nil {
		f.watches = map[*session.Tree][]*watch{}
	}
	for _, tree := range w.request.Trees {
		f.watches[tree] = append(f.watches[tree], w)
	}
}

// leave takes a watch from those that are told of commits, while mu is held.
func (f *follow) leave(w *watch) {
	for _, tree := range w.request.Trees {
		f.watches[tree] = without(f.watches[tree], w)
		if len(f.watches[tree]) == 0 {
			delete(f.watches, tree)
		}
	}
}

// catchUp has a watch that has read all of its feeds told of the commits from now on, unless there are
// some that it has not read.
func (f *follow) catchUp(w *watch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return models.ErrClosed
	}
	for _, tree := range w.request.Trees {
		if f.feeds[tree].told > w.at {
			return nil
		}
	}
	if len(w.marks) > 0 {
		return nil
	}
	f.enter(w)
	return nil
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
	switch {
	case n == 0:
	case w.queue.Push(c, n):
		w.given = c.Seq
	case w.fed:
		w.queue.End(errBehind)
	default:
		w.queue.End(&session.LaggingError{Seq: w.given})
	}
}

func (w *watch) Seq() uint64 { return w.begin }

// Next returns the next commits.
func (w *watch) Next(ctx context.Context) ([]*session.Commit, error) {
	for {
		queue, err := w.live()
		if err != nil {
			return nil, err
		}
		if queue != nil {
			commits, err := queue.Next(ctx)
			if len(commits) > 0 {
				w.at = commits[len(commits)-1].Seq
			}
			if !errors.Is(err, errBehind) {
				return commits, err
			}
			w.fallBehind()
		}
		commits, upTo, err := w.readFeeds(ctx)
		if err != nil {
			return nil, err
		}
		if commits = w.marked(commits, upTo); len(commits) > 0 {
			return commits, nil
		}
		if err := w.catchUp(); err != nil {
			return nil, err
		}
	}
}

// marked puts the marks of reads among commits that were read from feeds, up to a number.
func (w *watch) marked(commits []*session.Commit, upTo uint64) []*session.Commit {
	f := &w.store.follow
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(w.marks) > 0 && w.marks[0].Seq <= upTo {
		mark := w.marks[0]
		i := slices.IndexFunc(commits, func(c *session.Commit) bool { return c.Seq > mark.Seq })
		if i < 0 {
			i = len(commits)
		}
		commits = slices.Insert(commits, i, mark)
		w.marks = w.marks[1:]
	}
	return commits
}

// live returns the queue, or nil if the watch is behind.
func (w *watch) live() (*session.Queue, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, models.ErrClosed
	}
	return w.queue, nil
}

// fallBehind has the watch read feeds.
func (w *watch) fallBehind() {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := &w.store.follow
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leave(w)
	w.queue = nil
}

// catchUp ends the reading of feeds if all has been read.
func (w *watch) catchUp() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return models.ErrClosed
	}
	return w.store.follow.catchUp(w)
}

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

// Close ends the watch.
func (w *watch) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.closed = true
	f := &w.store.follow
	f.gate.Lock()
	defer f.gate.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if w.queue != nil {
		w.queue.End(models.ErrClosed)
		f.leave(w)
	}
	if !w.counted {
		return
	}
	trees := f.trees.Load()
	for _, tree := range w.request.Trees {
		trees = trees.Without(tree)
	}
	f.trees.Store(trees)
}
