package datastore_test

import (
	"context"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// countingEngine tells what an import asks of an engine, and refuses what its
// limits do.
type countingEngine struct {
	engine.Engine
	// told is what the engine says its transactions take, maxOps what they do
	// take, if that is not 0.
	told   engine.Limits
	maxOps atomic.Int64

	relaxed, durable, syncs, gets atomic.Int64
	// onSync and onCommit, if set, are called before the engine's own.
	onSync, onCommit func() error
}

func (e *countingEngine) Open(ctx context.Context) (engine.DB, error) {
	db, err := e.Engine.Open(ctx)
	if err != nil {
		return nil, err
	}
	return &countingDB{db, e}, nil
}

type countingDB struct {
	engine.DB
	engine *countingEngine
}

func (d *countingDB) Limits() engine.Limits { return d.engine.told }

func (d *countingDB) Sync(ctx context.Context) error {
	d.engine.syncs.Add(1)
	if d.engine.onSync != nil {
		if err := d.engine.onSync(); err != nil {
			return err
		}
	}
	return d.DB.Sync(ctx)
}

func (d *countingDB) Update(ctx context.Context) (engine.WriteTxn, error) {
	txn, err := d.DB.Update(ctx)
	if err != nil {
		return nil, err
	}
	return &countingTxn{WriteTxn: txn, engine: d.engine}, nil
}

type countingTxn struct {
	engine.WriteTxn
	engine *countingEngine
	ops    int
}

func (t *countingTxn) count() error {
	if limit := int(t.engine.maxOps.Load()); limit > 0 && t.ops == limit {
		return &engine.TooLargeError{What: "transaction", Size: int64(limit) + 1, Limit: int64(limit), Unit: "ops"}
	}
	t.ops++
	return nil
}

func (t *countingTxn) Get(key []byte) ([]byte, error) {
	t.engine.gets.Add(1)
	return t.WriteTxn.Get(key)
}

func (t *countingTxn) Put(key, value []byte) error {
	if err := t.count(); err != nil {
		return err
	}
	return t.WriteTxn.Put(key, value)
}

func (t *countingTxn) Delete(key []byte) error {
	if err := t.count(); err != nil {
		return err
	}
	return t.WriteTxn.Delete(key)
}

func (t *countingTxn) Commit(ctx context.Context, d engine.Durability) error {
	if d == engine.Relaxed {
		t.engine.relaxed.Add(1)
	} else {
		t.engine.durable.Add(1)
	}
	if t.engine.onCommit != nil {
		if err := t.engine.onCommit(); err != nil {
			t.Discard()
			return err
		}
	}
	return t.WriteTxn.Commit(ctx, d)
}
