package models

import "github.com/newsnet-africa/netabase-go/models/internal/keyname"

// KeyCodecNamed returns the codec of this package with the given name, or false
// if there is none. It is for programs that read and write keys of a store
// without the Go types that it was written with. The codec's Append,
// AppendLast, AppendText and Format take the keys that its Decode, DecodeLast,
// ParseText and Parse return, and panic if they are given a key of another
// type.
func KeyCodecNamed(name string) (codec KeyCodec[any], ok bool) {
	return namedKey(name, maxNamedDepth)
}

// maxNamedDepth bounds how deep composite keys nest in a name, which may come
// from a damaged catalog.
const maxNamedDepth = 32

// plainKeys are the codecs of keys with one part, by name. PairOf and its
// siblings make the others of them.
var plainKeys = func() map[string]KeyCodec[any] {
	named := map[string]KeyCodec[any]{}
	for _, codec := range []KeyCodec[any]{
		untyped(Uint8), untyped(Uint16), untyped(Uint32), untyped(Uint64),
		untyped(Int8), untyped(Int16), untyped(Int32), untyped(Int64),
		untyped(Bool), untyped(Float32), untyped(Float64), untyped(Time), untyped(String), untyped(Bytes),
	} {
		named[codec.Name()] = codec
	}
	return named
}()

func namedKey(name string, depth int) (KeyCodec[any], bool) {
	if codec, ok := plainKeys[name]; ok {
		return codec, true
	}
	kind, names, ok := keyname.Parts(name)
	if !ok || depth == 0 {
		return nil, false
	}
	var parts []KeyCodec[any]
	for _, part := range names {
		codec, ok := namedKey(part, depth-1)
		if !ok {
			return nil, false
		}
		parts = append(parts, codec)
	}
	switch kind {
	case "pair":
		return untyped(PairOf(parts[0], parts[1])), true
	case "triple":
		return untyped(TripleOf(parts[0], parts[1], parts[2])), true
	default:
		return untyped(QuadOf(parts[0], parts[1], parts[2], parts[3])), true
	}
}

// untyped returns codec as one of keys of any type.
func untyped[K any](codec KeyCodec[K]) KeyCodec[any] { return untypedCodec[K]{codec} }

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
