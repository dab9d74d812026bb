// Package values keeps large values in a directory, each in a file of its own. A file is
// written once and never changed.
package values

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/disk"
)

// Name is the name of the directory within that of the database.
const Name = "values"

// Ref says where a value is and what it must be like.
type Ref struct {
	Number uint64
	Size   int
	Sum    uint32 // CRC-32C
}

// Dir is the directory. It need not be there until something is written. Its methods may
// be called concurrently.
type Dir struct {
	path    string
	durable bool
	made    sync.Mutex
	isMade  bool
	bytes   atomic.Int64
}

// In returns the directory of the database at path. If durable, what Write has written
// outlasts a power loss when it returns.
func In(path string, durable bool) *Dir {
	return &Dir{path: filepath.Join(path, Name), durable: durable}
}

// writers is how many files are written at a time: file systems make those durable
// together that wait for it at the same time.
const writers = 8

// block is the unit in which file systems give out space.
const block = 4096

// space returns the space that a value takes on disk.
func space(size int) int64 { return (int64(size) + block - 1) / block * block }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Write writes the values under the numbers from first on, and returns where they are.
// Files that have these numbers are replaced. If it fails it leaves none of them.
func (d *Dir) Write(first uint64, values [][]byte) ([]Ref, error) {
	if err := d.make(); err != nil {
		return nil, err
	}
	refs, errs := make([]Ref, len(values)), make([]error, len(values))
	var next atomic.Int64
	var running sync.WaitGroup
	for range min(writers, len(values)) {
		running.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(values)); i = next.Add(1) - 1 {
				refs[i] = Ref{first + uint64(i), len(values[i]), crc32.Checksum(values[i], castagnoli)}
				errs[i] = d.write(refs[i].Number, values[i])
			}
		})
	}
	running.Wait()
	err := errors.Join(errs...)
	if err == nil && d.durable {
		err = disk.SyncDir(d.path)
	}
	if err != nil {
		for i, ref := range refs {
			if errs[i] == nil {
				err = errors.Join(err, d.Remove(ref.Number))
			}
		}
		return nil, err
	}
	return refs, nil
}

// write leaves no file if it fails.
func (d *Dir) write(number uint64, value []byte) error {
	file, err := os.OpenFile(d.name(number), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(value)
	if err == nil && d.durable {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(d.name(number)))
	}
	d.bytes.Add(space(len(value)))
	return nil
}

func (d *Dir) make() error {
	d.made.Lock()
	defer d.made.Unlock()
	if d.isMade {
		return nil
	}
	if err := disk.MakeDir(d.path, d.durable); err != nil {
		return err
	}
	d.isMade = true
	return nil
}

// Read returns a value, which the caller owns. A value that is not there, or not as it
// was, is engine.ErrCorrupt.
func (d *Dir) Read(ref Ref) ([]byte, error) {
	file, err := os.Open(d.name(ref.Number))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the file %s is missing", engine.ErrCorrupt, fileName(ref.Number))
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	value := make([]byte, ref.Size)
	_, err = io.ReadFull(file, value)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: the file %s is too short", engine.ErrCorrupt, fileName(ref.Number))
	case err != nil:
		return nil, err
	case crc32.Checksum(value, castagnoli) != ref.Sum:
		return nil, fmt.Errorf("%w: the file %s has been changed", engine.ErrCorrupt, fileName(ref.Number))
	}
	return value, nil
}

// Remove removes the file of a value. One that is not there is no error.
func (d *Dir) Remove(number uint64) error {
	info, err := os.Lstat(d.name(number))
	if err == nil {
		err = os.Remove(d.name(number))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		d.bytes.Add(-space(int(info.Size())))
	}
	return err
}

// Numbers returns the numbers of all files, in no order.
func (d *Dir) Numbers() ([]uint64, error) {
	dir, err := os.Open(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	numbers := make([]uint64, 0, len(names))
	for _, name := range names {
		if number, err := strconv.ParseUint(name, 16, 64); err == nil && name == fileName(number) {
			numbers = append(numbers, number)
		}
	}
	return numbers, nil
}

// Measure finds out what the directory takes on disk, and returns the first number beyond
// those of its files.
func (d *Dir) Measure() (next uint64, err error) {
	numbers, err := d.Numbers()
	if err != nil {
		return 0, err
	}
	var bytes int64
	for _, number := range numbers {
		info, err := os.Lstat(d.name(number))
		if err != nil {
			return 0, err
		}
		bytes += space(int(info.Size()))
		next = max(next, number+1)
	}
	d.bytes.Store(bytes)
	return next, nil
}

// Holds says that there is a file of a value that was written before the directory was
// opened.
func (d *Dir) Holds(size int) { d.bytes.Add(space(size)) }

// Size returns the space that the values take on disk.
func (d *Dir) Size() int64 { return d.bytes.Load() }

// RemoveAll removes the directory of the database at path.
func RemoveAll(path string) error { return os.RemoveAll(filepath.Join(path, Name)) }

func (d *Dir) name(number uint64) string { return filepath.Join(d.path, fileName(number)) }

func fileName(number uint64) string { return fmt.Sprintf("%016x", number) }
