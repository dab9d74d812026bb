package models

import (
	"bytes"
	"context"
	"encoding/hex"
	"iter"
	"slices"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/internal/topic"
)

// RawTopic is a topic seen as ids, for code that compares topics without knowing the types of their rows.
// The id of a row is 32 bytes that depend on its key and its value: see docs/format.md.
//
// Ranges of ids have bounds, which are prefixes of ids: a range has the ids that are not lower than the
// lower bound and lower than the upper one, compared byte by byte. No upper bound, nil, is the end. Sums
// and Bounds compute from the leaves of the topic, which are in memory once they have been used. The ids
// of a range that is part of a leaf, of about 700, are read from the store.
//
// Rows that have expired belong to their topics until they are swept away.
type RawTopic struct {
	raw    *Raw
	number int
	core   *session.Index
	fault  error
}

// TopicSum is the sum of the ids in a range.
type TopicSum struct {
	// Count is how many ids there are.
	Count uint64
	// Sum is the sum of the ids modulo 2²⁵⁶, where an id is a little-endian number, as a little-endian
	// number.
	Sum [32]byte
}

// Topic returns the tree's topic with its own name.
func (r *Raw) Topic(name string) (RawTopic, bool) {
	i := slices.IndexFunc(r.core.Indexes, func(ix *session.Index) bool {
		return ix.Kind == session.Topical && ix.Name == name
	})
	if i < 0 {
		return RawTopic{}, false
	}
	return RawTopic{raw: r, number: i, core: r.core.Indexes[i]}, true
}

// Topics returns the tree's topics, in the order of their declaration.
func (r *Raw) Topics() (topics []RawTopic) {
	for i, core := range r.core.Indexes {
		if core.Kind == session.Topical {
			topics = append(topics, RawTopic{raw: r, number: i, core: core})
		}
	}
	return topics
}

// Name returns the full name of the topic, "blog.user/recent".
func (t RawTopic) Name() string { return t.raw.core.Name + "/" + t.core.Name }

// Tree returns the tree of the topic.
func (t RawTopic) Tree() *Raw { return t.raw }

// Partial reports whether only some rows of the tree belong to the topic.
func (t RawTopic) Partial() bool { return t.core.Partial }

// Belongs reports whether a row that [Raw.Validate] takes belongs to the topic.
func (t RawTopic) Belongs(key, value []byte) (bool, error) {
	if t.core.Belongs == nil {
		return true, nil
	}
	return t.core.Belongs(key, value)
}

// Sum returns how many ids there are in a range, and their sum.
func (t RawTopic) Sum(ctx context.Context, from Reader, lower, upper []byte) (count uint64, sum [32]byte, err error) {
	sums, err := t.sums(ctx, from, []topic.Bound{topic.Lower(lower), topic.Upper(upper)})
	if err != nil {
		return 0, sum, t.fail("sum", err)
	}
	return sums[0].Count, sums[0].Sum, nil
}

// Sums returns the sums of the ranges that lie between the bounds, all from one snapshot: sum i is of the
// range from bound i to bound i+1. The bounds are in order, and nil is the beginning as the first of them,
// and the end as the last one. It takes less time than to ask for one range after the other.
func (t RawTopic) Sums(ctx context.Context, from Reader, bounds [][]byte) ([]TopicSum, error) {
	places := make([]topic.Bound, len(bounds))
	for i, b := range bounds {
		if i < len(bounds)-1 {
			places[i] = topic.Lower(b)
		} else {
			places[i] = topic.Upper(b)
		}
	}
	sums, err := t.sums(ctx, from, places)
	if err != nil {
		return nil, t.fail("sum", err)
	}
	return sums, nil
}

func (t RawTopic) sums(ctx context.Context, from Reader, bounds []topic.Bound) ([]TopicSum, error) {
	s, of, err := t.begin(ctx, from)
	if err != nil {
		return nil, err
	}
	defer s.End()
	sums, err := of.Sums(ctx, s, bounds)
	if err != nil {
		return nil, err
	}
	all := make([]TopicSum, len(sums))
	for i := range sums {
		all[i] = TopicSum{sums[i].Count, sums[i].Total()}
	}
	return all, nil
}

// begin begins to read the topic.
func (t RawTopic) begin(ctx context.Context, from Reader) (*session.Session, *session.Topic, error) {
	if t.fault != nil {
		return nil, nil, t.fault
	}
	s, err := from.BeginRead(ctx)
	if err != nil {
		return nil, nil, err
	}
	p, err := t.raw.tree.place(s)
	if err != nil {
		s.End()
		return nil, nil, err
	}
	return s, p.Topics[t.number], nil
}

// Split returns bounds that divide a range into parts with about the same number of ids. There are fewer
// than parts, in order, and all lie within the range. It reads no ids, and takes the ids of a leaf to be
// evenly distributed.
func (t RawTopic) Split(ctx context.Context, from Reader, lower, upper []byte, parts int) ([][]byte, error) {
	s, of, err := t.begin(ctx, from)
	if err != nil {
		return nil, t.fail("split", err)
	}
	defer s.End()
	places, err := of.Divide(s, topic.Lower(lower), topic.Upper(upper), parts)
	if err != nil {
		return nil, t.fail("split", err)
	}
	bounds := make([][]byte, len(places))
	for i := range places {
		bounds[i] = places[i].Bytes()
	}
	return bounds, nil
}

// idsPage is how many ids are read in one transaction of a store.
const idsPage = 512

// IDs yields the ids in a range, in their order. An error is yielded once, as the last item. See
// [Tree.Range] for what it reads and when.
func (t RawTopic) IDs(ctx context.Context, from Reader, lower, upper []byte) iter.Seq2[[32]byte, error] {
	return func(yield func([32]byte, error) bool) {
		low, high := topic.Lower(lower), topic.Upper(upper)
		for {
			ids, more, err := t.page(ctx, from, low, high)
			if err != nil {
				yield([32]byte{}, t.fail("range", err))
				return
			}
			for i := range ids {
				if !yield(ids[i], nil) {
					return
				}
			}
			if !more {
				return
			}
			low = topic.Behind(&ids[len(ids)-1])
		}
	}
}

// page returns the first ids of a range, and whether there may be more.
func (t RawTopic) page(ctx context.Context, from Reader, low, high topic.Bound) (ids [][32]byte, more bool, err error) {
	s, of, err := t.begin(ctx, from)
	if err != nil {
		return nil, false, err
	}
	defer s.End()
	ids, err = of.IDs(s, low, high, idsPage)
	return ids, len(ids) == idsPage, err
}

// Key returns the encoded primary key of the row with an id, in its last form, or ErrNotFound.
func (t RawTopic) Key(ctx context.Context, from Reader, id [32]byte) ([]byte, error) {
	key, err := t.key(ctx, from, id)
	if err != nil {
		err = &Error{Op: "get", Tree: t.raw.core.Name, Index: t.core.Name, Key: hex.EncodeToString(id[:]), Err: err}
	}
	return key, err
}

func (t RawTopic) key(ctx context.Context, from Reader, id [32]byte) ([]byte, error) {
	s, of, err := t.begin(ctx, from)
	if err != nil {
		return nil, err
	}
	defer s.End()
	primary, err := of.Find(s, &id)
	return bytes.Clone(primary), err
}

func (t RawTopic) fail(op string, err error) error {
	return &Error{Op: op, Tree: t.raw.core.Name, Index: t.core.Name, Err: err}
}
