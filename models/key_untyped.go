package models

// Untyped returns codec as one of keys of any type, for [KeyCodecNamed]. It
// takes keys of type K, and panics if it is given another one. Its keys have the
// ranges that those of codec have.
func Untyped[K any](codec KeyCodec[K]) KeyCodec[any] {
	plain := untypedCodec[K]{codec}
	switch c := codec.(type) {
	case PartsCodec[K]:
		return untypedParts[K]{plain, c}
	case PrefixCodec[K]:
		return untypedPrefix[K]{plain, c}
	case SizedCodec:
		return untypedSized[K]{plain, c}
	default:
		return plain
	}
}

type untypedCodec[K any] struct{ codec KeyCodec[K] }

func (c untypedCodec[K]) Name() string { return c.codec.Name() }

func (c untypedCodec[K]) Append(dst []byte, key any) []byte { return c.codec.Append(dst, key.(K)) }

func (c untypedCodec[K]) Decode(src []byte) (key any, rest []byte, err error) {
	return c.codec.Decode(src)
}

func (c untypedCodec[K]) AppendLast(dst []byte, key any) []byte {
	return c.codec.AppendLast(dst, key.(K))
}

func (c untypedCodec[K]) DecodeLast(src []byte) (any, error) { return c.codec.DecodeLast(src) }

func (c untypedCodec[K]) AppendText(dst []byte, key any) []byte {
	return c.codec.AppendText(dst, key.(K))
}

func (c untypedCodec[K]) ParseText(text string) (any, error) { return c.codec.ParseText(text) }

func (c untypedCodec[K]) Format(key any) string { return c.codec.Format(key.(K)) }

func (c untypedCodec[K]) Parse(text string) (any, error) { return c.codec.Parse(text) }

// textParts implements multiText.
func (c untypedCodec[K]) textParts() int { return textParts(c.codec) }

// Skip implements [SkippingCodec].
func (c untypedCodec[K]) Skip(src []byte) ([]byte, error) {
	_, rest, err := cutKey(c.codec, src)
	return rest, err
}

// untypedParts is the codec of keys that can be searched for by their first parts.
type untypedParts[K any] struct {
	untypedCodec[K]
	parts PartsCodec[K]
}

func (c untypedParts[K]) Parts() int { return c.parts.Parts() }

func (c untypedParts[K]) AppendParts(dst []byte, key any, n int) []byte {
	return c.parts.AppendParts(dst, key.(K), n)
}

// untypedPrefix is the codec of keys that can be searched for by how they begin.
type untypedPrefix[K any] struct {
	untypedCodec[K]
	prefix PrefixCodec[K]
}

func (c untypedPrefix[K]) AppendPrefix(dst []byte, prefix any, last bool) []byte {
	return c.prefix.AppendPrefix(dst, prefix.(K), last)
}

// untypedSized is the codec of keys that all take the same number of bytes.
type untypedSized[K any] struct {
	untypedCodec[K]
	sized SizedCodec
}

func (c untypedSized[K]) KeySize() int { return c.sized.KeySize() }
