package models

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
)

// Codecs of the plain types. UintOf and its siblings make those of named ones.
var (
	Uint8   = UintOf[uint8]()
	Uint16  = UintOf[uint16]()
	Uint32  = UintOf[uint32]()
	Uint64  = UintOf[uint64]()
	Uint    = UintOf[uint]()
	Int8    = IntOf[int8]()
	Int16   = IntOf[int16]()
	Int32   = IntOf[int32]()
	Int64   = IntOf[int64]()
	Int     = IntOf[int]()
	Bool    = BoolOf[bool]()
	Float32 = FloatOf[float32]()
	Float64 = FloatOf[float64]()
)

// UintOf returns the codec of an unsigned integer type. It has the name and the
// bytes of the plain type of the same width; uint is written as uint64 on every
// machine, and a machine whose uint is too small for a stored key refuses it.
func UintOf[K ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64]() KeyCodec[K] {
	size := integerSize[K]()
	return &fixedCodec[K]{
		name: "uint" + strconv.Itoa(8*size), size: size,
		digits: len(strconv.FormatUint(math.MaxUint64>>(64-8*size), 10)),
		rank:   func(key K) uint64 { return uint64(key) },
		key: func(rank uint64) (K, bool) {
			key := K(rank)
			return key, uint64(key) == rank
		},
		format: formatUint[K],
		parse: func(text string) (K, error) {
			key, err := strconv.ParseUint(text, 10, int(reflect.TypeFor[K]().Size())*8)
			return K(key), err
		},
	}
}

// IntOf returns the codec of a signed integer type. It has the name and the
// bytes of the plain type of the same width; int is written as int64 on every
// machine, and a machine whose int is too small for a stored key refuses it.
func IntOf[K ~int | ~int8 | ~int16 | ~int32 | ~int64]() KeyCodec[K] {
	size := integerSize[K]()
	half := uint64(1) << (8*size - 1)
	return &fixedCodec[K]{
		name: "int" + strconv.Itoa(8*size), size: size,
		// Adding half flips the sign bit of the low size bytes, the only ones
		// written.
		rank: func(key K) uint64 { return uint64(key) + half },
		key: func(rank uint64) (K, bool) {
			wide := int64(rank - half)
			key := K(wide)
			return key, int64(key) == wide
		},
		format: formatInt[K],
		parse: func(text string) (K, error) {
			key, err := strconv.ParseInt(text, 10, int(reflect.TypeFor[K]().Size())*8)
			return K(key), err
		},
	}
}

// integerSize returns in how many bytes an integer type is written.
func integerSize[K any]() int {
	t := reflect.TypeFor[K]()
	if k := t.Kind(); k == reflect.Int || k == reflect.Uint {
		return 8
	}
	return int(t.Size())
}

// BoolOf returns the codec of a boolean type; false sorts before true.
func BoolOf[K ~bool]() KeyCodec[K] {
	return &fixedCodec[K]{
		name: "bool", size: 1,
		rank: func(key K) uint64 {
			if key {
				return 1
			}
			return 0
		},
		key:    func(rank uint64) (K, bool) { return rank == 1, rank <= 1 },
		format: func(key K) string { return strconv.FormatBool(bool(key)) },
		parse: func(text string) (K, error) {
			if text != "true" && text != "false" {
				return false, errors.New("it is neither true nor false")
			}
			return text == "true", nil
		},
	}
}

// FloatOf returns the codec of a floating-point type. Keys sort as by
// [cmp.Compare]: NaN first, and every NaN is one key; negative zero is zero.
func FloatOf[K ~float32 | ~float64]() KeyCodec[K] {
	if reflect.TypeFor[K]().Size() == 4 {
		return &fixedCodec[K]{
			name: "float32", size: 4,
			rank: func(key K) uint64 {
				return floatRank(key, uint64(math.Float32bits(float32(key))), 1<<31)
			},
			key: func(rank uint64) (K, bool) {
				return checkFloat(K(math.Float32frombits(uint32(floatBits(rank, 1<<31)))), rank)
			},
			format: formatFloat[K](32), parse: parseFloat[K](32),
		}
	}
	return &fixedCodec[K]{
		name: "float64", size: 8,
		rank: func(key K) uint64 {
			return floatRank(key, math.Float64bits(float64(key)), 1<<63)
		},
		key: func(rank uint64) (K, bool) {
			return checkFloat(K(math.Float64frombits(floatBits(rank, 1<<63))), rank)
		},
		format: formatFloat[K](64), parse: parseFloat[K](64),
	}
}

// floatRank gives the place in the order of a float with these IEEE 754 bits:
// without its sign bit a float grows with its bits, with it the other way.
func floatRank[K ~float32 | ~float64](key K, bits, sign uint64) uint64 {
	switch {
	case key != key:
		return 0
	case key == 0:
		return sign
	case bits&sign != 0:
		return ^bits // the bytes above the float's own are not written
	default:
		return bits | sign
	}
}

