package reshape

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// emptyMap is a map of no keys, as one item.
const emptyMap = cbor.Map << 5

// source is a value that is read from front to back. Its methods report whether they found what they
// were to read; the first fault is kept.
type source struct {
	src   []byte
	at    int
	fault error
	// path is where the fault is: the names of the fields around it, the innermost first.
	path []string
}

func (s *source) fail(format string, args ...any) bool {
	if s.fault == nil {
		s.fault = fmt.Errorf("byte %d: "+format, append([]any{s.at}, args...)...)
	}
	return false
}

// failedIn adds the field of a key to the path of the fault.
func (s *source) failedIn(key string) bool {
	field := source{src: []byte(key)}
	name, _ := field.text()
	s.path = append(s.path, string(name))
	return false
}

// err returns the fault, as an error that matches [shape.ErrInvalid].
func (s *source) err() error {
	if len(s.path) == 0 {
		return fmt.Errorf("%w: %w", shape.ErrInvalid, s.fault)
	}
	path := make([]byte, 0, 64)
	for i := len(s.path) - 1; i >= 0; i-- {
		path = fmt.Appendf(path, "%.40s", s.path[i])
		if i > 0 {
			path = append(path, '.')
		}
	}
	return fmt.Errorf("%w: field %s, %w", shape.ErrInvalid, path, s.fault)
}

// head reads the head of an item in its shortest form. Of major type 7 it reads what has one byte.
func (s *source) head() (major byte, arg uint64, ok bool) {
	if s.at >= len(s.src) {
		return 0, 0, s.fail("the value ends early")
	}
	initial := s.src[s.at]
	major, arg = initial>>5, uint64(initial&0x1F)
	if arg < 24 {
		s.at++
		return major, arg, true
	}
	arg, size, err := cbor.Long(arg, s.src[s.at+1:])
	if err != nil {
		return 0, 0, s.fail("%w", err)
	}
	s.at += 1 + size
	return major, arg, true
}

// typed reads the head of an item of a major type.
func (s *source) typed(want byte) (arg uint64, ok bool) {
	major, arg, ok := s.head()
	if ok && major != want {
		return 0, s.fail("there is %s in place of %s", cbor.Names[major], cbor.Names[want])
	}
	return arg, ok
}

// count reads the head of a list or map, whose elements have at least so many bytes each.
func (s *source) count(major byte, least uint64) (n int, ok bool) {
	arg, ok := s.typed(major)
	if !ok {
		return 0, false
	}
	return s.counted(arg, least)
}

func (s *source) counted(arg, least uint64) (n int, ok bool) {
	if arg > maxElements || arg*least > uint64(len(s.src)-s.at) {
		return 0, s.fail("a list or map of %d elements is cut off or has more than %d", arg, maxElements)
	}
	return int(arg), true
}

// run reads so many bytes.
func (s *source) run(size uint64) ([]byte, bool) {
	if size > uint64(len(s.src)-s.at) {
		return nil, s.fail("%d bytes are cut off", size)
	}
	start := s.at
	s.at += int(size)
	return s.src[start:s.at:s.at], true
}

// text reads text.
func (s *source) text() ([]byte, bool) {
	size, ok := s.typed(cbor.Text)
	if !ok {
		return nil, false
	}
	return s.utf8(size)
}

func (s *source) utf8(size uint64) ([]byte, bool) {
	text, ok := s.run(size)
	if ok && !utf8.Valid(text) {
		return nil, s.fail("text %.40q is not UTF-8", string(text))
	}
	return text, ok
}

// key reads the key of a map and returns it with its head. It has to come after the key before it;
// before the first, that is nil.
func (s *source) key(before []byte) (key []byte, ok bool) {
	start := s.at
	text, ok := s.text()
	if !ok {
		return nil, false
	}
	key = s.src[start:s.at:s.at]
	if before != nil && bytes.Compare(key, before) <= 0 {
		return nil, s.fail("the key %.40q is repeated or comes too late", string(text))
	}
	return key, true
}

// null reads null if that comes next.
func (s *source) null() bool {
	if !s.nullNext() {
		return false
	}
	s.at++
	return true
}

func (s *source) nullNext() bool { return s.at < len(s.src) && s.src[s.at] == cbor.Null }

