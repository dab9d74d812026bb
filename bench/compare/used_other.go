//go:build !unix

package main

import (
	"io/fs"
	"time"
)

func used(info fs.FileInfo) int64 { return info.Size() }

// processTime returns zero: it is not known here.
func processTime() time.Duration { return 0 }
