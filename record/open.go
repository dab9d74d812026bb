package record

import (
	"context"
	"errors"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
)

// Open opens a store of its own in eng, with Definition and opts.Models, and returns the
// Records in it. It is datastore.Open and New in one call, for a program that only
// wants a datastore. Closing the Records closes the store.
func Open(ctx context.Context, eng engine.Engine, opts Options) (*Records, error) {
	definitions := slices.Concat([]*models.Definition{Definition}, opts.Models)
	store, err := datastore.Open(ctx, eng, datastore.OpenOptions{Definitions: definitions})
	if err != nil {
		return nil, err
	}
	r, err := New(ctx, store, opts)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	r.ownsStore = true
	return r, nil
}

// Store returns the store that holds the records. Use it to read and write the trees of
// the models.
func (r *Records) Store() *datastore.Store { return r.store }
