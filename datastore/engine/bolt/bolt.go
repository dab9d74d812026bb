// Package bolt is an engine on bbolt: one file, a B+ tree in it, reads straight
// from the mapped file. It suits a database that is read much more than it is
// written, and small ones.
//
//	eng := bolt.Engine("./my_db")
//	eng := bolt.Options{Config: engine.Config{Path: "./my_db", NoFsync: true}}.Engine()
//
// # Caveats
//
// There is one writer at a time, and every commit that wrote something costs
// two syncs of the disk; Relaxed commits are as durable as Durable ones, for
// leaving them out would put the whole file at risk. The file does not shrink:
// Compact does nothing, and what deletions free is used again. A read
// transaction that stays open keeps what was deleted since from being used
// again, and see Options.MapMB.
//
// Opening goes over all pages to check them, unless Options.SkipVerify is set, and
// refuses a damaged file with engine.ErrCorrupt; opened to be read only, one whose
// keys are out of order or whose free pages are not free is taken, so that what is
// there can be had. Flipped bits within a value are not found: bbolt has no
// checksums. A disk that fails to deliver a page of the mapped file, or another
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
func (o Options) Engine() engine.Engine { return boltEngine{o} }

type boltEngine struct{ options Options }

func (boltEngine) Name() string { return "bolt" }

// Open does not wait for a database that is in use.
func (e boltEngine) Open(ctx context.Context) (engine.DB, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	options, err := e.options.normalize()
	if err != nil {
		return nil, fmt.Errorf("bolt: %w", err)
	}
	db, err := open(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("bolt: open %s: %w", filepath.Join(options.Path, FileName), err)
	}
	return db, nil
}

func open(ctx context.Context, options Options) (*db, error) {
	path := filepath.Join(options.Path, FileName)
	info, err := os.Stat(path)
	// bbolt takes an empty file for one that it is to make.
	exists := err == nil && info.Size() > 0
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case !exists && (options.MustExist || options.ReadOnly):
		return nil, engine.ErrMissing
	case !exists:
		return create(ctx, path, options)
	}
	d, err := openFile(ctx, path, info.Size(), options)
	if options.Truncate != engine.DestroyExistingData || err != nil && !errors.Is(err, engine.ErrCorrupt) {
		return d, err
	}
	// Nobody else has the file, whether or not it can be read. It goes while
	// it is locked, so that whoever comes in between finds no file.
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

func create(ctx context.Context, path string, options Options) (*db, error) {
	dir := filepath.Dir(path)
	if err := disk.MakeDir(dir, !options.NoFsync); err != nil {
		return nil, err
	}
	// The file is made under another name: one of which the making was cut off
	// would be taken for a damaged database.
	making := path + ".new"
	d, err := openFile(ctx, making, 0, options)
	if errors.Is(err, engine.ErrCorrupt) { // that of an earlier attempt
		if err := os.Remove(making); err != nil {
			return nil, err
		}
		d, err = openFile(ctx, making, 0, options)
	}
	if err != nil {
		return nil, err
	}
	if err := errors.Join(d.release(), os.Rename(making, path)); err != nil {
		return nil, err
	}
	if !options.NoFsync {
		if err := disk.SyncDir(dir); err != nil {
			return nil, err
		}
	}
	return openFile(ctx, path, 0, options)
}

// openFile opens the file at path, which has the given size or has just been made,
// and returns engine.ErrLocked, ErrCorrupt or ErrMissing, or an error of the
// operating system.
func openFile(ctx context.Context, path string, size int64, options Options) (*db, error) {
	if size > 0 && !options.SkipVerify {
		if err := verify(ctx, path, options); err != nil {
			return nil, err
		}
	}
	d := &db{path: path, options: options, gate: gate.New()}
	err := d.openBolt(options.mapSize(size))
	if errors.Is(err, syscall.ENOMEM) && options.MapMB == 0 {
		// The process may not have as much address space as is asked for by
		// default.
		err = d.openBolt(0)
	}
	if err == nil {
		if err = d.prepare(); err == nil {
			return d, nil
		}
		d.broken.Store(errors.Is(err, engine.ErrCorrupt))
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

// prepare checks that the file is whole and has the bucket.
func (d *db) prepare() (err error) {
	defer damage.Recover(damage.Guard(), &err)
	missing := false
	err = d.bolt.View(func(tx *bbolt.Tx) error {
		info, err := d.file.Stat()
		if err != nil {
			return err
		}
		if tx.Size() > info.Size() {
			return fmt.Errorf("%w: the file has %d bytes of %d", engine.ErrCorrupt, info.Size(), tx.Size())
		}
		missing = tx.Bucket(bucket) == nil
		return nil
	})
	if err != nil || !missing {
		return err
	}
	if d.options.ReadOnly {
		return engine.ErrMissing
	}
	return d.bolt.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucket)
		return err
	})
}
