package session

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/topic"
)

// Topic is a topic in one store. Its leaves are read when they are first used, and kept in memory.
type Topic struct {
	// Space is the space of the topic as stored keys begin with it.
	Space []byte

	mu sync.Mutex
	// leaves are nil until they have been read. Fault is why they cannot be used: they are damaged.
	leaves topic.Leaves
	fault  error
	// last is the number of the last commit that has changed the leaves, and coming that of the one that
	// is under way, or else last. See Session.Before.
	last, coming uint64
}

// TopicChange is an entry of a topic that a transaction has added or removed.
type TopicChange struct {
	Topic *Topic
	ID    topic.ID
	Added bool
}

// maxChanges is how many changes a session keeps memory for.
const maxChanges = 1 << 12

// TopicAt returns the topic with a space.
func (s *Session) TopicAt(space []byte) *Topic { return s.topics.At(space) }

// NoteTopic notes that the transaction has added an entry of a topic, or removed it.
func (s *Session) NoteTopic(of *Topic, id []byte, added bool) {
	s.TopicChanges = append(s.TopicChanges, TopicChange{of, topic.ID(id), added})
}

// ReadLeaves reads the leaves of a topic. If they are damaged, it returns an error that matches
// engine.ErrCorrupt.
func ReadLeaves(txn engine.ReadTxn, space []byte) (topic.Leaves, error) {
	prefix := append(bytes.Clone(space), format.TopicLeaf)
	c := txn.Cursor(engine.Range{Lower: prefix, Upper: format.PrefixEnd(prefix)})
	defer c.Close()
	var stored []topic.Leaf
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			return nil, err
		}
		leaf, err := ParseLeaf(c.Key(), len(space), value)
		if err != nil {
			return nil, err
		}
		stored = append(stored, leaf)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	leaves, err := topic.NewLeaves(stored)
	if err != nil {
		err = fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
	}
	return leaves, err
}

// ParseLeaf reads a stored leaf. Space is how many bytes the number of the space has.
func ParseLeaf(key []byte, space int, stored []byte) (topic.Leaf, error) {
	depth, prefix, count, sum, err := format.ParseLeaf(key, space, stored)
	return topic.Leaf{Prefix: prefix, Depth: uint8(depth), Sum: topic.SumOf(count, sum)}, err
}

// PutLeaf puts a leaf without reading anything.
func (t *Topic) PutLeaf(put func(key, value []byte) error, leaf *topic.Leaf) error {
	key := t.LeafKey(leaf)
	total := leaf.Total()
	return put(key, format.AppendLeaf(nil, key, leaf.Count, &total))
}

// LeafKey returns the stored key of a leaf.
func (t *Topic) LeafKey(leaf *topic.Leaf) []byte {
	return format.AppendLeafKey(bytes.Clone(t.Space), int(leaf.Depth), leaf.Prefix)
}

// Entries is what the stored keys of the topic's entries begin with.
func (t *Topic) Entries() []byte { return append(bytes.Clone(t.Space), format.TopicEntry) }

// Sums returns the sums of the ranges between consecutive bounds, which are in order.
func (t *Topic) Sums(ctx context.Context, s *Session, bounds []topic.Bound) (sums []topic.Sum, err error) {
	var parts []topic.Part
	err = t.use(s, func(leaves topic.Leaves) { sums, parts = leaves.Sums(bounds) })
	if err != nil {
		return nil, err
	}
	for len(parts) > 0 {
		side := 1 // those that lie side by side are read in one go
		for side < len(parts) && !parts[side-1].Upper.Before(&parts[side].Lower) {
			side++
		}
		if err := t.add(ctx, s.Read, sums, parts[:side]); err != nil {
			return nil, err
		}
		parts = parts[side:]
	}
	return sums, nil
}

