//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package badger

import (
	"errors"
	"os"
	"syscall"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// locksItself says that lockDir takes the lock, before anything in the
// directory is looked at. It is the lock that Badger itself would take.
const locksItself = true

// lockDir locks a directory until the file it returns is closed.
func lockDir(path string, shared bool) (*os.File, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	how := syscall.LOCK_EX
	if shared {
		how = syscall.LOCK_SH
	}
	if err := syscall.Flock(int(dir.Fd()), how|syscall.LOCK_NB); err != nil {
		dir.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, engine.ErrLocked
		}
		return nil, os.NewSyscallError("flock", err)
	}
	return dir, nil
}
