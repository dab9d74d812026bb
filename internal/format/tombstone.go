package format

import (
	"encoding/binary"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// TombstoneRoom is how many bytes the longest key about the tombstone of a row has more than the
// row's own key: that of its entry in the queue.
const TombstoneRoom = 2 + 8

// Tombstone is what is stored of a row that was deleted.
type Tombstone struct {
	// Clock is that of the row.
	Clock uint64
	// Taken is when the tombstone was made, in nanoseconds since 1970.
	Taken int64
}

// TombstoneFloor returns the stored key and value of the floor of a tree. Tree is the space of the
// tree's rows, as keys begin with it.
func TombstoneFloor(tree []byte, clock uint64) (key, value []byte) {
	return numberAt(TombstoneFloorKey(tree), clock)
}

// TombstoneFloorKey is TombstoneFloor without the value. ParseNumber reads the value.
func TombstoneFloorKey(tree []byte) []byte { return append(append(Tombstones.Append(nil), 0), tree...) }

// TombstonePrefix returns what the keys of the tombstones of a tree begin with.
func TombstonePrefix(tree []byte) []byte { return append(append(Tombstones.Append(nil), 1), tree...) }

// TombstoneKey returns the stored key of a tombstone. Row is the stored key of the row, in the space of
// its tree.
func TombstoneKey(row []byte) []byte {
	return append(append(Tombstones.Append(make([]byte, 0, len(row)+2)), 1), row...)
}

// AppendTombstone appends the value of the tombstone that is to be stored at key.
func AppendTombstone(dst, key []byte, t Tombstone) []byte {
	dst = binary.BigEndian.AppendUint64(dst, t.Clock)
	return AppendChecksum(binary.BigEndian.AppendUint64(dst, uint64(t.Taken)), key)
}

// ParseTombstone reads the value of the tombstone stored at key.
func ParseTombstone(key, stored []byte) (t Tombstone, err error) {
	value, err := CutChecksum(key, stored)
	if err == nil && len(value) != 16 {
		err = fmt.Errorf("%w: a tombstone of %d bytes, not 16", engine.ErrCorrupt, len(value))
	}
	if err != nil {
		return t, err
	}
	return Tombstone{binary.BigEndian.Uint64(value), int64(binary.BigEndian.Uint64(value[8:]))}, nil
}

// TombstoneQueue returns what the keys of the queue of a tree's tombstones begin with.
func TombstoneQueue(tree []byte) []byte { return append(append(Tombstones.Append(nil), 2), tree...) }

// TombstoneQueueKey returns the key of a tombstone in the queue. Primary is the primary key of the row.
func TombstoneQueueKey(tree, primary []byte, taken int64) []byte {
	key := append(append(Tombstones.Append(make([]byte, 0, len(tree)+len(primary)+TombstoneRoom)), 2), tree...)
	return append(binary.BigEndian.AppendUint64(key, uint64(taken)^signBit), primary...)
}

// CutTombstoneQueue takes apart what follows the prefix in a key of a queue.
func CutTombstoneQueue(rest []byte) (taken int64, primary []byte, err error) {
	if len(rest) < 8 {
		return 0, nil, fmt.Errorf("%w: %d bytes in the queue of tombstones", engine.ErrCorrupt, len(rest))
	}
	return int64(binary.BigEndian.Uint64(rest) ^ signBit), rest[8:], nil
}
