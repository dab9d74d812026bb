// Package bolt is an engine on bbolt: one file, a B+ tree in it, reads straight
// from the mapped file. It suits a database that is read much more than it is
// written, and small ones.
//
//	eng := bolt.Engine("./my_db")
//	eng := bolt.Options{Config: engine.Config{Path: "./my_db", NoFsync: true}}.Engine()
//
// # Caveats
//
// There is one writer at a time, and every commit that wrote something costs two
// syncs of the disk. Relaxed commits are as durable as Durable ones: to leave the
// syncs out would put the whole file at risk. The file does not shrink: Compact does
// nothing, and later commits use the pages that deletions free. Size is the pages in
// use. To make the file small, back the store up, and restore the backup.
//
// While a read transaction is open, later commits cannot use the pages that it may read,
// nor those that have been added to the file since it began: the file grows by what is
// written. Once it has ended they can use all of them. See Options.MapMB as well.
//
// Commits leave the list of free pages out of the file, and Close writes it. After a
// process has ended without it, the next opening goes over all pages to find those that
// are free, and to check them: a damaged file is refused with engine.ErrCorrupt. A commit
// that fails, on a full disk for example, goes over all pages as well.
//
// A file that was closed is opened at once, and a goroutine goes over its pages. Until it
// has done so reads check the pages that they come to, and return engine.ErrCorrupt where
// one is damaged; commits wait for it, about half a second for each gigabyte that is in
// memory, and all are refused with engine.ErrCorrupt if it finds damage anywhere. Close
// ends it.
//
// A file that is opened to be read only may have keys out of order or free pages that are
// not free, so that its rows can be saved. Flipped bits within a value are not found: bbolt
// has no checksums. A disk that fails to deliver a page of the mapped file, or another
// program that shortens it, can end the process while it reads a borrowed value.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/disk"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/file"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/gate"
)

// FileName is the name of the file in the directory that Path names.
const FileName = "netabase.bolt"

// bucket holds all rows.
var bucket = []byte("netabase")

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

const kind = "bolt"

