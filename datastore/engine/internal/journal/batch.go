package journal

import (
	"encoding/binary"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// A batch is a list of changes. It has for each uvarint(length of key), the key, and uvarint(0) for a key
// that is deleted, or uvarint(1 + length of value) and the value; and at the end the CRC-32C of all that.
// Values of a checkpoint are batches that delete nothing.

func appendPut(dst, key, value []byte) []byte {
	dst = append(binary.AppendUvarint(dst, uint64(len(key))), key...)
	return append(binary.AppendUvarint(dst, uint64(len(value))+1), value...)
}

func appendDelete(dst, key []byte) []byte {
	dst = append(binary.AppendUvarint(dst, uint64(len(key))), key...)
	return append(dst, 0)
}

func seal(batch []byte) []byte { return binary.BigEndian.AppendUint32(batch, Checksum(batch)) }

// change is one of a batch. Its value is nil for a key that is deleted.
type change struct{ key, value []byte }

// parseBatch calls fn for each change of a batch. Keys and values share its memory.
func parseBatch(batch []byte, fn func(change) error) error {
	end := len(batch) - 4
	if end < 0 || binary.BigEndian.Uint32(batch[end:]) != Checksum(batch[:end]) {
		return fmt.Errorf("%w: a batch of %d bytes has another checksum", engine.ErrCorrupt, len(batch))
	}
	for rest := batch[:end]; len(rest) > 0; {
		key, after, ok := cut(rest, 0)
		if !ok || engine.CheckKey(key) != nil || len(after) == 0 {
			return fmt.Errorf("%w: a batch has a key that is cut short, empty or too long", engine.ErrCorrupt)
		}
		c := change{key: key}
		if after[0] == 0 {
			rest = after[1:]
		} else if c.value, rest, ok = cut(after, 1); !ok {
			return fmt.Errorf("%w: a batch has a value that is cut short", engine.ErrCorrupt)
		}
		if err := fn(c); err != nil {
			return err
		}
	}
	return nil
}

// cut reads a length that is more by some, and as many bytes, which are not nil.
func cut(src []byte, more uint64) (field, rest []byte, ok bool) {
	size, n := binary.Uvarint(src)
	if n <= 0 || size < more || size-more > uint64(len(src)-n) {
		return nil, nil, false
	}
	end := n + int(size-more)
	return src[n:end:end], src[end:], true
}
