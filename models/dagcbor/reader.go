package dagcbor

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models"
)

// Reader decodes one encoded value from front to back. After its first error it
// reads zero values and empty lists, so that the caller needs to look at the
// error only at the end. It is used by one goroutine at a time.
type Reader struct {
	src   []byte
	at    int
	field string
	err   error
}

// NewReader returns a reader of src. It does not change src, and the values that
// it reads share no memory with src, unless a method says so.
func NewReader(src []byte) Reader { return Reader{src: src} }

// fail keeps the first error and leaves nothing to read.
func (r *Reader) fail(format string, args ...any) {
	if r.err == nil {
		r.failWith(fmt.Errorf(format, args...))
	}
}

func (r *Reader) failWith(err error) {
	if r.err != nil {
		return
	}
	where := fmt.Sprintf("byte %d", r.at)
	if r.field != "" {
		where = fmt.Sprintf("field %s, byte %d", keyText(r.field), r.at)
	}
	r.err = fmt.Errorf("%s: %w", where, err)
	r.src, r.at = nil, 0
}

// Failed reports whether an error has come up.
func (r *Reader) Failed() bool { return r.err != nil }

// Err returns the first error, or nil.
func (r *Reader) Err() error { return r.err }

// Offset returns how many bytes have been read, zero after an error.
func (r *Reader) Offset() int { return r.at }

// End returns the first error, or one for bytes that are left over. It names
// the model and matches [models.ErrInvalid].
func (r *Reader) End(model string) error {
	if r.err == nil && r.at < len(r.src) {
		r.field = ""
		r.fail("%d bytes follow the value", len(r.src)-r.at)
	}
	if r.err != nil {
		return fmt.Errorf("%w: cannot decode %s: %w", models.ErrInvalid, model, r.err)
	}
	return nil
}

// head reads the head of an item of one of two major types, in its shortest
// form, and returns which of them and its argument.
func (r *Reader) head(want, or byte) (major byte, arg uint64) {
	if r.at >= len(r.src) {
		r.fail("the value ends early")
		return want, 0
	}
	initial := r.src[r.at]
	major, arg = initial>>5, uint64(initial&0x1F)
	if major != want && major != or {
		r.fail("there is %s in place of %s", cbor.Names[major], cbor.Names[want])
		return want, 0
	}
	if arg < 24 {
		r.at++
		return major, arg
	}
	arg, size, err := cbor.Long(arg, r.src[r.at+1:])
	if err != nil {
		r.failWith(err)
		return want, 0
	}
	r.at += 1 + size
	return major, arg
}

// Uint reads an unsigned integer that fits in so many bits.
func (r *Reader) Uint(bits int) uint64 {
	_, v := r.head(cbor.Uint, cbor.Uint)
	if bits < 64 && v>>bits != 0 {
		r.fail("%d does not fit in %d bits", v, bits)
		return 0
	}
	return v
}

// Int reads an integer that fits in so many bits, the sign included.
func (r *Reader) Int(bits int) int64 {
	major, arg := r.head(cbor.Uint, cbor.Neg)
	if arg>>(bits-1) != 0 {
		r.fail("an integer does not fit in %d bits", bits)
		return 0
	}
	if major == cbor.Neg {
		return ^int64(arg)
	}
	return int64(arg)
}

// item reads an item of a single byte, one of two, and returns which.
func (r *Reader) item(a, b byte, what string) byte {
	if r.at >= len(r.src) || r.src[r.at] != a && r.src[r.at] != b {
		r.fail("there is no %s", what)
		return 0
	}
	r.at++
	return r.src[r.at-1]
}

// Bool reads a boolean.
func (r *Reader) Bool() bool { return r.item(cbor.False, cbor.True, "boolean") == cbor.True }

// Null reads null if null comes next, and reports whether it did.
func (r *Reader) Null() bool {
	if r.at >= len(r.src) || r.src[r.at] != cbor.Null {
		return false
	}
	r.at++
	return true
}

// Float64 reads a float of 8 bytes that is neither NaN nor infinite.
func (r *Reader) Float64() float64 {
	if len(r.src)-r.at < 9 || r.src[r.at] != cbor.Float64 {
		r.fail("there is no float of 8 bytes")
		return 0
	}
	v := math.Float64frombits(binary.BigEndian.Uint64(r.src[r.at+1:]))
	if math.IsNaN(v) || math.IsInf(v, 0) {
		r.fail("DAG-CBOR does not allow %v", v)
		return 0
	}
	r.at += 9
	return v
}

// Float32 reads a float of 8 bytes that a float32 can hold exactly.
func (r *Reader) Float32() float32 {
	v := r.Float64()
	if float64(float32(v)) != v {
		r.fail("%v is not a float32", v)
		return 0
	}
	return float32(v)
}

