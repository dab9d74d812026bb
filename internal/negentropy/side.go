package negentropy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
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
	err := s.answerRanges(ctx, message)
	if errors.Is(err, errFull) {
		return nil
	}
	return err
}

func (s *side) answerRanges(ctx context.Context, message []byte) error {
	var prints []span // one after the other
	for r := (reader{rest: message[1:]}); len(r.rest) > 0; {
		next, err := r.next()
		if err != nil {
			return err
		}
		if next.mode == print {
			prints = append(prints, next)
		}
		if next.mode != print || len(prints) == atOnce || len(r.rest) == 0 {
			if err := s.comparePrints(ctx, prints); err != nil {
				return err
			}
			prints = prints[:0]
		}
		switch next.mode {
		case list:
			err = s.takeList(ctx, &next)
		case skip:
			s.out.skip(next.upper)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sums returns the sums of the ranges between bounds.
func (s *side) sums(ctx context.Context, bounds []bound) ([]Sum, error) {
	sums := make([]Sum, len(bounds)-1)
	within := 0 // the bounds up to the first that is above all items
	for within < len(bounds) && bounds[within].time == 0 {
		within++
	}
	if within == 0 {
		return sums, nil
	}
	prefixes := make([][]byte, min(within+1, len(bounds)))
	for i := range prefixes {
		prefixes[i] = bounds[i].prefix()
	}
	if len(prefixes) == 1 {
		return sums, nil
	}
	found, err := s.set.Sums(ctx, prefixes)
	if err == nil && len(found) != len(prefixes)-1 {
		err = fmt.Errorf("%d sums for %d bounds", len(found), len(prefixes))
	}
	copy(sums, found)
	return sums, err
}

// sum returns the sum of a range.
func (s *side) sum(ctx context.Context, lower, upper bound) (Sum, error) {
	sums, err := s.sums(ctx, []bound{lower, upper})
	return sums[0], err
}

// ids yields the ids in a range.
func (s *side) ids(ctx context.Context, lower, upper bound) iter.Seq2[ID, error] {
	if lower.time > 0 || lower.compare(&upper) >= 0 {
		return func(func(ID, error) bool) {}
	}
	return s.set.IDs(ctx, lower.prefix(), upper.prefix())
}

// rest ends the message with the fingerprint of everything from a bound, so that the other peer
// goes on from there.
func (s *side) rest(ctx context.Context, lower bound) error {
	sum, err := s.sum(ctx, lower, end)
	if err != nil {
		return err
	}
	s.out.fingerprint(end, sum.fingerprint())
	return errFull
}

// comparePrints answers fingerprints of ranges of which each begins where the last ends.
func (s *side) comparePrints(ctx context.Context, theirs []span) error {
	if len(theirs) == 0 {
		return nil
	}
	bounds := []bound{theirs[0].lower}
	for i := range theirs {
		bounds = append(bounds, theirs[i].upper)
	}
	sums, err := s.sums(ctx, bounds)
	if err != nil {
		return err
	}
	for i := range theirs {
		at := &theirs[i]
		if own := sums[i].fingerprint(); bytes.Equal(own[:], at.fingerprint) {
			s.out.skip(at.upper)
		} else if err := s.divide(ctx, at.lower, at.upper, sums[i].Count, parts); err != nil {
			return err
		}
	}
	return nil
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
	bounds := []bound{lower}
	for _, prefix := range between {
		bounds = append(bounds, boundOf(prefix))
	}
	bounds = append(bounds, upper)
	for i := range len(bounds) - 1 {
		if bounds[i].compare(&bounds[i+1]) >= 0 {
			return fmt.Errorf("split: the bound %x is not above the last", bounds[i+1].prefix())
		}
	}
	sums, err := s.sums(ctx, bounds)
	if err != nil {
		return err
	}
	for i, to := range bounds[1:] {
		switch {
		case !s.out.fits(fingerprintSize):
			return s.rest(ctx, bounds[i])
		case sums[i].Count == 0:
			s.out.list(to, nil) // which is shorter, and says more
		default:
			s.out.fingerprint(to, sums[i].fingerprint())
		}
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
	for id, err := range s.ids(ctx, lower, upper) {
		if err != nil {
			return err
		}
		if !s.out.fits(varintSize + len(ids) + idSize) {
			to, full = boundOf(id[:]), true
			break
		}
		ids = append(ids, id[:]...)
	}
	if told != nil && !full && bytes.Equal(ids, told) {
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
	for id, err := range s.ids(ctx, theirs.lower, theirs.upper) {
		if err != nil {
			return err
		}
		for len(told) > 0 && bytes.Compare(told[0][:], id[:]) < 0 {
			s.result.Need = append(s.result.Need, told[0])
			told = told[1:]
		}
		if len(told) > 0 && told[0] == id {
			told = told[1:]
			continue
		}
		if len(s.result.Have) >= s.most {
			to, full = boundOf(id[:]), true
			break
		}
		s.result.Have = append(s.result.Have, id)
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
