package models

import (
	"bytes"
	"context"
	"fmt"

	"github.com/newsnet-africa/netabase-go/internal/format"
)

// Range selects keys of a tree or an index: from where to where, in which
// direction, and how many. The zero value selects everything in ascending
// order. Methods return a changed copy:
//
//	models.From(uint64(100)).Before(200).Reverse().Limit(20)
//
// Each of the two ends can be set once; setting one again replaces it.
// StartingWith, FirstIs and the like set ends that later calls cannot move
// outwards, so that
//
//	models.FirstIs(PostByAuthorTime, "alice").From(models.MakePair("alice", yesterday))
//
// holds only alice's keys.
type Range[K any] struct {
	within        beginning[K]
	lower, upper  bound[K]
	reverse       bool
	limit, offset int
}

// beginning is what all keys of a range begin with.
type beginning[K any] struct {
	key  K
	kind beginningKind
	// parts is how many of the key's parts count.
	parts int
}

type beginningKind uint8

const (
	anywhere beginningKind = iota
	byPrefix               // they begin with key
	byParts                // their first parts are those of key
)

// bound is one end of a range. Its kind tells which keys it cuts off.
type bound[K any] struct {
	key  K
	kind boundKind
}

type boundKind uint8

const (
	open   boundKind = iota
	at               // the edge lies before key
	beyond           // the edge lies after key
)

// From selects keys of k and above.
func From[K any](k K) Range[K] { return Range[K]{}.From(k) }

// After selects keys above k.
func After[K any](k K) Range[K] { return Range[K]{}.After(k) }

// Before selects keys below k.
func Before[K any](k K) Range[K] { return Range[K]{}.Before(k) }

// To selects keys up to and including k.
func To[K any](k K) Range[K] { return Range[K]{}.To(k) }

// Only selects the one key k; in an index, all rows under it.
func Only[K any](k K) Range[K] { return Range[K]{}.From(k).To(k) }

// StartingWith selects the strings, or byte strings, that begin with p. The key
// codec has to be a [PrefixCodec], as those of this package are.
func StartingWith[K ~string | ~[]byte](p K) Range[K] { return Beginning(p) }

// Beginning is StartingWith for keys of a type of your own, or of any type, whose
// codec has to be a [PrefixCodec].
func Beginning[K any](p K) Range[K] {
	return Range[K]{within: beginning[K]{key: p, kind: byPrefix}}
}

// Leading selects the keys whose first n parts are those of key: of a Pair n is
// 1, of a Triple 1 or 2. It is for keys of a type of your own, whose codec has to
// be a [PartsCodec]. For a Pair, Triple or Quad see FirstIs, FirstTwoAre and
// FirstThreeAre, which the compiler checks.
func Leading[K any](key K, n int) Range[K] {
	return Range[K]{within: beginning[K]{key: key, kind: byParts, parts: n}}
}

// Ranged is a tree or an index with keys of type K. Every *Tree, *Index, *Unique
// and *Multi is one.
type Ranged[K any] interface {
	Count(ctx context.Context, r Reader, rng Range[K]) (int, error)
}

// FirstIs selects the keys of a tree or an index whose first part is a, where
// keys are a [Pair], [Triple] or [Quad]:
//
//	PostByAuthorTime.Range(ctx, store, models.FirstIs(PostByAuthorTime, "alice"))
//
// The tree or index only tells the compiler the type of the keys.
func FirstIs[K hasFirst[K, A], A any](of Ranged[K], a A) Range[K] {
	return Leading((*new(K)).first(a), 1)
}

// FirstTwoAre is FirstIs by the first two parts of a [Triple] or [Quad].
func FirstTwoAre[K hasTwo[K, A, B], A, B any](of Ranged[K], a A, b B) Range[K] {
	return Leading((*new(K)).firstTwo(a, b), 2)
}

// FirstThreeAre is FirstIs by the first three parts of a [Quad].
func FirstThreeAre[K hasThree[K, A, B, C], A, B, C any](of Ranged[K], a A, b B, c C) Range[K] {
	return Leading((*new(K)).firstThree(a, b, c), 3)
}

// A key of several parts returns itself with its first parts alone.
type (
	hasFirst[K, A any]       interface{ first(A) K }
	hasTwo[K, A, B any]      interface{ firstTwo(A, B) K }
	hasThree[K, A, B, C any] interface{ firstThree(A, B, C) K }
)

// From moves the lower end to k, which is included.
func (r Range[K]) From(k K) Range[K] { r.lower = bound[K]{k, at}; return r }

// After moves the lower end beyond k.
func (r Range[K]) After(k K) Range[K] { r.lower = bound[K]{k, beyond}; return r }

// Before moves the upper end to k, which is left out.
func (r Range[K]) Before(k K) Range[K] { r.upper = bound[K]{k, at}; return r }

// To moves the upper end beyond k, which is included.
func (r Range[K]) To(k K) Range[K] { r.upper = bound[K]{k, beyond}; return r }

