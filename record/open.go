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
//
// Records remove what expires by Options.MaxRecordAge and Options.ProviderValidity, and both
// are 48 hours unless they are set. They cannot know the ages that a program gives to
// kad-dht or to boxo's offline router. If these keep records for longer than 48 hours, or
// for ever (a MaxRecordAge of 0 there), set the fields to as much, or to -1 for ever:
// otherwise Records remove a record that the program still wants. [Records.DHTOptions]
// gives kad-dht the same ages.
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
