package badger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
	"github.com/dgraph-io/ristretto/v2/z"
	"github.com/klauspost/compress/snappy"
	"google.golang.org/protobuf/proto"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
)

// verify checks the manifest and the tables it names. Badger would end the process
// over some damage to them, and deletes tables that the manifest does not name. Of each
// table it reads the index and the first and last block, and everything if all is set.
// Badger reads the last block on opening, and the first where it looks for a key that comes
// before the table. It returns the tables' checksums.
//
// If all is set and the database was closed, it leaves the rest of the tables for later: it
// is known by the index that each is the table that it was, and by the checksum how the
// rest has to be.
func verify(ctx context.Context, path string, all bool) (found sums, later bool, err error) {
	tables, err := manifestTables(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil // of a database that is to be made
	}
	if err != nil {
		return nil, false, err
	}
	closed, err := readMark(path)
	if err != nil {
		return nil, false, err
	}
	if closed != nil {
		grown, err := closed.checkManifest(path)
		if err != nil {
			return nil, false, err
		}
		// There is a log if a power loss has brought back a mark that was removed.
		later = all && !grown && closed.knows(tables) && canStartCompactors() && needsNoRecovery(path) == nil
	} else {
		closed = &mark{}
	}
	all = all && !later
	found = sums{}
	for id, compression := range tables {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		name := table.NewFilename(id, path)
		sum, err := verifyFile(name, compression, all)
		was := closed.tables[id]
		switch {
		case err != nil:
		case was != nil && (closed.indexed && sum.index != was.index || all && sum.whole != was.whole):
			err = errChanged
		case was == nil && !all:
			sum = nil
		case !all:
			sum.whole = was.whole
		}
		if err != nil {
			return nil, false, fmt.Errorf("table %s: %w", filepath.Base(name), err)
		}
		found[id] = sum
	}
	return found, later, nil
}

var errChanged = fmt.Errorf("%w: it is not as it was when the database was closed", engine.ErrCorrupt)

// manifestTables returns the compression of each table that the manifest names.
func manifestTables(path string) (map[uint64]options.CompressionType, error) {
	file, err := os.Open(filepath.Join(path, badger.ManifestFilename))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	manifest, _, err := badger.ReplayManifestFile(file, 0, badger.Options{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
	}
	tables := make(map[uint64]options.CompressionType, len(manifest.Tables))
	for id, entry := range manifest.Tables {
		tables[id] = entry.Compression
	}
	return tables, nil
}

// verifyFile checks a table and returns its checksums, that of the whole only if all is
// set.
func verifyFile(name string, compression options.CompressionType, all bool) (*tableSum, error) {
	sum := &tableSum{compression: compression}
	err := mapTable(name, func(data []byte) (err error) {
		if err := verifyTable(data, compression, all); err != nil {
			return err
		}
		if all {
			sum.whole = crc32.Checksum(data, castagnoli)
		}
		sum.index, err = sumIndex(data)
		return err
	})
	return sum, err
}

// mapTable calls fn with what is in the file of a table.
func mapTable(name string, fn func(data []byte) error) (err error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: the file is missing", engine.ErrCorrupt)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return fmt.Errorf("%w: the file is empty", engine.ErrCorrupt)
	}
	data, err := z.Mmap(file, false, info.Size())
	if err != nil {
		return err
	}
	defer z.Munmap(data)
	defer damage.Recover(damage.Guard(), &err)
	return fn(data)
}

// sumIndex returns the checksum of a table's end from the index on.
func sumIndex(data []byte) (uint32, error) {
	rest := data
	for range 2 { // the checksum of the index, and the index
		if _, err := cutSized(&rest); err != nil {
			return 0, err
		}
	}
	return crc32.Checksum(data[len(rest):], castagnoli), nil
}

// verifyTable checks a table. It consists of blocks, their index, the length of the
// index, the checksum of the index and the length of the checksum.
func verifyTable(data []byte, compression options.CompressionType, all bool) error {
	rest := data
	sum, err := cutSized(&rest)
	if err != nil {
		return fmt.Errorf("index checksum: %w", err)
	}
	indexBytes, err := cutSized(&rest)
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if err := verifySum(indexBytes, sum); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	index := fb.GetRootAsTableIndex(indexBytes, 0)
	n := index.OffsetsLength()
	for i := range n {
		if !all && i > 0 && i < n-1 {
			continue
		}
		var at fb.BlockOffset
		index.Offsets(&at, i)
		start, end := int64(at.Offset()), int64(at.Offset())+int64(at.Len())
		if end > int64(len(rest)) {
			return fmt.Errorf("block %d: %w: it reaches beyond the file", i, engine.ErrCorrupt)
		}
		if err := verifyBlock(rest[start:end], compression); err != nil {
			return fmt.Errorf("block %d at %d: %w", i, start, err)
		}
	}
	return nil
}

// verifyBlock checks a block. It consists of rows, their checksum and the length of
// the checksum.
func verifyBlock(data []byte, compression options.CompressionType) error {
	switch compression {
	case options.None:
	case options.Snappy:
		plain, err := snappy.Decode(nil, data)
		if err != nil {
			return fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
		}
		data = plain
	default:
		return fmt.Errorf("%w: it is compressed in a way never used here", engine.ErrCorrupt)
	}
	sum, err := cutSized(&data)
	if err != nil {
		return err
	}
	return verifySum(data, sum)
}

// cutSized cuts a part and its length off the end of data.
func cutSized(data *[]byte) ([]byte, error) {
	end := len(*data) - 4
	if end < 0 {
		return nil, fmt.Errorf("%w: it is cut short", engine.ErrCorrupt)
	}
	size := int64(binary.BigEndian.Uint32((*data)[end:]))
	if size > int64(end) {
		return nil, fmt.Errorf("%w: it has %d bytes of %d", engine.ErrCorrupt, end, size)
	}
	part := (*data)[end-int(size) : end]
	*data = (*data)[:end-int(size)]
	return part, nil
}

func verifySum(data, sum []byte) error {
	var want pb.Checksum
	if err := proto.Unmarshal(sum, &want); err != nil {
		return fmt.Errorf("%w: its checksum cannot be read", engine.ErrCorrupt)
	}
	// Badger panics over other algorithms.
	if want.Algo != pb.Checksum_CRC32C && want.Algo != pb.Checksum_XXHash64 {
		return fmt.Errorf("%w: its checksum is of kind %d", engine.ErrCorrupt, want.Algo)
	}
	if err := y.VerifyChecksum(data, &want); err != nil {
		return fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
	}
	return nil
}
