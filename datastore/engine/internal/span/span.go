// Package span keeps the bounds of a cursor.
package span

import (
	"bytes"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Span is an engine.Range whose bounds are its own copies. The zero value is
// every key, forwards. It must not be copied.
type Span struct {
	Lower, Upper []byte
	Reverse      bool

	room [48]byte // for both bounds, where they fit
}

// Set makes s the range r. It copies the bounds.
func (s *Span) Set(r engine.Range) {
	s.Reverse = r.Reverse
	both := append(append(s.room[:0], r.Lower...), r.Upper...)
	s.Lower, s.Upper = nil, nil
	if r.Lower != nil {
		s.Lower = both[:len(r.Lower):len(r.Lower)]
	}
	if r.Upper != nil {
		s.Upper = both[len(r.Lower):]
	}
}

// First returns the bound a cursor starts from, or nil.
func (s *Span) First() []byte {
	if s.Reverse {
		return s.Upper
	}
	return s.Lower
}

// Before reports whether key lies before the range in the cursor's direction.
func (s *Span) Before(key []byte) bool {
	if s.Reverse {
		return s.Upper != nil && bytes.Compare(key, s.Upper) >= 0
	}
	return s.Lower != nil && bytes.Compare(key, s.Lower) < 0
}

// Beyond reports whether key lies behind the range in the cursor's direction.
func (s *Span) Beyond(key []byte) bool {
	if s.Reverse {
		return s.Lower != nil && bytes.Compare(key, s.Lower) < 0
	}
	return s.Upper != nil && bytes.Compare(key, s.Upper) >= 0
}
