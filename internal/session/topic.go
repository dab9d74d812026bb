package session

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/topic"
)

// Topic is a topic in one store. Its leaves and its log are read when they are first used, and kept in
// memory.
type Topic struct {
	// Space is the space of the topic as stored keys begin with it.
	Space []byte

	mu sync.Mutex
	// state is nil until it has been read. Fault is why it cannot be used: it is damaged.
	state *topic.State
	fault error
	// first and next are the numbers of the first row of the log, and of the next one. Mark is how far the
	// rows are filed, if they are being filed.
	first, next uint64
	mark        *format.LogMark
	// durable is the number up to which rows of the log are known to be durable, and filed that up to which they
	// are filed, and that is durable.
	durable, filed uint64
	// last is the number of the last commit that has changed the topic, and coming that of the one that is
	// under way, or else last. See Session.Before.
	last, coming uint64
}

// TopicChange is an entry of a topic that a transaction adds or removes.
type TopicChange struct {
	Topic *Topic
	topic.Change
}

// maxChanges is how many changes a session keeps memory for.
const maxChanges = 1 << 12

// TopicAt returns the topic with a space.
func (s *Session) TopicAt(space []byte) *Topic { return s.topics.At(space) }

// NoteTopic notes that the transaction adds the entry of a row to a topic, or removes it. It keeps primary,
// which is the encoded primary key.
func (s *Session) NoteTopic(of *Topic, id, primary []byte, added bool) {
	change := topic.Change{ID: topic.ID(id), Added: added, Primary: primary}
	s.TopicChanges = append(s.TopicChanges, TopicChange{of, change})
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

// Sums returns the sums of the ranges between consecutive bounds, which are in order.
func (t *Topic) Sums(ctx context.Context, s *Session, bounds []topic.Bound) (sums []topic.Sum, err error) {
	var parts []topic.Part
	err = t.use(s, func(state *topic.State) { sums, parts = state.Sums(bounds) })
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

// add adds the ids of entries in parts that lie side by side to the sums of their ranges.
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

// Divide returns bounds as topic.State.Divide does.
func (t *Topic) Divide(s *Session, lower, upper topic.Bound, parts int) (bounds []topic.Bound, err error) {
	err = t.use(s, func(state *topic.State) { bounds = state.Divide(lower, upper, parts) })
	return bounds, err
}

// IDs returns the first ids in a range, in their order, as many as most.
func (t *Topic) IDs(s *Session, lower, upper topic.Bound, most int) (ids []topic.ID, err error) {
	var net []topic.Change
	if err := t.use(s, func(state *topic.State) { net = state.Net(lower, upper, most) }); err != nil {
		return nil, err
	}
	entries := t.Entries()
	c := s.Read.Cursor(engine.Range{Lower: lower.Append(nil, entries), Upper: upper.Append(nil, entries), KeysOnly: true})
	defer c.Close()
	take := func(until *topic.ID) { // what the log adds before an entry
		for len(net) > 0 && len(ids) < most && (until == nil || bytes.Compare(net[0].ID[:], until[:]) < 0) {
			if net[0].Added {
				ids = append(ids, net[0].ID)
			}
			net = net[1:]
		}
	}
	for len(ids) < most && c.Next() {
		id, err := t.idOf(c.Key())
		if err != nil {
			return nil, err
		}
		take(&id)
		kept := true
		if len(net) > 0 && net[0].ID == id {
			kept, net = net[0].Added, net[1:]
		}
		if kept && len(ids) < most {
			ids = append(ids, id)
		}
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	take(nil)
	return ids, nil
}

// Has reports whether the topic has an id.
func (t *Topic) Has(s *Session, id topic.ID) (bool, error) {
	_, err := t.Find(s, &id)
	if errors.Is(err, engine.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Find returns the encoded primary key of the row with an id, or engine.ErrNotFound. It is borrowed from the
// transaction.
func (t *Topic) Find(s *Session, id *topic.ID) ([]byte, error) {
	var change *topic.Change
	if err := t.use(s, func(state *topic.State) { change = state.Find(id) }); err != nil {
		return nil, err
	}
	switch {
	case change != nil && change.Added:
		return change.Primary, nil
	case change != nil:
		return nil, engine.ErrNotFound
	}
	s.Scratch = append(append(append(s.Scratch[:0], t.Space...), format.TopicEntry), id[:]...)
	stored, err := s.Read.Get(s.Scratch)
	if err != nil {
		return nil, err
	}
	return format.CutChecksum(s.Scratch, stored)
}

// use calls fn with the state as the transaction of s sees it.
func (t *Topic) use(s *Session, fn func(*topic.State)) error {
	if seen := s.states[t]; seen != nil {
		fn(seen.with(s, t))
		return nil
	}
	if s.Write == nil && t.useKept(s, nil, nil, fn) {
		return nil
	}
	state, log, err := t.read(s.Read)
	if err != nil {
		return err
	}
	if s.Write == nil && t.useKept(s, state, log, fn) {
		return nil
	}
	seen := &seenTopic{state: state}
	if s.Held || s.Write != nil { // it will be asked again, and sees the same then
		if s.states == nil {
			s.states = map[*Topic]*seenTopic{}
		}
		s.states[t] = seen
	}
	fn(seen.with(s, t))
	return nil
}

// seenTopic is a topic as a transaction has read it.
type seenTopic struct {
	state *topic.State
	// changes is how many changes of the transaction are in state.
	changes int
}

// with returns the state with the changes of the transaction, which are not in the log yet.
func (st *seenTopic) with(s *Session, t *Topic) *topic.State {
	for ; st.changes < len(s.TopicChanges); st.changes++ {
		if change := &s.TopicChanges[st.changes]; change.Topic == t {
			st.state.Log(change.Change)
		}
	}
	return st.state
}

// useKept calls fn with the state in memory, if that is what the transaction of s sees. If there is none it
// keeps state, which the transaction has read.
func (t *Topic) useKept(s *Session, state *topic.State, log *topicLog, fn func(*topic.State)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.coming != t.last || t.last > s.Before {
		return false
	}
	if t.state == nil && state != nil {
		t.keep(state, log, nil)
	}
	if t.state == nil {
		return false
	}
	fn(t.state)
	return true
}

// keep keeps what has been read, while mu is held.
func (t *Topic) keep(state *topic.State, log *topicLog, fault error) {
	t.state, t.fault, t.first, t.next, t.mark = state, fault, log.first, log.next, log.mark
	t.durable, t.filed = 0, 0
}
