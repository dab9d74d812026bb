package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cockroachdb/pebble/v2"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Limits of one transaction. Pebble takes batches of up to 4 GiB and holds them in memory; a
// program should not hold more than this at a time.
const (
	maxValue = 32 << 20
	maxTxn   = 64 << 20
)

type db struct {
	path     string
	readOnly bool
	sync     *pebble.WriteOptions // of durable commits
	door     *door
	pebble   *pebble.DB
	lock     *pebble.Lock // held here, or nil if Pebble holds it
}

func (d *db) View(ctx context.Context) (engine.ReadTxn, error) {
	if err := d.door.enter(ctx); err != nil {
		return nil, err
	}
	snapshot := d.pebble.NewSnapshot()
	return &readTxn{
		ctx: ctx, source: snapshot,
		end: func() error { defer d.door.leave(); return snapshot.Close() },
	}, nil
}

func (d *db) Update(ctx context.Context) (engine.WriteTxn, error) {
	if d.readOnly {
		if err := d.door.enter(ctx); err != nil {
			return nil, err
		}
		d.door.leave()
		return nil, engine.ErrReadOnly
	}
	if err := d.door.enterWriter(ctx); err != nil {
		return nil, err
	}
	// Nobody else writes until this transaction has ended, so the database itself is its
	// snapshot.
	batch := d.pebble.NewIndexedBatch()
	return &writeTxn{
		readTxn: readTxn{
			ctx: ctx, source: batch,
			end: func() error { defer d.door.leaveWriter(); return batch.Close() },
		},
		batch: batch, sync: d.sync,
	}, nil
}

// Sync writes an empty record to the log and waits for it. Then everything before it in the log
// is on the disk too.
func (d *db) Sync(ctx context.Context) error {
	if err := d.door.enter(ctx); err != nil {
		return err
	}
	defer d.door.leave()
	if d.readOnly || !d.sync.Sync {
		return nil
	}
	if err := d.pebble.LogData(nil, d.sync); err != nil {
		return fmt.Errorf("pebble: sync %s: %w", d.path, typed(err))
	}
	return nil
}

// Size adds up the files. There are few.
func (d *db) Size(ctx context.Context) (int64, error) {
	if err := d.door.enter(ctx); err != nil {
		return 0, err
	}
	defer d.door.leave()
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return 0, fmt.Errorf("pebble: size: %w", err)
	}
	size := int64(0)
	for _, entry := range entries {
		info, err := entry.Info()
		switch {
		case err == nil:
			size += info.Size()
		case !errors.Is(err, fs.ErrNotExist): // a compaction deletes files
			return 0, fmt.Errorf("pebble: size: %w", err)
		}
	}
	return size, nil
}

// lastKey is beyond all keys that a compaction has to cover.
var lastKey = bytes.Repeat([]byte{0xFF}, 64)

// Compact ends early if ctx ends or the database is closed.
func (d *db) Compact(ctx context.Context) error {
	if err := d.door.enter(ctx); err != nil {
		return err
	}
	defer d.door.leave()
	if d.readOnly {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-d.door.closing:
			cancel(engine.ErrClosed)
		case <-ctx.Done():
		}
	}()
	err := d.pebble.Compact(ctx, nil, lastKey, false)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	cancel(nil)
	<-watched
	if err != nil {
		return fmt.Errorf("pebble: compact %s: %w", d.path, typed(err))
	}
	return nil
}

func (d *db) Limits() engine.Limits {
	return engine.Limits{ValueBytes: maxValue, TxnBytes: maxTxn}
}

// Close writes out the data that is only in the log. So no data is lost if the log is
// lost afterwards, which Pebble would not notice.
func (d *db) Close() error {
	if !d.door.close() {
		return nil
	}
	var err error
	if !d.readOnly {
		err = d.pebble.Flush()
	}
	err = errors.Join(err, d.pebble.Close())
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	if err != nil {
		return fmt.Errorf("pebble: close %s: %w", d.path, typed(err))
	}
	return nil
}
