package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// drain goes through a sequence and returns its error.
func drain[T any](items iter.Seq2[T, error]) error {
	for _, err := range items {
		if err != nil {
			return err
		}
	}
	return nil
}

// operations are all that a program does with a store, by name. Those of which the
// name begins with "in steps" commit more than once, and may have done a part; those
// that are "dropping errors" may commit what has not failed, as a whole.
func operations(ctx context.Context) map[string]func(*datastore.Store) error {
	other, more := somebody(100), somebody(3)
	more.Name, more.Tags = "another name", []string{"x", "y"}
	all := models.Range[uint64]{}
	key := ds.NewKey("/other/data")
	get := func(s *datastore.Store, name string) error {
		return drain(byName.Find(ctx, s, name))
	}
	in := func(fn func(context.Context, *datastore.WriteTx) error) func(*datastore.Store) error {
		return func(s *datastore.Store) error { return s.Update(ctx, fn) }
	}
	return map[string]func(*datastore.Store) error{
		"put":         func(s *datastore.Store) error { return people.Put(ctx, s, &more) },
		"insert":      func(s *datastore.Store) error { return people.Insert(ctx, s, &other) },
		"update":      func(s *datastore.Store) error { return people.Replace(ctx, s, &more) },
		"delete":      func(s *datastore.Store) error { return people.Delete(ctx, s, 3) },
		"delete many": func(s *datastore.Store) error { return people.DeleteMany(ctx, s, []uint64{1, 3, 200}) },
		"put many":    func(s *datastore.Store) error { return people.PutMany(ctx, s, []person{other, more}) },
		"modify": func(s *datastore.Store) error {
			return people.Modify(ctx, s, 3, func(p *person) error { p.Email = "new"; return nil })
		},
		"upsert": func(s *datastore.Store) error {
			return people.Upsert(ctx, s, 3, func(*person, bool) (bool, error) { return false, nil })
		},
		"transaction": in(func(ctx context.Context, tx *datastore.WriteTx) error {
			if err := drain(people.Range(ctx, tx, all)); err != nil {
				return err
			}
			return errors.Join(people.Delete(ctx, tx, 2), people.Put(ctx, tx, &other))
		}),
		"dropping errors: transaction": in(func(ctx context.Context, tx *datastore.WriteTx) error {
			_ = people.Delete(ctx, tx, 2)
			_ = people.Put(ctx, tx, &other)
			return nil
		}),
		"expiry": func(s *datastore.Store) error { return people.SetExpiry(ctx, s, 3, time.Now().Add(time.Hour)) },
		"get":    func(s *datastore.Store) error { _, err := people.Get(ctx, s, 3); return err },
		"get many": func(s *datastore.Store) error {
			_, err := people.GetMany(ctx, s, []uint64{3, 4, 200})
			return err
		},
		"has":   func(s *datastore.Store) error { _, err := people.Has(ctx, s, 3); return err },
		"count": func(s *datastore.Store) error { _, err := people.Count(ctx, s, all); return err },
		"first": func(s *datastore.Store) error { _, err := people.First(ctx, s, all); return err },
		"last":  func(s *datastore.Store) error { _, err := people.Last(ctx, s, all); return err },
		"range": func(s *datastore.Store) error { return drain(people.Range(ctx, s, all.Reverse())) },
		"find":  func(s *datastore.Store) error { return get(s, somebody(3).Name) },
		"put by path": func(s *datastore.Store) error {
			return s.Datastore().Put(ctx, key, []byte("new"))
		},
		"put with TTL": func(s *datastore.Store) error { return s.Datastore().PutWithTTL(ctx, key, []byte("new"), time.Hour) },
		"query by path": func(s *datastore.Store) error {
			found, err := s.Datastore().Query(ctx, dsq.Query{})
			if err != nil {
				return err
			}
			_, err = found.Rest()
			return err
		},
		"delete by path": func(s *datastore.Store) error { return s.Datastore().Delete(ctx, key) },
		"batch": func(s *datastore.Store) error {
			batch, err := s.Datastore().Batch(ctx)
			if err != nil {
				return err
			}
			return errors.Join(batch.Put(ctx, key, nil), batch.Delete(ctx, ds.NewKey("/empty")), batch.Commit(ctx))
		},
		"go-datastore's transaction": func(s *datastore.Store) error {
			txn, err := s.Datastore().NewTransaction(ctx, false)
			if err != nil {
				return err
			}
			defer txn.Discard(ctx)
			if _, err := txn.Get(ctx, key); err != nil {
				return err
			}
			if err := errors.Join(txn.Put(ctx, key, nil), txn.Delete(ctx, ds.NewKey("/empty"))); err != nil {
				return err
			}
			return txn.Commit(ctx)
		},
		"put until": func(s *datastore.Store) error {
			return people.PutUntil(ctx, s, &more, time.Now().Add(time.Hour))
		},
		"expire":  func(s *datastore.Store) error { _, err := s.Expire(ctx); return err },
		"expires": func(s *datastore.Store) error { _, err := people.Expiry(ctx, s, 3); return err },
		"page":    func(s *datastore.Store) error { _, _, err := people.Page(ctx, s, all, ""); return err },
		"keys":    func(s *datastore.Store) error { return drain(people.Keys(ctx, s, all)) },
		"is empty": func(s *datastore.Store) error {
			_, err := people.IsEmpty(ctx, s)
			return err
		},
		"view": func(s *datastore.Store) error {
			return people.Borrow(ctx, s, 3, func(models.BorrowedRow) error { return nil })
		},
		"view range": func(s *datastore.Store) error {
			return people.BorrowRange(ctx, s, all, func(models.BorrowedRow) error { return nil })
		},
		"unique get": func(s *datastore.Store) error { _, err := byEmail.Get(ctx, s, somebody(3).Email); return err },
		"unique key": func(s *datastore.Store) error { _, err := byEmail.Key(ctx, s, somebody(3).Email); return err },
		"unique get many": func(s *datastore.Store) error {
			_, err := byEmail.GetMany(ctx, s, []string{somebody(3).Email, "none"})
			return err
		},
		"find many":   func(s *datastore.Store) error { _, err := byTag.FindMany(ctx, s, []string{"all", "none"}); return err },
		"index count": func(s *datastore.Store) error { _, err := byTag.Count(ctx, s, models.Only("all")); return err },
		"index keys":  func(s *datastore.Store) error { return drain(byCityAge.Keys(ctx, s, models.Range[cityAge]{})) },
		"get by path": func(s *datastore.Store) error { _, err := s.Datastore().Get(ctx, key); return err },
		"has by path": func(s *datastore.Store) error { _, err := s.Datastore().Has(ctx, key); return err },
		"size by path": func(s *datastore.Store) error {
			_, err := s.Datastore().GetSize(ctx, key)
			return err
		},
		"set TTL":        func(s *datastore.Store) error { return s.Datastore().SetTTL(ctx, key, time.Hour) },
		"get expiration": func(s *datastore.Store) error { _, err := s.Datastore().GetExpiration(ctx, key); return err },
		"check":          func(s *datastore.Store) error { return s.Datastore().Check(ctx) },
		"scrub":          func(s *datastore.Store) error { return s.Datastore().Scrub(ctx) },
		"disk usage":     func(s *datastore.Store) error { _, err := s.Datastore().DiskUsage(ctx); return err },
		"in steps: collect garbage": func(s *datastore.Store) error {
			return s.Datastore().CollectGarbage(ctx)
		},
		"compact": func(s *datastore.Store) error { return s.Compact(ctx) },
		"size":    func(s *datastore.Store) error { _, err := s.Size(ctx); return err },
		"inspect trees": func(s *datastore.Store) error {
			trees, err := s.Inspect().Trees(ctx)
			for _, tree := range trees {
				err = errors.Join(err, tree.Err)
			}
			return err
		},
		"inspect counts": func(s *datastore.Store) error { _, err := s.Inspect().Count(ctx, people.Name()); return err },
		"sync":           func(s *datastore.Store) error { return s.Sync(ctx) },
		"verify":         func(s *datastore.Store) error { _, err := datastore.Verify(ctx, s); return err },
		"repair":         func(s *datastore.Store) error { _, err := datastore.Repair(ctx, s); return err },
		"backup":         func(s *datastore.Store) error { _, err := s.Backup(ctx, io.Discard); return err },
		"inspect": func(s *datastore.Store) error {
			return drain(s.Inspect().Rows(ctx, people.Name()))
		},
		"in steps: clear": func(s *datastore.Store) error { return people.Clear(ctx, s) },
		"in steps: import": func(s *datastore.Store) error {
			rows := func(yield func(person, error) bool) {
				for i := range uint64(20) {
					if !yield(somebody(200+i), nil) {
						return
					}
				}
			}
			_, err := datastore.Import(ctx, s, people, rows, datastore.ImportOptions{})
			return err
		},
	}
}

