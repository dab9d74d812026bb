// Package badger is an engine on Badger: a log-structured merge tree in a
// directory. It suits many writes and many records, and many writers at once.
//
//	eng := badger.Engine("./my_db")
//	eng := badger.Options{Config: engine.Config{Path: "./my_db"}, MemTableMB: 2}.Engine()
//
// # Durability
//
// Writes go to a memtable and its log, which outlives the process. On Linux a
// Durable commit then waits for a sync of the log. All commits that wait at the
// time share one sync, so that many writers at once cost hardly more syncs than
// one. On other systems Badger syncs once for every commit, Relaxed ones too. A
// power loss takes the newest Relaxed commits, with one exception: when a memtable
// has just filled up, its last commits may be lost although commits to the next one
// are kept.
//
// # Caveats
//
// Transactions are optimistic and of limited size: see Options.MemTableMB;
// Limits tells the exact size. Keys that begin with "!badger!" or "!badger/" are
// reserved, see ErrReservedKey. A value of 128 KiB or more has a file of its own, and
// counts for few bytes in the size of a transaction. A commit, even a Relaxed one, waits
// until these files are synced. The files of values that were replaced or deleted are
// removed by Compact, by Close, and when there are 1,024 of them or they have 256 MiB, once
// no transaction can see them.
//
// A transaction begins when the commits before it are in the memtable. Usually that
// is at once. If so much is written that compaction falls behind, writes wait for
// it, and so do transactions that begin meanwhile.
//
// Damaged tables are refused with engine.ErrCorrupt, unless Options.SkipVerify is set.
// A database that was not closed is read through on opening. One that was closed is open
// at once, and read through behind that: until it is done, a read begins with reading
// the tables that it may come to, a cursor those of all keys that begin as both its bounds
// do. Compact, and commits once they come to half a memtable, wait until it is done. If a
// table is damaged, only reads that may come to it are refused, and all writes.
//
// A database that was not closed cannot be opened for reading only: recovering it takes
// a write. Compact may go on after its context has ended, and Close waits for it.
//
// Badger checks its assumptions by ending the process. This package checks before
// Badger does where it can. Two causes remain: a disk that fails or fills up while
// Badger writes to mapped files, and another program that damages a table meanwhile.
package badger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger/internal/values"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/disk"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/file"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/gate"
)

// Engine returns the database in the directory path, with default options. It
// is not open yet.
func Engine(path string) engine.Engine {
	return Options{Config: engine.Config{Path: path}}.Engine()
}

// Engine returns the database that o describes, not open yet. Options are
// checked on opening.
func (o Options) Engine() engine.Engine {
	return file.Engine{Kind: kind, Path: o.Path, OpenDB: o.open}
}

const kind = "badger"

// open does not wait for a database that is in use.
func (o Options) open(ctx context.Context) (_ engine.DB, err error) {
	options, err := o.normalize()
	if err != nil {
		return nil, err
	}
	there, err := exists(options.Path)
	switch {
	case there, errors.Is(err, engine.ErrCorrupt) && options.Truncate == engine.DestroyExistingData:
	case err != nil:
		return nil, err
	default:
		if err := engine.NoOther(options.Path, kind); err != nil {
			return nil, err
		}
		if options.MustExist || options.ReadOnly {
			return nil, engine.ErrMissing
		}
		if err := disk.MakeDir(options.Path, !options.NoFsync); err != nil {
			return nil, err
		}
	}
	d := &db{
		options: options, limits: options.limits(), gate: gate.New(), opened: time.Now(),
		compacting:  make(chan struct{}, 1),
		inlineBytes: options.inlineBytes(), large: newLarge(),
	}
	d.values = values.In(options.Path, !options.NoFsync)
	d.horizon = &horizon{dir: d.values}
	d.snapshots.horizon = d.horizon
	d.room.at.Store(-int64(roomHolds)) // not asked yet
	if d.lock, err = lockDir(options.Path, options.ReadOnly); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			d.lock.Close()
		}
	}()
	if options.Truncate == engine.DestroyExistingData {
		if err := removeAll(options.Path); err != nil {
			return nil, err
		}
	}
	if options.ReadOnly {
		if err := needsNoRecovery(options.Path); err != nil {
			return nil, err
		}
	} else {
		if err := mendManifest(options.Path, !options.NoFsync); err != nil {
			return nil, err
		}
	}
	own := options.badger()
	var later bool
	if d.tables, later, err = verify(ctx, options.Path, !options.SkipVerify); err != nil {
		return nil, err
	}
	closed, err := readMark(options.Path)
	if err != nil {
		return nil, err
	}
	compactors := own.NumCompactors
	if later {
		own.NumCompactors = 0
	}
	if !options.ReadOnly {
		if err := unmark(options.Path, !options.NoFsync); err != nil {
			return nil, err
		}
		if err := recoverLogs(own); err != nil {
			return nil, err
		}
	}
	watch := own.Logger.(watcher)
	d.failures = watch.failed
	if d.badger, err = openBadger(own); err != nil {
		return nil, err
	}
	if !options.NoFsync && !options.ReadOnly {
		if d.group, d.closeGroup, err = openGroup(options.Path, own.MemTableSize, &d.volume); err != nil {
			return nil, errors.Join(err, d.badger.Close())
		}
	}
	if later {
		d.verifyLater(func() error {
			if options.ReadOnly {
				return nil
			}
			return startCompactors(d.badger, compactors, watch)
		})
	}
	if err := d.openLarge(closed != nil || options.ReadOnly); err != nil {
		d.stopVerifying()
		err = fmt.Errorf("badger: %s: large values: %w", options.Path, errors.Join(err, d.closeBadger()))
		if d.group != nil {
			err = errors.Join(err, d.closeGroup())
		}
		return nil, err
	}
	return d, nil
}

func openBadger(own badger.Options) (b *badger.DB, err error) {
	defer damage.Recover(damage.Guard(), &err)
	b, err = badger.Open(own)
	if err != nil && kindOf(err) == nil {
		err = fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
	}
	return b, translate(err)
}
