package format

import (
	"encoding/binary"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// What follows the number of the space in the stored keys of a topic: a leaf or an entry.
const (
	TopicLeaf  = 1
	TopicEntry = 2
)

// MaxDepth is the most bits that the prefix of a leaf has.
const MaxDepth = 64

// sumSize is the length of a sum of ids.
const sumSize = 32

// AppendLeafKey appends the stored key of a leaf, without the number of the space. Prefix has the first
// bits of the ids, as many as depth says, from the highest bit on.
func AppendLeafKey(dst []byte, depth int, prefix uint64) []byte {
	dst = append(dst, TopicLeaf, byte(depth))
	var bits [8]byte
	binary.BigEndian.PutUint64(bits[:], prefix)
	return append(dst, bits[:(depth+7)/8]...)
}

// AppendLeaf appends the value of the leaf stored at key.
func AppendLeaf(dst, key []byte, count uint64, sum *[sumSize]byte) []byte {
	start := len(dst)
	dst = append(binary.AppendUvarint(dst, count), sum[:]...)
	return binary.BigEndian.AppendUint32(dst, checksum(key, dst[start:]))
}

// ParseLeaf takes the leaf stored at key apart. Space is how many bytes the number of the space has. Its
// error matches engine.ErrCorrupt.
func ParseLeaf(key []byte, space int, stored []byte) (
	depth int, prefix uint64, count uint64, sum [sumSize]byte, err error,
) {
	value, err := CutChecksum(key, stored)
	if err != nil {
		return 0, 0, 0, sum, err
	}
	fail := func(what string) (int, uint64, uint64, [sumSize]byte, error) {
		return 0, 0, 0, sum, fmt.Errorf("%w: a leaf with %s", engine.ErrCorrupt, what)
	}
	suffix := key[space:]
	if len(suffix) < 2 || suffix[1] > MaxDepth || len(suffix)-2 != (int(suffix[1])+7)/8 {
		return fail("a key of another length")
	}
	depth = int(suffix[1])
	var bits [8]byte
	copy(bits[:], suffix[2:])
	if prefix = binary.BigEndian.Uint64(bits[:]); depth < MaxDepth && prefix<<depth != 0 {
		return fail("a prefix of more bits")
	}
	count, n := binary.Uvarint(value)
	if n <= 0 || n > 1 && value[n-1] == 0 || len(value)-n != sumSize {
		return fail("an invalid value")
	}
	return depth, prefix, count, [sumSize]byte(value[n:]), nil
}
