package models

import (
	"fmt"
	"strconv"
	"strings"
)

// Pair is a key of two parts, ordered by the first and then by the second. Keys
// of more parts are a [Triple] or a [Quad]; all three nest.
type Pair[A, B any] struct {
	// First is the part that keys are ordered by, and found by with FirstIs.
	First A
	// Second orders keys with the same first part.
	Second B
}

func (Pair[A, B]) first(a A) Pair[A, B] { return Pair[A, B]{First: a} }

// MakePair returns the pair of first and second.
func MakePair[A, B any](first A, second B) Pair[A, B] {
	return Pair[A, B]{First: first, Second: second}
}

// PairOf returns the codec of pairs whose parts are written by a and b. All codecs
// of this package can be parts. A codec of your own can be a part, too, if its
// text in paths holds neither ',' nor any byte that sorts below it. A codec that
// implements [PartsCodec] can be one if this is true of the text of each of its
// parts.
func PairOf[A, B any](a KeyCodec[A], b KeyCodec[B]) KeyCodec[Pair[A, B]] {
	return namedPair("pair("+a.Name()+","+b.Name()+")", a, b)
}

func namedPair[A, B any](name string, a KeyCodec[A], b KeyCodec[B]) *pairCodec[A, B] {
	return &pairCodec[A, B]{
		a: a, b: b, name: name,
		aParts: textParts(a), bParts: textParts(b),
	}
}

// partComma stands between the texts of the halves. In a path it sorts below every
// character that can continue a longer text of the first half, and above the text of an
// empty string.
const partComma = ','

// multiText is implemented by codecs whose text has several parts with commas
// between them.
type multiText interface{ textParts() int }

func textParts[K any](codec KeyCodec[K]) int {
	switch c := any(codec).(type) {
	case multiText:
		return c.textParts()
	case PartsCodec[K]:
		return c.Parts()
	}
	return 1
}

type pairCodec[A, B any] struct {
	a    KeyCodec[A]
	b    KeyCodec[B]
	name string
	// aParts and bParts are how many parts the halves' texts have, so that the
	// comma between the halves of nested pairs can be told from those within.
	aParts, bParts int
}

func (c *pairCodec[A, B]) Name() string { return c.name }

func (c *pairCodec[A, B]) Append(dst []byte, key Pair[A, B]) []byte {
	return c.b.Append(c.a.Append(dst, key.First), key.Second)
}

func (c *pairCodec[A, B]) Decode(src []byte) (key Pair[A, B], rest []byte, err error) {
	if key.First, rest, err = c.a.Decode(src); err != nil {
		return Pair[A, B]{}, nil, err
	}
	if key.Second, rest, err = c.b.Decode(rest); err != nil {
		return Pair[A, B]{}, nil, err
	}
	return key, rest, nil
}

// Skip implements [SkippingCodec].
func (c *pairCodec[A, B]) Skip(src []byte) ([]byte, error) {
	_, rest, err := cutKey(c.a, src)
	if err != nil {
		return nil, err
	}
	_, rest, err = cutKey(c.b, rest)
	return rest, err
}

func (c *pairCodec[A, B]) AppendLast(dst []byte, key Pair[A, B]) []byte {
	return c.b.AppendLast(c.a.Append(dst, key.First), key.Second)
}

func (c *pairCodec[A, B]) DecodeLast(src []byte) (key Pair[A, B], err error) {
	var rest []byte
	if key.First, rest, err = c.a.Decode(src); err != nil {
		return Pair[A, B]{}, err
	}
	if key.Second, err = c.b.DecodeLast(rest); err != nil {
		return Pair[A, B]{}, err
	}
	return key, nil
}

// Parts implements [PartsCodec].
func (*pairCodec[A, B]) Parts() int { return 2 }

// AppendParts implements [PartsCodec].
func (c *pairCodec[A, B]) AppendParts(dst []byte, key Pair[A, B], _ int) []byte {
	return c.a.Append(dst, key.First)
}

func (c *pairCodec[A, B]) AppendText(dst []byte, key Pair[A, B]) []byte {
	dst = append(c.a.AppendText(dst, key.First), partComma)
	return c.b.AppendText(dst, key.Second)
}

func (c *pairCodec[A, B]) ParseText(text string) (key Pair[A, B], err error) {
	first, second, ok := c.cut(text)
	if !ok {
		return Pair[A, B]{}, badKey(c.name, "text has too few commas")
	}
	if key.First, err = c.a.ParseText(first); err != nil {
		return Pair[A, B]{}, err
	}
	if key.Second, err = c.b.ParseText(second); err != nil {
		return Pair[A, B]{}, err
	}
	return key, nil
}

// cut splits the text of a pair between its halves.
func (c *pairCodec[A, B]) cut(text string) (first, second string, ok bool) {
	end := -1
	for range c.aParts {
		i := strings.IndexByte(text[end+1:], partComma)
		if i < 0 {
			return "", "", false
		}
		end += 1 + i
	}
	return text[:end], text[end+1:], true
}

func (c *pairCodec[A, B]) Format(key Pair[A, B]) string {
	return c.a.Format(key.First) + string(partComma) + c.b.Format(key.Second)
}

func (c *pairCodec[A, B]) Parse(text string) (key Pair[A, B], err error) {
	first, second, ok := cutParts(text, c.aParts)
	if _, _, more := cutParts(second, c.bParts); more || !ok {
		return Pair[A, B]{}, badText(c.name, text,
			fmt.Errorf("it is written as %d parts with commas between", c.textParts()))
	}
	if key.First, err = c.a.Parse(first); err != nil {
		return Pair[A, B]{}, err
	}
	if key.Second, err = c.b.Parse(second); err != nil {
		return Pair[A, B]{}, err
	}
	return key, nil
}

// cutParts splits what Format wrote behind its first n parts. Spaces around a
// comma do not count.
func cutParts(text string, n int) (before, after string, ok bool) {
	end := 0
	for ; n > 0; n-- {
		part := strings.TrimLeft(text[end:], " ")
		end = len(text) - len(part)
		if literal, err := strconv.QuotedPrefix(part); err == nil && part[0] == '"' {
			end += len(literal)
		}
		i := strings.IndexByte(text[end:], partComma)
		if i < 0 {
			return "", "", false
		}
		end += i + 1
	}
	return strings.Trim(text[:end-1], " "), strings.Trim(text[end:], " "), true
}

func (c *pairCodec[A, B]) textParts() int { return c.aParts + c.bParts }
