package datastore

import (
	"strings"

	"github.com/newsnet-africa/netabase-go/models"
)

// keyText makes text of the keys of one codec, known by its name.
type keyText struct {
	// cut appends the text of the delimited key at the front of src and returns
	// what follows it.
	cut func(dst, src []byte) (text, rest []byte, err error)
	// last appends the text of the key that is all of src, in its last form.
	last func(dst, src []byte) ([]byte, error)
}

// maxPairs bounds how deep the names of pairs may nest.
const maxPairs = 32

// keyTexts returns the form of the codec with the name, or nil where it is not
// one that comes with package models.
func keyTexts(name string) *keyText { return nestedKeyTexts(name, maxPairs) }

func nestedKeyTexts(name string, depth int) *keyText {
	if plain, ok := plainKeys[name]; ok {
		return &plain
	}
	halves, isPair := strings.CutPrefix(name, "pair(")
	halves, closed := strings.CutSuffix(halves, ")")
	if !isPair || !closed || depth == 0 {
		return nil
	}
	open := 0
	for i, c := range []byte(halves) {
		switch {
		case c == '(':
			open++
		case c == ')':
			open--
		case c == ',' && open == 0:
			a, b := nestedKeyTexts(halves[:i], depth-1), nestedKeyTexts(halves[i+1:], depth-1)
			if a == nil || b == nil {
				return nil
			}
			pair := pairText(*a, *b)
			return &pair
		}
	}
	return nil
}

var plainKeys = map[string]keyText{
	models.Uint8.Name():   textOf(models.Uint8),
	models.Uint16.Name():  textOf(models.Uint16),
	models.Uint32.Name():  textOf(models.Uint32),
	models.Uint64.Name():  textOf(models.Uint64),
	models.Int8.Name():    textOf(models.Int8),
	models.Int16.Name():   textOf(models.Int16),
	models.Int32.Name():   textOf(models.Int32),
	models.Int64.Name():   textOf(models.Int64),
	models.Bool.Name():    textOf(models.Bool),
	models.Float32.Name(): textOf(models.Float32),
	models.Float64.Name(): textOf(models.Float64),
	models.Time.Name():    textOf(models.Time),
	models.String.Name():  textOf(models.String),
	models.Bytes.Name():   textOf(models.Bytes),
}

func textOf[K any](codec models.KeyCodec[K]) keyText {
	return keyText{
		cut: func(dst, src []byte) ([]byte, []byte, error) {
			key, rest, err := codec.Decode(src)
			if err != nil {
				return nil, nil, err
			}
			return codec.AppendText(dst, key), rest, nil
		},
		last: func(dst, src []byte) ([]byte, error) {
			key, err := codec.DecodeLast(src)
			if err != nil {
				return nil, err
			}
			return codec.AppendText(dst, key), nil
		},
	}
}

func pairText(a, b keyText) keyText {
	first := func(dst, src []byte) (text, rest []byte, err error) {
		if text, rest, err = a.cut(dst, src); err != nil {
			return nil, nil, err
		}
		return append(text, ','), rest, nil
	}
	return keyText{
		cut: func(dst, src []byte) ([]byte, []byte, error) {
			text, rest, err := first(dst, src)
			if err != nil {
				return nil, nil, err
			}
			return b.cut(text, rest)
		},
		last: func(dst, src []byte) ([]byte, error) {
			text, rest, err := first(dst, src)
			if err != nil {
				return nil, err
			}
			return b.last(text, rest)
		},
	}
}
