package dynamic

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON (RFC 8259) from front to back. Package json takes text that is not UTF-8 and halves of
// surrogate pairs, and changes them.
type scanner struct {
	src []byte
	at  int
}

var errEndsEarly = errors.New("the JSON ends early")

// next skips white space and returns the byte that follows, 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.src); s.at++ {
		switch c := s.src[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// take reads the byte c if it comes next.
func (s *scanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.at++
	return true
}

// expect reads the byte c.
func (s *scanner) expect(c byte) error {
	if !s.take(c) {
		return s.misplaced(strconv.QuoteRune(rune(c)))
	}
	return nil
}

// end returns an error if anything but white space is left.
func (s *scanner) end() error {
	if s.next(); s.at < len(s.src) {
		return s.misplaced("the end")
	}
	return nil
}

// misplaced is the error of what comes next in place of what is wanted.
func (s *scanner) misplaced(want string) error {
	c := s.next()
	rest := s.src[s.at:]
	var found string
	switch {
	case s.at >= len(s.src):
		return errEndsEarly
	case c == '{':
		found = "an object"
	case c == '[':
		found = "a list"
	case c == '"':
		found = "text"
	default:
		n := 0
		for n < min(len(rest), 20) && rest[n] > ' ' && rest[n] != ',' && rest[n] != '}' && rest[n] != ']' {
			n++
		}
		found = fmt.Sprintf("%q", rest[:max(n, 1)])
	}
	return fmt.Errorf("byte %d: there is %s in place of %s", s.at, found, want)
}

// word reads null, true or false if it comes next.
func (s *scanner) word(word string) bool {
	s.next()
	end := s.at + len(word)
	if end > len(s.src) || string(s.src[s.at:end]) != word || end < len(s.src) && isWord(s.src[end]) {
		return false
	}
	s.at = end
	return true
}

func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '.'
}

// number reads a number and reports whether it is whole: without a point and an exponent.
func (s *scanner) number() (text string, whole bool, err error) {
	s.next()
	start := s.at
	digits := func() bool {
		from := s.at
		for s.at < len(s.src) && '0' <= s.src[s.at] && s.src[s.at] <= '9' {
			s.at++
		}
		return s.at > from
	}
	has := func(set string) bool {
		for i := range len(set) {
			if s.at < len(s.src) && s.src[s.at] == set[i] {
				s.at++
				return true
			}
		}
		return false
	}
	has("-")
	zero := s.at < len(s.src) && s.src[s.at] == '0'
	first := s.at
	ok := digits() && !(zero && s.at > first+1)
	whole = true
	if ok && has(".") {
		whole, ok = false, digits()
	}
	if ok && has("eE") {
		whole = false
		has("+-")
		ok = digits()
	}
	if !ok || s.at < len(s.src) && isWord(s.src[s.at]) {
		s.at = start
		return "", false, s.misplaced("a number")
	}
	return string(s.src[start:s.at]), whole, nil
}

// text reads text and appends it to dst.
func (s *scanner) text(dst []byte) ([]byte, error) {
	if !s.take('"') {
		return dst, s.misplaced("text")
	}
	for {
		start := s.at
		for s.at < len(s.src) && s.src[s.at] != '"' && s.src[s.at] != '\\' && s.src[s.at] >= ' ' {
			s.at++
		}
		if run := s.src[start:s.at]; !utf8.Valid(run) {
			return dst, fmt.Errorf("byte %d: text is not UTF-8", start)
		}
		dst = append(dst, s.src[start:s.at]...)
		switch {
		case s.at >= len(s.src):
			return dst, errEndsEarly
		case s.src[s.at] == '"':
			s.at++
			return dst, nil
		case s.src[s.at] != '\\':
			return dst, fmt.Errorf("byte %d: the control character %#x in text has to be escaped", s.at, s.src[s.at])
		}
		var err error
		if dst, err = s.escape(dst); err != nil {
			return dst, err
		}
	}
}

// escapes has what the letter behind a backslash stands for.
var escapes = map[byte]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// escape reads what a backslash begins.
func (s *scanner) escape(dst []byte) ([]byte, error) {
	start := s.at
	bad := func() ([]byte, error) {
		end := min(start+6, len(s.src))
		return dst, fmt.Errorf("byte %d: %q stands for no character", start, s.src[start:end])
	}
	if s.at+1 >= len(s.src) {
		return dst, errEndsEarly
	}
	letter := s.src[s.at+1]
	if plain, ok := escapes[letter]; ok {
		s.at += 2
		return append(dst, plain), nil
	}
	r, ok := s.unit()
	if !ok {
		return bad()
	}
	if utf16.IsSurrogate(r) {
		low, ok := s.unit()
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return bad()
		}
	}
	return utf8.AppendRune(dst, r), nil
}

// unit reads an escaped unit of UTF-16: a backslash, u and four hex digits.
func (s *scanner) unit() (rune, bool) {
	if len(s.src)-s.at < 6 || s.src[s.at] != '\\' || s.src[s.at+1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(s.src[s.at+2:s.at+6]), 16, 16)
	s.at += 6
	return rune(unit), err == nil
}
