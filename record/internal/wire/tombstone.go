package wire

import (
	"bytes"
	"fmt"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models"
)

// tombstoneKind is the first element of a tombstone of an open tree.
const tombstoneKind = 1

// AppendTombstone appends the record's value of a tombstone of an open tree: the DAG-CBOR list
// [1, clock]. No row is one, because rows are maps.
func AppendTombstone(dst []byte, clock uint64) []byte {
	return cbor.AppendHead(append(cbor.AppendHead(dst, cbor.List, 2), tombstoneKind), cbor.Uint, clock)
}

// IsTombstone reports whether the value of a record of an open tree is no row's but can be that of a
// tombstone.
func IsTombstone(data []byte) bool { return len(data) > 0 && data[0]>>5 == cbor.List }

// ParseTombstone returns the clock of a tombstone of an open tree. Its error matches models.ErrInvalid.
func ParseTombstone(data []byte) (clock uint64, err error) {
	begin := AppendTombstone(nil, 0)[:2]
	rest, ok := bytes.CutPrefix(data, begin)
	if !ok || len(rest) == 0 || rest[0]>>5 != cbor.Uint {
		return 0, fmt.Errorf("%w: a list of %d bytes that is no tombstone", models.ErrInvalid, len(data))
	}
	clock, size := uint64(rest[0]), 0
	if clock >= 24 {
		if clock, size, err = cbor.Long(clock, rest[1:]); err != nil {
			return 0, fmt.Errorf("%w: tombstone: %w", models.ErrInvalid, err)
		}
	}
	if len(rest) != 1+size {
		return 0, fmt.Errorf("%w: a tombstone of %d bytes, %d of them behind its end", models.ErrInvalid, len(data),
			len(rest)-1-size)
	}
	return clock, nil
}
