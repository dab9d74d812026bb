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

// Replace puts a file with the content in the place of the one at path, if there is
// one, so that path always has one or the other. It is written under the name making
// first.
func Replace(making, path string, content []byte, durable bool) error {
	file, err := os.OpenFile(making, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil && durable {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(making, path); err != nil || !durable {
		return err
	}
	return SyncDir(filepath.Dir(path))
}
