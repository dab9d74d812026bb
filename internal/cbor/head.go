// Package cbor has the heads of CBOR items, in the one form that DAG-CBOR allows. It is for packages
// below models, and for package dagcbor, which reads and writes whole values.
package cbor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Major types, the top three bits of a head.
const (
	Uint   = 0
	Neg    = 1
	Bytes  = 2
	Text   = 3
	List   = 4
	Map    = 5
	Simple = 7
)

// Whole items of major type Simple. Float64 is followed by 8 bytes.
const (
	False   = 0xF4
	True    = 0xF5
	Null    = 0xF6
	Float64 = 0xFB
)

// errCut is the error of a head that ends early or has no end.
var errCut = errors.New("a head is cut off or of indefinite length")

// Names says what a major type is, as errors do.
var Names = [8]string{
	"an unsigned integer", "a negative integer", "a byte string", "text",
	"a list", "a map", "a tag", "a simple value or float",
}

// AppendHead appends the head of an item.
func AppendHead(dst []byte, major byte, arg uint64) []byte {
	major <<= 5
	switch {
	case arg < 24:
		return append(dst, major|byte(arg))
	case arg <= math.MaxUint8:
		return append(dst, major|24, byte(arg))
	case arg <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(arg))
	case arg <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(arg))
	default:
		return binary.BigEndian.AppendUint64(append(dst, major|27), arg)
	}
}

// AppendText appends text, which is UTF-8.
func AppendText(dst []byte, text string) []byte {
	return append(AppendHead(dst, Text, uint64(len(text))), text...)
}

// Long reads the argument of a head of more than one byte. Info is the lower five bits of the first
// byte, at least 24, and rest what follows that. Size is how many bytes of rest the argument has.
func Long(info uint64, rest []byte) (arg uint64, size int, err error) {
	size, least := 1<<(info-24), uint64(24)
	if info > 27 || len(rest) < size {
		return 0, 0, errCut
	}
	switch size {
	case 1:
		arg = uint64(rest[0])
	case 2:
		arg, least = uint64(binary.BigEndian.Uint16(rest)), math.MaxUint8+1
	case 4:
		arg, least = uint64(binary.BigEndian.Uint32(rest)), math.MaxUint16+1
	default:
		arg, least = binary.BigEndian.Uint64(rest), math.MaxUint32+1
	}
	if arg < least {
		return 0, 0, fmt.Errorf("%d is not written in its shortest form", arg)
	}
	return arg, size, nil
}
