package negentropy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
)

// side is one of the two while it answers a message.
type side struct {
	set Set
	out writer
	// result is the initiator's, nil in a responder. It gets at most about most ids to have.
	result *Result
	most   int
}

// errFull ends a message before all has been answered.
var errFull = errors.New("the message is full")

// answer answers a message that has been checked.
func (s *side) answer(ctx context.Context, message []byte) error {
	for r := (reader{rest: message[1:]}); len(r.rest) > 0; {
		next, err := r.next()
		if err != nil {
			return err
		}
		switch next.mode {
		case print:
			err = s.compare(ctx, &next)
		case list:
			err = s.takeList(ctx, &next)
		default:
			s.out.skip(next.upper)
		}
		switch {
		case errors.Is(err, errFull):
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// sum returns how many ids are in a range, and their sum.
func (s *side) sum(ctx context.Context, lower, upper bound) (count uint64, sum [32]byte, err error) {
	if isEmpty(&lower, &upper) {
		return 0, sum, nil
	}
	return s.set.Sum(ctx, lower.prefix(), upper.prefix())
}

// ids yields the ids in a range.
func (s *side) ids(ctx context.Context, lower, upper bound, yield func(ID) bool) error {
	if isEmpty(&lower, &upper) {
		return nil
	}
	return s.set.IDs(ctx, lower.prefix(), upper.prefix(), yield)
}

// rest ends the message with the fingerprint of everything from a bound, so that the other peer
// goes on from there.
func (s *side) rest(ctx context.Context, lower bound) error {
	count, sum, err := s.sum(ctx, lower, end)
	if err != nil {
		return err
	}
	s.out.fingerprint(end, fingerprint(count, sum))
	return errFull
}

// compare answers a fingerprint.
func (s *side) compare(ctx context.Context, theirs *span) error {
	count, sum, err := s.sum(ctx, theirs.lower, theirs.upper)
	if err != nil {
		return err
	}
	if own := fingerprint(count, sum); bytes.Equal(own[:], theirs.fingerprint) {
		s.out.skip(theirs.upper)
		return nil
	}
	return s.divide(ctx, theirs.lower, theirs.upper, count, parts)
}

// divide tells the other peer of a range: its ids if they are few, otherwise the fingerprints of
// its parts.
func (s *side) divide(ctx context.Context, lower, upper bound, count uint64, into int) error {
	if count <= listed {
		return s.giveList(ctx, lower, upper, nil)
	}
	between, err := s.set.Split(ctx, lower.prefix(), upper.prefix(), into)
	if err != nil {
		return err
	}
	if len(between) == 0 {
		return s.giveList(ctx, lower, upper, nil)
	}
	for i := range len(between) + 1 {
		to := upper
		if i < len(between) {
			to = boundOf(between[i])
		}
		if to.compare(&lower) <= 0 || to.compare(&upper) > 0 {
			return fmt.Errorf("split: the bound %x is not above the last", to.prefix())
		}
		if !s.out.fits(fingerprintSize) {
			return s.rest(ctx, lower)
		}
		count, sum, err := s.sum(ctx, lower, to)
		switch {
		case err != nil:
			return err
		case count == 0:
			s.out.list(to, nil) // which is shorter, and says more
		default:
			s.out.fingerprint(to, fingerprint(count, sum))
		}
		lower = to
	}
	return nil
}

// giveList tells the other peer the ids of a range, as far as they fit. If they are those that the
// other peer has told, in order, the range needs no answer.
func (s *side) giveList(ctx context.Context, lower, upper bound, told []byte) error {
	if !s.out.fits(varintSize) {
		return s.rest(ctx, lower)
	}
	var ids []byte
	to := upper
	full := false
	err := s.ids(ctx, lower, upper, func(id ID) bool {
		if !s.out.fits(varintSize + len(ids) + idSize) {
			to, full = boundOf(id[:]), true
			return false
		}
		ids = append(ids, id[:]...)
		return true
	})
	switch {
	case err != nil:
		return err
	case told != nil && !full && bytes.Equal(ids, told):
		s.out.skip(upper)
		return nil
	}
	s.out.list(to, ids)
	if full {
		return s.rest(ctx, to)
	}
	return nil
}

// takeList answers a list of ids.
func (s *side) takeList(ctx context.Context, theirs *span) error {
	told := make([]ID, 0, len(theirs.ids)/idSize)
	for ids := theirs.ids; len(ids) > 0; ids = ids[idSize:] {
		told = append(told, ID(ids))
	}
	slices.SortFunc(told, func(a, b ID) int { return bytes.Compare(a[:], b[:]) })
	if twice := len(told) - len(slices.Compact(slices.Clone(told))); twice > 0 {
		return fmt.Errorf("%w: a list has %d ids twice", ErrMessage, twice)
	}
	if s.result == nil {
		sorted := make([]byte, 0, len(theirs.ids))
		for _, id := range told {
			sorted = append(sorted, id[:]...)
		}
		return s.giveList(ctx, theirs.lower, theirs.upper, sorted)
	}
	to := theirs.upper
	full := false
	err := s.ids(ctx, theirs.lower, theirs.upper, func(id ID) bool {
		for len(told) > 0 && bytes.Compare(told[0][:], id[:]) < 0 {
			s.result.Need = append(s.result.Need, told[0])
			told = told[1:]
		}
		if len(told) > 0 && told[0] == id {
			told = told[1:]
			return true
		}
		if len(s.result.Have) >= s.most {
			to, full = boundOf(id[:]), true
			return false
		}
		s.result.Have = append(s.result.Have, id)
		return true
	})
	if err != nil {
		return err
	}
	if !full {
		s.result.Need = append(s.result.Need, told...)
	}
	s.out.skip(to)
	if full {
		return s.rest(ctx, to)
	}
	return nil
}
