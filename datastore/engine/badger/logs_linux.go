package badger

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// groupCommits says that commits are made durable by a group that flushes logs.
// Badger's own SyncWrites syncs once for every transaction, one after the other.
const groupCommits = true

// logs makes the write-ahead logs of a database durable, one for each memtable:
// files that Badger writes through a shared mapping. On Linux fsync of a file
// writes the pages that a mapping has made dirty, whoever mapped it, so this
// works with descriptors of its own.
//
// All logs matter, not the newest alone: a memtable that has filled up is
// written out as a table later on. Badger deletes its log once the table and the
// manifest that names it have been synced, so one that is gone needs nothing.
// A log that is not the newest is not written any more; it needs to be synced
// once.
type logs struct {
	path string
	dir  *os.File

	// newest is the log written to when the directory was last listed, next
	// what the one after it will be called. At least listed bytes of volume had
	// been written by then, and started at a time when newest was empty.
	newest, next    string
	listed, started int64
	volume          *volume
	// memTable is what has to be written before a memtable is full.
	memTable int64

	// synced holds the logs that need nothing any more, open the others.
	synced map[string]struct{}
	open   map[string]*os.File
}

// openGroup returns a group that flushes the logs in the directory path, and a
// function to call when the database has been closed.
func openGroup(path string, memTable int64, v *volume) (*group, func() error, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	l := &logs{
		path: path, dir: dir, volume: v, memTable: memTable,
		synced: map[string]struct{}{}, open: map[string]*os.File{},
	}
	return newGroup(l.flush), l.close, nil
}

// flush makes durable what was written to any log before the call.
func (l *logs) flush() error {
	if log := l.only(); log != nil {
		return log.Sync()
	}
	names, err := l.list()
	if err != nil {
		return err
	}
	created := false
	for i, name := range names {
		if _, ok := l.synced[name]; ok {
			continue
		}
		log, ok := l.open[name]
		if !ok {
			log, err = os.Open(filepath.Join(l.path, name))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			l.open[name] = log
			created = true
		}
		if err := log.Sync(); err != nil {
			return err
		}
		if i < len(names)-1 {
			l.synced[name] = struct{}{}
			delete(l.open, name)
			log.Close()
		}
	}
	if created {
		return l.dir.Sync()
	}
	return nil
}

// only returns the log last found to be the newest if it still is, or nil where
// that is not certain. To look for a new log costs as much as to flush one.
func (l *logs) only() *os.File {
	if l.volume.since(l.started) < l.memTable/8*7 {
		return l.open[l.newest] // its memtable cannot be full
	}
	// Badger numbers logs one after the other, so the next one has a known name.
	// If that has come and gone, yet another has taken its place. For that a
	// memtable would have to have been filled since.
	if l.volume.since(l.listed) < l.memTable/2 && unix.Access(l.next, unix.F_OK) == unix.ENOENT {
		return l.open[l.newest]
	}
	return nil
}

// list is names, and takes note of the newest.
func (l *logs) list() ([]string, error) {
	listed := l.volume.done.Load()
	names, err := l.names()
	if err != nil || len(names) == 0 {
		return nil, err
	}
	if newest := names[len(names)-1]; newest != l.newest {
		// It was not there when the last list was made, nor when the database was
		// opened if this is the first.
		l.newest, l.started = newest, l.listed
		l.next = filepath.Join(l.path, nextLog(newest))
	}
	l.listed = listed
	return names, nil
}

// names returns the logs in the order of their numbers, and forgets those that
// are gone.
func (l *logs) names() ([]string, error) {
	if _, err := l.dir.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	names, err := l.dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, logExt) })
	slices.SortFunc(names, byNumber)
	for name := range l.synced {
		if !slices.Contains(names, name) {
			delete(l.synced, name)
		}
	}
	for name, log := range l.open {
		if !slices.Contains(names, name) {
			delete(l.open, name)
			log.Close()
		}
	}
	return names, nil
}

func (l *logs) close() error {
	for _, log := range l.open {
		log.Close()
	}
	return l.dir.Close()
}
