package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/topic"
)

// Entries is what the stored keys of the topic's entries begin with.
func (t *Topic) Entries() []byte { return append(bytes.Clone(t.Space), format.TopicEntry) }

// Leaves is the range of the stored keys of the leaves.
func (t *Topic) Leaves() engine.Range { return t.part(format.TopicLeaf) }

// Log is the range of the stored keys of the log.
func (t *Topic) Log() engine.Range { return t.part(format.TopicLog) }

func (t *Topic) part(kind byte) engine.Range {
	prefix := append(bytes.Clone(t.Space), kind)
	return engine.Range{Lower: prefix, Upper: format.PrefixEnd(prefix)}
}

// CutTopicKey splits what follows the space number in the stored key of an entry of a topic, as Index.CutKey
// does. The index key is all of it.
func CutTopicKey(entry []byte) (key, rest []byte, err error) {
	if len(entry) != 1+topic.IDSize || entry[0] != format.TopicEntry {
		return nil, nil, fmt.Errorf("%w: a key of %d bytes in a topic", engine.ErrCorrupt, len(entry))
	}
	return entry, nil, nil
}

// idOf returns the id that an entry has in its stored key.
func (t *Topic) idOf(key []byte) (id topic.ID, err error) {
	if len(key) != len(t.Space)+1+topic.IDSize {
		return id, fmt.Errorf("%w: an entry of a topic has a key of %d bytes", engine.ErrCorrupt, len(key))
	}
	return topic.ID(key[len(t.Space)+1:]), nil
}

// topicLog is where the log of a topic begins and ends, and how far it is filed.
type topicLog struct {
	first, next uint64
	mark        *format.LogMark
}

// read reads the leaves and the log of a topic. If they are damaged, it returns an error that matches
// engine.ErrCorrupt, and where the log ends.
func (t *Topic) read(txn engine.ReadTxn) (*topic.State, *topicLog, error) {
	log := &topicLog{first: 1, next: 1}
	end := t.Log()
	end.Reverse, end.KeysOnly = true, true
	last := txn.Cursor(end)
	if last.Next() {
		if number, ok := t.LogNumber(last.Key()); ok {
			log.next = number + 1
		}
	}
	err := last.Err()
	last.Close()
	if err != nil {
		return nil, log, err
	}
	leaves, err := t.readLeaves(txn)
	if err != nil {
		return nil, log, err
	}
	state := topic.NewState(leaves)
	err = t.readLog(txn, log, false, state.Log)
	return state, log, err
}

func (t *Topic) readLeaves(txn engine.ReadTxn) (topic.Leaves, error) {
	c := txn.Cursor(t.Leaves())
	defer c.Close()
	var stored []topic.Leaf
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			return nil, err
		}
		leaf, err := ParseLeaf(c.Key(), len(t.Space), value)
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

// LogNumber returns the number of the row of the log with a stored key, or false if the key is that of none.
func (t *Topic) LogNumber(key []byte) (number uint64, ok bool) {
	if len(key) != len(t.Space)+9 {
		return 0, false
	}
	return binary.BigEndian.Uint64(key[len(t.Space)+1:]), true
}

// readLog calls add with each change in the log that is not filed, in their order, and sets log. A change has
// memory of its own. Unless it is lenient, it returns an error that matches engine.ErrCorrupt if a row is damaged or
// missing, or if changes are said to have been filed that the entries do not show. Lenient passes over such rows.
//
// After a loss of power a transaction may be missing although later ones are there: see package badger. Then either
// rows of the log are, or entries that it filed. Rows of the log are durable before they are filed, and what was
// filed before they are removed.
func (t *Topic) readLog(txn engine.ReadTxn, log *topicLog, lenient bool, add func(topic.Change)) error {
	c := txn.Cursor(t.Log())
	defer c.Close()
	var last uint64 // the number of the row before, 0 if there is none
	filed := map[topic.ID]bool{}
	for c.Next() {
		stored, err := c.Value()
		if err != nil {
			return err
		}
		number, isRow := t.LogNumber(c.Key())
		switch {
		case !isRow:
			mark, err := format.ParseLogMark(c.Key(), stored)
			if err == nil {
				log.mark = &mark
			} else if !lenient {
				return err
			}
			continue
		case last == 0:
			log.first = number
		case number != last+1 && !lenient:
			return fmt.Errorf("%w: the log of a topic has row %d, and then %d", engine.ErrCorrupt, last, number)
		}
		last = number
		err = ParseLogRow(c.Key(), stored, number, func(change topic.Change) {
			if m := log.mark; m == nil || number > m.UpTo || !m.All && topic.Head(&change.ID) >= m.From {
				add(change)
			} else if !lenient {
				filed[change.ID] = change.Added
			}
		})
		if err != nil && !lenient {
			return err
		}
	}
	if err := c.Err(); err != nil {
		return err
	}
	if !lenient {
		if err := errors.Join(log.check(last), t.checkFiled(txn, filed)); err != nil {
			return err
		}
	}
	if m := log.mark; m != nil && m.All && (last == 0 || log.first > m.UpTo) { // nothing is being filed
		log.next = max(log.next, m.UpTo+1)
		log.mark = nil
	}
	if last == 0 {
		log.first = log.next
	}
	return nil
}