// add adds the ids in parts that lie side by side to the sums of their ranges.
func (t *Topic) add(ctx context.Context, txn engine.ReadTxn, sums []topic.Sum, parts []topic.Part) error {
	entries := t.Entries()
	c := txn.Cursor(engine.Range{
		Lower: parts[0].Lower.Append(nil, entries), Upper: parts[len(parts)-1].Upper.Append(nil, entries),
		KeysOnly: true,
	})
	defer c.Close()
	for n := 0; c.Next(); n++ {
		if n%1024 == 1023 && ctx.Err() != nil {
			return ctx.Err()
		}
		id, err := t.idOf(c.Key())
		if err != nil {
			return err
		}
		for !parts[0].Upper.Above(&id) {
			parts = parts[1:]
		}
		sums[parts[0].Range].Add(&id)
	}
	return c.Err()
}

// idOf returns the id that an entry has in its stored key.
func (t *Topic) idOf(key []byte) (id topic.ID, err error) {
	if len(key) != len(t.Space)+1+topic.IDSize {
		return id, fmt.Errorf("%w: an entry of a topic has a key of %d bytes", engine.ErrCorrupt, len(key))
	}
	return topic.ID(key[len(t.Space)+1:]), nil
}

// Divide returns bounds as topic.Leaves.Divide does.
func (t *Topic) Divide(s *Session, lower, upper topic.Bound, parts int) (bounds []topic.Bound, err error) {
	err = t.use(s, func(leaves topic.Leaves) { bounds = leaves.Divide(lower, upper, parts) })
	return bounds, err
}

// use calls fn with the leaves as the transaction of s sees them.
func (t *Topic) use(s *Session, fn func(topic.Leaves)) error {
	if leaves := s.leaves[t]; leaves != nil {
		fn(leaves)
		return nil
	}
	if s.Write == nil {
		if t.useKept(s, nil, fn) {
			return nil
		}
	}
	leaves, err := ReadLeaves(s.Read, t.Space)
	if err != nil {
		return err
	}
	switch {
	case s.Write != nil: // its changes are not in the leaves yet
		for i := range s.TopicChanges {
			if change := &s.TopicChanges[i]; change.Topic == t {
				change.apply(&leaves[leaves.At(topic.Head(&change.ID))])
			}
		}
	case t.useKept(s, leaves, fn):
		return nil
	case s.Held: // it will be asked again, and sees the same then
		if s.leaves == nil {
			s.leaves = map[*Topic]topic.Leaves{}
		}
		s.leaves[t] = leaves
	}
	fn(leaves)
	return nil
}

// useKept calls fn with the leaves in memory, if those are what the transaction of s sees. It takes read,
// which are the leaves that the transaction has read, into memory if there are none.
func (t *Topic) useKept(s *Session, read topic.Leaves, fn func(topic.Leaves)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.coming != t.last || t.last > s.Before {
		return false
	}
	if t.leaves == nil {
		t.leaves, t.fault = read, nil
	}
	if t.leaves == nil {
		return false
	}
	fn(t.leaves)
	return true
}

// apply changes the leaf of an id.
func (c *TopicChange) apply(leaf *topic.Leaf) {
	if c.Added {
		leaf.Add(&c.ID)
	} else {
		leaf.Remove(&c.ID)
	}
}

// Topics has the topics of a store.
type Topics struct {
	mu      sync.Mutex
	bySpace map[string]*Topic
}

// At returns the topic with a space.
func (ts *Topics) At(space []byte) *Topic {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t := ts.bySpace[string(space)]
	if t == nil {
		t = &Topic{Space: bytes.Clone(space)}
		if ts.bySpace == nil {
			ts.bySpace = map[string]*Topic{}
		}
		ts.bySpace[string(space)] = t
	}
	return t
}

// CutTopicKey splits what follows the space number in the stored key of an entry of a topic, as Index.CutKey
// does. The index key is all of it.
func CutTopicKey(entry []byte) (key, rest []byte, err error) {
	if len(entry) != 1+topic.IDSize || entry[0] != format.TopicEntry {
		return nil, nil, fmt.Errorf("%w: a key of %d bytes in a topic", engine.ErrCorrupt, len(entry))
	}
	return entry, nil, nil
}