// run reads a byte string or text and returns its bytes, in the memory of what
// is read.
func (r *Reader) run(major byte) []byte {
	_, size := r.head(major, major)
	if size > uint64(len(r.src)-r.at) {
		r.fail("%s of %d bytes is cut off", cbor.Names[major], size)
		return nil
	}
	start := r.at
	r.at += int(size)
	return r.src[start:r.at:r.at]
}

// text reads text and returns its bytes, in the memory of what is read.
func (r *Reader) text() []byte {
	text := r.run(cbor.Text)
	if !utf8.Valid(text) {
		r.fail("text %.40q is not UTF-8", text)
		return nil
	}
	return text
}

// Text reads text.
func (r *Reader) Text() string { return string(r.text()) }

// ReadBytes reads a byte string. It is never nil, except after an error.
func ReadBytes[S ~[]E, E ~uint8](r *Reader) S {
	data := r.run(cbor.Bytes)
	if r.Failed() {
		return nil
	}
	v := make(S, len(data))
	copy(plain([]E(v)), data)
	return v
}

// ReadByteArray reads a byte string of just the length of dst, into dst.
func ReadByteArray[E ~uint8](r *Reader, dst []E) {
	data := r.run(cbor.Bytes)
	if len(data) != len(dst) {
		r.fail("a byte string has %d bytes, not %d", len(data), len(dst))
		return
	}
	copy(plain(dst), data)
}

// Time reads an instant, in UTC.
func (r *Reader) Time() (t time.Time) {
	if r.Null() {
		return t
	}
	text := r.text()
	if r.Failed() {
		return t
	}
	if err := t.UnmarshalText(text); err != nil {
		r.fail("%.40q is not a time of RFC 3339", text)
		return time.Time{}
	}
	var buf [len(time.RFC3339Nano)]byte
	if t.IsZero() || !bytes.Equal(t.UTC().AppendFormat(buf[:0], time.RFC3339Nano), text) {
		r.fail("the time %.40q is not written in its one form", text)
		return time.Time{}
	}
	return t
}

// Binary reads a byte string into v.
func (r *Reader) Binary(v encoding.BinaryUnmarshaler) {
	data := r.run(cbor.Bytes)
	if r.Failed() {
		return
	}
	if err := v.UnmarshalBinary(data); err != nil {
		r.failWith(err)
	}
}

// MarshaledText reads text into v.
func (r *Reader) MarshaledText(v encoding.TextUnmarshaler) {
	text := r.text()
	if r.Failed() {
		return
	}
	if err := v.UnmarshalText(text); err != nil {
		r.failWith(err)
	}
}

// List reads the head of a list and returns how many elements follow, no more
// than there are bytes for.
func (r *Reader) List() int { return r.count(cbor.List, 1) }

// Array reads the head of a list of just n elements.
func (r *Reader) Array(n int) {
	if got := r.List(); got != n {
		r.fail("a list has %d elements, not %d", got, n)
	}
}

// Map reads the head of a map and returns how many keys follow, no more than
// there are bytes for.
func (r *Reader) Map() int { return r.count(cbor.Map, 2) }

// count reads the head of a list or map, whose elements have at least so many
// bytes each.
func (r *Reader) count(major byte, least int) int {
	_, n := r.head(major, major)
	if n > MaxElements || n*uint64(least) > uint64(len(r.src)-r.at) {
		r.fail("%s of %d elements is cut off or has more than %d", cbor.Names[major], n, MaxElements)
		return 0
	}
	return int(n)
}

// MapKey reads a key of a map, which has to come after the key read before; for
// the first key, that is nil. The key lies in the memory of what is read.
func (r *Reader) MapKey(before []byte) []byte {
	key := r.text()
	if before != nil && (len(key) < len(before) || len(key) == len(before) && bytes.Compare(key, before) <= 0) {
		r.fail("the key %.40q is repeated or comes too late", key)
	}
	if r.Failed() {
		return nil
	}
	return key
}

// Field reads a key of a struct's map if left, the number of keys that are yet
// to come, is not zero and key comes next. Key is encoded, its head included. A
// caller that asks for all fields in their order refuses keys that are out of
// order.
func (r *Reader) Field(left int, key string) bool {
	end := r.at + len(key)
	if left == 0 || end > len(r.src) || string(r.src[r.at:end]) != key {
		return false
	}
	r.at, r.field = end, key
	return true
}

// EndFields ends a struct's map. Left is the number of its keys that were not
// read.
func (r *Reader) EndFields(left int) {
	if left == 0 || r.Failed() {
		return
	}
	key := r.text()
	r.field = ""
	r.fail("the field %.40q is unknown, repeated or out of order", key)
}

// keyText returns the text of an encoded key.
func keyText(key string) string {
	r := NewReader([]byte(key))
	return r.Text()
}
