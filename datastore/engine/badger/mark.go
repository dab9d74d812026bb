package badger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/table"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/disk"
)

// markName names a file that says how the manifest and the tables were when the
// database was closed. Without it two kinds of damage would go unnoticed. Badger takes
// a manifest that is cut short for one that it had not finished writing, and deletes
// the tables that are missing from it. And it takes any table of the right name for
// its own.
//
// The file holds the size of the manifest (8 bytes) and its CRC-32C (4), the
// number (8) and CRC-32C (4) of each table, in no order, and the CRC-32C of all
// that (4). It is not there while the database is open for writing, nor after the
// process has been killed.
const markName = "CLOSED"

const (
	markHead  = 8 + crc32.Size
	markTable = 8 + crc32.Size
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// mark is what the file says.
type mark struct {
	size   uint64
	sum    uint32
	tables sums
}

// sums has the checksums of tables by their numbers; a table of which it is not
// known is there with nil.
type sums map[uint64]*uint32

// readMark returns nil where there is no mark, or one that is damaged itself.
func readMark(path string) (*mark, error) {
	content, err := os.ReadFile(filepath.Join(path, markName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	end := len(content) - crc32.Size
	if end < markHead || (end-markHead)%markTable != 0 ||
		binary.BigEndian.Uint32(content[end:]) != crc32.Checksum(content[:end], castagnoli) {
		return nil, nil
	}
	m := &mark{binary.BigEndian.Uint64(content), binary.BigEndian.Uint32(content[8:]), sums{}}
	for rest := content[markHead:end]; len(rest) > 0; rest = rest[markTable:] {
		sum := binary.BigEndian.Uint32(rest[8:])
		m.tables[binary.BigEndian.Uint64(rest)] = &sum
	}
	return m, nil
}

// checkManifest compares the manifest with what it was.
func (m *mark) checkManifest(path string) error {
	manifest, err := os.ReadFile(filepath.Join(path, badger.ManifestFilename))
	if err != nil {
		return err
	}
	// One that has grown since was written to by another program, or the mark's
	// removal did not survive a power loss.
	if uint64(len(manifest)) < m.size || crc32.Checksum(manifest[:m.size], castagnoli) != m.sum {
		return fmt.Errorf("%s: %w: it is not as it was when the database was closed",
			badger.ManifestFilename, engine.ErrCorrupt)
	}
	return nil
}

// writeMark writes the file. The tables that there were on opening are known: they do
// not change, so that only those written since are read.
func writeMark(path string, known sums, durable bool) error {
	manifest, err := os.ReadFile(filepath.Join(path, badger.ManifestFilename))
	if err != nil {
		return err
	}
	content := binary.BigEndian.AppendUint64(nil, uint64(len(manifest)))
	content = binary.BigEndian.AppendUint32(content, crc32.Checksum(manifest, castagnoli))
	tables, err := manifestTables(path)
	if err != nil {
		return err
	}
	for id := range tables {
		sum, ok := known[id]
		if !ok {
			if sum, err = sumFile(table.NewFilename(id, path)); err != nil {
				return err
			}
		}
		if sum != nil {
			content = binary.BigEndian.AppendUint64(content, id)
			content = binary.BigEndian.AppendUint32(content, *sum)
		}
	}
	content = binary.BigEndian.AppendUint32(content, crc32.Checksum(content, castagnoli))
	file, err := os.OpenFile(filepath.Join(path, markName), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil && durable {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil && durable {
		err = disk.SyncDir(path)
	}
	return err
}

func sumFile(name string) (*uint32, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	digest := crc32.New(castagnoli)
	if _, err := io.Copy(digest, file); err != nil {
		return nil, err
	}
	sum := digest.Sum32()
	return &sum, nil
}

// unmark removes the file. It has to be gone before the manifest is written to.
func unmark(path string, durable bool) error {
	err := os.Remove(filepath.Join(path, markName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && durable {
		err = disk.SyncDir(path)
	}
	return err
}
