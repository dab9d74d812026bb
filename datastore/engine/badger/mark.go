package badger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/disk"
)

// markName names a file that says how the manifest was when the database was
// closed. Badger takes a manifest that is cut short for one that it had not
// finished writing, and deletes the tables that are missing from it.
//
// The file holds the size of the manifest (8 bytes), its CRC-32C (4) and the
// CRC-32C of those twelve bytes (4). It is not there while the database is open
// for writing, nor after the process has been killed.
const markName = "CLOSED"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// mark writes the file.
func mark(path string, durable bool) error {
	manifest, err := os.ReadFile(filepath.Join(path, badger.ManifestFilename))
	if err != nil {
		return err
	}
	content := binary.BigEndian.AppendUint64(nil, uint64(len(manifest)))
	content = binary.BigEndian.AppendUint32(content, crc32.Checksum(manifest, castagnoli))
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

// checkMark compares the manifest with the file, if there is one.
func checkMark(path string) error {
	content, err := os.ReadFile(filepath.Join(path, markName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(content) != 16 || binary.BigEndian.Uint32(content[12:]) != crc32.Checksum(content[:12], castagnoli) {
		return nil // what does not hold itself proves nothing
	}
	size, sum := binary.BigEndian.Uint64(content), binary.BigEndian.Uint32(content[8:])
	manifest, err := os.ReadFile(filepath.Join(path, badger.ManifestFilename))
	if err != nil {
		return err
	}
	// One that has grown since was written to by another program, or the file's
	// removal did not survive a power loss.
	if uint64(len(manifest)) < size || crc32.Checksum(manifest[:size], castagnoli) != sum {
		return fmt.Errorf("%s: %w: it is not what it was when the database was closed", badger.ManifestFilename, engine.ErrCorrupt)
	}
	return nil
}
