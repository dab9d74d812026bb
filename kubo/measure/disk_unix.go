//go:build unix

package main

import (
	"io/fs"
	"syscall"
)

// onDisk returns the bytes that a file takes, without its holes.
func onDisk(info fs.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(stat.Blocks) * 512
	}
	return info.Size()
}
