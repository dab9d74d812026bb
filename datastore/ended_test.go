package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/modeltest"
	"github.com/newsnet-africa/netabase-go/models"
)

// longRows is more than one transaction of what goes in steps, importedRows of an
// import with the smallest window.
const (
	longRows     = 1200
	importedRows = 4000
)

// long is an operation in several transactions.
type long struct {
	prepare, operate func(context.Context, engine.Engine) error
	// check examines what the next process finds.
	check func(context.Context, engine.Engine) error
}

// withStore calls fn with a store that it opens and closes.
func withStore(ctx context.Context, eng engine.Engine, o datastore.OpenOption, fn func(*datastore.Store) error) error {
	s, err := datastore.Open(ctx, eng, o)
	if err != nil {
		return err
	}
	return errors.Join(fn(s), s.Close())
}

// isClean verifies a store and compares its people, who are all somebody.
func isClean(ctx context.Context, s *datastore.Store) error {
	report, err := datastore.Verify(ctx, s)
	if err != nil || !report.Clean() {
		return fmt.Errorf("%+v, %w", report, err)
	}
	want := inTown.NewOracle()
	for p, err := range people.All(ctx, s) {
		if err != nil {
			return err
		}
		if want.Rows[p.ID] = p; !modeltest.Same(p, somebody(p.ID)) {
			return fmt.Errorf("row %v was never put", p)
		}
	}
	return want.Compare(ctx, s)
}

func longOperations() map[string]long {
	var group *models.Index[item, uint64, uint64]
	bare, without := items("shop", nil)
	dropping := datastore.OpenOptions{
		Definitions: []*models.Definition{without}, DropIndexes: []string{"shop.item/group"},
	}
	_, with := items("shop", func(tree *models.Tree[item, uint64]) {
		group = models.NewIndex(tree, "group", models.Uint64, itemGroup)
	})
	putItems := func(ctx context.Context, eng engine.Engine) error {
		return withStore(ctx, eng, without, func(s *datastore.Store) error {
			all := make([]item, longRows)
			for i := range uint64(longRows) {
				all[i] = item{i, i % 10}
			}
			return bare.PutMany(ctx, s, all)
		})
	}
	openWith := func(o datastore.OpenOption, fn func(context.Context, *datastore.Store) error) func(context.Context, engine.Engine) error {
		return func(ctx context.Context, eng engine.Engine) error {
			return withStore(ctx, eng, o, func(s *datastore.Store) error { return fn(ctx, s) })
		}
	}
	nothing := func(context.Context, *datastore.Store) error { return nil }
	importRows := func(ctx context.Context, s *datastore.Store) error {
		_, err := datastore.Import(ctx, s, people, func(yield func(person, error) bool) {
			for i := range uint64(importedRows) {
				if !yield(somebody(i), nil) {
					return
				}
			}
		}, datastore.ImportOptions{WindowMB: 1})
		return err
	}
	return map[string]long{
		"a new index": {putItems, openWith(with, nothing), openWith(with, func(ctx context.Context, s *datastore.Store) error {
			report, err := datastore.Verify(ctx, s)
			n, countErr := group.Count(ctx, s, models.Only(uint64(3)))
			if err := errors.Join(err, countErr); err != nil || !report.Clean() || report.Entries != longRows || n != longRows/10 {
				return fmt.Errorf("%+v, %d rows of group 3, %w", report, n, err)
			}
			return nil
		})},
		"an index dropped": {
			func(ctx context.Context, eng engine.Engine) error {
				return errors.Join(putItems(ctx, eng), openWith(with, nothing)(ctx, eng))
			},
			openWith(dropping, nothing),
			openWith(dropping, func(ctx context.Context, s *datastore.Store) error {
				report, err := datastore.Verify(ctx, s)
				if err != nil || !report.Clean() || report.Rows != longRows || report.Entries != 0 {
					return fmt.Errorf("%+v, %w", report, err)
				}
				return nil
			}),
		},
		"import": {openWith(town, nothing), openWith(town, importRows), openWith(town, isClean)},
		"clear": {
			openWith(town, putLong),
			openWith(town, func(ctx context.Context, s *datastore.Store) error { return people.Clear(ctx, s) }),
			openWith(town, isClean),
		},
		"restore": {
			func(context.Context, engine.Engine) error { return nil },
			restoreLong,
			func(ctx context.Context, eng engine.Engine) error {
				err := openWith(town, func(ctx context.Context, s *datastore.Store) error {
					if n, err := people.Count(ctx, s, models.Range[uint64]{}); err != nil || n == 0 { // the database was empty yet
						return err
					}
					return errors.Join(isClean(ctx, s), expectPeople(ctx, s, longRows))
				})(ctx, eng)
				if errors.Is(err, datastore.ErrNotStore) {
					return nil
				}
				return err
			},
		},
		"repair": {damageLong, openWith(town, func(ctx context.Context, s *datastore.Store) error {
			_, err := datastore.Repair(ctx, s)
			return err
		}), openWith(town, func(ctx context.Context, s *datastore.Store) error {
			report, err := datastore.Repair(ctx, s)
			if err != nil || report.Left() != 0 {
				return fmt.Errorf("%+v, %w", report, err)
			}
			return errors.Join(isClean(ctx, s), expectPeople(ctx, s, longRows-longRows/100))
		})},
	}
}

