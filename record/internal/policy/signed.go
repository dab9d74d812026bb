package policy

import (
	"bytes"
	"fmt"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// checkSigned checks that the owner of its key has signed a record, and takes the record
// apart.
func (r *Rules) checkSigned(c *Candidate, now time.Time) error {
	owner, err := r.Owner(c.Key)
	if err != nil {
		return err
	}
	s, err := wire.Open(c.Data, owner)
	if err != nil {
		return err
	}
	recordKey, err := r.RecordKey(c.Key)
	switch {
	case err != nil:
		return err
	case s.RecordKey != recordKey:
		return fmt.Errorf("%w: it is signed for %.120q", models.ErrInvalid, s.RecordKey)
	}
	if err := r.checkExpiry(s.Head, now); err != nil {
		return err
	}
	c.Head, c.Value = s.Head, s.Value
	if c.Envelope, err = wire.CutPayload(c.Data); err != nil {
		return err
	}
	if c.Retracted {
		c.Value = nil
		return nil
	}
	c.Valid, err = r.raw.Validate(c.Key, c.Value)
	return err
}

// clockTolerance is how far the clock of a signer may be ahead of ours.
const clockTolerance = time.Hour

// ErrExpired is the error of a signed record that has expired. It matches models.ErrInvalid.
var ErrExpired = fmt.Errorf("%w: it has expired", models.ErrInvalid)

// checkExpiry refuses a record that has expired, and one that would outlive a tombstone:
// a peer that keeps a record for longer than the tombstone that takes it back could
// bring the record back.
func (r *Rules) checkExpiry(h wire.Head, now time.Time) error {
	switch {
	case h.Expired(now):
		return ErrExpired
	case r.age < 0:
		return nil // tombstones are for ever
	case h.Expires == 0:
		return fmt.Errorf("%w: it does not expire, but records are kept for %v", models.ErrInvalid, r.age)
	case h.Expires > uint64(now.Add(r.age+clockTolerance).Unix()):
		return fmt.Errorf("%w: it expires more than %v after the age of records, %v",
			models.ErrInvalid, clockTolerance, r.age)
	}
	return nil
}

// Next returns what the owner of a row signs to publish it with a value, nil for a
// tombstone, over what is stored. A record that is signed again unchanged keeps its
// sequence number, and a tombstone also its expiry. Every other record gets a number above
// the last, and at least the time in milliseconds, so that other peers accept the records
// of a peer that has lost its store.
func (r *Rules) Next(recordKey string, value []byte, stored *Stored, now time.Time) wire.Statement {
	s := wire.Statement{
		Head:      wire.Head{Sequence: uint64(now.UnixMilli()), Expires: r.expiresAt(now), Retracted: value == nil},
		RecordKey: recordKey, Value: value,
	}
	last := stored.Signature
	if last == nil {
		return s
	}
	same := stored.Whole && last.Retracted == s.Retracted && bytes.Equal(stored.Value, value)
	if same && s.Retracted && r.outlasts(last.Head, now) {
		s.Expires = last.Expires
	}
	if same && s.Expires >= last.Expires {
		s.Sequence = last.Sequence
	} else {
		s.Sequence = max(s.Sequence, last.Sequence+1)
	}
	return s
}

// outlasts reports whether a tombstone still has time to go, and no more than one that is
// made now: when it expires, all the records that it has taken back have expired. A
// tombstone that was made while the clock ran ahead has more time, and other peers refuse
// it.
func (r *Rules) outlasts(tombstone wire.Head, now time.Time) bool {
	latest := r.expiresAt(now)
	return latest != 0 && tombstone.Expires != 0 && tombstone.Expires <= latest && !tombstone.Expired(now)
}

// expiresAt returns when a signed record that is made now expires, as in a wire.Head.
func (r *Rules) expiresAt(now time.Time) uint64 {
	if r.age < 0 {
		return 0
	}
	return uint64(now.Add(r.age).Unix())
}
