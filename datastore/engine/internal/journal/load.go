package journal

import (
	"context"
	"fmt"
	"runtime"

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
	missed := State{}           // whose values were not all there
	readLog := d.seq.Load() > 0 // otherwise there may be a checkpoint, which has most of what is in the log
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		at, most := d.seq.Load(), 0
		if readLog {
			most = int(w)
		}
		s, commits, err := d.options.Storage.Read(at, most)
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
			default:
				readLog = true
			}
			continue
		}
		if !readLog {
			readLog = true
			continue
		}
		d.note(ctx, s)
		if err := d.apply(ctx, commits); err != nil || len(commits) < int(w) {
			return err
		}
		w.next(commits)
	}
}

// apply applies commits to the rows in memory, all of them as a whole: each transaction copies the nodes that
// it changes.
func (d *DB) apply(ctx context.Context, commits []Commit) error {
	if len(commits) == 0 {
		return nil
	}
	txn, err := d.mem.Update(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	rows, seq, size, steps := txn.(loader), d.seq.Load(), int64(0), uint(0)
	for _, c := range commits {
		seq++
		if c.Seq != seq {
			return fmt.Errorf("%w: commit %d is missing from the log", engine.ErrCorrupt, seq)
		}
		err := parseBatch(c.Batch, func(c change) error {
			if steps++; steps%loadSteps == 0 {
				pause.Point()
			}
			if c.value == nil {
				return rows.Delete(c.key)
			}
			return rows.Near(c.key, c.value)
		})
		if err != nil {
			return fmt.Errorf("commit %d: %w", c.Seq, err)
		}
		size += int64(len(c.Batch))
	}
	if err := txn.Commit(ctx, engine.Relaxed); err != nil {
		return err
	}
	d.seq.Store(seq)
	d.logged.Add(size)
	return nil
}

// loader is what a transaction of the memory engine can do besides.
type loader interface {
	engine.WriteTxn
	// Clear deletes all rows.
	Clear()
	// Load is a Put that is faster where keys come in order.
	Load(key, value []byte) error
	// Near is a Put that is faster where the key is near the last one with the same first byte.
	Near(key, value []byte) error
}

// loadSteps is after how many rows that are loaded a browser may run.
const loadSteps = 1024

// atOnce is how many values of a checkpoint are read at once.
const atOnce = 4

// someValues are what Storage.Values returns.
type someValues struct {
	values [][]byte
	err    error
}

// fetch begins to read values of a checkpoint from a number on.
func (d *DB) fetch(s State, from uint64) <-chan someValues {
	fetched := make(chan someValues, 1)
	go func() {
		values, err := d.options.Storage.Values(s.Generation, from, int(min(s.Values-from, atOnce)))
		fetched <- someValues{values, err}
	}()
	runtime.Gosched() // in a browser no goroutine runs beside this one: have that one ask the browser
	return fetched
}

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
	var next <-chan someValues // which are read while those before them are loaded
	defer func() {
		if next != nil {
			<-next
		}
	}()
	for n < s.Values {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if next == nil {
			next = d.fetch(s, n)
		}
		fetched := <-next
		next = nil
		if fetched.err != nil {
			return false, fmt.Errorf("value %d of the checkpoint: %w", n, fetched.err)
		}
		if len(fetched.values) == 0 {
			return false, nil
		}
		if then := n + uint64(len(fetched.values)); then < s.Values {
			next = d.fetch(s, then)
		}
		for _, value := range fetched.values {
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
