package datastore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/internal/topic"
)

// topicKey examines a key in the space of a topic. Leaves are examined by themselves.
func (t treeCheck) topicKey(p page, key, stored []byte) ([]change, error) {
	suffix := key[len(t.index.ID.Append(nil)):]
	if len(suffix) > 0 && suffix[0] == format.TopicLeaf {
		return nil, nil
	}
	return t.entry(p, key, stored)
}

// noteTopics notes in a transaction the entries of topics that it adds.
func (t treeCheck) noteTopics(ses *session.Session, added []change) {
	if t.place == nil {
		return
	}
	for _, of := range t.place.Topics {
		if of == nil {
			continue
		}
		entries := of.Entries()
		for _, c := range added {
			if id, ok := bytes.CutPrefix(c.key, entries); ok {
				ses.NoteTopic(of, id, true)
			}
		}
	}
}

// leavesPage is how many entries one transaction compares with their leaves at least. It takes more if
// there are so many leaves that reading them would take longer.
const leavesPage = 8192

// leaves examines the leaves of a topic. Repair makes all of them anew if one is wrong.
func (t treeCheck) leaves(ctx context.Context) error {
	of := t.store.topics.At(t.index.ID.Append(nil))
	before := t.report.Orphans + t.report.Missing
	for from, done := uint64(0), false; !done; {
		var err error
		if from, done, err = t.leavesFrom(ctx, of, from); err != nil {
			return err
		}
	}
	wrong := t.report.Orphans + t.report.Missing - before
	if wrong == 0 || !t.repair {
		return nil
	}
	if err := t.store.buildLeaves(ctx, of); err != nil {
		return err
	}
	t.report.Repaired += wrong
	return nil
}

// leavesFrom compares some leaves, from the one of a head on, with the entries in the same snapshot. It
// returns the head to go on with.
func (t treeCheck) leavesFrom(ctx context.Context, of *session.Topic, from uint64) (next uint64, done bool, err error) {
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	txn, err := t.store.db.View(ctx)
	if err != nil {
		return 0, false, err
	}
	defer txn.Discard()
	leaves, err := t.readLeaves(txn, of)
	if err != nil || leaves == nil {
		return 0, true, err
	}
	size := 0
	for at := leaves.At(from); at < len(leaves); at++ {
		leaf := &leaves[at]
		if size >= max(leavesPage, 16*len(leaves)) {
			return leaf.Prefix, false, nil
		}
		found, err := of.Build(txn, *leaf)
		if err != nil {
			if !errors.Is(err, engine.ErrCorrupt) {
				return 0, false, err
			}
			return 0, true, nil // an entry that is reported
		}
		var sum topic.Sum
		for i := range found {
			sum.Merge(&found[i].Sum)
		}
		size += int(sum.Count)
		if sum != leaf.Sum {
			t.found(Orphan, t.index.Name, of.LeafKey(leaf),
				fmt.Errorf("%w: a leaf of %d ids, and there are %d, or others", engine.ErrCorrupt, leaf.Count, sum.Count))
		}
	}
	return 0, true, nil
}

// readLeaves returns the leaves, or nil if there is damage, which it reports.
func (t treeCheck) readLeaves(txn engine.ReadTxn, of *session.Topic) (topic.Leaves, error) {
	prefix := append(bytes.Clone(of.Space), format.TopicLeaf)
	c := txn.Cursor(engine.Range{Lower: prefix, Upper: format.PrefixEnd(prefix)})
	defer c.Close()
	var stored []topic.Leaf
	damaged := false
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			return nil, err
		}
		leaf, err := session.ParseLeaf(c.Key(), len(of.Space), value)
		if err != nil {
			damaged = true
			t.found(Orphan, t.index.Name, bytes.Clone(c.Key()), err)
			continue
		}
		stored = append(stored, leaf)
	}
	if err := c.Err(); err != nil || damaged {
		return nil, err
	}
	leaves, err := topic.NewLeaves(stored)
	if err != nil {
		t.found(Missing, t.index.Name, prefix, fmt.Errorf("%w: %w", engine.ErrCorrupt, err))
		return nil, nil
	}
	return leaves, nil
}
