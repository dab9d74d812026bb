// Package disk asks the file system what the os package does not.
package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// MakeDir creates a directory, for its user alone, and the parents it lacks. If
// durable is set it also makes what it created durable.
func MakeDir(path string, durable bool) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if err := MakeDir(parent, durable); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if !durable {
		return nil
	}
	return SyncDir(parent)
}

// SyncDir makes the creation and removal of files in a directory durable, where
// the system can.
func SyncDir(path string) error {
	if !dirsSync {
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