// open does not wait for a database that is in use.
func (o Options) open(ctx context.Context) (engine.DB, error) {
	options, err := o.normalize()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(options.Path, FileName)
	info, err := os.Stat(path)
	switch {
	case err == nil:
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	default:
		if err := engine.NoOther(options.Path, kind); err != nil {
			return nil, err
		}
		if options.MustExist || options.ReadOnly {
			return nil, engine.ErrMissing
		}
		return create(ctx, path, options)
	}
	d, err := openExisting(ctx, path, info.Size(), options)
	if err == nil && options.Truncate != engine.DestroyExistingData {
		d.verifyLater()
		return d, nil
	}
	if options.Truncate != engine.DestroyExistingData || err != nil && !errors.Is(err, engine.ErrCorrupt) {
		return nil, err
	}
	// Nobody else has the file, whether or not it can be read. It goes while
	// it is locked, so that a program that comes in between finds no file.
	removed := os.Remove(path)
	if err == nil {
		if err := d.bolt.Close(); err != nil {
			return nil, err
		}
	}
	if removed != nil { // Windows keeps files that are open
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	return create(ctx, path, options)
}

// openExisting opens a file that is there. A database is never an empty file: it is
// made under another name.
func openExisting(ctx context.Context, path string, size int64, options Options) (*db, error) {
	if size == 0 {
		return nil, fmt.Errorf("%w: the file %s is empty", engine.ErrCorrupt, FileName)
	}
	checked, err := verify(ctx, path, options)
	if err != nil {
		return nil, err
	}
	return openFile(path, size, options, false, checked)
}

func create(ctx context.Context, path string, options Options) (engine.DB, error) {
	dir := filepath.Dir(path)
	if err := disk.MakeDir(dir, !options.NoFsync); err != nil {
		return nil, err
	}
	// The file is made under another name: one of which the making was cut off
	// would be taken for a damaged database.
	making := path + ".new"
	d, err := openFile(making, 0, options, true, 0)
	if errors.Is(err, engine.ErrCorrupt) { // that of an earlier attempt
		if err := os.Remove(making); err != nil {
			return nil, err
		}
		d, err = openFile(making, 0, options, true, 0)
	}
	if err != nil {
		return nil, err
	}
	d.writeClosed()
	if err := errors.Join(d.release(), os.Rename(making, path)); err != nil {
		return nil, err
	}
	if !options.NoFsync {
		if err := disk.SyncDir(dir); err != nil {
			return nil, err
		}
	}
	if d, err = openFile(path, 0, options, false, 0); err != nil {
		return nil, err
	}
	d.verifyLater()
	return d, nil
}

// openFile opens the file at path, of the given size, which it makes a database if
// making is set. Pages are still to be verified unless checked is the number of the last
// commit. It returns engine.ErrLocked or ErrCorrupt, or an error of the operating system.
func openFile(path string, size int64, options Options, making bool, checked uint64) (*db, error) {
	d := &db{path: path, options: options, gate: gate.New()}
	var err error
	for _, mapSize := range options.mapSizes(size) {
		// The process may not have as much address space as is asked for by default.
		if err = d.openBolt(mapSize); !errors.Is(err, syscall.ENOMEM) {
			break
		}
	}
	if err == nil {
		if err = d.prepare(making, checked); err == nil {
			return d, nil
		}
		err = errors.Join(err, d.release())
	} else if d.file != nil {
		// bbolt has closed it, unless it panicked.
		d.file.Close()
	}
	return nil, err
}

func (d *db) openBolt(mapSize int) (err error) {
	defer damage.Recover(damage.Guard(), &err)
	d.bolt, err = bbolt.Open(d.path, 0o600, &bbolt.Options{
		Timeout:         1, // the least there is: 0 waits for ever
		ReadOnly:        d.options.ReadOnly,
		NoSync:          d.options.NoFsync,
		NoGrowSync:      d.options.NoFsync,
		FreelistType:    bbolt.FreelistMapType,
		NoFreelistSync:  true, // see writeClosed
		InitialMmapSize: mapSize,
		NoStatistics:    true,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			var err error
			d.file, err = os.OpenFile(name, flag, mode)
			return d.file, err
		},
	})
	var errno syscall.Errno
	switch {
	case err == nil:
		d.bolt.AllocSize = allocSize
		return nil
	case errors.Is(err, bbolterrors.ErrTimeout):
		return engine.ErrLocked
	case errors.As(err, &errno):
		return err
	default:
		return fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
	}
}

// allocSize is what the file grows by. bbolt's own 16 MiB is for files that are
// not mapped beyond their end, which start small.
const allocSize = 1 << 20

// prepare checks that the file is whole and has the bucket, which it makes if making
// is set.
func (d *db) prepare(making bool, checked uint64) (err error) {
	d.broken.Store(true) // and stays so if bbolt panics
	defer damage.Recover(damage.Guard(), &err)
	if making {
		err = d.bolt.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucketIfNotExists(bucket)
			return err
		})
	} else {
		err = d.examine(checked)
	}
	if err == nil {
		d.free = freelistOf(d.bolt)
		err = d.count()
	}
	d.broken.Store(false)
	return err
}

func (d *db) examine(checked uint64) error {
	c := d.checker(context.Background())
	last, err := c.last()
	if err != nil {
		return err
	}
	if err := c.begin(last); err != nil {
		return err
	}
	noted, err := d.closedAt(last)
	if err != nil {
		return err
	}
	d.closed = noted != nil
	switch {
	case d.options.ReadOnly, d.options.SkipVerify, last.number == checked:
	case d.closed:
		u, err := newUnverified(c, last, *noted)
		if err != nil {
			return err
		}
		d.unverified.Store(u)
	default: // another process has written to it meanwhile
		if err := c.check(last); err != nil {
			return err
		}
	}
	return d.readTx(func(tx *bbolt.Tx) error {
		var t tree
		return t.begin(d.bolt, tx, d.unverified.Load())
	})
}
