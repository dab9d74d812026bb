package models

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Codec turns models of type M into the bytes of their values, and back. All
// methods may be called concurrently. Trees use [DagCBOR] by default.
//
// A codec that is made wrongly can say so by a method Err() error, which
// datastore.Open reports.
type Codec[M any] interface {
	// Name is recorded in the store's catalog: a store written under one name
	// does not open under another.
	Name() string
	// Fields describes the model for the catalog, and so for programs that read
	// the store without the Go type. It may be empty. The result is only read. A
	// struct of the fields has to pass [shape.Type.Check].
	Fields() []Field
	// Append appends the encoding of m, which it does not change and does not
	// keep. Equal models have equal encodings, whichever process writes them:
	// peers compare them byte by byte. A model that cannot be encoded gives an
	// error that matches [ErrInvalid], and dst with its length unchanged.
	Append(dst []byte, m *M) ([]byte, error)
	// Decode sets *m, whatever it held before, to the model that the whole of
	// src encodes. It keeps no memory of src, which may come from a hostile
	// peer: memory and time stay in proportion to its length, and bytes that
	// encode no model give an error that matches [ErrInvalid]. After an error
	// *m holds anything. Decode may take or refuse an encoding of the model
	// that differs from Append's: where that matters, callers encode the model
	// again and compare.
	Decode(src []byte, m *M) error
}

// ValueDecoder is a Codec that returns the model it decodes, as the codecs that
// modelgen writes do. A codec need not implement it. One that does saves time:
// memory that a model is decoded into through an interface cannot be on the
// stack.
type ValueDecoder[M any] interface {
	Codec[M]
	// DecodeValue is Decode that returns the model.
	DecodeValue(src []byte) (M, error)
}

// Field is a field of a model, as the catalog describes it: the Name under
// which it is encoded and its Type, which does not depend on Go. See [DagCBOR]
// for the types of Go and theirs.
type Field = shape.Field

// checkCanonical reports whether encode, of a codec, encodes m as value, where the codec has decoded m
// from value. Peers take only this one encoding of a model, so that two records
// hold the same model if they hold the same bytes. The encoding is built in the
// memory of scratch as far as that suffices. The error matches [ErrInvalid].
func checkCanonical[M any](encode func([]byte, M) ([]byte, error), value []byte, m M, scratch []byte) error {
	canonical, err := encode(slices.Grow(scratch[:0], len(value)), m)
	if err != nil {
		return fmt.Errorf("%w: value does not encode again: %w", ErrInvalid, err)
	}
	if !bytes.Equal(canonical, value) {
		at := 0
		for at < min(len(canonical), len(value)) && canonical[at] == value[at] {
			at++
		}
		return fmt.Errorf("%w: value is not canonical: byte %d of %d differs from the codec's own encoding, "+
			"which has %d",
			ErrInvalid, at, len(value), len(canonical))
	}
	return nil
}
