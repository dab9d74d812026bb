package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models"
)

func numberedAccounts() *models.Tree[account, uint64] {
	return models.NewTree("account", models.Uint64, accountKey,
		models.WithSequence(func(a *account, id uint64) { a.ID = id }))
}

func TestSequence(t *testing.T) {
	tree := numberedAccounts()
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		last := uint64(0)
		insert := func(want uint64) {
			t.Helper()
			a := account{Name: "somebody"}
			if err := tree.Insert(ctx, h.Store, &a); err != nil {
				t.Fatal(err)
			}
			if a.ID <= last || want != 0 && a.ID != want {
				t.Errorf("number %d after %d, want %d", a.ID, last, want)
			}
			if got, err := tree.Get(ctx, h.Store, a.ID); got != a || err != nil {
				t.Error(got, err)
			}
			last = a.ID
		}
		for i := range 150 {
			insert(uint64(i) + 1)
		}
		// The number of a row that is gone is not given again, by another process either.
		if err := tree.Delete(ctx, h.Store, last); err != nil {
			t.Fatal(err)
		}
		insert(0)
		h.restart()
		insert(0)
		// Rows with keys of their own are passed over.
		for id := last + 1; id < last+200; id++ {
			if err := tree.Insert(ctx, h.Store, &account{ID: id}); err != nil {
				t.Fatal(err)
			}
		}
		insert(0)

		// A transaction numbers as well, and its numbers go with it.
		failed := errors.New("on purpose")
		a := account{Name: "nobody"}
		err := h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
			for range 100 {
				a.ID = 0
				if err := tree.Insert(ctx, tx, &a); err != nil {
					return err
				}
			}
			return failed
		})
		if !errors.Is(err, failed) {
			t.Error(err)
		}
		if has, err := tree.Has(ctx, h.Store, a.ID); has || err != nil {
			t.Error(has, err)
		}
		insert(0)
	}, models.NewDefinition("bank", tree))
}

// TestSequenceOfMany checks that no number is given twice to rows that are inserted
// at the same time.
func TestSequenceOfMany(t *testing.T) {
	const workers, each = 8, 100
	tree := numberedAccounts()
	onEveryEngine(t, func(t *testing.T, h *harness) {
		var group sync.WaitGroup
		for range workers {
			group.Go(func() {
				for range each {
					if err := tree.Insert(t.Context(), h.Store, &account{}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		if n, err := tree.Count(t.Context(), h.Store, models.Range[uint64]{}); n != workers*each || err != nil {
			t.Error(n, err)
		}
	}, models.NewDefinition("bank", tree))
}

func TestSequenceEnds(t *testing.T) {
	type tiny struct {
		ID   int8
		Text string
	}
	tree := models.NewTree("tiny", models.Int8, func(r *tiny) int8 { return r.ID },
		models.WithSequence(func(r *tiny, id int8) { r.ID = id }))
	store := datastore.Temp(t, memory.Engine(), models.NewDefinition("bank", tree))
	if err := tree.Insert(t.Context(), store, &tiny{ID: -5}); err != nil {
		t.Fatal(err)
	}
	for range 127 {
		if err := tree.Insert(t.Context(), store, &tiny{}); err != nil {
			t.Fatal(err)
		}
	}
	r := tiny{Text: "one too many"}
	if err := tree.Insert(t.Context(), store, &r); !errors.Is(err, models.ErrInvalid) || r.ID != 0 {
		t.Error(r, err)
	}
}

// TestSequenceOfAnotherType checks that a tree is not numbered with keys of another
// type than its own.
func TestSequenceOfAnotherType(t *testing.T) {
	tree := models.NewTree("account", models.Uint64, accountKey,
		models.WithSequence(func(a *account, id int32) { a.ID = uint64(id) }))
	_, err := datastore.Open(t.Context(), memory.Engine(), models.NewDefinition("bank", tree))
	if !errors.Is(err, models.ErrDefinition) {
		t.Error(err)
	}
}

// TestDamagedCounter checks that a sequence whose counter is damaged refuses to
// number, and begins anew behind the last row once it is repaired.
func TestDamagedCounter(t *testing.T) {
	tree := numberedAccounts()
	eng := memory.Engine()
	bank := models.NewDefinition("bank", tree)
	ctx := t.Context()
	store, err := datastore.Open(ctx, eng, bank)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tree.Insert(ctx, store, &account{}), store.Close()); err != nil {
		t.Fatal(err)
	}
	damageCounter(t, eng)

	if store, err = datastore.Open(ctx, eng, bank); err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := tree.Insert(ctx, store, &account{}); !errors.Is(err, models.ErrCorrupt) {
		t.Error(err)
	}
	report, err := datastore.Verify(ctx, store)
	if report.BadRows != 1 || err != nil {
		t.Errorf("%+v, %v", report, err)
	}
	if report, err = datastore.Repair(ctx, store); report.Repaired != 1 || err != nil {
		t.Errorf("%+v, %v", report, err)
	}
	var a account
	if err := tree.Insert(ctx, store, &a); a.ID != 2 || err != nil {
		t.Error(a, err)
	}
}

func damageCounter(t *testing.T, eng engine.Engine) {
	t.Helper()
	db, err := eng.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	txn, err := db.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard()
	space := format.Sequences.Append(nil)
	c := txn.Cursor(engine.Range{Lower: space, Upper: format.PrefixEnd(space)})
	if !c.Next() {
		t.Fatal("there is no counter")
	}
	key := bytes.Clone(c.Key())
	c.Close()
	if err := errors.Join(txn.Put(key, []byte("damaged counter")), txn.Commit(t.Context(), engine.Durable), db.Close()); err != nil {
		t.Fatal(err)
	}
}
