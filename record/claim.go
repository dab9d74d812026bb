package record

import (
	"context"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// ownership is the right of one Records to change the trees of Definition in a store.
// Two would count, number and cache what the other has changed.
type ownership struct{ place *session.Place }

// claim takes the store for one Records, or returns ErrInUse.
func claim(ctx context.Context, store *datastore.Store) (*ownership, error) {
	s, err := store.BeginRead(ctx)
	if err != nil {
		return nil, err
	}
	defer s.End()
	place := s.Place(valueTree.Core())
	switch {
	case place == nil:
		return nil, fmt.Errorf("%w: open the store with record.Definition", models.ErrUnknownTree)
	case place.Claimed.Swap(true):
		return nil, fmt.Errorf("the store is %w by other Records, which have to be closed first", ErrInUse)
	}
	return &ownership{place}, nil
}

func (o *ownership) release() { o.place.Claimed.Store(false) }
