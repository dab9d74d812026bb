package models

import (
	"errors"
	"fmt"
	"strconv"
)

// KeyCodec turns keys of type K into bytes whose order is the order of the
// keys, and back. No two keys share an encoding. All methods may be called
// concurrently. The codecs that come with this package are described byte by
// byte in docs/format.md.
type KeyCodec[K any] interface {
	// Name is recorded in the store's catalog: a store written under one name
	// does not open under another. "uint64" or "pair(string,uint64)", say.
	Name() string

	// Append appends key in its delimited form. Its end can be found whatever
	// follows it: no key's form is the beginning of another's.
	Append(dst []byte, key K) []byte
	// Decode reads a delimited key from the front of src and returns what
	// follows it. The key shares no memory with src. It refuses every spelling
	// that Append does not write; the error matches [ErrInvalid].
	Decode(src []byte) (key K, rest []byte, err error)

	// AppendLast appends key in its last form, for the end of a stored key: as
	// Append, but free of the delimiter and escapes of strings and bytes.
	AppendLast(dst []byte, key K) []byte
	// DecodeLast reads a key in its last form from the whole of src. The key
	// shares no memory with src. It refuses every spelling that AppendLast does
	// not write; the error matches [ErrInvalid].
	DecodeLast(src []byte) (K, error)

	// AppendText appends key as text for a path: one segment without '/', never
	// empty, which sorts as the key does. [PairOf] says what a text in a pair
	// must not hold.
	AppendText(dst []byte, key K) []byte
	// ParseText reads what AppendText wrote, and refuses any other spelling of
	// the same key. The error matches [ErrInvalid].
	ParseText(text string) (K, error)

	// Format returns key as people write it, for errors, logs and command
	// lines: -5, sku-00, 2026-11-28T10:00:00Z. No two keys are written the
	// same. The text is never empty. It is either a string literal of Go in
	// double quotes, or holds neither ',' nor '"'; that of a key with several
	// parts is their texts with commas between.
	Format(key K) string
	// Parse reads what Format wrote. It may also read other spellings that
	// people use, such as a time in another zone. The error matches
	// [ErrInvalid].
	Parse(text string) (K, error)
}

// decodeOnly decodes src as one delimited key with nothing after it: the last
// form of the codecs that have only one form.
func decodeOnly[K any](c KeyCodec[K], src []byte) (K, error) {
	key, rest, err := c.Decode(src)
	if err == nil && len(rest) != 0 {
		err = badKey(c.Name(), fmt.Sprintf("%d bytes too many", len(rest)))
	}
	if err != nil {
		return *new(K), err
	}
	return key, nil
}

// appendHexText appends key's encoding in lower-case hex: the text form of the
// codecs of fixed size that are not unsigned integers.
func appendHexText[K any](c KeyCodec[K], dst []byte, key K) []byte {
	start := len(dst)
	dst = c.Append(dst, key)
	// The digits replace the bytes from the back, so that no second buffer is
	// needed.
	n := len(dst) - start
	dst = append(dst, make([]byte, n)...)
	text := dst[start:]
	for i := n - 1; i >= 0; i-- {
		b := text[i]
		text[2*i], text[2*i+1] = hexDigits[b>>4], hexDigits[b&0xF]
	}
	return dst
}

// parseHexText reads what appendHexText wrote, for an encoding of size bytes.
func parseHexText[K any](c KeyCodec[K], text string, size int) (K, error) {
	if len(text) != 2*size {
		return *new(K), badKey(c.Name(), fmt.Sprintf("text of %d characters, not %d", len(text), 2*size))
	}
	encoded := make([]byte, size)
	for i := range encoded {
		b, ok := hexByte(text[2*i:])
		if !ok {
			return *new(K), badKey(c.Name(), "text is not lower-case hex")
		}
		encoded[i] = b
	}
	return c.DecodeLast(encoded)
}

const hexDigits = "0123456789abcdef"

// hexByte reads the two lower-case hex digits at the front of text.
func hexByte(text string) (byte, bool) {
	if len(text) < 2 {
		return 0, false
	}
	high, ok1 := hexDigit(text[0])
	low, ok2 := hexDigit(text[1])
	return high<<4 | low, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	default:
		return 0, false
	}
}

// badKey is the error of bytes or text that no key of a codec is written as.
func badKey(codec, why string) error {
	return fmt.Errorf("%w: %s key: %s", ErrInvalid, codec, why)
}

// badText is the error of text that people do not write a key of a codec as.
func badText(codec, text string, why error) error {
	var number *strconv.NumError
	if errors.As(why, &number) {
		why = number.Err // without the text once more
	}
	return fmt.Errorf("%w: %s key: cannot read %q: %w", ErrInvalid, codec, cutShort(text), why)
}
