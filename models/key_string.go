package models

import "bytes"

// Codecs of the plain types. StringOf and BytesOf make those of named ones.
var (
	String = StringOf[string]()
	Bytes  = BytesOf[[]byte]()
)

// StringOf returns the codec of a string type. Keys sort bytewise, may hold any
// bytes and may be empty.
func StringOf[K ~string]() KeyCodec[K] {
	return &stringCodec[K]{name: "string", own: func(b []byte) K { return K(b) }}
}

// BytesOf returns the codec of a byte slice type. Keys sort bytewise and may be
// empty; nil is the empty key, which decodes as an empty slice that is not nil.
func BytesOf[K ~[]byte]() KeyCodec[K] {
	return &stringCodec[K]{name: "bytes", own: func(b []byte) K { return append(make(K, 0, len(b)), b...) }}
}

// In the delimited form a zero byte is followed by one of these.
const (
	keyEnd     = 0x01
	escapedNul = 0xFF
)

// stringCodec writes strings and byte slices.
type stringCodec[K ~string | ~[]byte] struct {
	name string
	// own copies bytes into a key of their own.
	own func([]byte) K
}

func (c *stringCodec[K]) Name() string { return c.name }

func (c *stringCodec[K]) Append(dst []byte, key K) []byte {
	return append(c.appendPartial(dst, key, false), 0, keyEnd)
}

// appendPartial implements partialCodec: a string is what all strings that
// begin with it begin with.
func (c *stringCodec[K]) appendPartial(dst []byte, key K, last bool) []byte {
	start := len(dst)
	dst = append(dst, key...)
	if last {
		return dst
	}
	zeros := bytes.Count(dst[start:], []byte{0})
	if zeros == 0 {
		return dst
	}
	// Spread the bytes from the back, so that no second buffer is needed.
	from := len(dst)
	dst = append(dst, make([]byte, zeros)...)
	for to := len(dst); to > from; {
		from--
		to--
		if dst[from] == 0 {
			dst[to] = escapedNul
			to--
		}
		dst[to] = dst[from]
	}
	return dst
}

func (c *stringCodec[K]) Decode(src []byte) (K, []byte, error) {
	end, zeros, err := c.findEnd(src)
	if err != nil {
		return *new(K), nil, err
	}
	escaped, rest := src[:end], src[end+2:]
	if zeros == 0 {
		return c.own(escaped), rest, nil
	}
	key := make([]byte, 0, end-zeros)
	for range zeros {
		i := bytes.IndexByte(escaped, 0)
		key = append(key, escaped[:i+1]...)
		escaped = escaped[i+2:]
	}
	return c.own(append(key, escaped...)), rest, nil
}

// skip implements skipper.
func (c *stringCodec[K]) skip(src []byte) ([]byte, error) {
	end, _, err := c.findEnd(src)
	if err != nil {
		return nil, err
	}
	return src[end+2:], nil
}

// findEnd returns where in src the end mark of a delimited key is, and how many
// zero bytes are escaped before it.
func (c *stringCodec[K]) findEnd(src []byte) (end, zeros int, err error) {
	for {
		i := bytes.IndexByte(src[end:], 0)
		if i < 0 || end+i+1 == len(src) {
			return 0, 0, badKey(c.name, "it has no end")
		}
		end += i
		switch src[end+1] {
		case keyEnd:
			return end, zeros, nil
		case escapedNul:
			zeros++
			end += 2
		default:
			return 0, 0, badKey(c.name, "a zero byte is not escaped")
		}
	}
}

func (c *stringCodec[K]) AppendLast(dst []byte, key K) []byte { return append(dst, key...) }

func (c *stringCodec[K]) DecodeLast(src []byte) (K, error) { return c.own(src), nil }

const (
	// Bytes from plainFirst to plainLast are their own text.
	plainFirst, plainLast = '0', '}'
	// lowMark comes before two hex digits of a byte below those, highMark of
	// one above.
	lowMark, highMark = '-', '~'
	emptyText         = "+"
)

func (c *stringCodec[K]) AppendText(dst []byte, key K) []byte {
	if len(key) == 0 {
		return append(dst, emptyText...)
	}
	for i := range len(key) {
		switch b := key[i]; {
		case b < plainFirst:
			dst = append(dst, lowMark, hexDigits[b>>4], hexDigits[b&0xF])
		case b > plainLast:
			dst = append(dst, highMark, hexDigits[b>>4], hexDigits[b&0xF])
		default:
			dst = append(dst, b)
		}
	}
	return dst
}

func (c *stringCodec[K]) ParseText(text string) (K, error) {
	switch text {
	case "":
		return *new(K), badKey(c.name, "text is empty")
	case emptyText:
		return c.own(nil), nil
	}
	key := make([]byte, 0, len(text))
	for len(text) > 0 {
		mark := text[0]
		text = text[1:]
		if mark >= plainFirst && mark <= plainLast {
			key = append(key, mark)
			continue
		}
		b, ok := hexByte(text)
		if !ok || mark == lowMark && b >= plainFirst || mark == highMark && b <= plainLast ||
			mark != lowMark && mark != highMark {
			return *new(K), badKey(c.name, "text is not spelled as keys are")
		}
		key = append(key, b)
		text = text[2:]
	}
	return c.own(key), nil
}
