package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// level reads the page of one level of the tree, and those that follow it.
type level struct {
	file       *os.File
	base, size int64
	// window is what has been read last, from start on.
	window []byte
	start  int64
	// keys are the last two, of which the next is written over the older.
	keys [2][]byte

	flags, count uint16
}

// windowSize is several times that of most pages.
const windowSize = 16 << 10

func (l *level) begin(file *os.File, base, size int64) {
	l.file, l.base, l.size, l.start, l.window = file, base, size, 0, l.window[:0]
}

// at returns n bytes, to be read until the next call.
func (l *level) at(start, n int64) ([]byte, error) {
	if err := l.within(start, n); err != nil {
		return nil, err
	}
	if start < l.start || start+n > l.start+int64(len(l.window)) {
		fill := min(max(n, windowSize), l.size-start)
		if int64(cap(l.window)) < fill {
			l.window = make([]byte, fill)
		}
		l.start, l.window = start, l.window[:fill]
		if _, err := l.file.ReadAt(l.window, l.base+start); err != nil {
			l.window = l.window[:0]
			return nil, damaged(err)
		}
	}
	return l.window[start-l.start:][:n], nil
}

// within refuses what reaches beyond the page.
func (l *level) within(start, n int64) error {
	if start+n > l.size {
		return fmt.Errorf("%w: %d bytes at %d reach beyond the page", engine.ErrCorrupt, n, start)
	}
	return nil
}

// head reads the head of the page, and returns its number and that of the pages
// that follow it.
func (l *level) head() (number uint64, following uint32, err error) {
	b, err := l.at(0, pageHead)
	if err != nil {
		return 0, 0, err
	}
	l.flags, l.count = binary.LittleEndian.Uint16(b[8:]), binary.LittleEndian.Uint16(b[10:])
	return binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[12:]), nil
}

// element is one of a page. A branch has a page where a leaf has flags and a
// value. Places are from the page's start.
type element struct {
	flags            uint32
	page             uint64
	key, keySize     int64
	value, valueSize int64
}

func (l *level) element(i uint16) (e element, err error) {
	at := pageHead + elementSize*int64(i)
	b, err := l.at(at, elementSize)
	if err != nil {
		return e, err
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
	if l.flags == branchPage {
		e.key, e.keySize, e.page = at+int64(word(0)), int64(word(1)), binary.LittleEndian.Uint64(b[8:])
	} else {
		e.flags, e.key, e.keySize, e.valueSize = word(0), at+int64(word(1)), int64(word(2)), int64(word(3))
	}
	e.value = e.key + e.keySize
	return e, nil
}

// key returns the key of an element, to be read until the call after the next.
func (l *level) key(e element) ([]byte, error) {
	if e.keySize > engine.MaxKeySize {
		return nil, fmt.Errorf("%w: a key of %d bytes", engine.ErrCorrupt, e.keySize)
	}
	b, err := l.at(e.key, e.keySize)
	if err != nil {
		return nil, err
	}
	l.keys[0], l.keys[1] = l.keys[1], append(l.keys[0][:0], b...)
	return l.keys[1], nil
}

// damaged makes a file that is too short one that is damaged.
func damaged(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
	}
	return err
}
