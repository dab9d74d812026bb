//go:build unix

package main

import (
	"io/fs"
	"syscall"
)

// used returns the bytes that a file takes on disk, without its holes.
func used(info fs.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(stat.Blocks) * 512
	}
	return info.Size()
}
