package format

import "encoding/binary"

// AppendSized appends b behind its length, which is a uvarint.
func AppendSized(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// CutSized returns the bytes at the beginning of src that stand behind their length, and what follows
// them. The two share the memory of src. It returns false if src is too short.
func CutSized(src []byte) (b, rest []byte, ok bool) {
	size, n := binary.Uvarint(src)
	if n <= 0 || size > uint64(len(src)-n) {
		return nil, nil, false
	}
	end := n + int(size)
	return src[n:end:end], src[end:], true
}
