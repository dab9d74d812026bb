// Package writes keeps what a write transaction has written until it is committed, in
// the order of keys, and reads it together with what the database holds. Engines share
// it whose library slows down with the size of a transaction.
package writes

import (
	"bytes"
	"iter"

	"github.com/tidwall/btree"
)

// Write is a put or a delete of one key. Its slices are not changed once it is made.
type Write struct {
	Key, Value []byte
	Deleted    bool
}

func less(a, b *Write) bool { return bytes.Compare(a.Key, b.Key) < 0 }

// Set holds the last write of each key. The zero value is empty. It must not be copied.
type Set struct {
	tree *btree.BTreeG[*Write] // made with the first write
	// changes counts how often tree was changed, for cursors to notice.
	changes uint64
	// hints say where tree was searched last, for keys by their first byte, which differs
	// for the trees and indexes of a store: the next key is often near.
	hints [4]btree.PathHint

	room   []Write  // for writes to come, up to its capacity
	few    [2]Write // the first room, enough for a small set
	spare  *Write   // one that was replaced, or nil
	sought Write    // what Get looks for
}

func (s *Set) hint(key []byte) *btree.PathHint {
	if len(key) == 0 {
		return nil
	}
	return &s.hints[key[0]%uint8(len(s.hints))]
}

// roomFor is how many writes get memory at once.
const roomFor = 64

// keep returns w in memory that stays in place.
func (s *Set) keep(w Write) *Write {
	if kept := s.spare; kept != nil {
		*kept, s.spare = w, nil
		return kept
	}
	if len(s.room) == cap(s.room) {
		s.room = make([]Write, 0, roomFor)
	}
	s.room = append(s.room, w)
	return &s.room[len(s.room)-1]
}

// Get returns the write of key, if there is one.
func (s *Set) Get(key []byte) (Write, bool) {
	if s.tree == nil {
		return Write{}, false
	}
	s.sought.Key = key
	w, ok := s.tree.GetHint(&s.sought, s.hint(key))
	if !ok {
		return Write{}, false
	}
	return *w, true
}

// Put adds w, and returns the write that it replaces, if there is one.
func (s *Set) Put(w Write) (old Write, replaced bool) {
	if s.tree == nil {
		s.tree = btree.NewBTreeGOptions(less, btree.Options{Degree: 16, NoLocks: true})
		s.room = s.few[:0]
	}
	s.changes++
	was, replaced := s.tree.SetHint(s.keep(w), s.hint(w.Key))
	if replaced {
		old, s.spare = *was, was
	}
	return old, replaced
}

// Remove undoes a Put that replaced nothing.
func (s *Set) Remove(key []byte) {
	s.changes++
	s.tree.Delete(&Write{Key: key})
}

// Len returns the number of keys.
func (s *Set) Len() int {
	if s.tree == nil {
		return 0
	}
	return s.tree.Len()
}

// All returns the writes in the order of keys.
func (s *Set) All() iter.Seq[Write] {
	return func(yield func(Write) bool) {
		if s.tree != nil {
			s.tree.Scan(func(w *Write) bool { return yield(*w) })
		}
	}
}
