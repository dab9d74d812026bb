//go:build unix

package pebble

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// lockName is the name that Pebble gives the file it locks.
const lockName = "LOCK"

// lockingFS is a file system whose locks can be shared, so that several readers can open a
// database at the same time. Pebble's own locks are exclusive.
type lockingFS struct {
	vfs.FS
	shared bool
}

func (f lockingFS) Lock(name string) (io.Closer, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	how := syscall.LOCK_EX
	if f.shared {
		how = syscall.LOCK_SH
	}
	err = syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = engine.ErrLocked
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock: %w", err), file.Close())
	}
	return file, nil
}