// floatBits undoes floatRank.
func floatBits(rank, sign uint64) uint64 {
	if rank&sign != 0 {
		return rank ^ sign
	}
	return ^rank
}

// checkFloat refuses the ranks that floatRank never gives: those of negative
// zero and of any NaN but the one.
func checkFloat[K ~float32 | ~float64](key K, rank uint64) (K, bool) {
	switch {
	case key != key:
		return key, rank == 0
	case key == 0:
		return key, !math.Signbit(float64(key))
	default:
		return key, true
	}
}

// These functions write and read the plain types as people do.

func formatUint[K ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64](key K) string {
	return strconv.FormatUint(uint64(key), 10)
}

func formatInt[K ~int | ~int8 | ~int16 | ~int32 | ~int64](key K) string {
	return strconv.FormatInt(int64(key), 10)
}

func formatFloat[K ~float32 | ~float64](bits int) func(K) string {
	return func(key K) string {
		if key == 0 {
			key = 0 // without a sign
		}
		return strconv.FormatFloat(float64(key), 'g', -1, bits)
	}
}

func parseFloat[K ~float32 | ~float64](bits int) func(string) (K, error) {
	return func(text string) (K, error) {
		key, err := strconv.ParseFloat(text, bits)
		return K(key), err
	}
}

// fixedCodec writes a key as a big-endian number of a fixed size, its rank
// among all keys of its type.
type fixedCodec[K any] struct {
	name string
	// size is that of the number in bytes: 1, 2, 4 or 8.
	size int
	// digits is the width of the text if that is decimal, or 0 if it is hex.
	digits int
	// rank gives the number in its low bytes; those above size do not count.
	rank func(K) uint64
	// key undoes rank, and is false for a number that is no key's rank.
	key func(uint64) (K, bool)
	// format and parse are for Format and Parse.
	format func(K) string
	parse  func(string) (K, error)
}

func (c *fixedCodec[K]) Name() string { return c.name }

func (c *fixedCodec[K]) Append(dst []byte, key K) []byte {
	rank := c.rank(key)
	switch c.size {
	case 1:
		return append(dst, byte(rank))
	case 2:
		return binary.BigEndian.AppendUint16(dst, uint16(rank))
	case 4:
		return binary.BigEndian.AppendUint32(dst, uint32(rank))
	default:
		return binary.BigEndian.AppendUint64(dst, rank)
	}
}

func (c *fixedCodec[K]) Decode(src []byte) (K, []byte, error) {
	if len(src) < c.size {
		return *new(K), nil, badKey(c.name, fmt.Sprintf("%d bytes, not %d", len(src), c.size))
	}
	key, err := c.DecodeLast(src[:c.size])
	if err != nil {
		return key, nil, err
	}
	return key, src[c.size:], nil
}

// KeySize implements [SizedCodec].
func (c *fixedCodec[K]) KeySize() int { return c.size }

func (c *fixedCodec[K]) AppendLast(dst []byte, key K) []byte { return c.Append(dst, key) }

func (c *fixedCodec[K]) DecodeLast(src []byte) (K, error) {
	if len(src) != c.size {
		return *new(K), badKey(c.name, fmt.Sprintf("%d bytes, not %d", len(src), c.size))
	}
	var rank uint64
	switch c.size {
	case 1:
		rank = uint64(src[0])
	case 2:
		rank = uint64(binary.BigEndian.Uint16(src))
	case 4:
		rank = uint64(binary.BigEndian.Uint32(src))
	default:
		rank = binary.BigEndian.Uint64(src)
	}
	key, ok := c.key(rank)
	if !ok {
		return *new(K), badKey(c.name, fmt.Sprintf("bytes %x are no key's", src))
	}
	return key, nil
}

func (c *fixedCodec[K]) AppendText(dst []byte, key K) []byte {
	if c.digits == 0 {
		return appendHexText(c, dst, key)
	}
	start := len(dst)
	dst = append(dst, make([]byte, c.digits)...)
	rank := c.rank(key)
	for i := len(dst) - 1; i >= start; i-- {
		dst[i] = '0' + byte(rank%10)
		rank /= 10
	}
	return dst
}

func (c *fixedCodec[K]) ParseText(text string) (K, error) {
	if c.digits == 0 {
		return parseHexText(c, text, c.size)
	}
	if len(text) != c.digits {
		return *new(K), badKey(c.name, fmt.Sprintf("text of %d digits, not %d", len(text), c.digits))
	}
	rank, err := strconv.ParseUint(text, 10, 8*c.size)
	if err != nil {
		return *new(K), badKey(c.name, err.Error())
	}
	key, ok := c.key(rank)
	if !ok {
		return *new(K), badKey(c.name, text+" does not fit this machine")
	}
	return key, nil
}

func (c *fixedCodec[K]) Format(key K) string { return c.format(key) }

func (c *fixedCodec[K]) Parse(text string) (K, error) {
	key, err := c.parse(text)
	if err != nil {
		return *new(K), badText(c.name, text, err)
	}
	return key, nil
}
