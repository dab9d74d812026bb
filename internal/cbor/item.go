package cbor

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var errEnd = errors.New("the value ends early")

// Head reads the head of the first item of src. The argument of a float is its bits, and that of
// another item of major type Simple is the lower five bits of its byte.
func Head(src []byte) (major byte, arg uint64, rest []byte, err error) {
	if len(src) == 0 {
		return 0, 0, nil, errEnd
	}
	major, arg, rest = src[0]>>5, uint64(src[0]&0x1F), src[1:]
	switch {
	case src[0] == Float64:
		if len(rest) < 8 {
			return 0, 0, nil, errEnd
		}
		return major, binary.BigEndian.Uint64(rest), rest[8:], nil
	case major == Simple || arg < 24:
		return major, arg, rest, nil
	}
	arg, size, err := Long(arg, rest)
	if err != nil {
		return 0, 0, nil, err
	}
	return major, arg, rest[size:], nil
}

// Cut cuts the first item from src, with all that is in it. It checks how long each item is, and nothing
// else of it.
func Cut(src []byte) (item, rest []byte, err error) {
	rest = src
	for left := uint64(1); left > 0; left-- {
		major, arg, after, err := Head(rest)
		if err != nil {
			return nil, nil, err
		}
		if rest = after; major < Bytes || major == Simple {
			continue
		}
		if arg > uint64(len(rest)) { // each element has at least a byte
			return nil, nil, errEnd
		}
		switch major {
		case Bytes, Text:
			rest = rest[arg:]
		case List:
			left += arg
		case Map:
			left += 2 * arg
		default:
			return nil, nil, fmt.Errorf("there is %s", Names[major])
		}
	}
	return src[:len(src)-len(rest)], rest, nil
}
