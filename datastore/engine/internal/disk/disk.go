// Package disk creates files and directories durably, and measures them.
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

// Replace writes content to the file at path. Whenever the process ends, path has the
// whole old content or the whole new one: the new one is first written to the file
// making, which is then renamed.
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
