// Package lobby has a board that several peers change at the same time.
package lobby

import (
	"time"

	"github.com/newsnet-africa/netabase-go/models/merge"
)

//go:generate go tool modelgen

// Board has a counter and a set that are shared.
//
//netabase:policy open
//netabase:merge mergeBoards
type Board struct {
	Name   string `netabase:"primary"`
	Title  merge.Register[string]
	Visits merge.Counter
	Tags   merge.AddRemoveSet[string]
	// Changed is the clock by which kad-dht chooses between two boards.
	Changed time.Time `netabase:"clock"`
}

func mergeBoards(a, b *Board) Board {
	merged := Board{
		Name:    a.Name,
		Title:   a.Title.Merge(b.Title),
		Visits:  a.Visits.Merge(b.Visits),
		Tags:    a.Tags.Merge(b.Tags),
		Changed: a.Changed,
	}
	if b.Changed.After(a.Changed) {
		merged.Changed = b.Changed
	}
	return merged
}

// Touch sets the clock to now, or a microsecond after what it was, its precision.
func (b *Board) Touch(now time.Time) {
	next := b.Changed.Add(time.Microsecond)
	if now.After(next) {
		next = now
	}
	b.Changed = next.Truncate(time.Microsecond)
}
