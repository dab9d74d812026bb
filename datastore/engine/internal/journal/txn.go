package journal

import (
	"context"
	"encoding/binary"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// writeTxn is a transaction of the rows in memory that keeps its changes for the log.
type writeTxn struct {
	engine.WriteTxn
	reads readTxn
	db    *DB
	batch []byte
	bytes int
	ended bool
}

// room returns an error if the transaction has no room for a change of some bytes.
func (t *writeTxn) room(bytes int) error {
	const lengths = 2 * binary.MaxVarintLen32
	if size := t.bytes + bytes; size > maxBytes || len(t.batch)+bytes+lengths > maxBatch {
		return &engine.TooLargeError{What: "transaction", Size: int64(size), Limit: maxTxn, Unit: "bytes"}
	}
	return nil
}

func (t *writeTxn) Get(key []byte) ([]byte, error) { return t.reads.Get(key) }

func (t *writeTxn) Cursor(r engine.Range) engine.Cursor { return t.reads.Cursor(r) }

// Scan implements engine.Scanner.
func (t *writeTxn) Scan(r engine.Range, most int, p *engine.Page) (more bool, err error) {
	return t.reads.Scan(r, most, p)
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
	t.changed(len(key) + len(value))
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
	t.changed(len(key))
	return nil
}

func (t *writeTxn) changed(bytes int) {
	t.bytes += bytes
	t.reads.step()
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
	if d.taken.Load() != nil {
		return d.why(engine.ErrClosed)
	}
	durable := how == engine.Durable && !d.options.NoFsync
	c := Commit{Seq: d.seq.Load() + 1, Batch: seal(t.batch)}
	if err := d.options.Storage.Append(c, durable); err != nil {
		d.unlock() // and read what there is before the next commit
		return err
	}
	d.seq.Store(c.Seq)
	d.relaxed = !durable
	d.logged.Add(int64(len(c.Batch)))
	if err := t.WriteTxn.Commit(context.WithoutCancel(ctx), how); err != nil {
		return err
	}
	if d.options.Others != nil {
		d.options.Others.Committed()
	}
	d.checkpointSoon()
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
