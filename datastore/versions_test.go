package datastore_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// fillUsers1 makes a store of ten users of the first version.
func fillUsers1(t *testing.T, eng engine.Engine) {
	t.Helper()
	tree, _, d := users1()
	s := openOne(t, eng, d)
	for id := uint64(1); id <= 10; id++ {
		u := user1Of(id)
		if err := tree.Put(t.Context(), s, &u); err != nil {
			t.Fatal(err)
		}
	}
	closeStore(t, s)
}

// schemaOf returns the newest schema version of the users in the catalog.
func schemaOf(t *testing.T, s *datastore.Store) uint32 {
	t.Helper()
	trees, err := s.Inspect().Trees(t.Context())
	i := slices.IndexFunc(trees, func(tree datastore.TreeInfo) bool { return tree.Name == "app.user" })
	if err != nil || i < 0 {
		t.Fatal(trees, err)
	}
	return trees[i].Schema
}

// Opening a store with a changed model commits nothing, and all can be read.
func TestOpenAddsNoVersion(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			eng := &enginetest.Failing{Engine: newEngine(t)}
			fillUsers1(t, eng)
			tree2, index2, d2 := users2()
			eng.EndAt(1)
			s := openOne(t, eng, d2)
			expectUsers(t, s, tree2, index2, 10, user2Of, func(u user2) string { return nameOf(u.Name) })
			checkClean(t, s)
			if schema := schemaOf(t, s); schema != 1 || eng.Ended() {
				t.Errorf("schema version %d, committed: %v", schema, eng.Ended())
			}
			for row, err := range s.Inspect().Rows(t.Context(), "app.user") {
				if err != nil || row.Err != nil || row.Schema != 1 {
					t.Errorf("%+v, %v", row, err)
				}
			}

			// The process ends, with the commit of closing. Both programs can open the store.
			_ = s.Close()
			if !eng.Ended() {
				t.Error("closing has committed nothing")
			}
			eng.EndAt(0)
			tree1, index1, d1 := users1()
			s = openOne(t, eng, d1)
			expectUsers(t, s, tree1, index1, 10, user1Of, func(u user1) string { return u.Name })
			closeStore(t, s)

			// If nothing ends it, closing adds the version.
			closeStore(t, openOne(t, eng, d2))
			if _, err := datastore.Open(t.Context(), eng, d1); !errors.Is(err, models.ErrDefinition) {
				t.Errorf("the old program: %v", err)
			}
			s = openOne(t, eng, d2)
			if schema := schemaOf(t, s); schema != 2 {
				t.Errorf("schema version %d", schema)
			}
			closeStore(t, s)
		})
	}
}

// Whatever writes first, the catalog has the version before a row has it.
func TestFirstWriteAddsVersion(t *testing.T) {
	tree2, index2, d2 := users2()
	changed := user2Of(3)
	changed.Note = "changed"
	put := func(ctx context.Context, w models.Writer) error { return tree2.Put(ctx, w, &changed) }
	raw := func(t *testing.T) (ds.Key, []byte) {
		value, err := models.DagCBOR[user2]().Append(nil, &changed)
		if err != nil {
			t.Fatal(err)
		}
		return ds.NewKey("/app.user/primary/" + tree2.PathText(3)), value
	}
	for name, write := range map[string]func(*testing.T, context.Context, *datastore.Store) error{
		"put": func(_ *testing.T, ctx context.Context, s *datastore.Store) error { return put(ctx, s) },
		"put until": func(_ *testing.T, ctx context.Context, s *datastore.Store) error {
			return tree2.PutUntil(ctx, s, &changed, time.Now().Add(time.Hour))
		},
		"modify": func(_ *testing.T, ctx context.Context, s *datastore.Store) error {
			return tree2.Modify(ctx, s, 3, func(u *user2) error { *u = changed; return nil })
		},
		"update": func(_ *testing.T, ctx context.Context, s *datastore.Store) error {
			return s.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error { return put(ctx, tx) })
		},
		"relaxed": func(_ *testing.T, ctx context.Context, s *datastore.Store) error {
			return s.UpdateRelaxed(ctx, func(ctx context.Context, tx *datastore.WriteTx) error { return put(ctx, tx) })
		},
		"import": func(_ *testing.T, ctx context.Context, s *datastore.Store) error {
			_, err := datastore.Import(ctx, s, tree2, func(yield func(user2, error) bool) { yield(changed, nil) })
			return err
		},
		"face": func(t *testing.T, ctx context.Context, s *datastore.Store) error {
			key, value := raw(t)
			return s.Datastore().Put(ctx, key, value)
		},
		"batch": func(t *testing.T, ctx context.Context, s *datastore.Store) error {
			key, value := raw(t)
			batch, err := s.Datastore().Batch(ctx)
			if err != nil {
				return err
			}
			return errors.Join(batch.Put(ctx, key, value), batch.Commit(ctx))
		},
		"transaction": func(t *testing.T, ctx context.Context, s *datastore.Store) error {
			key, value := raw(t)
			txn, err := s.Datastore().NewTransaction(ctx, false)
			if err != nil {
				return err
			}
			return errors.Join(txn.Put(ctx, key, value), txn.Commit(ctx))
		},
		"migrate": func(_ *testing.T, ctx context.Context, s *datastore.Store) error {
			if n, err := datastore.Migrate(ctx, s); n != 10 || err != nil {
				return errors.Join(errors.New("not all rows were migrated"), err)
			}
			return put(ctx, s)
		},
	} {
		t.Run(name, func(t *testing.T) {
			eng := &enginetest.Failing{Engine: memory.Engine()}
			fillUsers1(t, eng)
			s := openOne(t, eng, d2)
			if err := write(t, t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if schema := schemaOf(t, s); schema != 2 {
				t.Errorf("schema version %d", schema)
			}
			eng.EndAt(1) // closing writes nothing more
			closeStore(t, s)
			if eng.Ended() {
				t.Error("closing has committed")
			}
			eng.EndAt(0)
			_, _, d1 := users1()
			if _, err := datastore.Open(t.Context(), eng, d1); !errors.Is(err, models.ErrDefinition) {
				t.Errorf("the old program: %v", err)
			}
			s = openOne(t, eng, d2)
			expectUsers(t, s, tree2, index2, 10, func(id uint64) user2 {
				if id == 3 {
					return changed
				}
				return user2Of(id)
			}, func(u user2) string { return nameOf(u.Name) })
			closeStore(t, s)
		})
	}
}

