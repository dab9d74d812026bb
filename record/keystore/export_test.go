package keystore

import (
	"context"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// Rows counts the rows of all key stores, those that are left over included.
func Rows(ctx context.Context, store *datastore.Store) (int, error) {
	return keys.Count(ctx, store, models.Range[key]{})
}

// Leftover reports whether the store has rows of the key store that are to be removed.
func Leftover(ctx context.Context, store *datastore.Store, name string) (bool, error) {
	s, err := states.Get(ctx, store, name)
	return s.mixed(), err
}