// check returns an error if the rows of the log, which end with last, do not go on where the mark says: those
// before have been filed and removed.
func (l *topicLog) check(last uint64) error {
	gone := uint64(0)
	if l.mark != nil {
		gone = l.mark.UpTo
	}
	switch {
	case last == 0 && (l.mark == nil || l.mark.All):
	case last == 0, last < gone:
		return fmt.Errorf("%w: the log of a topic ends with row %d, and rows up to %d are being filed",
			engine.ErrCorrupt, last, gone)
	case l.first > gone+1, l.mark != nil && !l.mark.All && l.first > gone:
		return fmt.Errorf("%w: the log of a topic begins with row %d, and rows up to %d have been filed",
			engine.ErrCorrupt, l.first, gone)
	}
	return nil
}

// checkFiled returns an error if the entries do not show changes that have been filed.
func (t *Topic) checkFiled(txn engine.ReadTxn, filed map[topic.ID]bool) error {
	key := t.Entries()
	prefix := len(key)
	for id, added := range filed {
		key = append(key[:prefix], id[:]...)
		_, err := txn.Get(key)
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			return err
		}
		if added != (err == nil) {
			return fmt.Errorf("%w: the entries of a topic do not show what has been filed of %x", engine.ErrCorrupt, id)
		}
	}
	return nil
}

// CheckLog returns what the log changes of the entries, by id, or an error that matches engine.ErrCorrupt if it is
// damaged or lacks rows.
func (t *Topic) CheckLog(txn engine.ReadTxn) (net map[topic.ID]topic.Change, err error) {
	net = map[topic.ID]topic.Change{}
	err = t.readLog(txn, &topicLog{first: 1, next: 1}, false, func(change topic.Change) {
		if before, has := net[change.ID]; has && before.Added != change.Added {
			delete(net, change.ID)
		} else {
			net[change.ID] = change
		}
	})
	return net, err
}

// Logged returns what the log changes of the entries: an id is among them if its entry is added (true) or
// removed. It passes over rows that are damaged.
func (t *Topic) Logged(txn engine.ReadTxn) (net map[topic.ID]bool, err error) {
	net = map[topic.ID]bool{}
	var log topicLog
	err = t.readLog(txn, &log, true, func(change topic.Change) {
		if before, has := net[change.ID]; has && before != change.Added {
			delete(net, change.ID)
		} else {
			net[change.ID] = change.Added
		}
	})
	return net, err
}

// LogMarks returns bytes that are others once the log is.
func (t *Topic) LogMarks(txn engine.ReadTxn) ([]byte, error) {
	mark, err := txn.Get(format.LogMarkKey(t.Space))
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return nil, err
	}
	r := t.Log()
	r.Reverse, r.KeysOnly = true, true
	c := txn.Cursor(r)
	defer c.Close()
	marks := bytes.Clone(mark)
	if c.Next() {
		marks = append(marks, c.Key()...)
	}
	return marks, c.Err()
}

// ParseLogRow calls add with each change in the row of the log with a number. A change has memory of its own.
// The error matches engine.ErrCorrupt.
func ParseLogRow(key, stored []byte, number uint64, add func(topic.Change)) error {
	value, err := format.CutChecksum(key, stored)
	if err != nil {
		return err
	}
	var all []topic.Change
	for value = bytes.Clone(value); len(value) > 0; {
		change := topic.Change{Number: number}
		if change.Added, change.ID, change.Primary, value, err = format.CutLogged(value); err != nil {
			return err
		}
		all = append(all, change)
	}
	for _, change := range all {
		add(change)
	}
	return nil
}
