package models

import (
	"bytes"
	"fmt"
	"reflect"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// DagCBOR returns the codec that writes models as DAG-CBOR maps.
func DagCBOR[M any]() Codec[M] { return dagCBOR[M]{} }

type dagCBOR[M any] struct{}

const (
	maxDepth    = 32
	maxElements = 131_072
)

var (
	cborEnc = must(cbor.EncOptions{
		Sort:          cbor.SortLengthFirst,
		ShortestFloat: cbor.ShortestFloatNone,
		NaNConvert:    cbor.NaNConvertReject,
		InfConvert:    cbor.InfConvertReject,
		Time:          cbor.TimeRFC3339NanoUTC,
		TimeTag:       cbor.EncTagNone,
		IndefLength:   cbor.IndefLengthForbidden,
		NilContainers: cbor.NilContainerAsEmpty,
		TagsMd:        cbor.TagsForbidden,
	}.UserBufferEncMode())
	cborDec = must(cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:   maxDepth,
		MaxArrayElements:  maxElements,
		MaxMapPairs:       maxElements,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		UTF8:              cbor.UTF8RejectInvalid,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		NaN:               cbor.NaNDecodeForbidden,
		Inf:               cbor.InfDecodeForbidden,
	}.DecMode())
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (dagCBOR[M]) Name() string { return "dag-cbor" }

func (dagCBOR[M]) Fields() []Field {
	t := reflect.TypeFor[M]()
	var fields []Field
	for i := range t.NumField() {
		fields = append(fields, Field{Name: t.Field(i).Name, Type: t.Field(i).Type.String()})
	}
	return fields
}

func (dagCBOR[M]) Append(dst []byte, m *M) ([]byte, error) {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	if err := cborEnc.MarshalToBuffer(m, buf); err != nil {
		return dst, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return append(dst, buf.Bytes()...), nil
}

func (dagCBOR[M]) Decode(src []byte, m *M) error {
	*m = *new(M)
	if err := cborDec.Unmarshal(src, m); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}
