package models

import (
	"bytes"
	"fmt"
	"reflect"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

const (
	// cborMaxDepth is how deep maps and lists may nest, the model included.
	cborMaxDepth = shape.MaxDepth
	// cborMaxElements is how many elements a list or map may have.
	cborMaxElements = 131_072
)

// DagCBOR returns the codec that writes models as DAG-CBOR maps, as described
// in docs/format.md under "Values". It is named "dag-cbor".
//
// M is a struct. Its exported fields are written under the name in their cbor
// or json tag, or else their own; those tagged "-" there and unexported ones are
// not written. The options omitempty and omitzero of the tags are honoured. The
// fields of an embedded struct are written as the outer struct's. Fields can
// have these types, and named ones like them:
//
//	Go                           Field.Type, as text
//	uint8 … uint64, uint         uint8 … uint64, uint64
//	int8 … int64, int            int8 … int64, int64
//	bool                         bool
//	float32, float64             float32, float64
//	string                       string
//	[]byte, [n]byte              bytes
//	time.Time                    time
//	[]T, [n]T                    list(T)
//	map[string]T                 map(T)
//	a struct                     struct{name T, …}
//	*T                           optional(T)
//	with MarshalBinary           bytes
//	with MarshalText             string
//
// where T stands for a type from the same table. Structs, slices, arrays and
// maps nest at most 32 deep, the model included, and a model has at most 4 096
// fields, those of nested structs included. A type that marshals itself has
// to unmarshal itself, too; MarshalBinary comes before MarshalText, and
// MarshalJSON is not called. A type with MarshalCBOR is refused, because its
// bytes need not be DAG-CBOR: give it one of the two methods, or declare a new
// type with the same underlying type, which has none of its methods. Any other
// type is an error of the declaration, and so are types that contain themselves,
// embedded pointers and fields that hide one another. datastore.Open reports it,
// naming the field; until then every call of the codec returns an error that
// matches [ErrDefinition].
//
// The tag netabase says how a field changed. With was=OldName it has the name
// that the field had before. With default=5 it has the value of the field in rows
// without it: an integer, a float, a bool, text, or a time of RFC 3339. The command
// modelgen, whose other tags DagCBOR leaves to it, describes both.
//
// Append refuses, with [ErrInvalid], values that have no canonical form or
// could not be read back: NaN and infinities, text that is not UTF-8, years
// before 0 and after 9999, lists or maps of more than 131 072 elements, and values
// of a type with MarshalBinary or MarshalText that does not read back what it has
// made, as an empty peer.ID does not.
//
// A decoded model differs from the encoded one in three ways: nil slices and
// maps become empty ones, times are in UTC, and a pointer to the zero time
// becomes nil. Decode takes some spellings that Append does not write, such as
// numbers in a longer form than they need, or a map that lacks a field, which
// stays zero. A model from another peer is therefore encoded again and
// compared. Each byte from another peer can cost the memory of one element of a
// list in M and, if the element cannot be read, of an error about it.
func DagCBOR[M any]() Codec[M] {
	known, err := dagShapeOf(reflect.TypeFor[M]())
	return &dagCBOR[M]{dagModel{name: reflect.TypeFor[M]().String(), dagShape: known, err: err}}
}

type dagCBOR[M any] struct{ dagModel }

// dagModel is what DagCBOR knows of a type of models.
type dagModel struct {
	dagShape
	name string
	err  error
}

var (
	cborEncoding = mustMode(cbor.EncOptions{
		Sort:            cbor.SortLengthFirst,
		ShortestFloat:   cbor.ShortestFloatNone,
		NaNConvert:      cbor.NaNConvertReject,
		InfConvert:      cbor.InfConvertReject,
		Time:            cbor.TimeRFC3339NanoUTC,
		IndefLength:     cbor.IndefLengthForbidden,
		NilContainers:   cbor.NilContainerAsEmpty,
		TagsMd:          cbor.TagsForbidden,
		BinaryMarshaler: cbor.BinaryMarshalerByteString,
		TextMarshaler:   cbor.TextMarshalerTextString,
	}.UserBufferEncMode())

	cborDecoding = mustMode(cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:   cborMaxDepth,
		MaxArrayElements:  cborMaxElements,
		MaxMapPairs:       cborMaxElements,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		UTF8:              cbor.UTF8RejectInvalid,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		NaN:               cbor.NaNDecodeForbidden,
		Inf:               cbor.InfDecodeForbidden,
		BinaryUnmarshaler: cbor.BinaryUnmarshalerByteString,
		TextUnmarshaler:   cbor.TextUnmarshalerTextString,
	}.DecMode())
)

