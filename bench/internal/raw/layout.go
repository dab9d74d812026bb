// Package raw is the yardstick: the work of a typed tree, written by hand for one model on each
// engine's own API. It stores the same bytes as a typed tree (docs/format.md), and makes the
// same checks on reading. Of the module's code it uses only the codec.
package raw

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/models"
)

const (
	rowSpace   = 64
	entrySpace = 65

	rowKeySize   = 1 + 8
	entryKeySize = 1 + 8 + 8
	headerSize   = 2
	sumSize      = 4
)

// The container and schema version of every row.
var header = [headerSize]byte{0, 1}

var (
	errDamaged = errors.New("damaged row or entry")
	errMissing = errors.New("row is not there")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

type codec = models.Codec[article.Article]

func appendRowKey(dst []byte, id uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, rowSpace), id)
}

func appendEntryKey(dst []byte, author, id uint64) []byte {
	return binary.BigEndian.AppendUint64(appendAuthor(dst, author), id)
}

// appendAuthor appends the common prefix of the keys of an author's entries.
func appendAuthor(dst []byte, author uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, entrySpace), author)
}

func checksum(key, body []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, key), castagnoli, body)
}

// appendRow appends the row of a that lies at key.
func appendRow(dst, key []byte, codec codec, a *article.Article) ([]byte, error) {
	start := len(dst)
	dst, err := codec.Append(append(dst, header[:]...), a)
	if err != nil {
		return nil, err
	}
	return binary.BigEndian.AppendUint32(dst, checksum(key, dst[start:])), nil
}

// parseRow decodes the row at key.
func parseRow(key, row []byte, codec codec, a *article.Article) error {
	n := len(row) - sumSize
	if n < headerSize || [headerSize]byte(row) != header || checksum(key, row[:n]) != binary.BigEndian.Uint32(row[n:]) {
		return errDamaged
	}
	return codec.Decode(row[headerSize:n], a)
}

// appendEntryValue appends the value of the entry at key.
func appendEntryValue(dst, key []byte) []byte {
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(key, castagnoli))
}

// entryID returns the id of the row that an entry points to.
func entryID(key, value []byte) (uint64, error) {
	if len(key) != entryKeySize || len(value) != sumSize ||
		crc32.Checksum(key, castagnoli) != binary.BigEndian.Uint32(value) {
		return 0, errDamaged
	}
	return binary.BigEndian.Uint64(key[1+8:]), nil
}
