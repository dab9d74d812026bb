package models

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/internal/session"
)

// Codec turns models of type M into the bytes of their values, and back. All
// methods may be called concurrently. [DagCBOR] is the one that trees have
// unless told otherwise.
//
// A codec that is made wrongly can say so by a method Err() error, which
// datastore.Open reports.
type Codec[M any] interface {
	// Name is recorded in the store's catalog: a store written under one name
	// does not open under another.
	Name() string
	// Fields describes the model, as the catalog and those who read it without
	// the Go type show it. It may be empty. The result is only read.
	Fields() []Field
	// Append appends the encoding of m, which it does not change and does not
	// keep. Equal models have equal encodings, whichever process writes them:
	// peers compare them byte by byte. A model that cannot be encoded gives an
	// error that matches [ErrInvalid], and dst with its length unchanged.
	Append(dst []byte, m *M) ([]byte, error)
	// Decode sets *m, whatever it held before, to the model that the whole of
	// src encodes. It keeps no memory of src, which may come from a hostile
	// stranger: memory and time stay in proportion to its length, and what is
	// not an encoding gives an error that matches [ErrInvalid]. After an error
	// *m holds anything. Another spelling of a model than Append's may be taken
	// or refused: where that matters, the model is encoded again and compared.
	Decode(src []byte, m *M) error
}

// ValueDecoder is a Codec that returns what it decodes, as those that modelgen
// writes do. It need not be one, but saves time where it is: memory that a model
// is decoded into through an interface cannot be on the stack.
type ValueDecoder[M any] interface {
	Codec[M]
	// DecodeValue is Decode, but for returning the model.
	DecodeValue(src []byte) (M, error)
}

// Field is a field of a model, as the catalog describes it: the Name under
// which it is encoded and its Type, whose words do not depend on Go. See
// [DagCBOR] for those it uses.
type Field = session.Field

// checkCanonical reports whether value is what c encodes m as, m being what c
// decoded value to: of all spellings of a model peers take only that one, and
// two records hold the same model where they hold the same bytes. The encoding
// is built in the memory of scratch as far as that suffices. The error matches
// [ErrInvalid].
func checkCanonical[M any](c Codec[M], value []byte, m *M, scratch []byte) error {
	canonical, err := c.Append(slices.Grow(scratch[:0], len(value)), m)
	if err != nil {
		return fmt.Errorf("%w: value does not encode again: %w", ErrInvalid, err)
	}
	if !bytes.Equal(canonical, value) {
		at := 0
		for at < min(len(canonical), len(value)) && canonical[at] == value[at] {
			at++
		}
		return fmt.Errorf("%w: value is not canonical: byte %d of %d differs from the codec's own encoding, which has %d",
			ErrInvalid, at, len(value), len(canonical))
	}
	return nil
}
