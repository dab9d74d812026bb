package models

import (
	"encoding/hex"
	"fmt"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// This file works on keys in their encoded form.

// splitEntry checks an index entry and takes what follows its space number of
// some bytes apart into the index key, in its delimited form, and the primary
// key. Both share the entry's memory.
func splitEntry(ix *session.Index, entry []byte, space int, stored []byte) (key, primary []byte, err error) {
	value, err := format.CutChecksum(entry, stored)
	if err != nil {
		return nil, nil, err
	}
	suffix := entry[space:]
	if ix.Kind.KeyInValue() {
		return suffix, value, nil
	}
	if key, primary, err = ix.CutKey(suffix); err != nil {
		return nil, nil, corruptKey(err)
	}
	return key, primary, nil
}

// cutKey splits src behind the delimited key at its front.
func cutKey[K any](codec KeyCodec[K], src []byte) (key, rest []byte, err error) {
	if s, ok := codec.(SkippingCodec); ok {
		rest, err = s.Skip(src)
	} else {
		_, rest, err = codec.Decode(src)
	}
	if err != nil {
		return nil, nil, err
	}
	return src[:len(src)-len(rest)], rest, nil
}

// decodeWhole decodes a delimited key that nothing follows.
func decodeWhole[K any](codec KeyCodec[K]) func([]byte) (K, error) {
	return func(encoded []byte) (K, error) {
		key, rest, err := codec.Decode(encoded)
		if err == nil && len(rest) > 0 {
			err = fmt.Errorf("%w: %d bytes follow the key", ErrInvalid, len(rest))
		}
		return key, err
	}
}

func pathText[K any](decode func([]byte) (K, error), codec KeyCodec[K], encoded []byte) (string, error) {
	key, err := decode(encoded)
	if err != nil {
		return "", err
	}
	return string(codec.AppendText(nil, key)), nil
}

func parsePathText[K any](codec KeyCodec[K], encode func([]byte, K) []byte, text string) ([]byte, error) {
	key, err := codec.ParseText(text)
	if err != nil {
		return nil, err
	}
	return encode(nil, key), nil
}

// formatKey returns an encoded key as people write it, and in hex where it does
// not decode.
func formatKey[K any](decode func([]byte) (K, error), codec KeyCodec[K], encoded []byte) string {
	key, err := decode(encoded)
	if err != nil {
		return hexPrefix + hex.EncodeToString(encoded)
	}
	return codec.Format(key)
}
