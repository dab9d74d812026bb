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
// table it reads the index and the block that Badger reads on opening, and everything
// if all is set. It returns the tables' checksums.
func verify(ctx context.Context, path string, all bool) (sums, error) {
	tables, err := manifestTables(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // of a database that is to be made
	}
	if err != nil {
		return nil, err
	}
	closed, err := readMark(path)
	if err != nil {
		return nil, err
	}
	if closed != nil {
		if err := closed.checkManifest(path); err != nil {
			return nil, err
		}
	} else {
		closed = &mark{}
	}
	found := sums{}
	for id, compression := range tables {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		name := table.NewFilename(id, path)
		sum, err := verifyFile(name, compression, all)
		was := closed.tables[id]
		switch {
		case err != nil:
		case sum == nil:
			sum = was
		case was != nil && *sum != *was:
			err = fmt.Errorf("%w: it is not as it was when the database was closed", engine.ErrCorrupt)
		}
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", filepath.Base(name), err)
		}
		found[id] = sum
	}
	return found, nil
}

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

// verifyFile checks a table. It returns the checksum of the whole if all is set,
// and nil otherwise.
func verifyFile(name string, compression options.CompressionType, all bool) (sum *uint32, err error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the file is missing", engine.ErrCorrupt)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 {
		return nil, fmt.Errorf("%w: the file is empty", engine.ErrCorrupt)
	}
	data, err := z.Mmap(file, false, info.Size())
	if err != nil {
		return nil, err
	}
	defer z.Munmap(data)
	defer damage.Recover(damage.Guard(), &err)
	if err := verifyTable(data, compression, all); err != nil || !all {
		return nil, err
	}
	whole := crc32.Checksum(data, castagnoli)
	return &whole, nil
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
	first := 0
	if !all {
		first = n - 1
	}
	for i := first; i < n; i++ {
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
