package badger

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Badger has no call that writes a memtable to a table. Until it is full it holds the
// deletions that a compaction is to act on. So it is filled up, with deletions of a few
// keys that cannot be there, again and again: the compaction that follows drops all but
// the last, and these go when they reach the last level. Commits go on meanwhile.

const (
	// fillerPrefix begins keys that only fill a memtable.
	fillerPrefix = hiddenPrefix + "f"
	// fillerBytes is the size of such a key. No key of a user has as many.
	fillerBytes = engine.MaxKeySize + 1
	// lastLevelKey is a key that stays in the last level.
	lastLevelKey = hiddenPrefix + "l"
	// fillerKeys is how many there are: the smallest memtable takes as many in one
	// transaction. No more than these are left in the next memtable.
	fillerKeys = 4
	// fillerSize is what volume counts for the transaction.
	fillerSize = fillerKeys*(fillerBytes+entryBytes) + endBytes

	// flushPoll is how often to look whether tables have been written.
	flushPoll = 5 * time.Millisecond
)

// isSmall reports whether all tables and the memtable have less than a quarter of what a
// memtable holds. To fill one up, and write it out, would take more than there is to free.
func (d *db) isSmall() bool {
	size := d.volume.begun.Load() - d.flushed
	for _, info := range d.badger.Tables() {
		size += int64(info.OnDiskSize)
	}
	return size < int64(d.options.MemTableMB)<<18
}

// flushMemtables writes what has been committed to tables.
func (d *db) flushMemtables(ctx context.Context) error {
	begun := d.volume.begun.Load()
	stale, err := d.meetStale()
	if err != nil {
		return err
	}
	logs, err := d.logs()
	if err != nil || len(logs) == 0 {
		return err
	}
	newest := logs[len(logs)-1]
	if begun == d.flushed && !stale {
		logs = logs[:len(logs)-1] // nothing is in the newest
	} else {
		filled, err := d.fillMemtable(ctx, newest)
		if err != nil {
			return err
		}
		d.flushed = begun + filled
	}
	// A compaction drops what was replaced or deleted before the newest snapshot that
	// has been taken and left.
	if _, err := d.find(func(*badger.Txn) ([]owner, error) { return nil, nil }); err != nil {
		return err
	}
	return d.awaitTables(ctx, logs)
}

// fillLevelZero has Flatten merge what is on level 0. It does nothing while there are
// tables on no other level, unless there are more of these than Badger aims at. So it adds
// some, once: from then on the last level has a row.
func (d *db) fillLevelZero(ctx context.Context) error {
	for {
		tables := d.badger.Tables()
		beyond := slices.ContainsFunc(tables, func(info badger.TableInfo) bool { return info.Level > 0 })
		if beyond || len(tables) == 0 || len(tables) > d.badger.Opts().NumLevelZeroTables {
			return nil
		}
		logs, err := d.logs()
		if err != nil || len(logs) == 0 {
			return err
		}
		filled, err := d.fillMemtable(ctx, logs[len(logs)-1])
		if err != nil {
			return err
		}
		d.flushed += filled
		if err := d.awaitTables(ctx, logs); err != nil {
			return err
		}
	}
}

// meetStale has the next compaction rewrite the tables of the last level that still have
// what a reader kept the one before from dropping: it takes those that have keys between
// the first and the last of level 0. It reports whether there are such tables.
func (d *db) meetStale() (stale bool, err error) {
	b := &batch{db: d}
	defer b.discard()
	for _, info := range d.badger.Tables() {
		// Badger's keys end with a version.
		if left := info.Left[:len(info.Left)-8]; info.StaleDataSize > 0 && len(left) < fillerBytes {
			stale = true
			if err := b.delete(fill(bytes.Clone(left))); err != nil {
				return true, err
			}
		}
	}
	return stale, b.flush()
}

// fillMemtable fills the memtable of a log until there is a next one. It returns what it
// has added to the volume.
func (d *db) fillMemtable(ctx context.Context, log string) (filled int64, err error) {
	next := filepath.Join(d.options.Path, nextLog(log))
	b := &batch{db: d}
	defer b.discard()
	if err := b.set([]byte(lastLevelKey), nil); err != nil {
		return 0, err
	}
	filled = int64(len(lastLevelKey)) + entryBytes
	for filled < 2*int64(d.options.MemTableMB)<<20 {
		if err := ctx.Err(); err != nil {
			return filled, err
		}
		for i := range fillerKeys {
			if err := b.delete(fill(append([]byte(fillerPrefix), byte(i)))); err != nil {
				return filled, err
			}
		}
		if err := b.flush(); err != nil {
			return filled, err
		}
		filled += fillerSize
		if _, err := os.Stat(next); !errors.Is(err, fs.ErrNotExist) {
			return filled, err
		}
	}
	return filled, nil // others have filled the next one as well, and it is gone
}

// staleBytes returns about how much the tables have of deletions that the compactions
// so far had to keep.
func (d *db) staleBytes() (n int64) {
	for _, info := range d.badger.Tables() {
		n += int64(info.StaleDataSize)
	}
	return n
}

func fill(key []byte) []byte { return append(key, make([]byte, fillerBytes-len(key))...) }

// awaitTables returns when logs are gone: Badger deletes one when its memtable is in a
// table.
func (d *db) awaitTables(ctx context.Context, logs []string) error {
	poll := time.NewTicker(flushPoll)
	defer poll.Stop()
	for len(logs) > 0 {
		_, err := os.Stat(filepath.Join(d.options.Path, logs[0]))
		if errors.Is(err, fs.ErrNotExist) {
			logs = logs[1:]
			continue
		}
		if err != nil {
			return err
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-d.gate.Closing():
			return engine.ErrClosed
		}
	}
	return nil
}
