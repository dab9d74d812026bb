package models

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// The encoder leaves two things undone: it accepts values that the decoder
// refuses, and it writes a float32 in 4 bytes, where DAG-CBOR has 8 for every
// float. This file corrects both in the encoder's output, which is well-formed
// CBOR of definite lengths, whose items lie one behind the other however they
// nest.

// Major types of CBOR, the top three bits of a head.
const (
	cborBytes  = 2
	cborText   = 3
	cborList   = 4
	cborMap    = 5
	cborSimple = 7

	cborFloat32 = cborSimple<<5 | 26
	cborFloat64 = cborSimple<<5 | 27
)

// cborHead reads the head at the front of encoded: the major type, its argument
// and how long the head is.
func cborHead(encoded []byte) (major byte, arg uint64, size int) {
	major = encoded[0] >> 5
	switch info := encoded[0] & 0x1F; info {
	case 24:
		return major, uint64(encoded[1]), 2
	case 25:
		return major, uint64(binary.BigEndian.Uint16(encoded[1:])), 3
	case 26:
		return major, uint64(binary.BigEndian.Uint32(encoded[1:])), 5
	case 27:
		return major, binary.BigEndian.Uint64(encoded[1:]), 9
	default:
		return major, uint64(info), 1
	}
}

// checkItems refuses what the decoder would refuse.
func checkItems(encoded []byte) error {
	for len(encoded) > 0 {
		major, arg, size := cborHead(encoded)
		encoded = encoded[size:]
		switch major {
		case cborBytes:
			encoded = encoded[arg:]
		case cborText:
			if text := encoded[:arg]; !utf8.Valid(text) {
				return fmt.Errorf("text %.40q is not UTF-8", text)
			}
			encoded = encoded[arg:]
		case cborList, cborMap:
			if arg > cborMaxElements {
				return fmt.Errorf("a list or map has %d elements, more than %d", arg, cborMaxElements)
			}
		}
	}
	return nil
}

// appendWidened appends encoded with every float in 8 bytes.
func appendWidened(dst, encoded []byte) []byte {
	done := 0 // what lies before is in dst
	for at := 0; at < len(encoded); {
		initial := encoded[at]
		major, arg, size := cborHead(encoded[at:])
		if initial == cborFloat32 {
			dst = append(append(dst, encoded[done:at]...), cborFloat64)
			dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(float64(math.Float32frombits(uint32(arg)))))
			done = at + size
		}
		at += size
		if major == cborBytes || major == cborText {
			at += int(arg)
		}
	}
	return append(dst, encoded[done:]...)
}