// Whatever call fails while the first row of a version is written, the store is whole, and the row
// can be written again. After an end of the process either program opens the store, or the new one.
func TestFirstWriteFails(t *testing.T) {
	tree1, index1, d1 := users1()
	tree2, index2, d2 := users2()
	name2 := func(u user2) string { return nameOf(u.Name) }
	u := user2Of(11)
	for call := 1; ; call++ {
		eng := &enginetest.Failing{Engine: memory.Engine()}
		fillUsers1(t, eng)
		s := openOne(t, eng, d2)
		eng.FailAt(call)
		err := tree2.Put(t.Context(), s, &u)
		failed := eng.Failed()
		eng.FailAt(0)
		if failed == (err == nil) {
			t.Fatalf("call %d: %v", call, err)
		}
		if failed {
			expectUsers(t, s, tree2, index2, 10, user2Of, name2)
			if err := tree2.Put(t.Context(), s, &u); err != nil {
				t.Fatal(err)
			}
		}
		expectUsers(t, s, tree2, index2, 11, user2Of, name2)
		closeStore(t, s)
		s = openOne(t, eng, d2)
		expectUsers(t, s, tree2, index2, 11, user2Of, name2)
		closeStore(t, s)
		if !failed {
			break
		}
	}
	for commit := 1; commit <= 2; commit++ {
		eng := &enginetest.Failing{Engine: memory.Engine()}
		fillUsers1(t, eng)
		s := openOne(t, eng, d2)
		eng.EndAt(commit)
		if err := tree2.Put(t.Context(), s, &u); err == nil || !eng.Ended() {
			t.Fatalf("commit %d: %v", commit, err)
		}
		_ = s.Close()
		eng.EndAt(0)
		if commit == 1 {
			s = openOne(t, eng, d1)
			expectUsers(t, s, tree1, index1, 10, user1Of, func(u user1) string { return u.Name })
			closeStore(t, s)
		}
		s = openOne(t, eng, d2)
		expectUsers(t, s, tree2, index2, 10, user2Of, name2)
		closeStore(t, s)
	}
}

// Of writers that begin at once, one adds the version, and none fails.
func TestFirstWritesAtOnce(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			eng := newEngine(t)
			fillUsers1(t, eng)
			tree2, index2, d2 := users2()
			s := openOne(t, eng, d2)
			var wait sync.WaitGroup
			for id := uint64(6); id <= 20; id++ {
				wait.Go(func() {
					u := user2Of(id)
					if err := tree2.Put(t.Context(), s, &u); err != nil {
						t.Error(err)
					}
				})
			}
			// Verifying meanwhile takes no row for one of a newer version.
			for range 10 {
				if report, err := datastore.Verify(t.Context(), s); err != nil || !report.Clean() || report.Unknown > 0 {
					t.Errorf("%+v, %v", report, err)
				}
			}
			wait.Wait()
			expectUsers(t, s, tree2, index2, 20, user2Of, func(u user2) string { return nameOf(u.Name) })
			closeStore(t, s)
		})
	}
}

// A version that comes together with an index or a new tree is added with it.
func TestVersionWithIndex(t *testing.T) {
	eng := memory.Engine()
	fillUsers1(t, eng)
	tree2 := models.NewTree("user", models.Uint64, func(u *user2) uint64 { return u.ID })
	index2 := models.NewIndex(tree2, "name", models.String, func(u *user2) string { return nameOf(u.Name) })
	byNote := models.NewIndex(tree2, "note", models.String, func(u *user2) string { return u.Note })
	other := models.NewTree("other", models.Uint64, func(u *user1) uint64 { return u.ID })
	d2 := models.NewDefinition("app", tree2, other)
	s := openOne(t, eng, d2)
	if schema := schemaOf(t, s); schema != 2 {
		t.Errorf("schema version %d", schema)
	}
	expectUsers(t, s, tree2, index2, 10, user2Of, func(u user2) string { return nameOf(u.Name) })
	if n, err := byNote.Count(t.Context(), s, models.Only("")); err != nil || n != 10 {
		t.Errorf("%d rows in the new index, %v", n, err)
	}
	closeStore(t, s)
}

// A store that is opened to be read has its rows read as the new version, and stays as it is.
func TestReadOnlyAddsNoVersion(t *testing.T) {
	for name, at := range map[string]func(engine.Config) engine.Engine{
		"bolt":   func(c engine.Config) engine.Engine { return bolt.Options{Config: c}.Engine() },
		"badger": func(c engine.Config) engine.Engine { return badger.Options{Config: c}.Engine() },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fillUsers1(t, at(engine.Config{Path: dir}))
			tree2, index2, d2 := users2()
			s := openOne(t, at(engine.Config{Path: dir, ReadOnly: true}), d2)
			expectUsers(t, s, tree2, index2, 10, user2Of, func(u user2) string { return nameOf(u.Name) })
			closeStore(t, s)
			_, _, d1 := users1()
			closeStore(t, openOne(t, at(engine.Config{Path: dir}), d1))
		})
	}
}