// putLong puts the people in one transaction.
func putLong(ctx context.Context, s *datastore.Store) error {
	all := make([]person, longRows)
	for i := range all {
		all[i] = somebody(uint64(i))
	}
	return people.PutMany(ctx, s, all)
}

// restoreLong restores a backup of more than a transaction takes.
func restoreLong(ctx context.Context, eng engine.Engine) error {
	var stream bytes.Buffer
	err := withStore(ctx, memory.Engine(), town, func(s *datastore.Store) error {
		if err := putLong(ctx, s); err != nil {
			return err
		}
		large := make([]byte, 1<<20)
		for i := range 9 {
			if err := s.Datastore().Put(ctx, ds.NewKey(fmt.Sprint("/large/", i)), large); err != nil {
				return err
			}
		}
		_, err := s.Backup(ctx, &stream)
		return err
	})
	if err != nil {
		return err
	}
	_, err = datastore.Restore(ctx, eng, &stream)
	return err
}

// damageLong writes a store and damages every hundredth row, and the entries of
// others.
func damageLong(ctx context.Context, eng engine.Engine) error {
	err := withStore(ctx, eng, town, func(s *datastore.Store) error { return putLong(ctx, s) })
	if err != nil {
		return err
	}
	db, err := eng.Open(ctx)
	if err != nil {
		return err
	}
	txn, err := db.Update(ctx)
	if err != nil {
		return err
	}
	rows, entries := 0, 0
	c := txn.Cursor(engine.Range{Lower: []byte{16}}) // behind what is the store's own
	var changes []pair
	for c.Next() {
		stored, err := c.Value()
		if err != nil {
			return err
		}
		changed := pair{key: bytes.Clone(c.Key())}
		if len(c.Key()) == 9 { // a row
			if rows++; rows%100 == 0 {
				changed.value = bytes.Clone(stored)
				changed.value[20] ^= 4
				changes = append(changes, changed)
			}
		} else if entries++; entries%3 == 0 {
			changes = append(changes, changed) // deleted
		}
	}
	c.Close()
	for _, change := range changes {
		if change.value == nil {
			err = txn.Delete(change.key)
		} else {
			err = txn.Put(change.key, change.value)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(txn.Commit(ctx, engine.Durable), db.Close())
}

// Wherever the process ends in an operation of several transactions, the next one
// finds a store, or none; with the work done that has been begun, and every index
// true.
func TestProcessEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes its time")
	}
	ctx := t.Context()
	for name, operation := range longOperations() {
		t.Run(name, func(t *testing.T) {
			for commit := 1; ; commit++ {
				eng := &enginetest.Failing{Engine: memory.Engine()}
				if err := operation.prepare(ctx, eng); err != nil {
					t.Fatal(err)
				}
				eng.EndAt(commit)
				err := operation.operate(ctx, eng)
				ended := eng.Ended()
				eng.EndAt(0)
				if ended != errors.Is(err, enginetest.ErrInjected) || !ended && err != nil {
					t.Fatalf("ended at commit %d: %v", commit, err)
				}
				if err := operation.check(ctx, eng); err != nil {
					t.Fatalf("after the end at commit %d: %v", commit, err)
				}
				if !ended {
					if commit < 3 {
						t.Errorf("it has %d commits, and proves nothing", commit-1)
					}
					return
				}
			}
		})
	}
}
