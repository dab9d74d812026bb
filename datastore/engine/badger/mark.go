package badger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
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
// The file holds markMagic (4 bytes), the size of the manifest (8) and its CRC-32C (4),
// then for each table, in no order, its number (8), the CRC-32C of the whole file (4) and
// that of its end from the index on (4), and at last the CRC-32C of all that but for the
// magic (4). It is not there while the database is open for writing, nor after the
// process has been killed.
//
// Files of earlier versions have no magic, and nothing about the indexes. Those versions
// take a file with the magic for a damaged one, because its last CRC-32C is not that of all
// before it.
const markName = "CLOSED"

const (
	markMagic    = "CLO2"
	markHead     = 8 + crc32.Size
	markTable    = 8 + 2*crc32.Size
	markOldTable = 8 + crc32.Size
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// mark is what the file says.
type mark struct {
	size    uint64
	sum     uint32
	tables  sums
	indexed bool // whether the sums of the indexes are known
}

// sums has the checksums of tables by their numbers; a table of which they are not
// known is there with nil.
type sums map[uint64]*tableSum

// tableSum has the checksums of a table: of the file, and of its end from the index on.
type tableSum struct {
	whole, index uint32
	compression  options.CompressionType // not of the mark
}

// readMark returns nil where there is no mark, or one that is damaged itself.
func readMark(path string) (*mark, error) {
	content, err := os.ReadFile(filepath.Join(path, markName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	content, indexed := bytes.CutPrefix(content, []byte(markMagic))
	each := markOldTable
	if indexed {
		each = markTable
	}
	end := len(content) - crc32.Size
	if end < markHead || (end-markHead)%each != 0 ||
		binary.BigEndian.Uint32(content[end:]) != crc32.Checksum(content[:end], castagnoli) {
		return nil, nil
	}
	m := &mark{binary.BigEndian.Uint64(content), binary.BigEndian.Uint32(content[8:]), sums{}, indexed}
	for rest := content[markHead:end]; len(rest) > 0; rest = rest[each:] {
		sum := tableSum{whole: binary.BigEndian.Uint32(rest[8:])}
		if indexed {
			sum.index = binary.BigEndian.Uint32(rest[12:])
		}
		m.tables[binary.BigEndian.Uint64(rest)] = &sum
	}
	return m, nil
}

// checkManifest compares the manifest with what it was, and tells whether it has grown.
func (m *mark) checkManifest(path string) (grown bool, err error) {
	manifest, err := os.ReadFile(filepath.Join(path, badger.ManifestFilename))
	if err != nil {
		return false, err
	}
	// One that has grown since was written to by another program, or the mark's
	// removal did not survive a power loss.
	if uint64(len(manifest)) < m.size || crc32.Checksum(manifest[:m.size], castagnoli) != m.sum {
		return false, fmt.Errorf("%s: %w: it is not as it was when the database was closed",
			badger.ManifestFilename, engine.ErrCorrupt)
	}
	return uint64(len(manifest)) > m.size, nil
}

// knows reports whether the sums of all tables are there.
func (m *mark) knows(tables map[uint64]options.CompressionType) bool {
	for id := range tables {
		if m.tables[id] == nil {
			return false
		}
	}
	return m.indexed
}

// writeMark writes the file. The tables that there were on opening are known: they do
// not change, so that only those written since are read.
func writeMark(path string, known sums, durable bool) error {
	manifest, err := os.ReadFile(filepath.Join(path, badger.ManifestFilename))
	if err != nil {
		return err
	}
	content := binary.BigEndian.AppendUint64([]byte(markMagic), uint64(len(manifest)))
	content = binary.BigEndian.AppendUint32(content, crc32.Checksum(manifest, castagnoli))
	tables, err := manifestTables(path)
	if err != nil {
		return err
	}
	for id := range tables {
		sum, ok := known[id]
		if !ok {
			name := table.NewFilename(id, path)
			if sum, err = sumFile(name); err != nil {
				return fmt.Errorf("table %s: %w", filepath.Base(name), err)
			}
		}
		if sum != nil {
			content = binary.BigEndian.AppendUint64(content, id)
			content = binary.BigEndian.AppendUint32(content, sum.whole)
			content = binary.BigEndian.AppendUint32(content, sum.index)
		}
	}
	content = binary.BigEndian.AppendUint32(content, crc32.Checksum(content[len(markMagic):], castagnoli))
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

func sumFile(name string) (*tableSum, error) {
	sum := new(tableSum)
	err := mapTable(name, func(data []byte) (err error) {
		sum.whole = crc32.Checksum(data, castagnoli)
		sum.index, err = sumIndex(data)
		return err
	})
	return sum, err
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
