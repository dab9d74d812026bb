package record_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/record"
)

// syncCounter is an engine that counts how often it is made durable, and can be
// told to fail to.
type syncCounter struct {
	engine.Engine
	syncs   atomic.Int32
	durable atomic.Int32
	fails   atomic.Bool
}

func (e *syncCounter) Open(ctx context.Context) (engine.DB, error) {
	db, err := e.Engine.Open(ctx)
	return &syncCounterDB{db, e}, err
}

type syncCounterDB struct {
	engine.DB
	engine *syncCounter
}

var errDisk = errors.New("disk failure")

func (db *syncCounterDB) Sync(ctx context.Context) error {
	db.engine.syncs.Add(1)
	if db.engine.fails.Load() {
		return errDisk
	}
	return db.DB.Sync(ctx)
}

func (db *syncCounterDB) Update(ctx context.Context) (engine.WriteTxn, error) {
	txn, err := db.DB.Update(ctx)
	return &syncCounterTxn{txn, db.engine}, err
}

type syncCounterTxn struct {
	engine.WriteTxn
	engine *syncCounter
}

func (t *syncCounterTxn) Commit(ctx context.Context, d engine.Durability) error {
	if d == engine.Durable {
		t.engine.durable.Add(1)
	}
	return t.WriteTxn.Commit(ctx, d)
}

// Records of other peers are not made durable one by one, but together, an interval
// after the first. Without writes nothing happens.
func TestSyncInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		eng := &syncCounter{Engine: memory.Engine()}
		records, _ := openRecords(t, eng, record.Options{SyncInterval: time.Minute})
		expect := func(when string, syncs int32) {
			t.Helper()
			synctest.Wait()
			if got := eng.syncs.Load(); got != syncs {
				t.Errorf("%s: %d syncs, want %d", when, got, syncs)
			}
		}
		time.Sleep(time.Hour)
		expect("while nothing is written", 0)

		durable := eng.durable.Load()
		userKey, user := userRecord(t, User{ID: 1})
		for range 3 {
			mustPut(t, records, userKey, user)
			mustPut(t, records, providerKey("key", "peer"), providerTime(monday))
			mustPut(t, records, dsKey("pk", "/pk/a"), nil)
			time.Sleep(10 * time.Second)
		}
		expect("within the interval", 0)
		if got := eng.durable.Load(); got != durable {
			t.Errorf("%d of these commits were durable", got-durable)
		}
		time.Sleep(time.Minute)
		expect("after the interval", 1)
		time.Sleep(time.Hour)
		expect("and no more", 1)

		mustPut(t, records, ds.NewKey("/other"), nil)
		if got := eng.durable.Load(); got != durable+1 {
			t.Errorf("%d commits of other data were durable, want 1", got-durable)
		}

		eng.fails.Store(true)
		mustPut(t, records, userKey, user)
		time.Sleep(5*time.Minute + time.Second)
		expect("while syncs fail they are tried again", 6)
		if err := records.Sync(t.Context(), ds.NewKey("/")); !errors.Is(err, errDisk) {
			t.Errorf("Sync: %v", err)
		}
		eng.fails.Store(false)
		time.Sleep(time.Hour)
		expect("once they do not fail any more", 8)
	})
}

func TestCloseSyncs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		eng := &syncCounter{Engine: memory.Engine()}
		records, _ := openRecords(t, eng, record.Options{SyncInterval: -1})
		mustPut(t, records, providerKey("key", "peer"), nil)
		time.Sleep(time.Hour)
		if got := eng.syncs.Load(); got != 0 {
			t.Errorf("%d syncs with a negative interval", got)
		}
		eng.fails.Store(true)
		if err := records.Close(); !errors.Is(err, errDisk) {
			t.Errorf("Close: %v", err)
		}
		if got := eng.syncs.Load(); got != 1 {
			t.Errorf("%d syncs at Close, want 1", got)
		}
		eng.fails.Store(false)
	})
}
