package record_test

import (
	"context"
	"errors"
	"testing"

	ds "github.com/ipfs/go-datastore"
	contextds "github.com/ipfs/go-datastore/context"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// TestEndedContexts puts, reads and deletes values of every kind with a context that has ended.
func TestEndedContexts(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		r, _ := openRecords(t, eng, record.Options{Models: []*models.Definition{Blog}})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for key, value := range samples(t) {
			if err := r.Put(ctx, key, value); err != nil {
				t.Errorf("Put of %s: %v", key, err)
			}
			has, err := r.Has(ctx, key)
			_, sizeErr := r.GetSize(ctx, key)
			_, getErr := r.Get(ctx, key)
			_, expiryErr := r.GetExpiration(ctx, key)
			if err := errors.Join(err, sizeErr, getErr, expiryErr); err != nil || !has {
				t.Errorf("%s after Put: %v, %v", key, has, err)
			}
			if err := r.Delete(ctx, key); err != nil {
				t.Errorf("Delete of %s: %v", key, err)
			}
			if has, err := r.Has(t.Context(), key); has || err != nil {
				t.Errorf("%s after Delete: %v, %v", key, has, err)
			}
			batch, err := r.Batch(ctx)
			if err = errors.Join(err, batch.Put(ctx, key, value), batch.Commit(ctx)); err != nil {
				t.Errorf("a batch with %s: %v", key, err)
			}
			if has, err := r.Has(t.Context(), key); !has || err != nil {
				t.Errorf("%s after Commit: %v, %v", key, has, err)
			}
		}
		if err := r.Sync(ctx, ds.NewKey("/")); err != nil {
			t.Error("Sync:", err)
		}
		if _, err := r.Query(ctx, dsq.Query{}); !errors.Is(err, context.Canceled) {
			t.Errorf("Query: %v, want %v", err, context.Canceled)
		}
	})
}

// TestInContext has a batch and then a transaction in the context take values of every kind.
func TestInContext(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		r, _ := openRecords(t, eng, record.Options{Models: []*models.Definition{Blog}})
		ctx := t.Context()
		batch, err := r.Batch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		inBatch := contextds.WithWrite(ctx, batch)
		for key, value := range samples(t) {
			mustPut(t, inContext{r, inBatch}, key, value)
			if has, err := r.Has(ctx, key); has || err != nil {
				t.Errorf("%s before the commit: %v, %v", key, has, err)
			}
		}
		if err := batch.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		txn, err := r.NewTransaction(ctx, false)
		if err != nil {
			t.Fatal(err)
		}
		defer txn.Discard(ctx)
		in := contextds.WithRead(contextds.WithWrite(ctx, txn), txn)
		for key := range samples(t) {
			if err := r.Delete(in, key); err != nil {
				t.Errorf("Delete of %s: %v", key, err)
			}
			if has, err := r.Has(in, key); has || err != nil {
				t.Errorf("%s in the transaction: %v, %v", key, has, err)
			}
			if has, err := r.Has(ctx, key); !has || err != nil {
				t.Errorf("%s outside of the transaction: %v, %v", key, has, err)
			}
		}
		if found := list(t, inContext{r, in}, dsq.Query{}); len(found) > 0 {
			t.Errorf("the transaction finds %d values", len(found))
		}
		if _, err := r.NewTransaction(in, false); !errors.Is(err, models.ErrNested) {
			t.Errorf("another transaction: %v, want %v", err, models.ErrNested)
		}
		other, err := r.Batch(in)
		if err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{"Commit of a batch": other.Commit(in), "Scrub": r.Scrub(in)} {
			if !errors.Is(err, models.ErrNested) {
				t.Errorf("%s: %v, want %v", name, err, models.ErrNested)
			}
		}
		if err := txn.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		if found := list(t, r, dsq.Query{}); len(found) > 0 {
			t.Errorf("after the commit there are %d values", len(found))
		}
	})
}

// inContext is a datastore whose calls have another context.
type inContext struct {
	ds.Datastore
	ctx context.Context
}

func (in inContext) Put(_ context.Context, key ds.Key, value []byte) error {
	return in.Datastore.Put(in.ctx, key, value)
}

func (in inContext) Query(_ context.Context, q dsq.Query) (dsq.Results, error) {
	return in.Datastore.Query(in.ctx, q)
}
