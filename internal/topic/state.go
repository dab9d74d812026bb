package topic

import (
	"slices"
)

// Change is an entry that has been added or removed and is in the log: the leaves and the entries do not
// show it yet.
type Change struct {
	ID    ID
	Added bool
	// Primary is the encoded primary key of the row, for an entry that was added.
	Primary []byte
	// Number is that of the row of the log.
	Number uint64
}

// overhead is how many bytes an entry and its leaf take at most beside the primary key.
const overhead = 128

func (c *Change) apply(sum *Sum) {
	if c.Added {
		sum.Add(&c.ID)
	} else {
		sum.Remove(&c.ID)
	}
}

// State is a topic at one time, but for its entries: the leaves, and what the log adds to them.
type State struct {
	Leaves Leaves
	// logged has the changes by the number of their leaf.
	logged []leafLog
	// Logged is how many there are.
	Logged int
}

// NewState returns the state of some leaves and no changes.
func NewState(leaves Leaves) *State {
	return &State{Leaves: leaves, logged: make([]leafLog, len(leaves))}
}

// Log adds a change.
func (s *State) Log(c Change) {
	n := s.Leaves.At(Head(&c.ID))
	s.logged[n].add(c)
	s.Logged++
}

// count returns how many ids leaf n has together with the log.
func (s *State) count(n int) float64 {
	count := int64(s.Leaves[n].Count) + s.logged[n].more
	return float64(max(count, 0))
}

// Replace puts some leaves in the place of those from first to last.
func (s *State) Replace(first, last int, with []Leaf) {
	var moved []Change
	for n := first; n <= last; n++ {
		moved = append(moved, s.logged[n].changes...)
	}
	s.Leaves = slices.Replace(s.Leaves, first, last+1, with...)
	s.logged = slices.Replace(s.logged, first, last+1, make([]leafLog, len(with))...)
	s.Logged -= len(moved)
	for _, c := range moved {
		s.Log(c)
	}
}

// Net returns what the log changes in a range: an entry is among them if there is one more or one less, in
// the order of the ids. It ends once most have been added, or with a leaf if the leaves before have as many
// ids: there are at least as many in the topic up to there.
func (s *State) Net(lower, upper Bound, most int) (net []Change) {
	if !lower.Before(&upper) {
		return nil
	}
	first := s.Leaves.At(Head(&lower.id))
	whole := 0.0 // ids in leaves that the range has all of
	added := 0
	for n := first; n < len(s.Leaves) && s.Leaves[n].begins(&upper) && whole < float64(most); n++ {
		if n > first {
			whole += s.count(n)
		}
		log := &s.logged[n]
		for _, i := range log.between(&lower, &upper) {
			c := &log.changes[i]
			last := len(net) - 1
			if added >= most && (last < 0 || net[last].ID != c.ID) {
				return net
			}
			before := len(net)
			if net = appendNet(net, c); c.Added == (len(net) > before) { // one added, or undone
				added += len(net) - before
			}
		}
	}
	return net
}

// appendNet appends a change, or takes back the last one if that is undone by it. Changes come in the order
// of their ids.
func appendNet(net []Change, c *Change) []Change {
	if last := len(net) - 1; last >= 0 && net[last].ID == c.ID && net[last].Added != c.Added {
		return net[:last]
	}
	return append(net, *c)
}

// netOf leaves out those changes that another takes back. They are in the order of their ids. It uses
// their memory.
func netOf(changes []Change) []Change {
	net := changes[:0]
	for i := range changes {
		net = appendNet(net, &changes[i])
	}
	return net
}

// Find returns what the log changes of one entry: nil, or the change.
func (s *State) Find(id *ID) *Change {
	var net []Change
	of, behind := &s.logged[s.Leaves.At(Head(id))], Behind(id)
	for _, i := range of.between(&Bound{id: *id}, &behind) {
		net = appendNet(net, &of.changes[i])
	}
	if len(net) == 0 {
		return nil
	}
	return &net[0]
}

// Filing is a part of the log that is to be filed in one transaction.
type Filing struct {
	// Entries are the entries to put and to delete.
	Entries []Change
	// Leaves are the leaves that change, by their numbers.
	Leaves []FiledLeaf
	// Next is the head with which filing goes on, and Done says that this is the end.
	Next uint64
	Done bool

	upTo uint64
	from uint64
}

// FiledLeaf is a leaf as it is once some of its ids are filed.
type FiledLeaf struct {
	Number int
	Leaf   Leaf
}

// Due returns the first changes to file, of the rows of the log up to a number and of ids from a head on:
// about most of them and so many bytes.
func (s *State) Due(upTo, from uint64, most int, size int64) *Filing {
	f := &Filing{upTo: upTo, from: from, Entries: make([]Change, 0, min(most, s.Logged))}
	lower, end := boundAt(from), Upper(nil)
	for n := s.Leaves.At(from); n < len(s.Leaves); n++ {
		if most <= 0 || size <= 0 {
			f.Next = s.Leaves[n].Prefix
			return f
		}
		log, leaf := &s.logged[n], s.Leaves[n]
		first := len(f.Entries)
		var last *Change
		for _, i := range log.between(&lower, &end) {
			c := &log.changes[i]
			if c.Number > upTo {
				continue
			}
			head := Head(&c.ID)
			if full := most <= 0 || size <= 0; full && last != nil && head != Head(&last.ID) {
				f.Next = head
				break
			}
			c.apply(&leaf.Sum)
			most--
			size -= int64(len(c.Primary)) + overhead
			f.Entries = append(f.Entries, *c)
			last = c
		}
		if last == nil {
			continue
		}
		leaf.Count = clamp(leaf.Count)
		f.Leaves = append(f.Leaves, FiledLeaf{n, leaf})
		f.Entries = f.Entries[:first+len(netOf(f.Entries[first:]))]
		if f.Next != 0 {
			return f
		}
	}
	f.Done = true
	return f
}

// File takes the changes of a filing out of the log.
func (s *State) File(f *Filing) {
	for _, l := range f.Leaves {
		s.Leaves[l.Number] = l.Leaf
		before := &s.logged[l.Number]
		left := before.without(func(c *Change) bool {
			head := Head(&c.ID)
			return c.Number <= f.upTo && head >= f.from && (f.Done || head < f.Next)
		})
		s.Logged -= len(before.changes) - len(left.changes)
		s.logged[l.Number] = left
	}
}

// clamp returns a count, and 0 where damage has lost ids so that it is negative.
func clamp(count uint64) uint64 { return uint64(max(int64(count), 0)) }
