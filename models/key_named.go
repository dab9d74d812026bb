package models

import "github.com/newsnet-africa/netabase-go/models/internal/keyname"

// KeyCodecNamed returns the codec of this package with the given name, or false
// if there is none. It is for programs that read and write keys of a store
// without the Go types that it was written with. More are further codecs that
// the name may stand for, alone or as a part of a composite key: see [Untyped].
//
// The codec's Append, AppendLast, AppendText and Format take the keys that its
// Decode, DecodeLast, ParseText and Parse return, and panic if they are given a
// key of another type. A composite key is a [Pair], [Triple] or [Quad] whose
// parts have the type any.
func KeyCodecNamed(name string, more ...KeyCodec[any]) (codec KeyCodec[any], ok bool) {
	return namedKey(name, more, maxNamedDepth)
}

// maxNamedDepth bounds how deep composite keys nest in a name, which may come
// from a damaged catalog.
const maxNamedDepth = 32

// plainKeys are the codecs of keys with one part, by name. PairOf and its
// siblings make the others of them.
var plainKeys = func() map[string]KeyCodec[any] {
	named := map[string]KeyCodec[any]{}
	for _, codec := range []KeyCodec[any]{
		Untyped(Uint8), Untyped(Uint16), Untyped(Uint32), Untyped(Uint64),
		Untyped(Int8), Untyped(Int16), Untyped(Int32), Untyped(Int64),
		Untyped(Bool), Untyped(Float32), Untyped(Float64), Untyped(Time), Untyped(String), Untyped(Bytes),
	} {
		named[codec.Name()] = codec
	}
	return named
}()

func namedKey(name string, more []KeyCodec[any], depth int) (KeyCodec[any], bool) {
	if codec, ok := plainKeys[name]; ok {
		return codec, true
	}
	for _, codec := range more {
		if codec.Name() == name {
			return codec, true
		}
	}
	kind, names, isComposite := keyname.Parts(name)
	if !isComposite || depth == 0 {
		return nil, false
	}
	var parts []KeyCodec[any]
	for _, part := range names {
		codec, ok := namedKey(part, more, depth-1)
		if !ok {
			return nil, false
		}
		parts = append(parts, codec)
	}
	switch kind {
	case "pair":
		return Untyped(PairOf(parts[0], parts[1])), true
	case "triple":
		return Untyped(TripleOf(parts[0], parts[1], parts[2])), true
	default:
		return Untyped(QuadOf(parts[0], parts[1], parts[2], parts[3])), true
	}
}
