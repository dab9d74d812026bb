package providers

import (
	"encoding/binary"
	"math/bits"
)

// cutNumber cuts a varint off the beginning of text.
func cutNumber[T ~string | ~[]byte](text *T) (n uint64, ok bool) {
	t := *text
	for i := 0; i < len(t) && i < binary.MaxVarintLen64; i++ {
		b := t[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			*text = t[i+1:]
			return n, i < binary.MaxVarintLen64-1 || b <= 1
		}
	}
	return 0, false
}

// cutText cuts a length, and as many bytes, off the beginning of text.
func cutText[T ~string | ~[]byte](text *T) (part T, ok bool) {
	n, ok := cutNumber(text)
	if !ok || n > uint64(len(*text)) {
		return part, false
	}
	part, *text = (*text)[:n], (*text)[n:]
	return part, true
}

// uvarintSize returns how many bytes a varint has.
func uvarintSize(n uint64) int { return (bits.Len64(n|1) + 6) / 7 }

// zigzag decodes the zigzag form of a signed number.
func zigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }
