// Package pebble is an engine on Pebble, the storage engine of CockroachDB: a
// log-structured merge tree in Go. It shows how to make an engine; docs/engines.md
// explains it step by step.
//
//	eng := pebble.Engine("./my_db")
//	eng := pebble.Options{Config: engine.Config{Path: "./my_db", CacheMB: 64}}.Engine()
//
// # Caveats
//
// There is one writer at a time, so commits never conflict. A transaction holds up to 64 MiB.
// Pebble ends the process if it cannot write its log, for example because the disk is full.
package pebble

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Options configure a Pebble database. Path is required; the zero value of every
// other field is its default.
type Options struct {
	// Config has the options of all file engines.
	engine.Config

	// MemTableMB is the size, in MiB, of the table in memory that gathers writes before they go
	// to a file. Defaults to 4; at most 1024.
	MemTableMB int
}

func (o Options) normalize() (Options, error) {
	var fault, err error
	if o.MemTableMB < 0 || o.MemTableMB > 1024 {
		fault = fmt.Errorf("MemTableMB is %d: it must be 1 to 1024", o.MemTableMB)
	}
	o.Config, err = o.Config.Normalize(fault)
	if o.MemTableMB == 0 {
		o.MemTableMB = 4
	}
	return o, err
}

// Engine returns the database in the directory path, with default options. It
// is not open yet.
func Engine(path string) engine.Engine {
	return Options{Config: engine.Config{Path: path}}.Engine()
}

// Engine returns the database that o describes, not open yet. Options are
// checked on opening.
func (o Options) Engine() engine.Engine { return pebbleEngine{o} }

type pebbleEngine struct{ options Options }

// kind is the engine's name.
const kind = "pebble"

func (pebbleEngine) Name() string { return kind }

// Dir makes the engine one that engine.Whichever can choose.
func (e pebbleEngine) Dir() string { return e.options.Path }

// Open does not wait for a database that is in use.
func (e pebbleEngine) Open(ctx context.Context) (engine.DB, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o, err := e.options.normalize()
	if err != nil {
		return nil, fmt.Errorf("pebble: %w", err)
	}
	d, err := open(o)
	if err != nil {
		return nil, fmt.Errorf("pebble: open %s: %w", o.Path, typed(err))
	}
	return d, nil
}

func open(o Options) (*db, error) {
	exists, err := exists(o.Path)
	if errors.Is(err, engine.ErrCorrupt) && o.Truncate == engine.DestroyExistingData {
		exists, err = true, nil
	}
	if err == nil && !exists {
		err = engine.NoOther(o.Path, kind)
	}
	switch {
	case err != nil:
		return nil, err
	case !exists && (o.MustExist || o.ReadOnly):
		return nil, engine.ErrMissing
	case !exists: // the claim tells other engines about a database of this one
		if err := engine.Claim(o.Path, kind, !o.NoFsync); err != nil {
			return nil, err
		}
	}
	files := lockingFS{FS: vfs.Default, shared: o.ReadOnly}
	options := &pebble.Options{
		FS:                 files,
		ReadOnly:           o.ReadOnly,
		CacheSize:          int64(o.CacheMB) << 20,
		MemTableSize:       uint64(o.MemTableMB) << 20,
		FormatMajorVersion: pebble.FormatNewest,
		Logger:             quiet{},
		// By default Pebble would end the process here. Now reads return the error.
		EventListener: &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}},
	}
	d := &db{path: o.Path, readOnly: o.ReadOnly, sync: pebble.Sync, door: newDoor()}
	if o.NoFsync {
		d.sync = pebble.NoSync
	}
	if exists && o.Truncate == engine.DestroyExistingData {
		if options.Lock, err = pebble.LockDirectory(o.Path, files); err != nil {
			return nil, err
		}
		d.lock = options.Lock
		if err := empty(o.Path); err != nil {
			return nil, errors.Join(err, d.lock.Close())
		}
	}
	if d.pebble, err = pebble.Open(o.Path, options); err != nil {
		err = opening(err)
		if d.lock != nil {
			err = errors.Join(err, d.lock.Close())
		}
		return nil, err
	}
	return d, nil
}

// exists reports whether there is a database. If the file that names the manifest is missing,
// Pebble does not see the database, and would make another over it.
func exists(path string) (bool, error) {
	found, err := pebble.Peek(path, vfs.Default)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || found.Exists {
		return err == nil, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return false, err
	}
	for _, entry := range entries {
		switch filepath.Ext(entry.Name()) {
		case ".sst", ".log":
			return false, fmt.Errorf("%w: there is a file %s, but no manifest", engine.ErrCorrupt, entry.Name())
		}
	}
	return false, nil
}

// empty deletes everything in a directory except the lock, which the caller holds, and the
// claim.
func empty(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if name := entry.Name(); name == lockName || name == engine.ClaimFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(path, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// opening explains an error of opening the files. The options have been checked. So if the
// operating system reports no error, the files are not as Pebble wrote them.
func opening(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) && errno != syscall.ENOENT || errors.Is(err, engine.ErrLocked) {
		return err
	}
	return fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
}

// typed turns Pebble's errors into those of the engine contract.
func typed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pebble.ErrNotFound):
		return engine.ErrNotFound
	case pebble.IsCorruptionError(err) && !errors.Is(err, engine.ErrCorrupt):
		return fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
	}
	return err
}

// quiet switches Pebble's log off.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}

// Fatalf is called when Pebble cannot go on. It must not return.
func (quiet) Fatalf(format string, args ...any) { log.Fatalf("pebble: "+format, args...) }
