package ipfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// fileSizes are the sizes of files in turn: less than a block, some blocks, and many.
var fileSizes = []int{700, 9_000, 200_000, 1 << 20, 6 << 20}

// Files writes files of random bytes into a new directory until they have the given
// size together. The same seed writes the same files, another one files that share no
// block with them.
func Files(dir string, size int, seed uint64) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	random := source(seed)
	for count := 0; size > 0; count++ {
		n := min(fileSizes[count%len(fileSizes)], size)
		if err := write(filepath.Join(dir, fmt.Sprintf("%06d", count)), n, random); err != nil {
			return err
		}
		size -= n
	}
	return nil
}

// File writes one file of random bytes.
func File(file string, size int, seed uint64) error { return write(file, size, source(seed)) }

func source(seed uint64) io.Reader {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return rand.NewChaCha8(key)
}

func write(file string, size int, random io.Reader) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, random, int64(size))
	return errors.Join(err, f.Close())
}
