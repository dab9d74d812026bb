package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// level reads the page of one level of the tree, and those that follow it.
type level struct {
	flags, count uint16
	// elements and keys read the same, in different places.
	elements, keys window
}

func (l *level) begin(file *io.SectionReader, size int64) {
	l.elements.begin(file, size)
	l.keys.begin(file, size)
}

func (l *level) parse(head []byte) {
	l.flags, l.count = binary.LittleEndian.Uint16(head[8:]), binary.LittleEndian.Uint16(head[10:])
}

// element is one of a page. A branch has a page where a leaf has flags and a
// value.
type element struct {
	flags      uint32
	page       uint64
	key, value int64 // from the page's start
	keySize    int64
	valueSize  int64
}

func (l *level) element(i uint16) (e element, err error) {
	at := pageHead + elementSize*int64(i)
	b, err := l.elements.at(at, elementSize)
	if err != nil {
		return e, err
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
	if l.flags == branchPage {
		e.key, e.keySize, e.page = at+int64(word(0)), int64(word(1)), binary.LittleEndian.Uint64(b[8:])
		return e, nil
	}
	e.flags, e.key, e.keySize, e.valueSize = word(0), at+int64(word(1)), int64(word(2)), int64(word(3))
	e.value = e.key + e.keySize
	return e, nil
}

// key returns the key of an element, to be read until the next call.
func (l *level) key(e element) ([]byte, error) {
	if e.keySize > engine.MaxKeySize {
		return nil, fmt.Errorf("%w: a key of %d bytes", engine.ErrCorrupt, e.keySize)
	}
	return l.keys.at(e.key, e.keySize)
}

// within refuses what reaches beyond the page.
func (l *level) within(at, size int64) error {
	if at+size > l.keys.size {
		return fmt.Errorf("%w: %d bytes at %d reach beyond the page", engine.ErrCorrupt, size, at)
	}
	return nil
}

// window reads a little more than it is asked for, which is mostly what it is
// asked for next.
type window struct {
	file  *io.SectionReader
	size  int64
	start int64
	bytes []byte
}

// windowSize is at least that of most pages.
const windowSize = 4 << 10

func (w *window) begin(file *io.SectionReader, size int64) {
	w.file, w.size, w.start, w.bytes = file, size, 0, w.bytes[:0]
}

// at returns n bytes, to be read until the next call.
func (w *window) at(start, n int64) ([]byte, error) {
	if start+n > w.size {
		return nil, fmt.Errorf("%w: %d bytes at %d reach beyond the page", engine.ErrCorrupt, n, start)
	}
	if start < w.start || start+n > w.start+int64(len(w.bytes)) {
		fill := min(max(n, windowSize), w.size-start)
		if int64(cap(w.bytes)) < fill {
			w.bytes = make([]byte, fill)
		}
		w.start, w.bytes = start, w.bytes[:fill]
		if _, err := w.file.ReadAt(w.bytes, start); err != nil {
			return nil, damaged(err)
		}
	}
	return w.bytes[start-w.start:][:n], nil
}

// damaged makes a file that is too short one that is damaged.
func damaged(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
	}
	return err
}
