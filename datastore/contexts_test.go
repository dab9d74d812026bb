package datastore_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	ds "github.com/ipfs/go-datastore"
	contextds "github.com/ipfs/go-datastore/context"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/finish"
	"github.com/newsnet-africa/netabase-go/models"
)

// ended returns a context that has ended.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// TestCloseEndsWaitingWrites closes a store while writes whose contexts have ended wait for a
// transaction: they end before the transaction does.
func TestCloseEndsWaitingWrites(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx, face, key := t.Context(), h.Datastore(), ds.NewKey("/key")
		txn, err := face.NewTransaction(ctx, false)
		if err != nil {
			t.Fatal(err)
		}
		batch, err := face.Batch(ctx)
		if err := errors.Join(err, txn.Put(ctx, key, nil), batch.Put(ctx, key, nil)); err != nil {
			t.Fatal(err)
		}
		writes := make(chan error, 2)
		go func() { writes <- face.Put(ended(), key, nil) }()
		go func() { writes <- batch.Commit(ended()) }()
		time.Sleep(20 * time.Millisecond) // for most of them to wait; a late one is refused at once
		closed := make(chan error, 1)
		go func() { closed <- h.Store.Close() }()
		for range cap(writes) {
			if err := <-writes; err != nil && !errors.Is(err, models.ErrClosed) {
				t.Errorf("a write beside Close: %v", err)
			}
		}
		txn.Discard(ctx)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		h.open()
	})
}

// TestWaitingWriteEnds shows how long a write whose context has ended waits.
func TestWaitingWriteEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, key := t.Context(), ds.NewKey("/key")
		d, err := datastore.OpenDatastore(ctx, memory.Engine())
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		txn, err := d.NewTransaction(ctx, false)
		if err != nil {
			t.Fatal(err)
		}
		defer txn.Discard(ctx)
		start := time.Now()
		if err := d.Put(ended(), key, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("it ends with %v, want %v", err, context.Canceled)
		}
		if took := time.Since(start); took != finish.Patience {
			t.Errorf("it ends after %v, want %v", took, finish.Patience)
		}
	})
}

// TestNestedContextThatHasEnded shows that a context which has ended is still known to be that
// of a transaction.
func TestNestedContextThatHasEnded(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		face, key := h.Datastore(), ds.NewKey("/key")
		err := h.Update(t.Context(), func(ctx context.Context, _ *datastore.WriteTx) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			_, getErr := face.Get(ctx, key)
			_, batchErr := face.Batch(ctx)
			for _, err := range []error{face.Put(ctx, key, nil), face.Sync(ctx, key), getErr, batchErr} {
				if !errors.Is(err, models.ErrNested) {
					t.Errorf("%v, want %v", err, models.ErrNested)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestTransactionInContext shows which calls a transaction in the context takes, and that the
// others do not wait for it.
func TestTransactionInContext(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx, face, tree := t.Context(), h.Datastore(), h.Tree(people)
		p := somebody(1)
		if err := people.Put(ctx, h, &p); err != nil {
			t.Fatal(err)
		}
		row := ds.NewKey("/town.person/primary/" + people.PathText(p.ID))
		key := ds.NewKey("/key")
		txn, err := face.NewTransaction(ctx, false)
		if err != nil {
			t.Fatal(err)
		}
		defer txn.Discard(ctx)
		in := contextds.WithRead(contextds.WithWrite(ctx, txn), txn)

		batch, err := face.Batch(in)
		_, beginErr := face.NewTransaction(in, false)
		if err = errors.Join(err, batch.Put(in, key, nil)); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"Commit of a batch": batch.Commit(in), "NewTransaction": beginErr, "Scrub": face.Scrub(in),
		} {
			if !errors.Is(err, models.ErrNested) {
				t.Errorf("%s: %v, want %v", name, err, models.ErrNested)
			}
		}

		err = errors.Join(face.PutWithTTL(in, key, []byte("x"), time.Hour), face.SetTTL(in, key, 2*time.Hour),
			tree.Delete(in, row))
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Put(in, key, nil); !errors.Is(err, datastore.ErrForeignKey) {
			t.Errorf("a key outside of the tree: %v, want %v", err, datastore.ErrForeignKey)
		}
		if at, err := face.GetExpiration(in, key); err != nil || time.Until(at) < time.Hour {
			t.Errorf("in the transaction the key expires at %v, %v", at, err)
		}
		if has, err := tree.Has(in, row); has || err != nil {
			t.Error("the transaction does not see what it has deleted:", has, err)
		}
		if _, err := face.GetExpiration(ctx, key); err != ds.ErrNotFound {
			t.Error("before the commit:", err)
		}
		if has, err := tree.Has(ctx, row); !has || err != nil {
			t.Error("before the commit:", has, err)
		}
		if err := txn.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		if has, err := tree.Has(ctx, row); has || err != nil {
			t.Error("after the commit:", has, err)
		}
		if err := batch.Commit(in); err != nil {
			t.Error("a batch after the transaction of its context has ended:", err)
		}
	}, town)
}

// TestBatchInContextTakesTTL shows that a batch in the context takes a put that expires.
func TestBatchInContextTakesTTL(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx, face := t.Context(), h.Datastore()
		p := somebody(1)
		value, err := models.DagCBOR[person]().Append(nil, &p)
		if err != nil {
			t.Fatal(err)
		}
		row, key := ds.NewKey("/town.person/primary/"+people.PathText(p.ID)), ds.NewKey("/key")
		batch, err := face.Batch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		in := contextds.WithWrite(ctx, batch)
		err = errors.Join(face.PutWithTTL(in, row, value, time.Hour), face.PutWithTTL(in, key, value, time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []ds.Key{row, key} {
			if has, err := face.Has(ctx, key); has || err != nil {
				t.Errorf("%s before the commit: %v, %v", key, has, err)
			}
		}
		if err := batch.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		for _, key := range []ds.Key{row, key} {
			at, err := face.GetExpiration(ctx, key)
			if left := time.Until(at); err != nil || left <= 0 || left > time.Hour {
				t.Errorf("%s expires in %v, %v", key, left, err)
			}
		}
	}, town)
}

// TestContextOfAnotherStore shows that a store takes no part in the batch or transaction of
// another.
func TestContextOfAnotherStore(t *testing.T) {
	ctx, key := t.Context(), ds.NewKey("/key")
	mine, other := datastore.Temp(t, memory.Engine()).Datastore(), datastore.Temp(t, memory.Engine()).Datastore()
	batch, err := other.Batch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	txn, err := other.NewTransaction(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard(ctx)
	for _, write := range []ds.Write{batch, txn} {
		in := contextds.WithRead(contextds.WithWrite(ctx, write), txn)
		if err := mine.Put(in, key, []byte("x")); err != nil {
			t.Error(err)
		}
		if value, err := mine.Get(in, key); string(value) != "x" || err != nil {
			t.Errorf("%q, %v", value, err)
		}
		if err := mine.Delete(in, key); err != nil {
			t.Error(err)
		}
	}
}
