package topic

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A leaf's log finds the changes of a range in order, whenever it is asked while changes come.
func TestLeafLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l leafLog
		var all []Change
		first := rapid.Byte() // of 256 ids, so that many come again
		for range rapid.IntRange(1, 12).Draw(t, "rounds") {
			for _, b := range rapid.SliceOfN(first, 0, 40).Draw(t, "ids") {
				c := Change{ID: ID{b}, Added: len(all)%3 != 1, Number: uint64(len(all))}
				all = append(all, c)
				l.add(c)
			}
			lower, upper := Bound{id: ID{first.Draw(t, "lower")}}, Bound{end: true}
			if rapid.Bool().Draw(t, "bounded") {
				upper = Bound{id: ID{first.Draw(t, "upper")}}
			}
			var want []Change
			more := int64(0)
			for _, c := range all {
				if c.Added {
					more++
				} else {
					more--
				}
				if c.ID[0] >= lower.id[0] && (upper.end || c.ID[0] < upper.id[0]) {
					want = append(want, c)
				}
			}
			slices.SortStableFunc(want, func(a, b Change) int { return int(a.ID[0]) - int(b.ID[0]) })
			var got []Change
			for _, i := range l.between(&lower, &upper) {
				got = append(got, l.changes[i])
			}
			same := func(a, b Change) bool { return a.ID == b.ID && a.Number == b.Number }
			if !slices.EqualFunc(got, want, same) || l.more != more {
				t.Fatalf("the log has %d changes in the range and %d more ids, want %d and %d", len(got), l.more, len(want), more)
			}
		}
	})
}

// A state says what its log changes, and files it, with ids that begin alike too. Net says enough of a range
// for as many ids as are asked for.
func TestNetAndDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leaves, err := NewLeaves(nil)
		if err != nil {
			t.Fatal(err)
		}
		s := NewState(leaves)
		has := map[ID]bool{} // what the log adds, since the entries are none
		for n := range rapid.IntRange(0, 60).Draw(t, "changes") {
			var id ID
			id[0], id[31] = rapid.ByteMax(4).Draw(t, "begins"), rapid.ByteMax(4).Draw(t, "ends")
			has[id] = !has[id]
			s.Log(Change{ID: id, Added: has[id], Number: uint64(n)})
		}
		var want []ID
		for id, is := range has {
			if is {
				want = append(want, id)
			}
		}
		slices.SortFunc(want, func(a, b ID) int { return bytes.Compare(a[:], b[:]) })
		for most := range 30 {
			var got []ID
			for _, c := range s.Net(Lower(nil), Upper(nil), most) {
				if !c.Added {
					t.Fatalf("the log removes %x, which is not there", c.ID)
				}
				got = append(got, c.ID)
			}
			if enough := min(most, len(want)); len(got) < enough || !slices.Equal(got, want[:len(got)]) {
				t.Fatalf("for %d ids the log adds %x, want %x", most, got, want)
			}
		}
		for id, is := range has {
			if c := s.Find(&id); (c != nil) != is {
				t.Fatalf("%x is found: %v", id, c)
			}
		}
		var filed []ID
		for _, c := range s.Due(math.MaxInt32, 0, math.MaxInt32, math.MaxInt32).Entries {
			filed = append(filed, c.ID)
		}
		if !slices.Equal(filed, want) {
			t.Fatalf("entries %x are filed, want %x", filed, want)
		}
	})
}
