package control

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// keys reads and writes the keys of a tree or an index.
type keys struct {
	codec models.KeyCodec[any]
	// parts are the codecs of a composite key's parts.
	parts []models.KeyCodec[any]
}

func newKeys(name string) (k keys, err error) {
	if k.codec, err = namedCodec(name); err != nil {
		return k, err
	}
	for _, part := range partNames(name) {
		codec, err := namedCodec(part)
		if err != nil {
			return k, err
		}
		k.parts = append(k.parts, codec)
	}
	return k, nil
}

func namedCodec(name string) (models.KeyCodec[any], error) {
	codec, ok := record.KeyCodecNamed(name)
	if !ok {
		return nil, fmt.Errorf("%w: the key codec %s is not known", models.ErrDefinition, name)
	}
	return codec, nil
}

// partNames returns the names in the brackets of a composite codec, pair(string,uint64), and none for
// another.
func partNames(name string) (parts []string) {
	kind, inner, ok := strings.Cut(name, "(")
	if !ok || kind != "pair" && kind != "triple" && kind != "quad" {
		return nil
	}
	inner = strings.TrimSuffix(inner, ")")
	depth, from := 0, 0
	for i, c := range inner {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			parts, from = append(parts, inner[from:i]), i+1
		}
	}
	return append(parts, inner[from:])
}

// encode encodes a key that people write: in its last form, which keys of rows have, or in the
// delimited one, which those of indexes have.
func (k keys) encode(text string, last bool) ([]byte, error) {
	key, err := k.codec.Parse(text)
	switch {
	case err != nil:
		return nil, invalid("key %q: %v", shorten(text), err)
	case last:
		return k.codec.AppendLast(nil, key), nil
	}
	return k.codec.Append(nil, key), nil
}

// format writes a key of an index as people do.
func (k keys) format(delimited []byte) string {
	key, rest, err := k.codec.Decode(delimited)
	if err != nil || len(rest) > 0 {
		return hexText(delimited)
	}
	return k.codec.Format(key)
}

// prefix encodes the beginning of all keys whose text begins with text. For a composite key that is the
// first parts, with commas between; a text or byte string at the end is the beginning of one, unless
// a comma follows. A number, a time or the like is always whole.
func (k keys) prefix(text string, last bool) (prefix []byte, err error) {
	parts := k.parts
	if parts == nil {
		parts = []models.KeyCodec[any]{k.codec}
	}
	for i, codec := range parts {
		part, rest, more := text, "", false
		if k.parts != nil {
			part, rest, more = cutPart(text)
		}
		key, err := codec.Parse(part)
		if err != nil {
			return nil, invalid("prefix: %v", err)
		}
		lastPart := last && i == len(parts)-1
		beginning, ok := codec.(models.PrefixCodec[any])
		switch {
		case !more && ok:
			return beginning.AppendPrefix(prefix, key, lastPart), nil
		case lastPart:
			prefix = codec.AppendLast(prefix, key)
		default:
			prefix = codec.Append(prefix, key)
		}
		if !more || rest == "" {
			return prefix, nil
		}
		text = rest
	}
	return nil, invalid("prefix: the key has %d parts", len(parts))
}

// cutPart splits off the first part of a composite key: what is before the first comma, or in quotes.
func cutPart(text string) (part, rest string, more bool) {
	text = strings.TrimLeft(text, " ")
	if literal, err := strconv.QuotedPrefix(text); err == nil && text[0] == '"' {
		rest, more = strings.CutPrefix(strings.TrimLeft(text[len(literal):], " "), ",")
		return literal, strings.TrimLeft(rest, " "), more
	}
	part, rest, more = strings.Cut(text, ",")
	return strings.TrimRight(part, " "), strings.TrimLeft(rest, " "), more
}

// end returns the first key behind all that begin with prefix, nil if there is none.
func end(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xFF {
			next := append([]byte(nil), prefix[:i+1]...)
			next[i]++
			return next
		}
	}
	return nil
}

// asked reads which keys a list is to have: key, or from and to, or prefix. Last says in which form
// they are.
func (k keys) asked(x *exchange, last bool) (rng models.Range[[]byte], err error) {
	given := func(name string) (string, bool) {
		values, ok := x.r.URL.Query()[name]
		if !ok {
			return "", false
		}
		return values[0], true
	}
	key, hasKey := given("key")
	from, hasFrom := given("from")
	to, hasTo := given("to")
	prefix, hasPrefix := given("prefix")
	if hasKey && (hasFrom || hasTo || hasPrefix) || hasPrefix && (hasFrom || hasTo) {
		return rng, invalid("a list is by key, or by from and to, or by prefix")
	}
	var b []byte
	switch {
	case hasKey:
		if b, err = k.encode(key, last); err == nil {
			rng = models.Only(b)
		}
	case hasPrefix:
		if b, err = k.prefix(prefix, last); err != nil {
			return rng, err
		}
		if len(b) > 0 {
			rng = models.From(b)
		}
		if after := end(b); after != nil {
			rng = rng.Before(after)
		}
	default:
		if hasFrom {
			if b, err = k.encode(from, last); err != nil {
				return rng, err
			}
			rng = rng.From(b)
		}
		if hasTo {
			if b, err = k.encode(to, last); err != nil {
				return rng, err
			}
			rng = rng.Before(b)
		}
	}
	return rng, err
}