// float reads a float that is neither NaN nor infinite.
func (s *source) float() (v float64, ok bool) {
	if len(s.src)-s.at < 9 || s.src[s.at] != cbor.Float64 {
		return 0, s.fail("there is no float of 8 bytes")
	}
	v = math.Float64frombits(binary.BigEndian.Uint64(s.src[s.at+1:]))
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, s.fail("DAG-CBOR does not allow %v", v)
	}
	s.at += 9
	return v, true
}

// any reads an item of any kind. Depth is that of the maps and lists around it.
func (s *source) any(depth int) bool {
	if s.at < len(s.src) && s.src[s.at]>>5 == cbor.Simple {
		switch s.src[s.at] {
		case cbor.False, cbor.True, cbor.Null:
			s.at++
			return true
		}
		_, ok := s.float()
		return ok
	}
	major, arg, ok := s.head()
	if !ok {
		return false
	}
	switch major {
	case cbor.Uint, cbor.Neg:
		return true
	case cbor.Bytes:
		_, ok = s.run(arg)
		return ok
	case cbor.Text:
		_, ok = s.utf8(arg)
		return ok
	case cbor.List, cbor.Map:
		return s.anyWithin(major, arg, depth)
	}
	return s.fail("there is %s", cbor.Names[major])
}

func (s *source) anyWithin(major byte, arg uint64, depth int) bool {
	if depth >= maxDepth {
		return s.tooDeep()
	}
	n, ok := s.counted(arg, uint64(major-cbor.List)+1)
	if !ok {
		return false
	}
	var key []byte
	for range n {
		if major == cbor.Map {
			if key, ok = s.key(key); !ok {
				return false
			}
		}
		if !s.any(depth + 1) {
			return false
		}
	}
	return true
}

func (s *source) tooDeep() bool {
	return s.fail("maps and lists are nested more than %d deep", maxDepth)
}

// scalar reads an item that has none within it.
func (s *source) scalar(n *node) bool {
	switch n.form {
	case formUint:
		v, ok := s.typed(cbor.Uint)
		if ok && n.bits < 64 && v>>n.bits != 0 {
			return s.fail("%d does not fit in %d bits", v, n.bits)
		}
		return ok
	case formInt:
		major, arg, ok := s.head()
		if ok && (major > cbor.Neg || arg>>(n.bits-1) != 0) {
			return s.fail("there is no integer of %d bits", n.bits)
		}
		return ok
	case formBool:
		if s.at >= len(s.src) || s.src[s.at] != cbor.False && s.src[s.at] != cbor.True {
			return s.fail("there is no boolean")
		}
		s.at++
		return true
	case formFloat32:
		v, ok := s.float()
		if ok && float64(float32(v)) != v {
			return s.fail("%v is not a float32", v)
		}
		return ok
	case formFloat64:
		_, ok := s.float()
		return ok
	case formText:
		_, ok := s.text()
		return ok
	case formBytes:
		size, ok := s.typed(cbor.Bytes)
		if ok && n.size != 0 && size != uint64(n.size) {
			return s.fail("a byte string has %d bytes, not %d", size, n.size)
		}
		if ok {
			_, ok = s.run(size)
		}
		return ok
	default: // a time
		size, ok := s.typed(cbor.Text)
		if !ok {
			return false
		}
		text, ok := s.run(size)
		if ok && !cbor.IsTime(text) {
			return s.fail("%.40q is not a time in its one form", string(text))
		}
		return ok
	}
}

// zero reads an item that is canonical and reports whether it is the zero value of a type, perhaps of
// an array.
func (s *source) zero() bool {
	if s.null() || s.src[s.at] == cbor.False {
		return true
	}
	if s.src[s.at] == cbor.Float64 {
		v, _ := s.float()
		return v == 0
	}
	major, arg, _ := s.head()
	switch major {
	case cbor.Bytes:
		data, _ := s.run(arg)
		return len(bytes.Trim(data, "\x00")) == 0
	case cbor.List:
		for range arg {
			if !s.zero() {
				return false
			}
		}
		return true
	default: // an integer, text, a map
		return major != cbor.Neg && major != cbor.Simple && arg == 0
	}
}
