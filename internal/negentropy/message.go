package negentropy

import (
	"bytes"
	"fmt"
)

// mode says what a message has for a range.
type mode uint64

const (
	skip mode = iota
	print
	list
)

const (
	idSize          = len(ID{})
	fingerprintSize = 16
	// varintSize is the longest varint: ten digits of seven bits.
	varintSize = 10
	// maxHead is the longest beginning of a range: its bound and its mode.
	maxHead = varintSize + 1 + idSize + 1
	// tailSize is the length of the last range of a message that has become full: the end as its
	// bound, its mode and its fingerprint.
	tailSize = 2 + 1 + fingerprintSize
)

// appendVarint appends n in base 128, the highest digit first.
func appendVarint(dst []byte, n uint64) []byte {
	digits := 1
	for rest := n >> 7; rest > 0; rest >>= 7 {
		digits++
	}
	for ; digits > 1; digits-- {
		dst = append(dst, byte(n>>(7*(digits-1)))|0x80)
	}
	return append(dst, byte(n)&0x7f)
}

// span is a range of a message.
type span struct {
	lower, upper bound
	mode         mode
	fingerprint  []byte
	// ids are those of a list, one after the other.
	ids []byte
}

// reader reads the ranges of a message.
type reader struct {
	rest  []byte
	lower bound
	// time is the timestamp of the last bound.
	time uint64
	// at is how many ranges have been read.
	at int
}

func (r *reader) fail(format string, args ...any) error {
	return fmt.Errorf("%w: range %d: %s", ErrMessage, r.at, fmt.Sprintf(format, args...))
}

func (r *reader) varint() (n uint64, err error) {
	for i, digit := range r.rest {
		if n >= 1<<(64-7) || i == 0 && digit == 0x80 {
			return 0, r.fail("a number has more than 64 bits, or begins with zeros")
		}
		n = n<<7 | uint64(digit&0x7f)
		if digit < 0x80 {
			r.rest = r.rest[i+1:]
			return n, nil
		}
	}
	return 0, r.fail("cut short")
}

func (r *reader) bytes(n uint64) ([]byte, error) {
	if n > uint64(len(r.rest)) {
		return nil, r.fail("cut short")
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken, nil
}

func (r *reader) bound() (b bound, err error) {
	offset, err := r.varint()
	if err != nil {
		return b, err
	}
	size, err := r.varint()
	if err != nil {
		return b, err
	}
	switch {
	case offset == 0:
		b.time = never
	case offset-1 >= never-r.time:
		return b, r.fail("the timestamp has more than 64 bits")
	default:
		b.time = r.time + offset - 1
		r.time = b.time
	}
	if size > uint64(idSize) || b.time == never && size > 0 {
		return b, r.fail("the bound has an id of %d bytes", size)
	}
	prefix, err := r.bytes(size)
	b.size = copy(b.id[:], prefix)
	return b, err
}

// next reads a range. It shares the message's memory.
func (r *reader) next() (s span, err error) {
	r.at++
	s.lower = r.lower
	if s.upper, err = r.bound(); err != nil {
		return s, err
	}
	switch order := s.upper.compare(&s.lower); {
	case s.lower.time == never:
		return s, r.fail("it is behind the end")
	case order < 0:
		return s, r.fail("its end is before its beginning")
	}
	r.lower = s.upper
	kind, err := r.varint()
	if err != nil {
		return s, err
	}
	switch s.mode = mode(kind); s.mode {
	case skip:
	case print:
		s.fingerprint, err = r.bytes(fingerprintSize)
	case list:
		var count uint64
		if count, err = r.varint(); err != nil {
			return s, err
		}
		if count > uint64(len(r.rest)/idSize) {
			return s, r.fail("%d ids do not fit into the message", count)
		}
		s.ids, err = r.bytes(count * uint64(idSize))
	default:
		err = r.fail("it has the unknown mode %d", kind)
	}
	return s, err
}

// check checks a whole message. The ids of a list have to lie in its range.
func check(message []byte, limits Limits) error {
	switch {
	case len(message) == 0:
		return fmt.Errorf("%w: it is empty", ErrMessage)
	case len(message) > limits.Message:
		return fmt.Errorf("%w: it has %d bytes, and at most %d are allowed", ErrMessage, len(message), limits.Message)
	case message[0] != version:
		return fmt.Errorf("%w: the first byte is %#x", ErrVersion, message[0])
	}
	for r := (reader{rest: message[1:]}); len(r.rest) > 0; {
		s, err := r.next()
		if err != nil {
			return err
		}
		for ids := s.ids; len(ids) > 0; ids = ids[idSize:] {
			if !s.mayHave(ids[:idSize]) {
				return r.fail("it does not have the id %x of its list", ids[:idSize])
			}
		}
	}
	return nil
}

// mayHave reports whether an item with an id and the timestamp 0 is in a range.
func (s *span) mayHave(id []byte) bool {
	return s.lower.time == 0 && bytes.Compare(id, s.lower.id[:]) >= 0 &&
		(s.upper.time > 0 || bytes.Compare(id, s.upper.id[:]) < 0)
}

// writer writes the ranges of a message.
type writer struct {
	data  []byte
	limit int
	// time is the timestamp of the last bound, and skipped the end of the ranges that are to be
	// skipped before the next.
	time    uint64
	skipped *bound
}

func newWriter(limit int) writer { return writer{data: []byte{version}, limit: max(limit, MinMessage)} }

// empty reports whether there is nothing but ranges to skip.
func (w *writer) empty() bool { return len(w.data) == 1 }

// skip leaves out the ranges up to a bound.
func (w *writer) skip(to bound) { w.skipped = &to }

// fits reports whether there is room for another range, and the last range behind it.
func (w *writer) fits(payload int) bool {
	return len(w.data)+maxHead+maxHead+payload+maxHead+tailSize <= w.limit
}

func (w *writer) head(upper *bound, m mode) {
	if w.skipped != nil {
		w.bound(w.skipped)
		w.data = append(w.data, byte(skip))
		w.skipped = nil
	}
	w.bound(upper)
	w.data = append(w.data, byte(m))
}

func (w *writer) bound(b *bound) {
	if b.time == never {
		w.data = append(w.data, 0, 0)
		return
	}
	w.data = appendVarint(w.data, b.time-w.time+1)
	w.time = b.time
	w.data = append(append(w.data, byte(b.size)), b.id[:b.size]...)
}

func (w *writer) fingerprint(upper bound, of [fingerprintSize]byte) {
	w.head(&upper, print)
	w.data = append(w.data, of[:]...)
}

// list writes ids, which are one after the other.
func (w *writer) list(upper bound, ids []byte) {
	w.head(&upper, list)
	w.data = append(appendVarint(w.data, uint64(len(ids)/idSize)), ids...)
}
