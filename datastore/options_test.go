package datastore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestOpenProgress checks that filling a new index tells how far it has come, and
// that an open with nothing to fill tells nothing.
func TestOpenProgress(t *testing.T) {
	const rows = 2500
	eng := memory.Engine()
	open := func(o datastore.OpenOptions, indexed bool) *datastore.Store {
		t.Helper()
		tree := models.NewTree("account", models.Uint64, accountKey)
		if indexed {
			models.NewIndex(tree, "name", models.String, func(a *account) string { return a.Name })
		}
		store, err := datastore.Open(t.Context(), eng, models.NewDefinition("bank", tree), o)
		if err != nil {
			t.Fatal(err)
		}
		if !indexed {
			accounts := make([]account, rows)
			for i := range accounts {
				accounts[i] = account{ID: uint64(i)}
			}
			if err := tree.PutMany(t.Context(), store, accounts); err != nil {
				t.Fatal(err)
			}
		}
		return store
	}
	var told []datastore.OpenProgress
	o := datastore.OpenOptions{Progress: func(p datastore.OpenProgress) { told = append(told, p) }}
	for _, indexed := range []bool{false, true, true} {
		store := open(o, indexed)
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if !indexed && len(told) != 0 {
			t.Errorf("nothing was filled, and told was %+v", told)
		}
	}
	last := int64(0)
	for _, p := range told {
		if p.Tree != "bank.account" || p.Index != "name" || p.Rows < last {
			t.Errorf("%+v after %d rows", p, last)
		}
		last = p.Rows
	}
	if len(told) < 2 || last != rows {
		t.Errorf("%d reports, the last of %d rows", len(told), last)
	}
}

// commits is an engine that notes how durable each commit of a write has to be.
type commits struct {
	engine.Engine
	mu   sync.Mutex
	seen []engine.Durability
}

func (c *commits) Open(ctx context.Context) (engine.DB, error) {
	db, err := c.Engine.Open(ctx)
	return commitsDB{db, c}, err
}

func (c *commits) take() []engine.Durability {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.seen = nil
	return seen
}

type commitsDB struct {
	engine.DB
	to *commits
}

func (db commitsDB) Update(ctx context.Context) (engine.WriteTxn, error) {
	txn, err := db.DB.Update(ctx)
	return commitsTxn{txn, db.to}, err
}

type commitsTxn struct {
	engine.WriteTxn
	to *commits
}

func (t commitsTxn) Commit(ctx context.Context, d engine.Durability) error {
	t.to.mu.Lock()
	t.to.seen = append(t.to.seen, d)
	t.to.mu.Unlock()
	return t.WriteTxn.Commit(ctx, d)
}

// TestRelaxed writes in every way there is, and looks at how durable the commits are.
func TestRelaxed(t *testing.T) {
	for _, tc := range []struct {
		name    string
		options []datastore.OpenOption
		want    engine.Durability
	}{
		{"by default", nil, engine.Durable},
		{"relaxed", []datastore.OpenOption{datastore.OpenOptions{Relaxed: true}, datastore.OpenOptions{}}, engine.Relaxed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx := t.Context()
			eng := &commits{Engine: memory.Engine()}
			tree := models.NewTree("account", models.Uint64, accountKey)
			face, err := datastore.OpenDatastore(ctx, eng, append(tc.options, models.NewDefinition("bank", tree))...)
			if err != nil {
				t.Fatal(err)
			}
			defer face.Close()
			key, value := ds.NewKey("/plain"), []byte("value")
			for name, write := range map[string]func() error{
				"tree": func() error { return tree.Put(ctx, face.Store(), &account{ID: 1}) },
				"update": func() error {
					return face.Store().Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
						return tree.Put(ctx, tx, &account{ID: 2})
					})
				},
				"face":   func() error { return face.Put(ctx, key, value) },
				"ttl":    func() error { return face.PutWithTTL(ctx, key, value, time.Hour) },
				"delete": func() error { return face.Delete(ctx, key) },
				"batch": func() error {
					b, err := face.Batch(ctx)
					if err != nil {
						return err
					}
					return errors.Join(b.Put(ctx, key, value), b.Commit(ctx))
				},
				"transaction": func() error {
					txn, err := face.NewTransaction(ctx, false)
					if err != nil {
						return err
					}
					return errors.Join(txn.Put(ctx, key, value), txn.Commit(ctx))
				},
			} {
				eng.take()
				if err := write(); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if got := eng.take(); len(got) != 1 || got[0] != tc.want {
					t.Errorf("%s commits with %v, want one %v", name, got, tc.want)
				}
			}
		})
	}
}
