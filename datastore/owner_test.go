package datastore_test

import (
	"errors"
	"testing"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestOpenDatastore shows that closing the face that OpenDatastore returns closes its store, and
// that closing any other face does not.
func TestOpenDatastore(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			ctx, eng, key := t.Context(), newEngine(t), ds.NewKey("/key")
			d, err := datastore.OpenDatastore(ctx, eng, town)
			if err != nil {
				t.Fatal(err)
			}
			p := somebody(1)
			err = errors.Join(d.Put(ctx, key, []byte("x")), people.Put(ctx, d.Store(), &p),
				d.Store().Datastore().Close(), d.Store().Tree(people).Close(), d.Store().Sync(ctx))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(d.Close(), d.Close()); err != nil {
				t.Error(err)
			}
			if _, err := people.Get(ctx, d.Store(), p.ID); !errors.Is(err, models.ErrClosed) {
				t.Errorf("the store after Close: %v", err)
			}
			if d, err = datastore.OpenDatastore(ctx, eng, town); err != nil {
				t.Fatal("it does not open again:", err)
			}
			if value, err := d.Get(ctx, key); string(value) != "x" || err != nil {
				t.Errorf("%q, %v", value, err)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
