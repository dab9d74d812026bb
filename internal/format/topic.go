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

// TopicLog is what follows the number of the space in the stored keys of the log of a topic: alone for the
// mark, and before a number for a row.
const TopicLog = 3

// LogKey returns the stored key of a row of the log.
func LogKey(space []byte, number uint64) []byte {
	key := append(append(make([]byte, 0, len(space)+9), space...), TopicLog)
	return binary.BigEndian.AppendUint64(key, number)
}

// AppendLogged appends a change to the value of a row of the log. Primary is that of an entry that was
// added.
func AppendLogged(dst []byte, added bool, id *[sumSize]byte, primary []byte) []byte {
	if !added {
		return append(append(dst, 0), id[:]...)
	}
	dst = append(append(dst, 1), id[:]...)
	return append(binary.AppendUvarint(dst, uint64(len(primary))), primary...)
}

// CutLogged takes the first change off the value of a row of the log, whose memory the primary key shares.
// Its error matches engine.ErrCorrupt.
func CutLogged(value []byte) (added bool, id [sumSize]byte, primary, rest []byte, err error) {
	if len(value) < 1+sumSize || value[0] > 1 {
		return false, id, nil, nil, fmt.Errorf("%w: a change in the log of a topic", engine.ErrCorrupt)
	}
	id, rest = [sumSize]byte(value[1:]), value[1+sumSize:]
	if value[0] == 0 {
		return false, id, nil, rest, nil
	}
	size, n := binary.Uvarint(rest)
	if n <= 0 || size > uint64(len(rest)-n) {
		return false, id, nil, nil, fmt.Errorf("%w: a primary key in the log of a topic", engine.ErrCorrupt)
	}
	end := n + int(size)
	return true, id, rest[n:end:end], rest[end:], nil
}

// LogMark says how far the log of a topic has been filed.
type LogMark struct {
	// UpTo is the number of the last row that is being filed, or has been.
	UpTo uint64
	// All says that all of these rows have been filed. Otherwise the changes of ids have been whose first
	// 64 bits are lower than From.
	All  bool
	From uint64
}

// LogMarkKey returns the stored key of the mark.
func LogMarkKey(space []byte) []byte { return append(append([]byte{}, space...), TopicLog) }

// Append appends the value of the mark stored at key.
func (m LogMark) Append(dst, key []byte) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, m.UpTo)
	if !m.All {
		dst = binary.BigEndian.AppendUint64(dst, m.From)
	}
	return binary.BigEndian.AppendUint32(dst, checksum(key, dst[start:]))
}

// ParseLogMark reads what Append has written. Its error matches engine.ErrCorrupt.
func ParseLogMark(key, stored []byte) (m LogMark, err error) {
	value, err := CutChecksum(key, stored)
	if err == nil && len(value) != 8 && len(value) != 16 {
		err = fmt.Errorf("%w: a mark of %d bytes in the log of a topic", engine.ErrCorrupt, len(value))
	}
	if err != nil {
		return m, err
	}
	m.UpTo, m.All = binary.BigEndian.Uint64(value), len(value) == 8
	if !m.All {
		m.From = binary.BigEndian.Uint64(value[8:])
	}
	return m, nil
}
