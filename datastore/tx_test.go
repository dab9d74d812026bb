package datastore_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

func TestRollback(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		first := somebody(1)
		if err := people.Put(ctx, h.Store, &first); err != nil {
			t.Fatal(err)
		}
		change := func(tx *datastore.WriteTx) {
			changed := somebody(1)
			changed.Email = "changed@example.com"
			another := somebody(2)
			if err := errors.Join(people.Put(ctx, tx, &changed), people.Put(ctx, tx, &another)); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error { change(tx); return errRollback }); !errors.Is(err, errRollback) {
			t.Error(err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic did not come through")
				}
			}()
			_ = h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error { change(tx); panic("on purpose") })
		}()
		h.restart()
		if n, err := people.Count(ctx, h.Store, models.Range[uint64]{}); n != 1 || err != nil {
			t.Error(n, err)
		}
		if p, err := byEmail.Get(ctx, h.Store, first.Email); err != nil || p.ID != 1 {
			t.Error(p, err)
		}
		// A panic leaves the store writable.
		if err := people.Delete(ctx, h.Store, 1); err != nil {
			t.Error(err)
		}
	}, town)
}

func TestSnapshot(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		p := somebody(1)
		if err := people.Put(ctx, h.Store, &p); err != nil {
			t.Fatal(err)
		}
		err := h.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
			later := somebody(2)
			if err := people.Put(t.Context(), h.Store, &later); err != nil {
				return err
			}
			if n, err := people.Count(ctx, tx, models.Range[uint64]{}); n != 1 || err != nil {
				t.Error("the snapshot has moved:", n, err)
			}
			if has, err := people.Has(ctx, tx, 2); has || err != nil {
				t.Error(has, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}, town)
}

func TestUseAfterTheEnd(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		var read *datastore.ReadTx
		var write *datastore.WriteTx
		err := errors.Join(
			h.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error { read = tx; return nil }),
			h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error { write = tx; return nil }))
		if err != nil {
			t.Fatal(err)
		}
		p := somebody(1)
		if _, err := people.Get(ctx, read, 1); !errors.Is(err, models.ErrTxnDone) {
			t.Error(err)
		}
		if err := people.Put(ctx, write, &p); !errors.Is(err, models.ErrTxnDone) {
			t.Error(err)
		}
		for _, err := range byName.Find(ctx, write, "x") {
			if !errors.Is(err, models.ErrTxnDone) {
				t.Error(err)
			}
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := people.Get(ctx, h.Store, 1); !errors.Is(err, models.ErrClosed) {
			t.Error(err)
		}
		if err := people.Put(ctx, h.Store, &p); !errors.Is(err, models.ErrClosed) {
			t.Error(err)
		}
		if err := h.View(ctx, func(context.Context, *datastore.ReadTx) error { return nil }); !errors.Is(err, models.ErrClosed) {
			t.Error(err)
		}
		if err := errors.Join(h.Close(), h.Close()); err != nil {
			t.Error(err)
		}
		h.open()
	}, town)
}

// TestCountersNeverLoseAnUpdate has goroutines change the same few rows at once.
func TestCountersNeverLoseAnUpdate(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		const workers, each = 8, 25
		ctx := t.Context()
		zero := person{ID: 1, Tags: []string{}}
		if err := people.Put(ctx, h.Store, &zero); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range each {
					for {
						err := people.Modify(ctx, h.Store, 1, func(p *person) error { p.Age++; return nil })
						if err == nil {
							break
						}
						if !errors.Is(err, models.ErrConflict) {
							t.Error(err)
							return
						}
					}
				}
			})
		}
		wg.Wait()
		h.restart()
		if p, err := people.Get(ctx, h.Store, 1); err != nil || p.Age != workers*each {
			t.Error(p.Age, err)
		}
	}, town)
}

