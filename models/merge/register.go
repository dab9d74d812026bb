package merge

import (
	"bytes"
	"math"
	"reflect"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
)

// Register is a field of which the last value counts. Each field of a struct can have its own, so that
// two peers that change two fields both have their change. It does not grow.
type Register[V any] struct {
	// At says when the value was set, in microseconds since 1970, or one more than the one before where
	// the clock of the peer was behind. It is 0 for a value that nobody has set.
	At uint64
	// Value is the value. Its type is one that models.DagCBOR can encode.
	Value V
}

// Set sets the value. At becomes now, and at least one more than it was: a value that replaces another
// wins over it whatever the clocks say.
func (r *Register[V]) Set(value V, now time.Time) {
	if r.At < math.MaxUint64 {
		r.At++
	}
	r.At = max(r.At, uint64(max(now.UnixMicro(), 0)))
	r.Value = value
}

// Merge returns the register that was set later. Of two that were set at the same time it is the one
// whose value has the larger bytes in DAG-CBOR.
func (r Register[V]) Merge(other Register[V]) Register[V] {
	if r.At != other.At {
		if r.At < other.At {
			return other
		}
		return r
	}
	if bytes.Compare(encodingOf(other.Value), encodingOf(r.Value)) > 0 {
		return other
	}
	return r
}

// boxed is a model with one field.
type boxed[V any] struct{ Value V }

// codecs has the models.Codec of boxed[V] by the type V: making one takes longer than a merge.
var codecs sync.Map

// encodingOf returns the DAG-CBOR of a value, nil if it has none, as no value that was read.
func encodingOf[V any](value V) []byte {
	key := reflect.TypeFor[V]()
	codec, ok := codecs.Load(key)
	if !ok {
		codec, _ = codecs.LoadOrStore(key, models.DagCBOR[boxed[V]]())
	}
	encoded, err := codec.(models.Codec[boxed[V]]).Append(nil, &boxed[V]{value})
	if err != nil {
		return nil
	}
	return encoded
}
