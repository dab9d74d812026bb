package dagcbor

import (
	"fmt"
	"iter"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/internal/borrow"
)

// BorrowReader is a [Reader] of borrowed memory. It can also return text and byte
// strings without copying them.
type BorrowReader struct {
	Reader
	from models.BorrowedBytes
}

// NewBorrowReader returns a reader of value, for as long as that is lent.
func NewBorrowReader(value models.BorrowedBytes) BorrowReader {
	return BorrowReader{NewReader(borrow.Data(value.Memory())), value}
}

// BorrowText reads text without copying it.
func (r *BorrowReader) BorrowText() models.BorrowedString { return r.behind(len(r.text())).Text() }

// BorrowBytes reads a byte string without copying it.
func (r *BorrowReader) BorrowBytes() models.BorrowedBytes { return r.behind(len(r.run(cbor.Bytes))) }

// behind returns the last size bytes read.
func (r *BorrowReader) behind(size int) models.BorrowedBytes { return r.from.Slice(r.at-size, r.at) }

// Element reads an element from the front of a piece of borrowed memory, and
// returns how many bytes it has.
type Element[T any] func(models.BorrowedBytes) (element T, size int, err error)

// next reads the next element. It hands read a piece of memory and not the
// reader itself, which would then have to be on the heap.
func next[T any](r *BorrowReader, read Element[T]) {
	_, size, err := read(r.from.Slice(r.at, r.from.Len()))
	if err != nil {
		r.failWith(fmt.Errorf("element at that byte: %w", err))
		return
	}
	r.at += size
}

// List is a list in borrowed memory. Its elements are decoded as they are asked
// for.
type List[T any] struct {
	items models.BorrowedBytes
	count int
	read  Element[T]
}

// BorrowList reads a list and checks its elements.
func BorrowList[T any](r *BorrowReader, read Element[T]) List[T] {
	count := r.List()
	start := r.at
	for range count {
		if next(r, read); r.Failed() {
			return List[T]{}
		}
	}
	return List[T]{r.from.Slice(start, r.at), count, read}
}

// Len returns the number of elements.
func (l List[T]) Len() int { return l.count }

// All yields the elements with their numbers, from 0.
func (l List[T]) All() iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		rest := l.items
		for i := range l.count {
			element, size, err := l.read(rest)
			if err != nil || !yield(i, element) { // there is no error: BorrowList has read it all
				return
			}
			rest = rest.Slice(size, rest.Len())
		}
	}
}

// Map is a map in borrowed memory, in the order of its encoding. Its values are
// decoded as they are asked for.
type Map[T any] struct {
	items models.BorrowedBytes
	count int
	read  Element[T]
}

// BorrowMap reads a map and checks its keys and values.
func BorrowMap[T any](r *BorrowReader, read Element[T]) Map[T] {
	count := r.Map()
	start := r.at
	var key []byte
	for range count {
		if key = r.MapKey(key); r.Failed() {
			return Map[T]{}
		}
		if next(r, read); r.Failed() {
			return Map[T]{}
		}
	}
	return Map[T]{r.from.Slice(start, r.at), count, read}
}

// Len returns the number of keys.
func (m Map[T]) Len() int { return m.count }

// All yields the keys with their values, shorter keys first.
func (m Map[T]) All() iter.Seq2[models.BorrowedString, T] {
	return func(yield func(models.BorrowedString, T) bool) {
		rest := m.items
		for range m.count {
			r := NewBorrowReader(rest)
			key := r.BorrowText()
			rest = rest.Slice(r.at, rest.Len())
			value, size, err := m.read(rest)
			if err != nil || !yield(key, value) { // there is no error: BorrowMap has read it all
				return
			}
			rest = rest.Slice(size, rest.Len())
		}
	}
}

// Get returns the value of a key, and whether the map has it. It goes over the
// keys one by one.
func (m Map[T]) Get(key string) (value T, ok bool) {
	for k, v := range m.All() {
		if k.Equal(key) {
			return v, true
		}
	}
	return value, false
}

// Optional stands for a pointer in borrowed memory.
type Optional[T any] struct {
	// Value is the value that the pointer points to, or zero.
	Value T
	// Present is false where the model has a nil pointer.
	Present bool
}
