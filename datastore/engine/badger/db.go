package badger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger/internal/values"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/disk"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/gate"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/writes"
)

type db struct {
	options Options
	limits  engine.Limits
	gate    *gate.Gate
	lock    *os.File
	badger  *badger.DB
	opened  time.Time
	volume  volume
	room    room
	tables  sums // those there were on opening

	// unverified is nil once all tables have been read through.
	unverified atomic.Pointer[unverified]

	snapshots snapshots

	// Values of more than inlineBytes have files of their own, in values.
	inlineBytes int
	values      *values.Dir
	large       *large
	horizon     *horizon
	settling    sync.Mutex // held while files are removed

	// group makes commits durable; it is nil where Badger does or nobody is to.
	group      *group
	closeGroup func() error

	compacting chan struct{} // holds one while a compaction is under way
	// flushed is what volume had begun when the memtables were last written to tables,
	// as far as compactions know. It belongs to the one under way.
	flushed int64

	// failures has each failure to write out a memtable, while Close receives.
	failures <-chan error

	// failed is the error of a commit that has left Badger unable to write, or of a
	// damaged table.
	failed atomic.Pointer[error]
}

func (d *db) View(ctx context.Context) (engine.ReadTxn, error) {
	t := &readTxn{db: d}
	if err := t.Renew(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

func (d *db) Update(ctx context.Context) (engine.WriteTxn, error) {
	if err := d.gate.Enter(ctx); err != nil {
		return nil, err
	}
	t := &writeTxn{readTxn: readTxn{db: d}}
	err := d.writable()
	if err == nil {
		err = t.begin()
	}
	if err != nil {
		d.gate.Leave()
		return nil, err
	}
	t.Begin(ctx)
	t.writes = new(writes.Set)
	return t, nil
}

func (d *db) writable() error {
	if d.options.ReadOnly {
		return engine.ErrReadOnly
	}
	if failed := d.failed.Load(); failed != nil {
		return fmt.Errorf("badger: %s: writes are refused: %w", d.options.Path, *failed)
	}
	return nil
}

func (d *db) Sync(ctx context.Context) error {
	if err := d.gate.Enter(ctx); err != nil {
		return err
	}
	defer d.gate.Leave()
	return d.sync()
}

// sync makes what has been committed durable.
func (d *db) sync() error {
	if d.group == nil {
		return nil
	}
	if err := d.group.wait(); err != nil {
		return d.fail(fmt.Errorf("badger: sync %s: %w", d.options.Path, err))
	}
	return nil
}

// fail has all later writes refused.
func (d *db) fail(err error) error {
	d.failed.CompareAndSwap(nil, &err)
	return err
}

// Size counts what the files take on disk. The logs of memtables are long files
// with little in them.
func (d *db) Size(ctx context.Context) (int64, error) {
	if err := d.gate.Enter(ctx); err != nil {
		return 0, err
	}
	defer d.gate.Leave()
	var size int64
	err := eachFile(d.options.Path, func(_ string, info fs.FileInfo) error {
		size += disk.Used(info)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("badger: size: %w", err)
	}
	return size + d.values.Size(), nil
}

// Compact writes memtables to tables and merges all levels into one, and removes the files
// of values that were replaced. Badger cannot be stopped at merging: when the context ends
// Compact returns and the merge goes on.
func (d *db) Compact(ctx context.Context) error {
	if err := d.gate.Enter(ctx); err != nil {
		return err
	}
	if err := d.startCompacting(ctx); err != nil {
		d.gate.Leave()
		return err
	}
	merged := make(chan error, 1)
	go func() {
		defer d.gate.Leave()
		defer func() { <-d.compacting }()
		merged <- d.compact(ctx)
	}()
	select {
	case err := <-merged:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *db) startCompacting(ctx context.Context) error {
	if err := d.writable(); err != nil {
		return err
	}
	if err := d.waitVerified(ctx); err != nil {
		return err
	}
	select {
	case d.compacting <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.gate.Closing():
		return engine.ErrClosed
	}
}

// compact has all that was committed before in tables when these are merged. Where that
// takes more space than there is, it merges those that are there.
func (d *db) compact(ctx context.Context) error {
	d.snapshots.begin() // so that nothing is kept for a reader that is not there
	defer d.snapshots.end()
	err := d.sweep()
	if err == nil {
		err = d.merge(ctx)
	}
	// Deletions outlast the rows if these were the last ones in a level below.
	if err == nil && d.staleBytes() > staleMost {
		err = d.merge(ctx)
	}
	if errors.Is(err, engine.ErrNoSpace) {
		err = d.flatten()
	}
	if err != nil {
		return fmt.Errorf("badger: compact %s: %w", d.options.Path, err)
	}
	return nil
}

// staleMost is how much of deletions may be left for the next compaction.
const staleMost = 1 << 20

func (d *db) merge(ctx context.Context) error {
	if d.isSmall() {
		return nil
	}
	if err := d.flushMemtables(ctx); err != nil {
		return err
	}
	if err := d.fillLevelZero(ctx); err != nil {
		return err
	}
	return d.flatten()
}

func (d *db) flatten() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	return translate(d.badger.Flatten(1))
}

func (d *db) Limits() engine.Limits { return d.limits }

// closeAttempts is how often Badger may fail to write its last memtable before Close
// returns. There is a second between two attempts.
const closeAttempts = 3

// Close returns an error, and leaves the database locked, if the data in memory
// cannot be written to the disk. Badger goes on trying, and committed data is
// recovered from its log after the process has ended.
func (d *db) Close() error {
	if !d.gate.Close() {
		return nil
	}
	closed := make(chan error, 1)
	go func() { closed <- d.close() }()
	var err error
	for range closeAttempts {
		select {
		case err := <-closed:
			return err
		case err = <-d.failures:
		}
	}
	return fmt.Errorf("badger: close %s: %w", d.options.Path, translate(err))
}

func (d *db) close() error {
	d.stopVerifying()
	var err error
	if d.writable() == nil {
		err = d.settle()
	}
	err = errors.Join(err, d.closeBadger())
	if err == nil && !d.options.ReadOnly {
		err = mendManifest(d.options.Path, !d.options.NoFsync)
	}
	if err == nil && !d.options.ReadOnly {
		err = writeMark(d.options.Path, d.tables, !d.options.NoFsync)
	}
	if d.group != nil {
		err = errors.Join(err, d.closeGroup())
	}
	if err = errors.Join(err, d.lock.Close()); err != nil {
		return fmt.Errorf("badger: close %s: %w", d.options.Path, err)
	}
	return nil
}

func (d *db) closeBadger() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	d.snapshots.drop()
	return translate(d.badger.Close())
}
