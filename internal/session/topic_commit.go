package session

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/topic"
)

// LeafWrites are the changes of leaves that one commit makes. The store makes the commits that change
// leaves one by one, so that the leaves in memory are those that the next one changes.
type LeafWrites struct {
	number uint64
	topics []*Topic
	leaves []leafWrite
}

type leafWrite struct {
	topic *Topic
	// at is the number of the leaf.
	at   int
	leaf topic.Leaf
}

// Untidy is a leaf that is to be divided, or to become one with its other half.
type Untidy struct {
	Topic *Topic
	// Head is the head of an id that belongs to the leaf.
	Head uint64
}

// WriteLeaves puts the leaves that the changes of the transaction change, in commit number of those that
// change leaves. It reads nothing in the transaction, so that no engine sees a conflict between two that
// change one leaf. The caller ends with End, also after an error.
func (s *Session) WriteLeaves(
	ctx context.Context, db engine.DB, number uint64, put func(key, value []byte) error,
) (w LeafWrites, err error) {
	w.number = number
	slices.SortFunc(s.TopicChanges, func(a, b TopicChange) int {
		if a.Topic != b.Topic {
			return bytes.Compare(a.Topic.Space, b.Topic.Space)
		}
		return cmp.Compare(topic.Head(&a.ID), topic.Head(&b.ID))
	})
	for changes := s.TopicChanges; len(changes) > 0; {
		t, n := changes[0].Topic, 1
		for n < len(changes) && changes[n].Topic == t {
			n++
		}
		w.topics = append(w.topics, t)
		leaves, err := t.begin(ctx, db, number)
		if err != nil {
			return w, err
		}
		if leaves != nil { // else they are damaged: Repair makes them anew from the entries
			if err := w.write(t, leaves, changes[:n], put); err != nil {
				return w, err
			}
		}
		changes = changes[n:]
	}
	return w, nil
}

// write puts the leaves that changes of one topic, in the order of the ids, change.
func (w *LeafWrites) write(
	t *Topic, leaves topic.Leaves, changes []TopicChange, put func(key, value []byte) error,
) error {
	for len(changes) > 0 {
		at := leaves.At(topic.Head(&changes[0].ID))
		leaf := leaves[at]
		for last := leaf.Last(); len(changes) > 0 && topic.Head(&changes[0].ID) <= last; changes = changes[1:] {
			changes[0].apply(&leaf)
		}
		w.leaves = append(w.leaves, leafWrite{t, at, leaf})
		if err := t.PutLeaf(put, &leaf); err != nil {
			return err
		}
	}
	return nil
}

// begin returns the leaves that a commit changes, and nil if they are damaged.
func (t *Topic) begin(ctx context.Context, db engine.DB, number uint64) (topic.Leaves, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.leaves == nil && t.fault == nil {
		txn, err := db.View(ctx)
		if err != nil {
			return nil, err
		}
		defer txn.Discard()
		leaves, err := ReadLeaves(txn, t.Space)
		if err != nil && !errors.Is(err, engine.ErrCorrupt) {
			return nil, err
		}
		t.leaves, t.fault = leaves, err
	}
	t.coming = number
	return t.leaves, nil
}

// end ends a commit that has changed the leaves, or has failed.
func (t *Topic) end(committed bool) {
	if committed {
		t.last = t.coming
	}
	t.coming = t.last
}

// End is called after the commit. It returns the leaves that are to be divided or joined.
func (w *LeafWrites) End(committed bool) (untidy []Untidy) {
	for _, t := range w.topics {
		t.mu.Lock()
		if committed {
			for i := range w.leaves {
				if write := &w.leaves[i]; write.topic == t {
					t.leaves[write.at] = write.leaf
				}
			}
		}
		t.end(committed)
		t.mu.Unlock()
	}
	if !committed {
		return nil
	}
	for i := range w.leaves {
		write := &w.leaves[i]
		if write.leaf.Large() || write.topic.leaves.Small(write.at) {
			untidy = append(untidy, Untidy{write.topic, write.leaf.Prefix})
		}
	}
	return untidy
}

// Tidy divides and joins leaves in commit number of those that change leaves, where write is the
// transaction, and a new one of db reads. It reports whether there was anything to do. The caller ends
// with the function that it returns, also after an error.
func (t *Topic) Tidy(
	ctx context.Context, db engine.DB, number uint64, write engine.WriteTxn, heads []uint64,
) (done bool, end func(committed bool), err error) {
	end = func(bool) {}
	leaves, err := t.begin(ctx, db, number)
	after := leaves
	end = func(committed bool) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if committed {
			t.leaves = after
		}
		t.end(committed)
	}
	if err != nil || leaves == nil {
		return false, end, err
	}
	read, err := db.View(ctx)
	if err != nil {
		return false, end, err
	}
	defer read.Discard()
	after = slices.Clone(leaves)
	for _, head := range heads {
		at := after.At(head)
		var with []topic.Leaf
		first, last := at, at
		switch {
		case after[at].Large():
			if with, err = t.Build(read, after[at]); err != nil {
				return false, end, err
			}
		case after.Small(at):
			var joined topic.Leaf
			joined, first, last = after.Joined(at)
			with = []topic.Leaf{joined}
		default:
			continue
		}
		done = true
		for i := first; i <= last; i++ {
			if err := write.Delete(t.LeafKey(&after[i])); err != nil {
				return false, end, err
			}
		}
		for i := range with {
			if err := t.PutLeaf(write.Put, &with[i]); err != nil {
				return false, end, err
			}
		}
		after = after.Replace(first, last, with)
	}
	return done, end, nil
}

// Build returns the leaves that the entries which belong to one leaf are divided into.
func (t *Topic) Build(txn engine.ReadTxn, within topic.Leaf) ([]topic.Leaf, error) {
	lower, upper := within.Bounds()
	entries := t.Entries()
	c := txn.Cursor(engine.Range{
		Lower: lower.Append(nil, entries), Upper: upper.Append(nil, entries), KeysOnly: true,
	})
	defer c.Close()
	return topic.Build(within, func() (id topic.ID, ok bool, err error) {
		if !c.Next() {
			return id, false, c.Err()
		}
		id, err = t.idOf(c.Key())
		return id, true, err
	})
}

// Forget has the leaves read anew when they are next used: they have been replaced, in commit number of
// those that change leaves.
func (t *Topic) Forget(number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leaves, t.fault, t.last, t.coming = nil, nil, number, number
}
