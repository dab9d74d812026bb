// Package writes keeps what a write transaction has written until it is committed, in
// the order of keys, and reads it together with what the database holds. Engines share
// it whose library slows down with the size of a transaction.
package writes

import (
	"bytes"
	"iter"
	"slices"

	"github.com/tidwall/btree"
)

// Write is a put or a delete of one key. Its slices are not changed once it is made.
type Write struct {
	Key, Value []byte
	Deleted    bool
}

func less(a, b *Write) bool { return bytes.Compare(a.Key, b.Key) < 0 }

// Set holds the last write of each key. The zero value is empty. It must not be copied.
//
// Most transactions write the rows of a tree, and the entries of an index, in the order of
// their keys. Such writes are kept in lists. The others are kept in a tree, as all writes
// are once a cursor reads them.
type Set struct {
	runs    [4]run
	tree    *btree.BTreeG[*Write] // nil while it would be empty
	changes uint64                // how often the set was changed, for cursors to notice

	room   []Write  // for writes to come, up to its capacity
	few    [2]Write // the first room, enough for a small set
	spare  *Write   // one that was replaced, or nil
	sought Write    // what Get looks for
}

// run holds the writes of keys whose first byte, modulo the number of runs, is the same. The
// first byte differs for the trees and indexes of a store.
type run struct {
	list []*Write // in the order of keys
	// inTree is set once a key came that is not behind the list. Then the list is empty.
	inTree bool
	hint   btree.PathHint // where the tree was searched last: the next key is often near
}

func (s *Set) runOf(key []byte) *run {
	if len(key) == 0 {
		return &s.runs[0]
	}
	return &s.runs[key[0]%uint8(len(s.runs))]
}

// isBehind reports whether key is behind all keys of the list.
func (r *run) isBehind(key []byte) bool {
	return len(r.list) == 0 || bytes.Compare(r.list[len(r.list)-1].Key, key) < 0
}

// roomFor is how many writes get memory at once.
const roomFor = 64

// keep returns w in memory that stays in place.
func (s *Set) keep(w Write) *Write {
	if kept := s.spare; kept != nil {
		*kept, s.spare = w, nil
		return kept
	}
	if s.room == nil {
		s.room = s.few[:0]
	}
	if len(s.room) == cap(s.room) {
		s.room = make([]Write, 0, roomFor)
	}
	s.room = append(s.room, w)
	return &s.room[len(s.room)-1]
}

// Get returns the write of key, if there is one.
func (s *Set) Get(key []byte) (Write, bool) {
	r := s.runOf(key)
	if !r.inTree {
		if r.isBehind(key) {
			return Write{}, false
		}
		i, found := slices.BinarySearchFunc(r.list, key, func(w *Write, key []byte) int {
			return bytes.Compare(w.Key, key)
		})
		if !found {
			return Write{}, false
		}
		return *r.list[i], true
	}
	s.sought.Key = key
	w, ok := s.tree.GetHint(&s.sought, &r.hint)
	if !ok {
		return Write{}, false
	}
	return *w, true
}

// Put adds w, and returns the write that it replaces, if there is one.
func (s *Set) Put(w Write) (old Write, replaced bool) {
	s.changes++
	r := s.runOf(w.Key)
	if !r.inTree && r.isBehind(w.Key) {
		r.list = append(r.list, s.keep(w))
		return Write{}, false
	}
	s.move(r)
	was, replaced := s.tree.SetHint(s.keep(w), &r.hint)
	if replaced {
		old, s.spare = *was, was
	}
	return old, replaced
}

// move moves the writes of a run to the tree.
func (s *Set) move(r *run) {
	if r.inTree {
		return
	}
	if s.tree == nil {
		s.tree = btree.NewBTreeGOptions(less, btree.Options{Degree: 16, NoLocks: true})
	}
	for _, w := range r.list {
		s.tree.SetHint(w, &r.hint)
	}
	r.list, r.inTree = nil, true
}

// whole returns the tree with all writes in it.
func (s *Set) whole() *btree.BTreeG[*Write] {
	for i := range s.runs {
		s.move(&s.runs[i])
	}
	return s.tree
}

// Remove undoes a Put that replaced nothing, and that no other Put has followed.
func (s *Set) Remove(key []byte) {
	s.changes++
	r := s.runOf(key)
	if r.inTree {
		s.tree.Delete(&Write{Key: key})
		return
	}
	r.list = r.list[:len(r.list)-1]
}

// Len returns the number of keys.
func (s *Set) Len() int {
	n := 0
	for i := range s.runs {
		n += len(s.runs[i].list)
	}
	if s.tree != nil {
		n += s.tree.Len()
	}
	return n
}

// All returns the writes in the order of keys.
func (s *Set) All() iter.Seq[Write] {
	return func(yield func(Write) bool) {
		var rest [len(s.runs)][]*Write
		for i := range s.runs {
			rest[i] = s.runs[i].list
		}
		// yieldBefore yields the writes of runs before w, or all if w is nil.
		yieldBefore := func(w *Write) bool {
			for {
				next, from := w, -1
				for i, list := range rest {
					if len(list) > 0 && (next == nil || less(list[0], next)) {
						next, from = list[0], i
					}
				}
				if from < 0 {
					return true
				}
				if !yield(*next) {
					return false
				}
				rest[from] = rest[from][1:]
			}
		}
		if s.tree != nil {
			more := true
			s.tree.Scan(func(w *Write) bool {
				more = yieldBefore(w) && yield(*w)
				return more
			})
			if !more {
				return
			}
		}
		yieldBefore(nil)
	}
}
