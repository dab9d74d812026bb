package badger

import (
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/skl"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// DefaultMemTableMB is the size of a memtable if Options names none.
const DefaultMemTableMB = 16

// Options configure a Badger database. Path is required; the zero value of
// every other field is its default.
type Options struct {
	// Config has the settings of all file engines. With Compress, CacheMB
	// bounds the uncompressed blocks that are kept. Without Compress there is
	// nothing to keep: tables are read, mapped, through the page cache of the
	// operating system, which gives and takes memory as it sees fit.
	engine.Config

	// Compress makes Badger write compressed tables, with Snappy. Rows of many
	// fields then take about half the disk space, and reading them takes a
	// third to a half more time. It can be changed at any time; tables are kept
	// as they are until they are merged. Defaults to false.
	Compress bool

	// MemTableMB is the size, in MiB, of the table in memory that gathers
	// writes; up to four may be held at a time while they are written out. While
	// millions of rows are written, by Import, Migrate or a new index, these and the
	// tables that are made of them take up to twelve times as much. The most
	// that one transaction can hold is about a seventh of it. Processes
	// with many databases want 1 or 2. Defaults to DefaultMemTableMB; at most
	// 512.
	MemTableMB int

	// ReserveMB is the free disk space, in MiB, below which commits are refused
	// with engine.ErrNoSpace. Badger writes to mapped files, and the process ends
	// if the disk is full when it does. Compactions write before they can delete,
	// and fill the disk by themselves if the reserve is much smaller than the
	// default. Defaults to 16 times MemTableMB and 64 more. It is not checked on
	// systems other than Linux, macOS and FreeBSD.
	ReserveMB int

	// SkipVerify opens the database without reading through its tables, neither
	// first nor behind the open database. Opening is then as fast after a crash as
	// it is after Close, but damage is found only when it is read, if at all:
	// Badger passes over blocks that it cannot read as if they were empty, or ends
	// the process. Defaults to false.
	SkipVerify bool

	// Logger receives Badger's own messages. Defaults to nil: nothing is logged.
	Logger *slog.Logger
}

func (o Options) normalize() (Options, error) {
	var faults []error
	if o.MemTableMB < 0 || o.MemTableMB > 512 {
		faults = append(faults, fmt.Errorf("MemTableMB is %d: it must be 1 to 512", o.MemTableMB))
	}
	if o.ReserveMB < 0 || o.ReserveMB > math.MaxInt>>20 {
		faults = append(faults, fmt.Errorf("ReserveMB is %d: it must be 0 to %d", o.ReserveMB, math.MaxInt>>20))
	}
	var err error
	if o.Config, err = o.Config.Normalize(faults...); err != nil {
		return o, err
	}
	if o.MemTableMB == 0 {
		o.MemTableMB = DefaultMemTableMB
	}
	if o.ReserveMB == 0 {
		o.ReserveMB = 16*o.MemTableMB + 64
	}
	return o, nil
}

// badger returns Badger's own options.
func (o Options) badger() badger.Options {
	b := badger.DefaultOptions(o.Path)
	b.ReadOnly = o.ReadOnly
	b.SyncWrites = !o.NoFsync && !groupCommits
	b.BypassLockGuard = locksItself
	b.NumVersionsToKeep = 1
	b.MetricsEnabled = false
	b.Logger = watcher{logger{o.Logger}, o.Path, make(chan error), new(atomic.Bool)}

	b.MemTableSize = int64(o.MemTableMB) << 20
	b.NumMemtables = 2
	b.NumCompactors = 2 // the least there can be
	// Every read looks into every table on level 0, and every merge of these copies the
	// level beneath. With 4 of them a row costs three quarters of what it costs with 2 to
	// write, and no more to read.
	b.NumLevelZeroTables = 4
	b.NumLevelZeroTablesStall = 12

	// Small tables bound the memory of a compaction, which writes up to a dozen at a
	// time, and needs twice the size of each. They also have less than the 10 MiB of
	// deletions from which on Badger would rewrite a table of the last level by itself.
	b.BaseTableSize = 1 << 20

	// A block that is not compressed is read from the mapped file as it is. To
	// cache it would only cost time.
	b.Compression, b.BlockCacheSize = options.None, 0
	if o.Compress {
		b.Compression, b.BlockCacheSize = options.Snappy, int64(o.CacheMB)<<20
	}

	// The value log is never written: values at the threshold and above, which
	// would go there, have files of their own. It may then be as small as possible.
	b.ValueThreshold = min(1<<20, batchBytes(b.MemTableSize))
	b.ValueLogFileSize = 1 << 20
	return b
}

// Badger derives what a transaction can hold from the size of a memtable.
func batchBytes(memTable int64) int64 { return memTable * 15 / 100 }
func batchOps(memTable int64) int64   { return batchBytes(memTable) / int64(skl.MaxNodeSize) }

const (
	// opBytes is what Badger adds to every key and value when it measures a
	// transaction, txnBytes what it adds to the whole: a final entry.
	opBytes  = 12
	txnBytes = 64
)

// limits returns sizes that always fit, whether a transaction has few large rows or
// many small ones.
func (o Options) limits() engine.Limits {
	memTable := int64(o.MemTableMB) << 20
	ops := batchOps(memTable) - 2
	bytes := batchBytes(memTable) - ops*opBytes - txnBytes
	return engine.Limits{ValueBytes: maxValue, TxnBytes: bytes, TxnOps: int(ops)}
}

// inlineBytes returns the most bytes that a value may have in its row. Badger needs up to
// three times the size of a row to write it to a table, unless it fits into a block, and
// that in each of the tables that a compaction writes at a time. Smaller values could have
// files as well, but the engine keeps a few bytes in memory for each of them.
func (o Options) inlineBytes() int {
	return int(min(128<<10-1, o.limits().TxnBytes-2*engine.MaxKeySize-referenceBytes-int64(ownerBytes)))
}