// Whichever call of the engine fails, the operation that made it says so, has done
// nothing or, in steps, a part, leaves no transaction open, and the store is whole.
func TestFailingEngine(t *testing.T) {
	if testing.Short() {
		t.Skip("it has nothing for the race detector, and takes long there")
	}
	ctx := t.Context()
	for name, operation := range operations(ctx) {
		t.Run(name, func(t *testing.T) {
			steps, drops := strings.HasPrefix(name, "in steps"), strings.HasPrefix(name, "dropping")
			for call := 1; ; call++ {
				eng := &enginetest.Failing{Engine: memory.Engine()}
				h := &harness{t: t, engine: eng, definitions: []*models.Definition{town}}
				h.open()
				fillTown(t, h.Store, 8)
				before := backup(t, h.Store)
				eng.FailAt(call)
				err := operation(h.Store)
				failed := eng.Failed()
				eng.FailAt(0)
				if failed && !drops && !errors.Is(err, enginetest.ErrInjected) || !failed && err != nil {
					t.Fatalf("call %d: %v", call, err)
				}
				if n := eng.Transactions(); n != 0 {
					t.Fatalf("call %d: %d transactions are open", call, n)
				}
				if failed && err != nil && !steps && !bytes.Equal(backup(t, h.Store), before) {
					t.Fatalf("call %d: something has changed", call)
				}
				h.close() // which verifies
				if !failed {
					if call == 1 {
						t.Error("it never failed")
					}
					return
				}
			}
		})
	}
}