// Reverse goes from the upper end to the lower.
func (r Range[K]) Reverse() Range[K] { r.reverse = true; return r }

// Limit stops after n results. Zero or less means no limit.
func (r Range[K]) Limit(n int) Range[K] { r.limit = max(n, 0); return r }

// Offset leaves out the first n results. It goes over them one by one: to page
// through a large tree, continue After the last key instead.
func (r Range[K]) Offset(n int) Range[K] { r.offset = max(n, 0); return r }

// span is a Range as stored keys: lower <= key < upper.
type span struct {
	lower, upper  []byte
	reverse       bool
	limit, offset int
	// room is the memory that the ends were built in.
	room []byte
}

// rows gives the span of r among a tree's rows, whose keys end with the primary
// key in its last form.
func (r Range[K]) rows(codec KeyCodec[K], space, room []byte) (span, error) {
	return r.span(&edges[K]{codec, space, true, room})
}

// entries gives the span of r among an index's entries, whose keys hold the
// index key in its delimited form, with which no other key's form begins.
func (r Range[K]) entries(codec KeyCodec[K], space, room []byte) (span, error) {
	return r.span(&edges[K]{codec, space, false, room})
}

// edges builds the ends of a range in room. It tells how the keys of a space
// are written: by codec, at the end of the stored key, in the last form, or with
// something behind them.
type edges[K any] struct {
	codec KeyCodec[K]
	space []byte
	last  bool
	room  []byte
}

// take returns what has been built in room from start on.
func (e *edges[K]) take(start int) []byte { return e.room[start:len(e.room):len(e.room)] }

// at returns the first stored key of an encoded key.
func (e *edges[K]) at(key K) []byte {
	start := len(e.room)
	e.room = append(e.room, e.space...)
	if e.last {
		e.room = e.codec.AppendLast(e.room, key)
	} else {
		e.room = e.codec.Append(e.room, key)
	}
	return e.take(start)
}

// beyond returns the first stored key beyond those of an encoded key.
func (e *edges[K]) beyond(key K) []byte {
	start := len(e.room)
	first := e.at(key)
	if e.last {
		e.room = append(e.room, 0) // nothing lies between the two
		return e.take(start)
	}
	return e.end(first)
}

// end returns the first stored key beyond all that begin with prefix, or nil.
func (e *edges[K]) end(prefix []byte) []byte {
	start := len(e.room)
	e.room = format.AppendPrefixEnd(e.room, prefix)
	if len(e.room) == start {
		return nil
	}
	return e.take(start)
}

func (r Range[K]) span(e *edges[K]) (s span, err error) {
	s.lower = e.space
	if r.within.kind != anywhere {
		start := len(e.room)
		e.room = append(e.room, e.space...)
		if err := r.within.append(e); err != nil {
			return span{}, err
		}
		s.lower = e.take(start)
		s.upper = e.end(s.lower)
	}
	switch r.lower.kind {
	case at:
		s.lower = highest(s.lower, e.at(r.lower.key))
	case beyond:
		s.lower = highest(s.lower, e.beyond(r.lower.key))
	}
	// Where the range has an upper end of its own it lies within the space.
	switch r.upper.kind {
	case at:
		s.upper = lowest(s.upper, e.at(r.upper.key))
	case beyond:
		s.upper = lowest(s.upper, e.beyond(r.upper.key))
	}
	if s.upper == nil {
		s.upper = e.end(e.space)
	}
	s.reverse, s.limit, s.offset, s.room = r.reverse, r.limit, r.offset, e.room
	return s, nil
}

// highest keeps a lower end within the one already set.
func highest(a, b []byte) []byte {
	if bytes.Compare(a, b) > 0 {
		return a
	}
	return b
}

// lowest keeps an upper end within the one already set. A nil end is open.
func lowest(a, b []byte) []byte {
	if b == nil || a != nil && bytes.Compare(a, b) < 0 {
		return a
	}
	return b
}

// append adds what the encodings of all keys with the beginning begin with.
func (b *beginning[K]) append(e *edges[K]) error {
	if b.kind == byPrefix {
		codec, ok := e.codec.(PrefixCodec[K])
		if !ok {
			return fmt.Errorf("%w: key codec %s is no models.PrefixCodec, so it has no ranges by how keys start",
				ErrInvalid, e.codec.Name())
		}
		e.room = codec.AppendPrefix(e.room, b.key, e.last)
		return nil
	}
	codec, ok := e.codec.(PartsCodec[K])
	if !ok {
		return fmt.Errorf("%w: key codec %s is no models.PartsCodec, so it has no ranges by leading parts", ErrInvalid,
			e.codec.Name())
	}
	if b.parts < 1 || b.parts >= codec.Parts() {
		return fmt.Errorf("%w: a range by %d leading parts of a key that has %d", ErrInvalid, b.parts, codec.Parts())
	}
	e.room = codec.AppendParts(e.room, b.key, b.parts)
	return nil
}
