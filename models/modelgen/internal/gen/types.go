package gen

import (
	"errors"
	"go/token"
	"go/types"
)

// isNamed reports whether t is the type of the given package and name.
func isNamed(t types.Type, pkg, name string) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == pkg && named.Obj().Name() == name
}

// isByte reports whether t is uint8 or a type declared as it.
func isByte(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Kind() == types.Uint8
}

func isStructPointer(t types.Type) bool {
	p, ok := t.Underlying().(*types.Pointer)
	if !ok {
		return false
	}
	_, ok = p.Elem().Underlying().(*types.Struct)
	return ok
}

// The methods by which types encode themselves.
var (
	bytesType = types.NewSlice(types.Typ[types.Byte])
	errorType = types.Universe.Lookup("error").Type()

	cborMarshaler     = method("MarshalCBOR", nil, []types.Type{bytesType, errorType})
	cborUnmarshaler   = method("UnmarshalCBOR", []types.Type{bytesType}, []types.Type{errorType})
	binaryMarshaler   = method("MarshalBinary", nil, []types.Type{bytesType, errorType})
	binaryUnmarshaler = method("UnmarshalBinary", []types.Type{bytesType}, []types.Type{errorType})
	textMarshaler     = method("MarshalText", nil, []types.Type{bytesType, errorType})
	textUnmarshaler   = method("UnmarshalText", []types.Type{bytesType}, []types.Type{errorType})
	zeroer            = method("IsZero", nil, []types.Type{types.Typ[types.Bool]})
)

// method returns an interface with one method.
func method(name string, params, results []types.Type) *types.Interface {
	tuple := func(ts []types.Type) *types.Tuple {
		vars := make([]*types.Var, len(ts))
		for i, t := range ts {
			vars[i] = types.NewParam(token.NoPos, nil, "", t)
		}
		return types.NewTuple(vars...)
	}
	signature := types.NewSignatureType(nil, nil, nil, tuple(params), tuple(results), false)
	return types.NewInterfaceType([]*types.Func{types.NewFunc(token.NoPos, nil, name, signature)}, nil).Complete()
}

// has reports whether t, or a pointer to it, has the method.
func has(t types.Type, m *types.Interface) bool { return types.Implements(types.NewPointer(t), m) }

// isInvalid reports whether t is the type of an unknown name.
func isInvalid(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Kind() == types.Invalid
}

// ownForm returns the kind of a type that encodes itself, or 0 for any other type.
// Its error continues a sentence that begins with the name of the type.
func ownForm(t types.Type) (kind, error) {
	if _, pointer := t.Underlying().(*types.Pointer); pointer {
		return 0, nil
	}
	switch {
	case types.IsInterface(t), isInvalid(t):
		return 0, nil // cannot be encoded
	case has(t, cborMarshaler) || has(t, cborUnmarshaler):
		return 0, errors.New("has CBOR methods, which need not give DAG-CBOR; give it MarshalBinary and " +
			"UnmarshalBinary, or MarshalText and UnmarshalText, instead")
	case has(t, binaryMarshaler) != has(t, binaryUnmarshaler):
		return 0, errors.New("has only one of MarshalBinary and UnmarshalBinary; give it both")
	case has(t, binaryMarshaler):
		return kindBinary, nil
	case has(t, textMarshaler) != has(t, textUnmarshaler):
		return 0, errors.New("has only one of MarshalText and UnmarshalText; give it both")
	case has(t, textMarshaler):
		return kindMarshaledText, nil
	default:
		return 0, nil
	}
}

// checkPromotion refuses a struct that embeds a type which encodes itself, beside other fields.
// The outer struct may have the type's methods, which would leave the other fields out.
func (s *shaper) checkPromotion(t types.Type, a at) error {
	u, ok := t.Underlying().(*types.Struct)
	if !ok || u.NumFields() < 2 {
		return nil
	}
	outer, _ := ownForm(t)
	for i := range u.NumFields() {
		v := u.Field(i)
		if !v.Embedded() {
			continue
		}
		if own, err := ownForm(v.Type()); err != nil || own != 0 && (outer == 0 || outer == own) {
			return s.fault(a, "the embedded %s encodes itself and would leave out the other fields; give it a name",
				s.describe(v.Type()))
		}
	}
	return nil
}

// canTestZero reports whether code in pkg can find out if a t is zero, for omitzero.
func canTestZero(t types.Type, pkg *types.Package) bool { return has(t, zeroer) || isPlainZero(t, pkg) }

// isPlainZero is canTestZero without a method IsZero.
func isPlainZero(t types.Type, pkg *types.Package) bool {
	if types.Comparable(t) {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for i := range u.NumFields() {
			if v := u.Field(i); !v.Exported() && v.Pkg() != pkg || !isPlainZero(v.Type(), pkg) {
				return false
			}
		}
		return true
	case *types.Array:
		return false
	default:
		return true // slices and maps are compared with nil
	}
}