// TestUniqueUnderConcurrency has goroutines claim the same addresses at once:
// each may be had by one row only.
func TestUniqueUnderConcurrency(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		var wg sync.WaitGroup
		var mu sync.Mutex
		claimed := map[uint64]int{}
		for worker := range uint64(8) {
			wg.Go(func() {
				for address := range uint64(20) {
					p := somebody(address)
					p.ID = 1000*worker + address
					err := people.Put(ctx, h.Store, &p)
					switch {
					case err == nil:
						mu.Lock()
						claimed[address]++
						mu.Unlock()
					case !errors.Is(err, models.ErrUnique) && !errors.Is(err, models.ErrConflict):
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for address, n := range claimed {
			if n != 1 {
				t.Errorf("address %d was given %d times", address, n)
			}
		}
	}, town)
}

func TestCancelled(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		p := somebody(1)
		if err := people.Put(t.Context(), h.Store, &p); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := people.Get(ctx, h.Store, 1); !errors.Is(err, context.Canceled) {
			t.Error("get:", err)
		}
		p.Name = "changed"
		if err := people.Put(ctx, h.Store, &p); !errors.Is(err, context.Canceled) {
			t.Error("put:", err)
		}
		for _, err := range people.All(ctx, h.Store) {
			if !errors.Is(err, context.Canceled) {
				t.Error("all:", err)
			}
		}
		if _, err := people.Count(ctx, h.Store, models.Range[uint64]{}); !errors.Is(err, context.Canceled) {
			t.Error("count:", err)
		}
		// Cancelled half-way, an update writes nothing.
		ctx, cancel = context.WithCancel(t.Context())
		err := h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
			err := people.Put(ctx, tx, &p)
			cancel()
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Error("update:", err)
		}
		if p, err := people.Get(t.Context(), h.Store, 1); err != nil || p.Name == "changed" {
			t.Error(p, err)
		}
	}, town)
}

