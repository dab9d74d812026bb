package shape

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// Package dagcbor, which generated codecs use, imports package models and so this package. So
// shapes have the few functions that they need of their own.

// Major types, the top three bits of the head of an item.
const (
	majorUint  = 0
	majorNeg   = 1
	majorBytes = 2
	majorText  = 3
	majorList  = 4
	majorMap   = 5
)

// Whole items of major type 7.
const (
	itemFalse   = 0xF4
	itemTrue    = 0xF5
	itemNull    = 0xF6
	itemFloat64 = 0xFB
)

var majorNames = [8]string{
	"an unsigned integer", "a negative integer", "a byte string", "text",
	"a list", "a map", "a tag", "a simple value or float",
}

func appendHead(dst []byte, major byte, arg uint64) []byte {
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

func appendText(dst []byte, text string) []byte {
	return append(appendHead(dst, majorText, uint64(len(text))), text...)
}

// compareKeys orders the keys of a DAG-CBOR map: by length, then bytewise.
func compareKeys(a, b []byte) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return bytes.Compare(a, b)
}

// reader reads canonical DAG-CBOR from front to back.
type reader struct {
	src []byte
	at  int
}

// fail returns an error that says at which byte the reader is.
func (r *reader) fail(format string, args ...any) error {
	return fmt.Errorf("byte %d: %w", r.at, fmt.Errorf(format, args...))
}

// next returns the first byte of the next item, which may be of any type.
func (r *reader) next() (byte, error) {
	if r.at >= len(r.src) {
		return 0, r.fail("it ends early")
	}
	return r.src[r.at], nil
}

// head reads the head of an item of a major type and returns its argument.
func (r *reader) head(major byte) (uint64, error) {
	initial, err := r.next()
	if err != nil {
		return 0, err
	}
	if initial>>5 != major {
		return 0, r.fail("there is %s in place of %s", majorNames[initial>>5], majorNames[major])
	}
	arg := uint64(initial & 0x1F)
	if arg < 24 {
		r.at++
		return arg, nil
	}
	rest, least := r.src[r.at+1:], uint64(24)
	size := 1 << (arg - 24)
	if arg > 27 || len(rest) < size {
		return 0, r.fail("a head is cut off or of indefinite length")
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
		return 0, r.fail("%d is not written in its shortest form", arg)
	}
	r.at += 1 + size
	return arg, nil
}

// count reads the head of a list or map of at most limit elements, each of which has at least
// so many bytes.
func (r *reader) count(major byte, limit, least int) (int, error) {
	start := r.at
	n, err := r.head(major)
	if err != nil {
		return 0, err
	}
	if n > uint64(limit) || n*uint64(least) > uint64(len(r.src)-r.at) {
		r.at = start
		return 0, r.fail("%s of %d elements is cut off or has more than %d", majorNames[major], n, limit)
	}
	return int(n), nil
}

// run reads a byte string or text. The result lies in the memory of what is read.
func (r *reader) run(major byte) ([]byte, error) {
	start := r.at
	size, err := r.head(major)
	if err != nil {
		return nil, err
	}
	if size > uint64(len(r.src)-r.at) {
		r.at = start
		return nil, r.fail("%s of %d bytes is cut off", majorNames[major], size)
	}
	run := r.src[r.at : r.at+int(size)]
	r.at += int(size)
	return run, nil
}

// text reads text. The result lies in the memory of what is read.
func (r *reader) text() ([]byte, error) {
	start := r.at
	text, err := r.run(majorText)
	if err == nil && !utf8.Valid(text) {
		r.at = start
		return nil, r.fail("text %.40q is not UTF-8", text)
	}
	return text, err
}

// key reads a key of a map if it is name, and reports whether it was. Left is the number of
// keys that are yet to come.
func (r *reader) key(left *int, name string) bool {
	probe := *r
	if text, err := probe.run(majorText); *left == 0 || err != nil || string(text) != name {
		return false
	}
	*r = probe
	*left--
	return true
}

// endKeys ends a map, of which left keys have not been read.
func (r *reader) endKeys(left int) error {
	if left == 0 {
		return nil
	}
	start := r.at
	text, err := r.text()
	if err != nil {
		return err
	}
	r.at = start
	return r.fail("the member %.40q is unknown, repeated or out of order", text)
}

// end returns an error if bytes are left over.
func (r *reader) end() error {
	if left := len(r.src) - r.at; left > 0 {
		return r.fail("%d bytes follow", left)
	}
	return nil
}
