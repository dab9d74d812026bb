package format

import "encoding/binary"

// signBit is flipped in the expiry of a queue key, so that keys sort by time.
const signBit = 1 << 63

// ExpirySize is how many bytes the key of a row's queue entry has more than the row's own key.
const ExpirySize = 1 + 8

// AppendExpiryKey appends the key of the queue entry for the row stored at rowKey.
func AppendExpiryKey(dst []byte, expiry int64, rowKey []byte) []byte {
	dst = binary.BigEndian.AppendUint64(Expiry.Append(dst), uint64(expiry)^signBit)
	return append(dst, rowKey...)
}

// CutExpiryKey takes a key of the expiry queue apart. Ok is false if key is no such key.
func CutExpiryKey(key []byte) (expiry int64, rowKey []byte, ok bool) {
	if len(key) < ExpirySize || key[0] != byte(Expiry) {
		return 0, nil, false
	}
	return int64(binary.BigEndian.Uint64(key[1:]) ^ signBit), key[ExpirySize:], true
}
