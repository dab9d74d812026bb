//go:build darwin || freebsd || linux

package badger

import (
	"math"

	"golang.org/x/sys/unix"
)

// freeSpace returns the bytes that may still be written to the file system of a
// directory, or more than there can be where it does not know.
func freeSpace(path string) int64 {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return math.MaxInt64
	}
	return int64(stat.Bavail) * int64(stat.Bsize)
}
