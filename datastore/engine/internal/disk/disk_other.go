//go:build !unix

package disk

import "io/fs"

const dirsSync = false

// Used returns the length of a file.
func Used(info fs.FileInfo) int64 { return info.Size() }
