package badger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4/table"
)

// voidName names a file with the numbers (8 bytes each) of tables that the manifest
// names although Badger has deleted them, because it could not sync the manifest. Their
// rows are still in the log of the memtable, or in a table that was written later.
const voidName = "VOID"

// flushFailed is how Badger begins to say so.
const flushFailed = "error flushing memtable"

// watcher is a logger that looks out for that, and that gets out of Flatten.
type watcher struct {
	logger
	path string
	// failed has what went wrong, for whoever is receiving at the time.
	failed chan error
	// leave has Flatten panic with leftFlatten.
	leave *atomic.Bool
}

func (w watcher) Errorf(format string, args ...any) {
	if strings.HasPrefix(format, flushFailed) {
		// The tables are not found on the next opening if this fails too, which is
		// then refused.
		_ = noteVoid(w.path)
		select {
		case w.failed <- fmt.Errorf(format, args...):
		default:
		}
	}
	w.logger.Errorf(format, args...)
}

// Infof is given this line by Flatten alone.
func (w watcher) Infof(format string, args ...any) {
	if format == "\n" && w.leave.Load() {
		panic(leftFlatten)
	}
	w.logger.Infof(format, args...)
}

// noteVoid adds the tables that the manifest names and that are not there.
func noteVoid(path string) error {
	named, err := manifestTables(path)
	if err != nil {
		return err
	}
	var numbers []byte
	for id := range named {
		if _, err := os.Stat(table.NewFilename(id, path)); errors.Is(err, fs.ErrNotExist) {
			// Or has a compaction deleted it meanwhile?
			if still, err := manifestTables(path); err != nil {
				return err
			} else if _, ok := still[id]; ok {
				numbers = binary.BigEndian.AppendUint64(numbers, id)
			}
		}
	}
	file, err := os.OpenFile(filepath.Join(path, voidName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(numbers)
	return errors.Join(err, file.Close())
}

func readVoid(path string) (map[uint64]bool, error) {
	numbers, err := os.ReadFile(filepath.Join(path, voidName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	void := map[uint64]bool{}
	for ; len(numbers) >= 8; numbers = numbers[8:] {
		void[binary.BigEndian.Uint64(numbers)] = true
	}
	return void, nil
}

func removeVoid(path string) error {
	err := os.Remove(filepath.Join(path, voidName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
