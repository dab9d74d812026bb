package negentropy

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
)

// ID is the id of an item. Ids are in the order of their bytes.
type ID = [32]byte

// Set is the ids that a peer holds. A range of them is from lower, inclusive, to upper, exclusive.
// Both are prefixes of ids that stand for the id in which zeros follow; a nil upper is the end.
type Set interface {
	// Sums returns the sums of the ranges that lie between the bounds: sum i is of the range from
	// bound i to bound i+1. The bounds are in order, and can be equal.
	Sums(ctx context.Context, bounds [][]byte) ([]Sum, error)
	// IDs yields the ids of a range, in order. An error is yielded once, as the last item.
	IDs(ctx context.Context, lower, upper []byte) iter.Seq2[ID, error]
	// Split returns increasing bounds between lower and upper, which it excludes, at which the
	// range falls into parts of about the same size. It returns fewer if that is cheaper, and may
	// return none if the range has few ids.
	Split(ctx context.Context, lower, upper []byte, parts int) (bounds [][]byte, err error)
}

// Sum is how many ids are in a range, and their sum mod 2^256. In the ids and in the sum the first
// byte is the lowest.
type Sum struct {
	Count uint64
	Sum   [32]byte
}

// fingerprint returns that of the range.
func (s *Sum) fingerprint() [fingerprintSize]byte {
	hash := sha256.Sum256(appendVarint(s.Sum[:], s.Count))
	return [fingerprintSize]byte(hash[:])
}

// Limits bound a message.
type Limits struct {
	// Message is how many bytes a message may have that this side writes or accepts. It is at
	// least MinMessage.
	Message int
	// Have is how many ids that the responder lacks one call of Next returns, about. It is at
	// least 1.
	Have int
}

// MinMessage is the least that Limits.Message may be, as in other implementations.
const MinMessage = 4096

var (
	// ErrMessage is a message that breaks the protocol.
	ErrMessage = errors.New("malformed negentropy message")
	// ErrVersion is a message of another version of the protocol.
	ErrVersion = errors.New("another version of negentropy")
	// ErrEndless ends a comparison in which the responder's messages lead to nothing.
	ErrEndless = errors.New("the comparison does not come to an end")
)

// version is the first byte of a message of version 1. Version 2 will have the next byte, and so on.
const (
	version      = 0x61
	firstVersion = 0x60
	lastVersion  = 0x6f
)

const (
	// listed is how many ids a range may have that are sent as a list and not as fingerprints of
	// its parts.
	listed = 32
	// parts is how many parts a larger range gets.
	parts = 16
	// firstParts is how many parts the set gets at most at the beginning of a comparison, where it
	// is large, and firstSize is how many ids such a part has at least. They save a round trip.
	firstParts = 1024
	firstSize  = 1024
	// atOnce is how many sums are asked for at the same time. They are in vain where the message
	// becomes full before.
	atOnce = 256
	// idleRounds is after how many messages without any id that differs a comparison ends. The
	// parts become smaller with each message, so that honest peers need far fewer.
	idleRounds = 48
)

// Respond answers a message of an initiator. A message of another version is answered with this
// one's version, as the protocol wants it.
func Respond(ctx context.Context, set Set, limits Limits, message []byte) (answer []byte, err error) {
	if len(message) > 0 && message[0] >= firstVersion && message[0] <= lastVersion && message[0] != version {
		return []byte{version}, nil
	}
	if err := check(message, limits); err != nil {
		return nil, err
	}
	s := side{set: set, out: newWriter(limits.Message)}
	if err := s.answer(ctx, message); err != nil {
		return nil, err
	}
	return s.out.data, nil
}

// Initiator compares a set with that of a responder. It may not be used concurrently.
type Initiator struct {
	set    Set
	limits Limits
	idle   int
}

// NewInitiator returns an Initiator that compares set.
func NewInitiator(set Set, limits Limits) *Initiator { return &Initiator{set: set, limits: limits} }

// Result is what an answer says.
type Result struct {
	// Have are ids that the responder lacks, and Need ids that it has and the initiator lacks. An
	// id can come again in later results, until the two have the same.
	Have, Need []ID
	// Message is the next message to the responder, nil if the comparison has come to its end.
	Message []byte
}

// Start returns the first message.
func (i *Initiator) Start(ctx context.Context) ([]byte, error) {
	s := side{set: i.set, out: newWriter(i.limits.Message)}
	all, err := s.sum(ctx, bound{}, end)
	if err != nil {
		return nil, err
	}
	first := min(max(int(min(all.Count, firstParts*firstSize))/firstSize, parts), firstParts)
	if err := s.divide(ctx, bound{}, end, all.Count, first); err != nil && !errors.Is(err, errFull) {
		return nil, err
	}
	return s.out.data, nil
}

// Next takes the answer of the responder to the last message.
func (i *Initiator) Next(ctx context.Context, answer []byte) (r Result, err error) {
	if len(answer) == 1 && answer[0] >= firstVersion && answer[0] < version {
		return r, fmt.Errorf("%w: the peer speaks no newer than %#x", ErrVersion, answer[0])
	}
	if err := check(answer, i.limits); err != nil {
		return r, err
	}
	s := side{set: i.set, out: newWriter(i.limits.Message), result: &r, most: max(i.limits.Have, 1)}
	if err := s.answer(ctx, answer); err != nil {
		return r, err
	}
	i.idle++
	if len(r.Have)+len(r.Need) > 0 {
		i.idle = 0
	}
	if i.idle > idleRounds {
		return r, fmt.Errorf("%w: no id differs in the last %d answers", ErrEndless, idleRounds)
	}
	if !s.out.empty() {
		r.Message = s.out.data
	}
	return r, nil
}
