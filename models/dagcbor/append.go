package dagcbor

import (
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models"
)

// MaxElements is how many elements a list or map may have.
const MaxElements = 131_072

// AppendUint appends an unsigned integer.
func AppendUint(dst []byte, v uint64) []byte { return cbor.AppendHead(dst, cbor.Uint, v) }

// AppendInt appends a signed integer.
func AppendInt(dst []byte, v int64) []byte {
	if v < 0 {
		return cbor.AppendHead(dst, cbor.Neg, uint64(^v))
	}
	return cbor.AppendHead(dst, cbor.Uint, uint64(v))
}

// AppendBool appends a boolean.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, cbor.True)
	}
	return append(dst, cbor.False)
}

// AppendNull appends null, which stands for a nil pointer.
func AppendNull(dst []byte) []byte { return append(dst, cbor.Null) }

// AppendFloat appends a float in 8 bytes. NaN and the infinities cannot be encoded.
func AppendFloat(dst []byte, v float64) ([]byte, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return dst, fmt.Errorf("DAG-CBOR cannot encode %v", v)
	}
	return binary.BigEndian.AppendUint64(append(dst, cbor.Float64), math.Float64bits(v)), nil
}

// AppendText appends text, which has to be UTF-8.
func AppendText(dst []byte, text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return dst, fmt.Errorf("text %.40q is not UTF-8", text)
	}
	return append(cbor.AppendHead(dst, cbor.Text, uint64(len(text))), text...), nil
}

// AppendBytes appends a byte string.
func AppendBytes[E ~uint8](dst []byte, v []E) []byte {
	return append(cbor.AppendHead(dst, cbor.Bytes, uint64(len(v))), plain(v)...)
}

// plain returns v as a slice of the plain type, in the same memory.
func plain[E ~uint8](v []E) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v))
}

// AppendTime appends an instant as RFC 3339 text in UTC, and the zero time as
// null. Years before 0 and after 9999 cannot be encoded.
func AppendTime(dst []byte, t time.Time) ([]byte, error) {
	if t.IsZero() {
		return AppendNull(dst), nil
	}
	t = t.UTC()
	if year := t.Year(); year < 0 || year > 9999 {
		return dst, fmt.Errorf("RFC 3339 has no year %d", year)
	}
	var buf [len(time.RFC3339Nano)]byte
	text := t.AppendFormat(buf[:0], time.RFC3339Nano)
	return append(cbor.AppendHead(dst, cbor.Text, uint64(len(text))), text...), nil
}

// AppendList appends the head of a list of n elements, which follow it.
func AppendList(dst []byte, n int) ([]byte, error) { return appendCount(dst, cbor.List, n) }

// AppendMap appends the head of a map of n keys, each followed by its value. Keys
// are text, in the order of their lengths and then of their bytes.
func AppendMap(dst []byte, n int) ([]byte, error) { return appendCount(dst, cbor.Map, n) }

// AppendFields appends the head of a struct's map of n fields.
func AppendFields(dst []byte, n int) []byte { return cbor.AppendHead(dst, cbor.Map, uint64(n)) }

func appendCount(dst []byte, major byte, n int) ([]byte, error) {
	if n > MaxElements {
		return dst, fmt.Errorf("a list or map has %d elements, more than %d", n, MaxElements)
	}
	return cbor.AppendHead(dst, major, uint64(n)), nil
}

// AppendBinary appends the bytes that v marshals itself to, as a byte string. It fails if v's type
// cannot read them.
func AppendBinary(dst []byte, v encoding.BinaryMarshaler) ([]byte, error) {
	data, err := v.MarshalBinary()
	if err != nil {
		return dst, err
	}
	if back, ok := newOf(v).(encoding.BinaryUnmarshaler); ok {
		if err := back.UnmarshalBinary(data); err != nil {
			return dst, fmt.Errorf("%T cannot be read back: %w", v, err)
		}
	}
	return AppendBytes(dst, data), nil
}

// newOf returns a pointer to a zero value of the type that v has or points to.
func newOf(v any) any {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return reflect.New(t).Interface()
}

// AppendMarshaledText appends the text that v marshals itself to. It fails if v's type cannot read it.
func AppendMarshaledText(dst []byte, v encoding.TextMarshaler) ([]byte, error) {
	data, err := v.MarshalText()
	if err != nil {
		return dst, err
	}
	if !utf8.Valid(data) {
		return dst, fmt.Errorf("text %.40q is not UTF-8", data)
	}
	if back, ok := newOf(v).(encoding.TextUnmarshaler); ok {
		if err := back.UnmarshalText(data); err != nil {
			return dst, fmt.Errorf("%T cannot be read back: %w", v, err)
		}
	}
	return append(cbor.AppendHead(dst, cbor.Text, uint64(len(data))), data...), nil
}

// EmptyBinary reports whether v marshals itself to no bytes, so that omitempty
// leaves it out. A v that cannot be marshalled is not left out: writing it then
// reports the error.
func EmptyBinary(v encoding.BinaryMarshaler) bool {
	data, err := v.MarshalBinary()
	return err == nil && len(data) == 0
}

// EmptyText is EmptyBinary for text.
func EmptyText(v encoding.TextMarshaler) bool {
	data, err := v.MarshalText()
	return err == nil && len(data) == 0
}

// SortedKeys appends the keys of m to buf in the order in which a map is
// written. It allocates only if buf is too short.
func SortedKeys[K ~string, V any](m map[K]V, buf []K) []K {
	for k := range m {
		buf = append(buf, k)
	}
	slices.SortFunc(buf, func(a, b K) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(string(a), string(b))
	})
	return buf
}

// FieldError says in which field of a model an Append failed.
func FieldError(field string, err error) error { return fmt.Errorf("field %s: %w", field, err) }

// AppendError is the error of a codec's Append. It matches
// [models.ErrInvalid].
func AppendError(model string, err error) error {
	if errors.Is(err, models.ErrInvalid) {
		return fmt.Errorf("cannot encode %s: %w", model, err)
	}
	return fmt.Errorf("%w: cannot encode %s: %w", models.ErrInvalid, model, err)
}
