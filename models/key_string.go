package models

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Codecs of the plain types. StringOf and BytesOf make those of named ones.
var (
	String = StringOf[string]()
	Bytes  = BytesOf[[]byte]()
)

// StringOf returns the codec of a string type. Keys sort bytewise, may hold any
// bytes and may be empty.
func StringOf[K ~string]() KeyCodec[K] {
	return &stringCodec[K]{
		name: "string", own: func(b []byte) K { return K(b) },
		format: func(key K) string { return formatString(string(key)) },
		parse: func(text string) (K, error) {
			key, err := parseString(text)
			return K(key), err
		},
	}
}

// BytesOf returns the codec of a byte slice type. Keys sort bytewise and may be
// empty; nil is the empty key, which decodes as an empty slice that is not nil.
func BytesOf[K ~[]byte]() KeyCodec[K] {
	return &stringCodec[K]{
		name: "bytes", own: func(b []byte) K { return append(make(K, 0, len(b)), b...) },
		format: func(key K) string { return hexPrefix + hex.EncodeToString(key) },
		parse: func(text string) (K, error) {
			digits, ok := strings.CutPrefix(text, hexPrefix)
			if !ok {
				return nil, errors.New("bytes are written as 0x and hex digits")
			}
			return hex.DecodeString(digits)
		},
	}
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
	// format and parse are for Format and Parse.
	format func(K) string
	parse  func(string) (K, error)
}

func (c *stringCodec[K]) Name() string { return c.name }

func (c *stringCodec[K]) Append(dst []byte, key K) []byte {
	return append(c.AppendPrefix(dst, key, false), 0, keyEnd)
}

// AppendPrefix implements [PrefixCodec].
func (c *stringCodec[K]) AppendPrefix(dst []byte, key K, last bool) []byte {
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

// Skip implements [SkippingCodec].
func (c *stringCodec[K]) Skip(src []byte) ([]byte, error) {
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

// hexPrefix begins the text of bytes as people write them.
const hexPrefix = "0x"

func (c *stringCodec[K]) Format(key K) string { return c.format(key) }

func (c *stringCodec[K]) Parse(text string) (K, error) {
	key, err := c.parse(text)
	if err != nil {
		return *new(K), badText(c.name, text, err)
	}
	return key, nil
}

// formatString returns a string as it is where a reader can see all of it and
// where it ends, and otherwise as a literal of Go.
func formatString(key string) string {
	if key == "" || strings.Trim(key, " ") != key || !utf8.ValidString(key) {
		return strconv.Quote(key)
	}
	for _, r := range key {
		if r == '"' || r == partComma || !strconv.IsPrint(r) {
			return strconv.Quote(key)
		}
	}
	return key
}

// parseString reads what formatString wrote. Text that is no literal stands for
// itself.
func parseString(text string) (string, error) {
	switch {
	case text == "":
		return "", errors.New(`an empty string is written as ""`)
	case text[0] != '"':
		return text, nil
	}
	key, err := strconv.Unquote(text)
	if err != nil {
		return "", errors.New("it begins with a quote and is no string literal of Go")
	}
	return key, nil
}