// Opening a store, with new trees and indexes too, and restoring one fail as a
// whole, and succeed afterwards.
func TestFailingOpen(t *testing.T) {
	ctx := t.Context()
	stream := smallBackup(t)
	for name, attempt := range map[string]func(*enginetest.Failing) error{
		"open": func(eng *enginetest.Failing) error {
			s, err := datastore.Open(ctx, eng, town)
			if err != nil {
				return err
			}
			return s.Close()
		},
		"restore": func(eng *enginetest.Failing) error {
			_, err := datastore.Restore(ctx, eng, bytes.NewReader(stream))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for call := 1; ; call++ {
				eng := &enginetest.Failing{Engine: memory.Engine()}
				eng.FailAt(call)
				err := attempt(eng)
				failed := eng.Failed()
				eng.FailAt(0)
				if failed && !errors.Is(err, enginetest.ErrInjected) || !failed && err != nil {
					t.Fatalf("call %d: %v", call, err)
				}
				if n := eng.Transactions(); n != 0 {
					t.Fatalf("call %d: %d transactions are open", call, n)
				}
				if !failed {
					return
				}
				if name == "restore" {
					s, err := datastore.Open(ctx, eng, town)
					if err == nil {
						err = errors.Join(expectPeople(ctx, s, 0), s.Close())
					}
					if err != nil && !errors.Is(err, datastore.ErrNotStore) {
						t.Fatalf("call %d: what is left opens with %v", call, err)
					}
				} else if err := attempt(eng); err != nil {
					t.Fatalf("call %d: afterwards: %v", call, err)
				}
			}
		})
	}
}

func expectPeople(ctx context.Context, s *datastore.Store, want int) error {
	n, err := people.Count(ctx, s, models.Range[uint64]{})
	if err == nil && n != want {
		err = fmt.Errorf("there are %d people, want %d", n, want)
	}
	return err
}
