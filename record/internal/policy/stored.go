package policy

import (
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// Stored is what a store has under the key of a record.
type Stored struct {
	// Value is the row's, nil where there is none.
	Value []byte
	// Signature is that of the last signed record, nil where there is none. In an open tree it is there
	// for a tombstone alone, and its Sequence is the clock.
	Signature *wire.Signature
	// Whole says that Value, and Signature in a signed tree, are those of one record. The
	// program has not changed the row since.
	Whole bool
}

// Tombstone reports whether a tombstone is all there is.
func (s *Stored) Tombstone() bool {
	return s.Value == nil && s.Signature != nil && s.Signature.Retracted
}

// Data returns the value of the record that is stored whole.
func (r *Rules) Data(recordKey string, s *Stored) ([]byte, error) {
	if r.policy != models.Signed {
		if s.Tombstone() {
			return wire.AppendTombstone(nil, s.Signature.Sequence), nil
		}
		return s.Value, nil
	}
	signed := wire.Statement{Head: s.Signature.Head, RecordKey: recordKey, Value: s.Value}
	return wire.WithPayload(s.Signature.Envelope, &signed)
}

// Held returns the stored record that a new one must not be worse than, nil if there is
// none.
func (r *Rules) Held(key []byte, s *Stored) (*Candidate, error) {
	c := Candidate{Key: key, Value: s.Value, Data: s.Value}
	switch {
	case r.policy == models.Open && s.Tombstone():
		c.Head, c.Data = s.Signature.Head, wire.AppendTombstone(nil, s.Signature.Sequence)
		return &c, nil
	case r.policy == models.Signed && s.Signature == nil, r.policy != models.Signed && s.Value == nil:
		return nil, nil
	case r.policy == models.Open:
		// The tree has checked its own rows, and the program may put rows larger than
		// records: here the row only has to be compared.
		valid, err := r.raw.Validate(key, s.Value)
		c.Sequence = valid.Clock()
		return &c, err
	case r.policy == models.Immutable:
		return nil, nil // there is but one record for a key
	}
	// A signature counts even if its row is gone: an older record must not come back.
	c.Head = s.Signature.Head
	recordKey, err := r.RecordKey(key)
	if err == nil && s.Whole {
		c.Data, err = r.Data(recordKey, s)
	}
	return &c, err
}
