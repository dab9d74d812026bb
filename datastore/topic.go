package datastore

import (
	"bytes"
	"context"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
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
	e.ReadOnly = slices.DeleteFunc(e.ReadOnly, func(name string) bool { return name == topics })
	for _, tree := range trees {
		if has(tree.Indexes) || tree.Next != nil && has(tree.Next.Indexes) {
			e.ReadOnly = append(e.ReadOnly, topics)
			slices.Sort(e.ReadOnly)
			return
		}
	}
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

// tidyAll divides and joins leaves.
func (s *Store) tidyAll(ctx context.Context, untidy []session.Untidy) {
	for len(untidy) > 0 {
		of, heads := untidy[0].Topic, []uint64(nil)
		for len(untidy) > 0 && untidy[0].Topic == of {
			heads = append(heads, untidy[0].Head)
			untidy = untidy[1:]
		}
		// It is no loss if this fails: the next commit that changes the leaf tries again.
		_ = s.tidy(ctx, of, heads)
	}
}

// commitLeaves commits a transaction that changes topics, relaxed, in its turn. It returns the leaves that
// tidyAll is to be called with.
func (s *Store) commitLeaves(
	ctx context.Context, ses *session.Session, txn engine.WriteTxn,
) (untidy []session.Untidy, err error) {
	committed := false
	writes, err := ses.WriteLeaves(ctx, s.db, s.ordered.Load()+1, txn.Put)
	defer func() {
		untidy = writes.End(committed)
		s.ordered.Add(1)
	}()
	if err != nil {
		return nil, err
	}
	if err := txn.Commit(ctx, engine.Relaxed); err != nil {
		return nil, err
	}
	committed = true
	return nil, nil
}

// tidy divides leaves of a topic that have too many ids, and joins some that have few.
func (s *Store) tidy(ctx context.Context, of *session.Topic, heads []uint64) error {
	// An engine with one writer waits for it here, and so before it is its turn.
	txn, err := s.db.Update(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	s.follow.turn.Lock()
	defer s.follow.turn.Unlock()
	committed := false
	done, end, err := of.Tidy(ctx, s.db, s.ordered.Load()+1, txn, heads)
	defer func() {
		end(committed)
		s.ordered.Add(1)
	}()
	if err != nil || !done {
		return err
	}
	if err := txn.Commit(ctx, engine.Relaxed); err != nil {
		return err
	}
	committed = true
	return nil
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
	prefix := append(bytes.Clone(of.Space), format.TopicLeaf)
	c := read.Cursor(engine.Range{Lower: prefix, Upper: format.PrefixEnd(prefix), KeysOnly: true})
	defer c.Close()
	for c.Next() {
		if !wanted[string(c.Key())] {
			changes = append(changes, change{key: bytes.Clone(c.Key())})
		}
	}
	return changes, c.Err()
}
