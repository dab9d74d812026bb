package models

import (
	"bytes"
	"io"

	"github.com/newsnet-africa/netabase-go/models/internal/borrow"
)

// BorrowedBytes is a byte string that lies in memory of the engine. It is lent
// to one call of a function, like the [BorrowedRow] it comes from: clone it to
// keep it. The zero value is empty.
type BorrowedBytes struct{ memory borrow.Memory }

// BorrowBytes lends the caller's own bytes, so that a view can be decoded from
// bytes that are in no store. They must not change while they are lent.
func BorrowBytes(data []byte) BorrowedBytes {
	return BorrowedBytes{borrow.New(data, borrow.Loan{})}
}

// Len returns the number of bytes.
func (b BorrowedBytes) Len() int { return len(borrow.Data(b.memory)) }

// Clone returns a copy, which is the caller's.
func (b BorrowedBytes) Clone() []byte { return bytes.Clone(borrow.Data(b.memory)) }

// AppendTo appends a copy to dst.
func (b BorrowedBytes) AppendTo(dst []byte) []byte { return append(dst, borrow.Data(b.memory)...) }

// WriteTo writes the bytes to w in one call.
func (b BorrowedBytes) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(borrow.Data(b.memory))
	return int64(n), err
}

// Equal reports whether the bytes are those of other.
func (b BorrowedBytes) Equal(other []byte) bool { return bytes.Equal(borrow.Data(b.memory), other) }

// Compare orders by the bytes, as [bytes.Compare].
func (b BorrowedBytes) Compare(other []byte) int { return bytes.Compare(borrow.Data(b.memory), other) }

// Slice returns bytes i to j, which are lent as b is. It panics where slicing
// does.
func (b BorrowedBytes) Slice(i, j int) BorrowedBytes {
	return BorrowedBytes{borrow.Cut(b.memory, i, j)}
}

// Text returns the same bytes as text.
func (b BorrowedBytes) Text() BorrowedString { return BorrowedString(b) }

// Memory lets the decoders of this module look at the bytes.
func (b BorrowedBytes) Memory() borrow.Memory { return b.memory }

// BorrowedString is a string that lies in memory of the engine, lent like
// [BorrowedBytes]. The zero value is empty.
type BorrowedString struct{ memory borrow.Memory }

// Len returns the number of bytes.
func (s BorrowedString) Len() int { return len(borrow.Data(s.memory)) }

// Clone returns a copy, which is the caller's.
func (s BorrowedString) Clone() string { return string(borrow.Data(s.memory)) }

// String is Clone under the name that package fmt calls.
func (s BorrowedString) String() string { return s.Clone() }

// AppendTo appends a copy to dst.
func (s BorrowedString) AppendTo(dst []byte) []byte { return append(dst, borrow.Data(s.memory)...) }

// WriteTo writes the bytes of the string to w in one call.
func (s BorrowedString) WriteTo(w io.Writer) (int64, error) { return s.Bytes().WriteTo(w) }

// Equal reports whether the string is other.
func (s BorrowedString) Equal(other string) bool { return string(borrow.Data(s.memory)) == other }

// Compare orders by the bytes of the strings: negative below other, zero for
// the same, positive above.
func (s BorrowedString) Compare(other string) int {
	data := borrow.Data(s.memory)
	switch {
	case string(data) < other:
		return -1
	case string(data) > other:
		return 1
	default:
		return 0
	}
}

// HasPrefix reports whether the string begins with prefix.
func (s BorrowedString) HasPrefix(prefix string) bool {
	data := borrow.Data(s.memory)
	return len(data) >= len(prefix) && string(data[:len(prefix)]) == prefix
}

// Bytes returns the same bytes as a byte string.
func (s BorrowedString) Bytes() BorrowedBytes { return BorrowedBytes(s) }
