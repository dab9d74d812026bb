//go:build unix

package disk

import (
	"io/fs"
	"syscall"
)

const dirsSync = true

// Used returns the bytes that a file takes on disk. For a file with holes they are
// fewer than its length.
func Used(info fs.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(stat.Blocks) * 512
	}
	return info.Size()
}