// TestNestedCalls checks that a call on the store with the context of its own
// transaction is refused, reads included, and that no other call is.
func TestNestedCalls(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		p := somebody(1)
		batch, err := h.Datastore().Batch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		refused := func(ctx context.Context) {
			t.Helper()
			derived, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			_, getErr := people.Get(derived, h.Store, 1)
			_, countErr := people.Count(ctx, h.Store, models.Range[uint64]{})
			_, faceErr := h.Datastore().Get(ctx, ds.NewKey("/x"))
			_, txnErr := h.Datastore().NewTransaction(ctx, false)
			_, readErr := h.Datastore().NewTransaction(ctx, true)
			_, importErr := datastore.Import(ctx, h.Store, people, func(func(person, error) bool) {}, datastore.ImportOptions{})
			_, expireErr := h.Expire(ctx)
			face := h.Datastore()
			_, hasErr := face.Has(ctx, ds.NewKey("/x"))
			_, sizeErr := face.GetSize(ctx, ds.NewKey("/x"))
			_, queryErr := face.Query(ctx, dsq.Query{})
			_, usageErr := face.DiskUsage(ctx)
			_, expirationErr := face.GetExpiration(ctx, ds.NewKey("/x"))
			_, batchErr := face.Batch(ctx)
			_, verifyErr := datastore.Verify(ctx, h.Store)
			_, repairErr := datastore.Repair(ctx, h.Store)
			_, backupErr := h.Backup(ctx, io.Discard)
			_, storeSizeErr := h.Size(ctx)
			_, treesErr := h.Inspect().Trees(ctx)
			_, inspectErr := h.Inspect().Count(ctx, people.Name())
			_, manyErr := people.GetMany(ctx, h.Store, []uint64{1})
			_, findErr := byTag.FindMany(ctx, h.Store, []string{"all"})
			_, _, pageErr := people.Page(ctx, h.Store, models.Range[uint64]{}, "")
			for i, err := range []error{
				hasErr, sizeErr, queryErr, usageErr, expirationErr, batchErr, verifyErr, repairErr, backupErr,
				storeSizeErr, treesErr, inspectErr, manyErr, findErr, pageErr,
				h.Sync(ctx), h.Compact(ctx), face.Sync(ctx, ds.NewKey("/")), face.CollectGarbage(ctx),
				face.Check(ctx), face.Scrub(ctx), face.Delete(ctx, ds.NewKey("/x")), face.Put(ctx, ds.NewKey("/x"), nil),
				face.PutWithTTL(ctx, ds.NewKey("/x"), nil, time.Hour), face.SetTTL(ctx, ds.NewKey("/x"), time.Hour),
				batch.Put(ctx, ds.NewKey("/x"), nil), batch.Delete(ctx, ds.NewKey("/x")), batch.Commit(ctx),
				drain(h.Inspect().Rows(ctx, people.Name())),
				people.Clear(ctx, h.Store), people.DeleteMany(ctx, h.Store, []uint64{1}),
				people.Borrow(ctx, h.Store, 1, func(models.BorrowedRow) error { return nil }),
				people.BorrowRange(ctx, h.Store, models.Range[uint64]{}, func(models.BorrowedRow) error { return nil }),
				getErr, countErr, faceErr, txnErr, readErr, importErr, expireErr,
				people.Put(derived, h.Store, &p),
				people.Delete(ctx, h.Store, 1),
				h.View(ctx, func(context.Context, *datastore.ReadTx) error { return nil }),
				h.Update(ctx, func(context.Context, *datastore.WriteTx) error { return nil }),
				h.UpdateRelaxed(ctx, func(context.Context, *datastore.WriteTx) error { return nil }),
			} {
				if !errors.Is(err, models.ErrNested) {
					t.Errorf("call %d: %v", i, err)
				}
			}
			for _, err := range people.All(ctx, h.Store) {
				if !errors.Is(err, models.ErrNested) {
					t.Error("all:", err)
				}
			}
		}
		other := datastore.Temp(t, memory.Engine(), town)
		err = h.Update(t.Context(), func(ctx context.Context, tx *datastore.WriteTx) error {
			refused(ctx)
			// Another store is another matter, until its own transaction is open too.
			err := other.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
				refused(ctx)
				if err := people.Put(ctx, other, &p); !errors.Is(err, models.ErrNested) {
					t.Error(err)
				}
				return people.Put(ctx, tx, &p)
			})
			return errors.Join(err, people.Put(ctx, other, &p), people.Put(ctx, tx, &p))
		})
		if err != nil {
			t.Fatal(err)
		}
		err = h.View(t.Context(), func(ctx context.Context, tx *datastore.ReadTx) error {
			refused(ctx)
			_, err := people.Get(ctx, tx, 1)
			return err
		})
		if err := errors.Join(err, people.Put(t.Context(), h.Store, &p)); err != nil {
			t.Error(err)
		}

		// Another goroutine's write, with a context of its own, waits for its turn.
		written := make(chan error)
		err = h.Update(t.Context(), func(ctx context.Context, tx *datastore.WriteTx) error {
			go func() {
				q := somebody(2)
				written <- people.Put(t.Context(), h.Store, &q)
			}()
			return people.Put(ctx, tx, &p)
		})
		if err := errors.Join(err, <-written); err != nil {
			t.Error(err)
		}
	}, town)
}

// TestWriteWhileIterating changes and deletes rows from within loops, which no
// open transaction may block.
func TestWriteWhileIterating(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		const rows = 1000
		all := make([]person, rows)
		for i := range all {
			all[i] = somebody(uint64(i))
		}
		if err := people.PutMany(ctx, h.Store, all); err != nil {
			t.Fatal(err)
		}
		seen := map[uint64]bool{}
		for p, err := range people.All(ctx, h.Store) {
			if err != nil {
				t.Fatal(err)
			}
			if seen[p.ID] {
				t.Fatal("seen twice:", p.ID)
			}
			seen[p.ID] = true
			if p.ID%10 == 0 {
				if err := people.Delete(ctx, h.Store, p.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(seen) != rows {
			t.Error(len(seen))
		}
		err := h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
			n := 0
			for p, err := range byTag.Range(ctx, tx, models.Only("all").Reverse()) {
				if err != nil {
					return err
				}
				n++
				if err := people.Delete(ctx, tx, p.ID); err != nil {
					return err
				}
			}
			if n != rows-rows/10 {
				t.Error("saw", n)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if empty, err := people.IsEmpty(ctx, h.Store); !empty || err != nil {
			t.Error(empty, err)
		}
	}, town)
}
