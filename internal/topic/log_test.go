package topic

import (
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
