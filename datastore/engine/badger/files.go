package badger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger/internal/values"
)

// manifestMaking is what Badger calls a manifest that it has not finished.
const manifestMaking = "MANIFEST-REWRITE"

// lockName is the file that Badger locks where it does not lock the directory.
const lockName = "LOCK"

// own reports whether a file in the directory of a database is part of it.
func own(name string) bool {
	switch name {
	case badger.ManifestFilename, manifestMaking, badger.KeyRegistryFileName, "REWRITE-KEYREGISTRY",
		"DISCARD", lockName, markName, voidName:
		return true
	}
	switch filepath.Ext(name) {
	case ".sst", ".mem", ".vlog":
		return true
	}
	return false
}

// eachFile calls fn with every file of the database in a directory.
func eachFile(path string, fn func(path string, info fs.FileInfo) error) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !own(entry.Name()) {
			continue
		}
		info, err := entry.Info()
		if os.IsNotExist(err) { // gone meanwhile
			continue
		}
		if err != nil {
			return err
		}
		if err := fn(filepath.Join(path, entry.Name()), info); err != nil {
			return err
		}
	}
	return nil
}

// exists reports whether there is a database. Badger makes the manifest before any
// other file: where it is missing and there are others, it has been lost.
func exists(path string) (bool, error) {
	_, err := os.Stat(filepath.Join(path, badger.ManifestFilename))
	if !errors.Is(err, fs.ErrNotExist) {
		return err == nil, err
	}
	err = eachFile(path, func(path string, _ fs.FileInfo) error {
		switch name := filepath.Base(path); name {
		case manifestMaking, lockName:
			return nil
		default:
			return fmt.Errorf("%w: there is a file %s, but no %s", engine.ErrCorrupt, name, badger.ManifestFilename)
		}
	})
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return false, err
}

// removeAll removes a database. The manifest goes first: without it what else is left
// is refused, and can still be removed.
func removeAll(path string) error {
	if err := os.Remove(filepath.Join(path, badger.ManifestFilename)); err != nil && !os.IsNotExist(err) {
		return err
	}
	err := eachFile(path, func(path string, _ fs.FileInfo) error { return os.Remove(path) })
	return errors.Join(err, values.RemoveAll(path))
}

// removeEmpty removes logs that a power loss has left without a size, which
// Badger does not open.
func removeEmpty(path string) error {
	return eachFile(path, func(path string, info fs.FileInfo) error {
		if ext := filepath.Ext(path); info.Size() == 0 && (ext == ".mem" || ext == ".vlog") {
			return os.Remove(path)
		}
		return nil
	})
}

// needsNoRecovery refuses a database with the log of a memtable, which Badger may
// try to cut even if it is to read only, and says then in one way or another that it
// cannot.
func needsNoRecovery(path string) error {
	return eachFile(path, func(path string, info fs.FileInfo) error {
		if filepath.Ext(path) == ".mem" && info.Size() > 0 {
			return errNotClosed
		}
		return nil
	})
}

// recoverLogs brings in the memtables of a database that was not closed, where
// they may be larger than the options say. Badger would end the process over
// one that does not fit.
func recoverLogs(own badger.Options) error {
	if err := removeEmpty(own.Dir); err != nil {
		return err
	}
	// Badger makes a log twice as long as its memtable, and cuts it to what is
	// in it when it recovers it.
	size := int64(0)
	err := eachFile(own.Dir, func(path string, info fs.FileInfo) error {
		if filepath.Ext(path) == ".mem" && info.Size() != 2*own.MemTableSize {
			size = max(size, info.Size())
		}
		return nil
	})
	if err != nil || size == 0 {
		return err
	}
	// Entries take at most twice as much in a memtable as in its log.
	own.MemTableSize = max(own.MemTableSize, 2*size)
	b, err := openBadger(own)
	if err != nil {
		return err
	}
	return translate(b.Close())
}
