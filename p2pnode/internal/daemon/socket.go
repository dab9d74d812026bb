package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
)

// maxSocketPath is how many bytes the path of a unix socket may have. Linux has room for 108 with
// the zero at the end, the BSDs and macOS for 104.
var maxSocketPath = func() int {
	if runtime.GOOS == "linux" {
		return 107
	}
	return 103
}()

// SocketPath returns the path by which the control socket of a directory can be reached. It is
// relative to the working directory if the whole path is longer than the system allows.
func SocketPath(dir string) (string, error) {
	path := config.Socket(dir)
	if len(path) <= maxSocketPath {
		return path, nil
	}
	if work, err := os.Getwd(); err == nil {
		if whole, err := filepath.Abs(path); err == nil {
			if short, err := filepath.Rel(work, whole); err == nil && len(short) <= maxSocketPath {
				return short, nil
			}
		}
	}
	return "", fmt.Errorf("the path of the control socket, %s, has %d bytes, and the system allows %d: "+
		"use a directory with a shorter path, or start p2pnode in it", path, len(path), maxSocketPath)
}

// listenSocket listens on the control socket. The lock of the directory is held, so a socket that is
// there is one of a process that was killed.
func listenSocket(dir string) (net.Listener, error) {
	path, err := SocketPath(dir)
	if err != nil {
		return nil, err
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("control socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("control socket: %s is there and is no socket", path)
	default:
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("control socket: %w", err)
		}
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	// Until then the socket has what the umask leaves, and nothing is accepted.
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("control socket: %w", err), listener.Close())
	}
	return listener, nil
}
