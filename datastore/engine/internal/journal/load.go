package journal

import (
	"context"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/pause"
)

// errMissing is a value that is not there.
var errMissing = fmt.Errorf("%w: a value of the checkpoint is missing", engine.ErrCorrupt)

// window says how many commits to read at once, so that memory is bounded and many small ones are fast.
type window int

const (
	firstWindow = 8
	maxWindow   = 4096
	windowBytes = 4 << 20
)

func (w *window) next(commits []Commit) {
	bytes := 0
	for _, c := range commits {
		bytes += len(c.Batch)
	}
	if bytes < windowBytes/2 {
		*w = min(2**w, maxWindow)
	} else if bytes > windowBytes {
		*w = max(*w/2, 1)
	}
}

// catchUp reads into memory what other programs have committed, or all that there is. It is called in turn,
// or before there are others.
func (d *DB) catchUp(ctx context.Context) error {
	w := window(firstWindow)
	missed := State{} // whose values were not all there
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		at := d.seq.Load()
		s, commits, err := d.options.Storage.Read(at, int(w))
		if err != nil {
			return err
		}
		if gap := len(commits) == 0 || commits[0].Seq != at+1; s.Seq > at && (gap || at == 0) {
			switch whole, err := d.load(ctx, s); {
			case err != nil:
				return err
			case !whole && s == missed:
				return errMissing
			case !whole:
				missed = s // unless another program has replaced the checkpoint meanwhile
			}
			continue
		}
		d.note(ctx, s)
		if err := d.apply(ctx, commits); err != nil || len(commits) < int(w) {
			return err
		}
		w.next(commits)
	}
}

// apply applies commits to the rows in memory, each as a whole.
func (d *DB) apply(ctx context.Context, commits []Commit) error {
	for _, c := range commits {
		if next := d.seq.Load() + 1; c.Seq != next {
			return fmt.Errorf("%w: commit %d is missing from the log", engine.ErrCorrupt, next)
		}
		if err := d.applyOne(ctx, c.Batch); err != nil {
			return fmt.Errorf("commit %d: %w", c.Seq, err)
		}
		d.seq.Store(c.Seq)
		d.logged.Add(int64(len(c.Batch)))
		pause.Point()
	}
	return nil
}

func (d *DB) applyOne(ctx context.Context, batch []byte) error {
	txn, err := d.mem.Update(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	err = parseBatch(batch, func(c change) error {
		if c.value == nil {
			return txn.Delete(c.key)
		}
		return txn.Put(c.key, c.value)
	})
	if err != nil {
		return err
	}
	return txn.Commit(ctx, engine.Relaxed)
}

// loader is what a transaction of the memory engine can do besides.
type loader interface {
	engine.WriteTxn
	// Clear deletes all rows.
	Clear()
	// Load is a Put that keeps key and value rather than copies of them. It is faster where keys come in order.
	Load(key, value []byte) error
}

// atOnce is how many values of a checkpoint are read at once.
const atOnce = 4

// load replaces the rows in memory by those of a checkpoint. It reports false if values are not there.
func (d *DB) load(ctx context.Context, s State) (whole bool, err error) {
	txn, err := d.mem.Update(ctx)
	if err != nil {
		return false, err
	}
	defer txn.Discard()
	rows := txn.(loader)
	rows.Clear()
	size, n := int64(0), uint64(0)
	for n < s.Values {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		values, err := d.options.Storage.Values(s.Generation, n, int(min(s.Values-n, atOnce)))
		if err != nil {
			return false, fmt.Errorf("value %d of the checkpoint: %w", n, err)
		}
		if len(values) == 0 {
			return false, nil
		}
		for _, value := range values {
			err := parseBatch(value, func(c change) error { return rows.Load(c.key, c.value) })
			if err != nil {
				return false, fmt.Errorf("value %d of the checkpoint: %w", n, err)
			}
			n++
			size += int64(len(value))
			pause.Point()
		}
	}
	if err := txn.Commit(ctx, engine.Relaxed); err != nil {
		return false, err
	}
	d.seq.Store(s.Seq)
	d.generation.Store(s.Generation)
	d.logged.Store(0)
	d.stored.Store(size)
	return true, nil
}

// note reports whether another program has written the checkpoint that counts. The log is short then.
func (d *DB) note(ctx context.Context, s State) bool {
	if d.generation.Swap(s.Generation) == s.Generation {
		return false
	}
	d.logged.Store(0)
	if size, err := d.mem.Size(ctx); err == nil {
		d.stored.Store(size)
	}
	return true
}
