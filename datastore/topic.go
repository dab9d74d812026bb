package datastore

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/internal/topic"
)

// topics is the feature of stores with a topic.
const topics = "topics"

// setTopics says whether a tree has a topic, or is to have one when it has been rebuilt.
func (e *storeEntry) setTopics(trees map[string]*treeEntry) {
	has := func(indexes []indexEntry) bool {
		return slices.ContainsFunc(indexes, func(ix indexEntry) bool { return ix.Kind == session.Topical })
	}
	is := false
	for _, tree := range trees {
		is = is || has(tree.Indexes) || tree.Next != nil && has(tree.Next.Indexes)
	}
	e.ReadOnly = setFeature(e.ReadOnly, topics, is)
}

// placeTopics sets the topics of a place.
func (s *Store) placeTopics(core *session.Tree, p *session.Place) {
	for i, ix := range core.Indexes {
		if ix.Kind != session.Topical {
			continue
		}
		if p.Topics == nil {
			p.Topics = make([]*session.Topic, len(core.Indexes))
		}
		p.Topics[i] = s.topics.At(p.Indexes[i])
	}
}

const (
	// filingChanges is how many changes of a topic are filed in one transaction at most, and filingBytes how
	// many bytes that writes.
	filingChanges = 2048
	filingBytes   = 1 << 20
)

// maxLogged is how many changes the log of a topic has before they are filed. Tests change it.
var maxLogged = 1 << 15

// commitLogs commits a transaction that changes topics, relaxed, in its turn. It returns the topics to call
// file with.
func (s *Store) commitLogs(
	ctx context.Context, ses *session.Session, txn engine.WriteTxn,
) (due []*session.Topic, err error) {
	committed, unknown := false, false
	number := s.ordered.Load() + 1
	writes, err := ses.WriteLogs(ctx, s.db, number, txn.Put)
	defer func() {
		if due = writes.End(committed, maxLogged); unknown {
			writes.Forget(number)
		}
		s.ordered.Add(1)
	}()
	if err != nil {
		return nil, err
	}
	if err := txn.Commit(ctx, engine.Relaxed); err != nil {
		unknown = !errors.Is(err, engine.ErrConflict) // it may be there all the same
		return nil, err
	}
	committed = true
	return nil, nil
}

// file files some changes of the logs of topics: as much as keeps the logs from growing.
func (s *Store) file(ctx context.Context, due []*session.Topic) {
	for _, of := range due {
		for {
			// It is no loss if this fails: the next commit that changes the topic tries again.
			left, more, err := s.filePart(ctx, of)
			if err != nil || !more || left <= 2*maxLogged {
				break
			}
		}
	}
}

// filePart files changes in one transaction. It returns how many are left, and whether filing goes on.
func (s *Store) filePart(ctx context.Context, of *session.Topic) (left int, more bool, err error) {
	most, size := filingChanges, int64(filingBytes)
	limits := s.db.Limits()
	if limits.TxnOps > 0 {
		most = min(most, limits.TxnOps/3)
	}
	if limits.TxnBytes > 0 {
		size = min(size, limits.TxnBytes/2)
	}
	if unsynced, needed := of.ToSync(maxLogged); needed {
		if err := s.db.Sync(ctx); err != nil {
			return 0, false, err
		}
		unsynced.Synced()
	}
	var heads []uint64
	err = s.inTurn(ctx, of, func(number uint64, txn engine.WriteTxn) (bool, func(bool), error) {
		f, err := of.File(ctx, s.db, number, txn, maxLogged, most, size)
		heads = f.Heads
		return !f.Idle, func(committed bool) { left, more = f.End(committed) }, err
	})
	if err != nil || len(heads) == 0 {
		return left, more, err
	}
	err = s.inTurn(ctx, of, func(number uint64, txn engine.WriteTxn) (bool, func(bool), error) {
		return of.Tidy(ctx, s.db, number, txn, heads)
	})
	return left, more, err
}

// inTurn runs a transaction that changes how a topic is stored. Fn is given the number of the commit, and
// returns false if there is nothing to commit, and a function to call when the transaction has ended.
func (s *Store) inTurn(
	ctx context.Context, of *session.Topic,
	fn func(number uint64, txn engine.WriteTxn) (bool, func(committed bool), error),
) error {
	// An engine with one writer waits for it here, and so before it is its turn.
	txn, err := s.db.Update(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	s.follow.turn.Lock()
	defer s.follow.turn.Unlock()
	defer s.ordered.Add(1)
	number := s.ordered.Load() + 1
	work, end, err := fn(number, txn)
	if err != nil || !work {
		end(false)
		return err
	}
	err = txn.Commit(ctx, engine.Relaxed)
	end(err == nil)
	if err != nil && !errors.Is(err, engine.ErrConflict) { // it may be there all the same
		of.Forget(number)
	}
	return err
}

// buildLeaves writes the leaves of a topic that has all its entries and is not in use. It replaces what
// is there.
func (s *Store) buildLeaves(ctx context.Context, of *session.Topic) error {
	txn, err := s.db.Update(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	s.follow.turn.Lock()
	defer s.follow.turn.Unlock()
	defer s.ordered.Add(1)
	defer of.Forget(s.ordered.Load() + 1)
	changes, err := s.leafChanges(ctx, of)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if c.value == nil {
			err = txn.Delete(c.key)
		} else {
			err = txn.Put(c.key, c.value)
		}
		if err != nil {
			return err
		}
	}
	return txn.Commit(ctx, engine.Durable)
}

// leafChanges returns what makes the leaves of a topic those of its entries. It is called in turn.
func (s *Store) leafChanges(ctx context.Context, of *session.Topic) (changes []change, err error) {
	read, err := s.db.View(ctx)
	if err != nil {
		return nil, err
	}
	defer read.Discard()
	leaves, err := of.Build(read, topic.Leaf{})
	if err != nil {
		return nil, err
	}
	wanted := make(map[string]bool, len(leaves))
	for i := range leaves {
		_ = of.PutLeaf(func(key, value []byte) error {
			wanted[string(key)] = true
			changes = append(changes, change{key, value})
			return nil
		}, &leaves[i])
	}
	stored := of.Leaves()
	stored.KeysOnly = true
	c := read.Cursor(stored)
	defer c.Close()
	for c.Next() {
		if !wanted[string(c.Key())] {
			changes = append(changes, change{key: bytes.Clone(c.Key())})
		}
	}
	return changes, c.Err()
}

// dropLog removes the log of a topic, which is damaged. Its entries are then made from the rows.
func (s *Store) dropLog(ctx context.Context, of *session.Topic) error {
	most := filingChanges
	if limits := s.db.Limits(); limits.TxnOps > 0 {
		most = min(most, limits.TxnOps/2)
	}
	for more := true; more; {
		err := s.inTurn(ctx, of, func(number uint64, txn engine.WriteTxn) (work bool, end func(bool), err error) {
			end = func(bool) { of.Forget(number) }
			read, err := s.db.View(ctx)
			if err != nil {
				return false, end, err
			}
			defer read.Discard()
			r := of.Log()
			r.KeysOnly = true
			c := read.Cursor(r)
			defer c.Close()
			left := most
			for ; left > 0 && c.Next(); left-- {
				if err := txn.Delete(bytes.Clone(c.Key())); err != nil {
					return false, end, err
				}
			}
			more = left == 0
			return true, end, c.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}
