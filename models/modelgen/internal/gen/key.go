package gen

import "go/types"

// The kind of a key says which codec writes it. Plain types have a variable of package models,
// types declared as one of them a function. Package record has codecs of its own.
type keyCodec struct {
	plain, of string
	record    bool
}

var noKey = keyCodec{}

// keyKind returns the codec for keys of type t.
func keyKind(t types.Type) keyCodec {
	switch {
	case isNamed(t, "time", "Time"):
		return keyCodec{plain: "Time"}
	case isPeerID(t):
		return keyCodec{plain: "PeerKey", record: true}
	}
	_, isPlain := types.Unalias(t).(*types.Basic)
	switch u := t.Underlying().(type) {
	case *types.Basic:
		name, of := plainKeys[u.Kind()], ""
		switch info := u.Info(); {
		case name == "":
			return noKey
		case isPlain:
			return keyCodec{plain: name}
		case info&types.IsUnsigned != 0:
			of = "UintOf"
		case info&types.IsInteger != 0:
			of = "IntOf"
		case info&types.IsFloat != 0:
			of = "FloatOf"
		case info&types.IsString != 0:
			of = "StringOf"
		default:
			of = "BoolOf"
		}
		return keyCodec{of: of}
	case *types.Slice:
		if !types.Identical(u.Elem(), types.Typ[types.Byte]) {
			return noKey
		}
		if _, isPlain := types.Unalias(t).(*types.Slice); isPlain {
			return keyCodec{plain: "Bytes"}
		}
		return keyCodec{of: "BytesOf"}
	case *types.Array:
		if isSliced(t) {
			return keyCodec{plain: "Bytes"}
		}
		return noKey
	default:
		return noKey
	}
}

// isPeerID reports whether keys of type t are peer ids.
func isPeerID(t types.Type) bool { return isNamed(t, "github.com/libp2p/go-libp2p/core/peer", "ID") }

// isSliced reports whether the key of a field of type t is a slice of it. An array of bytes has
// no codec, because a type parameter cannot stand for its length.
func isSliced(t types.Type) bool {
	u, ok := t.Underlying().(*types.Array)
	return ok && types.Identical(u.Elem(), types.Typ[types.Byte])
}

var plainKeys = map[types.BasicKind]string{
	types.Uint8: "Uint8", types.Uint16: "Uint16", types.Uint32: "Uint32", types.Uint64: "Uint64", types.Uint: "Uint",
	types.Int8: "Int8", types.Int16: "Int16", types.Int32: "Int32", types.Int64: "Int64", types.Int: "Int",
	types.Float32: "Float32", types.Float64: "Float64", types.Bool: "Bool", types.String: "String",
}