// mustMode panics on options that contradict each other, which the first run of
// this package would show.
func mustMode[Mode any](mode Mode, err error) Mode {
	if err != nil {
		panic(err)
	}
	return mode
}

// dagCBORName names [DagCBOR], and the codecs of modelgen, which write the same bytes.
const dagCBORName = "dag-cbor"

func (c *dagModel) Name() string { return dagCBORName }

func (c *dagModel) Fields() []Field { return c.fields }

// Err returns what keeps M from being written as DAG-CBOR, or nil.
func (c *dagModel) Err() error { return c.err }

// encoders holds *bytes.Buffer, which the library writes to. Scratches holds
// *[]byte, for values that are written twice.
var (
	encoders  = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	scratches = sync.Pool{New: func() any { return new([]byte) }}
)

// maxScratch keeps a single huge value from staying in memory.
const maxScratch = 1 << 20

func (c *dagCBOR[M]) Append(dst []byte, m *M) ([]byte, error) {
	var again any
	if c.own {
		again = new(M)
	}
	return c.appendTo(dst, m, again)
}

// appendTo is Append of a model, a *M. Again is memory to read it into, nil if nothing in it marshals itself.
func (c *dagModel) appendTo(dst []byte, m, again any) ([]byte, error) {
	if c.err != nil {
		return dst, fmt.Errorf("%w: %w", ErrDefinition, c.err)
	}
	encoder := encoders.Get().(*bytes.Buffer)
	*encoder = *bytes.NewBuffer(dst) // it writes to dst itself, as long as that has room
	err := cborEncoding.MarshalToBuffer(m, encoder)
	grown := encoder.Bytes()
	*encoder = bytes.Buffer{}
	encoders.Put(encoder)
	if err == nil {
		err = checkItems(grown[len(dst):])
	}
	if err == nil && again != nil { // a type that marshals itself can refuse what it has made
		err = cborDecoding.Unmarshal(grown[len(dst):], again)
	}
	if err != nil {
		return dst, fmt.Errorf("%w: cannot encode %s: %w", ErrInvalid, c.name, err)
	}
	if !c.float32s {
		return grown, nil
	}
	scratch := scratches.Get().(*[]byte)
	*scratch = append((*scratch)[:0], grown[len(dst):]...)
	dst = appendWidened(grown[:len(dst)], *scratch)
	if cap(*scratch) <= maxScratch {
		scratches.Put(scratch)
	}
	return dst, nil
}

func (c *dagCBOR[M]) Decode(src []byte, m *M) error {
	*m = *new(M)
	return c.decode(src, m)
}

// decode is Decode into a model, a *M, which is zero.
func (c *dagModel) decode(src []byte, m any) error {
	if c.err != nil {
		return fmt.Errorf("%w: %w", ErrDefinition, c.err)
	}
	if len(src) == 0 || src[0]>>5 != cborMap {
		return fmt.Errorf("%w: cannot decode %s: not a CBOR map", ErrInvalid, c.name)
	}
	if err := cborDecoding.Unmarshal(src, m); err != nil {
		return fmt.Errorf("%w: cannot decode %s: %w", ErrInvalid, c.name, err)
	}
	return nil
}
