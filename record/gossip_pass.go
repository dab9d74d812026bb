package record

import (
	"context"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/syncing"
)

// passedOn is how many rows a sync may bring that are gossiped on. More are what a new peer gets, which
// the others have.
const passedOn = 64

// brought are the rows that a sync has brought.
type brought struct {
	keys [][]byte
	// many says that there were more than passedOn.
	many bool
}

// add adds those of all records that were taken.
func (b *brought) add(all []*arriving) {
	for _, a := range all {
		switch {
		case a.refused != nil:
		case len(b.keys) == passedOn:
			b.keys, b.many = nil, true
		case !b.many:
			b.keys = append(b.keys, a.candidate.Key)
		}
	}
}

// passOn gossips rows that a sync has brought: a peer that was away brings what it has written to those
// that it syncs with, and the others are to hear of it too. Rows that cannot be gossiped now come by later
// syncs.
func (r *Records) passOn(ctx context.Context, topic *syncTopic, b *brought) {
	g := r.gossips.of(topic.Name())
	if g == nil || !g.gives || b.many {
		return
	}
	for _, key := range b.keys {
		var row syncing.Row
		found := false
		err := r.snapshot(ctx, r.store, func(from models.Reader) (err error) {
			row, found, err = r.travelling(ctx, from, topic.tree, key)
			return err
		})
		if err != nil || !g.hasRoom(time.Now()) {
			return
		}
		if found {
			g.publish(ctx, row)
		}
	}
}
