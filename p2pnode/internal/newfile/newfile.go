// Package newfile writes small files that must not be lost or cut short, such as keys.
package newfile

import (
	"errors"
	"os"
	"path/filepath"
)

// Write makes a whole file appear that only its owner can read, or nothing. It fails with fs.ErrExist
// if there is a file already, also if another process has made it meanwhile.
func Write(name string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), name)
}
