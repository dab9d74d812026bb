//go:build js

package indexeddb

import (
	"context"
	"encoding/binary"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// writeTxn is a transaction of the rows in memory that keeps its changes for the log.
type writeTxn struct {
	engine.WriteTxn
	db    *db
	batch []byte
	ended bool
}

// room returns an error if the batch has no room for a change of some bytes.
func (t *writeTxn) room(bytes int) error {
	const lengths = 2 * binary.MaxVarintLen64
	if size := len(t.batch) + bytes + lengths; size > maxBatch {
		return &engine.TooLargeError{What: "transaction", Size: int64(size), Limit: maxBatch, Unit: "bytes"}
	}
	return nil
}

func (t *writeTxn) Put(key, value []byte) error {
	if t.ended {
		return engine.ErrTxnDone
	}
	if len(value) > maxValue {
		return &engine.TooLargeError{What: "value", Size: int64(len(value)), Limit: maxValue, Unit: "bytes"}
	}
	if err := t.room(len(key) + len(value)); err != nil {
		return err
	}
	if err := t.WriteTxn.Put(key, value); err != nil {
		return err
	}
	t.batch = appendPut(t.batch, key, value)
	return nil
}

func (t *writeTxn) Delete(key []byte) error {
	if t.ended {
		return engine.ErrTxnDone
	}
	if err := t.room(len(key)); err != nil {
		return err
	}
	if err := t.WriteTxn.Delete(key); err != nil {
		return err
	}
	t.batch = appendDelete(t.batch, key)
	return nil
}

// Scan implements engine.Scanner.
func (t *writeTxn) Scan(r engine.Range, most int, p *engine.Page) (more bool, err error) {
	return t.WriteTxn.(engine.Scanner).Scan(r, most, p)
}

func (t *writeTxn) Commit(ctx context.Context, how engine.Durability) error {
	if t.ended {
		return engine.ErrTxnDone
	}
	defer t.Discard()
	if err := ctx.Err(); err != nil || len(t.batch) == 0 {
		return err
	}
	d := t.db
	if d.lost.Load() {
		return engine.ErrClosed
	}
	durability := "strict"
	if how == engine.Relaxed || d.options.NoFsync {
		durability = "relaxed"
	}
	batch := seal(t.batch)
	if err := d.idb.log(d.seq+1, batch, durability); err != nil {
		return err
	}
	d.seq++
	d.relaxed = durability == "relaxed"
	d.logged += int64(len(batch))
	d.size.Add(int64(len(batch)))
	if err := t.WriteTxn.Commit(context.WithoutCancel(ctx), how); err != nil {
		return err
	}
	d.channel.send(false)
	if d.logged > max(int64(d.options.CheckpointMB)<<20, d.size.Load()-d.logged) {
		_ = d.checkpoint(ctx) // the commit is there; the next one tries again
	}
	return nil
}

func (t *writeTxn) Discard() {
	if t.ended {
		return
	}
	t.ended = true
	t.WriteTxn.Discard()
	t.db.giveWay()
	t.db.gate.LeaveWriter()
}
