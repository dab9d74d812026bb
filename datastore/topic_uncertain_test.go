package datastore_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
)

var errUncertain = errors.New("the disk has failed")

// uncertainEngine makes a commit and says that it has failed: the one that brings left to zero. It refuses those
// that follow.
type uncertainEngine struct {
	engine.Engine
	left *atomic.Int64
}

func (e uncertainEngine) Open(ctx context.Context) (engine.DB, error) {
	db, err := e.Engine.Open(ctx)
	return uncertainDB{db, e}, err
}

type uncertainDB struct {
	engine.DB
	engine uncertainEngine
}

func (d uncertainDB) Update(ctx context.Context) (engine.WriteTxn, error) {
	txn, err := d.DB.Update(ctx)
	return uncertainTxn{txn, d.engine}, err
}

type uncertainTxn struct {
	engine.WriteTxn
	engine uncertainEngine
}

func (t uncertainTxn) Commit(ctx context.Context, d engine.Durability) error {
	switch left := t.engine.left.Add(-1); {
	case left < 0:
		t.Discard()
		return errUncertain
	case left == 0:
		return errors.Join(t.WriteTxn.Commit(ctx, d), errUncertain)
	}
	return t.WriteTxn.Commit(ctx, d)
}

// A commit that is there although it has failed changes the topics that are read from then on, in the same
// process and in the next one, whether it is one of rows or files those before it.
func TestTopicsAfterAnUncertainCommit(t *testing.T) {
	board, posts, _ := postBoard()
	for last := range int64(8) {
		t.Run(strconv.FormatInt(last, 10), func(t *testing.T) {
			ctx := t.Context()
			eng := uncertainEngine{memory.Engine(), new(atomic.Int64)}
			eng.left.Store(1 << 40)
			store, err := datastore.Open(ctx, eng, board)
			if err != nil {
				t.Fatal(err)
			}
			check := func() {
				t.Helper()
				rows := postsIn(ctx, t, store, posts)
				if err := compareTopics(ctx, store, posts, rows, rand.New(rand.NewPCG(1, 1))); err != nil {
					t.Error(err)
				}
			}
			put := func(from uint64) error {
				return store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
					for id := from; id < from+250; id++ { // of 300 changes and more some are filed
						p := postOf(id, id)
						if err := posts.Put(ctx, tx, &p); err != nil {
							return err
						}
					}
					return nil
				})
			}
			if err := put(0); err != nil {
				t.Fatal(err)
			}
			check()
			eng.left.Store(1 + last)
			for from := uint64(200); err == nil; from += 200 {
				err = put(from)
			}
			if !errors.Is(err, errUncertain) {
				t.Fatalf("the commit that fails: %v", err)
			}
			check()
			if err := store.Close(); err != nil && !errors.Is(err, errUncertain) {
				t.Fatal(err)
			}
			eng.left.Store(1 << 40)
			if store, err = datastore.Open(ctx, eng, board); err != nil {
				t.Fatal(err)
			}
			check()
			if err := put(100); err != nil {
				t.Fatal(err)
			}
			check()
			h := &harness{t: t, Store: store}
			h.close()
		})
	}
}
