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

func less(a, b Write) bool { return bytes.Compare(a.Key, b.Key) < 0 }

// Set holds the last write of each key. The zero value is empty.
type Set struct {
	tree *btree.BTreeG[Write] // made with the first write
	// changes counts how often tree was changed, for cursors to notice.
	changes uint64
}

// Get returns the write of key, if there is one.
func (s *Set) Get(key []byte) (Write, bool) {
	if s.tree == nil {
		return Write{}, false
	}
	return s.tree.Get(Write{Key: key})
}

// Put adds w, and returns the write that it replaces, if there is one.
func (s *Set) Put(w Write) (old Write, replaced bool) {
	if s.tree == nil {
		s.tree = btree.NewBTreeGOptions(less, btree.Options{Degree: 16, NoLocks: true})
	}
	s.changes++
	return s.tree.Set(w)
}

// Remove undoes a Put that replaced nothing.
func (s *Set) Remove(key []byte) {
	s.changes++
	s.tree.Delete(Write{Key: key})
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
			s.tree.Scan(yield)
		}
	}
}
