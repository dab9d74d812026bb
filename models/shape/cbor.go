package shape

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
)

// compareKeys orders the keys of a DAG-CBOR map: by length, then bytewise.
func compareKeys(a, b []byte) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return bytes.Compare(a, b)
}

// reader reads canonical DAG-CBOR from front to back. Package dagcbor has another, which shapes cannot
// use: it imports package models, and so this package.
type reader struct {
	src []byte
	at  int
}

// fail returns an error that says at which byte the reader is.
func (r *reader) fail(format string, args ...any) error {
	return fmt.Errorf("byte %d: %w", r.at, fmt.Errorf(format, args...))
}

// next returns the first byte of the next item, which may be of any type.
func (r *reader) next() (byte, error) {
	if r.at >= len(r.src) {
		return 0, r.fail("it ends early")
	}
	return r.src[r.at], nil
}

// head reads the head of an item of a major type and returns its argument.
func (r *reader) head(major byte) (uint64, error) {
	initial, err := r.next()
	if err != nil {
		return 0, err
	}
	if initial>>5 != major {
		return 0, r.fail("there is %s in place of %s", cbor.Names[initial>>5], cbor.Names[major])
	}
	arg := uint64(initial & 0x1F)
	if arg < 24 {
		r.at++
		return arg, nil
	}
	arg, size, err := cbor.Long(arg, r.src[r.at+1:])
	if err != nil {
		return 0, r.fail("%w", err)
	}
	r.at += 1 + size
	return arg, nil
}

// count reads the head of a list or map of at most limit elements, each of which has at least
// so many bytes.
func (r *reader) count(major byte, limit, least int) (int, error) {
	start := r.at
	n, err := r.head(major)
	if err != nil {
		return 0, err
	}
	if n > uint64(limit) || n*uint64(least) > uint64(len(r.src)-r.at) {
		r.at = start
		return 0, r.fail("%s of %d elements is cut off or has more than %d", cbor.Names[major], n, limit)
	}
	return int(n), nil
}

// run reads a byte string or text. The result lies in the memory of what is read.
func (r *reader) run(major byte) ([]byte, error) {
	start := r.at
	size, err := r.head(major)
	if err != nil {
		return nil, err
	}
	if size > uint64(len(r.src)-r.at) {
		r.at = start
		return nil, r.fail("%s of %d bytes is cut off", cbor.Names[major], size)
	}
	run := r.src[r.at : r.at+int(size)]
	r.at += int(size)
	return run, nil
}

// text reads text. The result lies in the memory of what is read.
func (r *reader) text() ([]byte, error) {
	start := r.at
	text, err := r.run(cbor.Text)
	if err == nil && !utf8.Valid(text) {
		r.at = start
		return nil, r.fail("text %.40q is not UTF-8", text)
	}
	return text, err
}

// key reads a key of a map if it is name, and reports whether it was. Left is the number of
// keys that are yet to come.
func (r *reader) key(left *int, name string) bool {
	probe := *r
	if text, err := probe.run(cbor.Text); *left == 0 || err != nil || string(text) != name {
		return false
	}
	*r = probe
	*left--
	return true
}

// endKeys ends a map, of which left keys have not been read.
func (r *reader) endKeys(left int) error {
	if left == 0 {
		return nil
	}
	start := r.at
	text, err := r.text()
	if err != nil {
		return err
	}
	r.at = start
	return r.fail("the member %.40q is unknown, repeated or out of order", text)
}

// end returns an error if bytes are left over.
func (r *reader) end() error {
	if left := len(r.src) - r.at; left > 0 {
		return r.fail("%d bytes follow", left)
	}
	return nil
}
