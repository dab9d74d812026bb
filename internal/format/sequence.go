package format

import (
	"encoding/binary"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Counter returns the stored key and value of the counter of a tree. Space is the number of the
// tree as stored keys begin with it, next the first number that the sequence has not reserved.
func Counter(space []byte, next uint64) (key, value []byte) {
	key = CounterKey(space)
	return key, AppendChecksum(binary.BigEndian.AppendUint64(nil, next), key)
}

// CounterKey is Counter without the value.
func CounterKey(space []byte) []byte { return append(Sequences.Append(nil), space...) }

// ParseCounter reads the value of the counter stored at key.
func ParseCounter(key, stored []byte) (next uint64, err error) {
	value, err := CutChecksum(key, stored)
	if err != nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, fmt.Errorf("%w: a counter of %d bytes, not 8", engine.ErrCorrupt, len(value))
	}
	return binary.BigEndian.Uint64(value), nil
}
