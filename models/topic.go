package models

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"sync"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/internal/topic"
)

// Topic is a named part of the rows of a tree that travels. Two peers can compare theirs, and bring them
// together. See [NewTopic].
type Topic[M, K any] struct {
	tree    *Tree[M, K]
	number  int
	core    *session.Index
	belongs func(*M) bool
	// fault is set where the topic was declared too late.
	fault error
}

// AnyTopic is a [Topic] of any types. Only this module's types implement it.
type AnyTopic interface {
	// Name returns the topic's full name.
	Name() string
	// Raw returns the topic seen as ids.
	Raw() RawTopic
}

// NewTopic declares a topic of t: the rows for which belongs returns true, or all rows if belongs is nil.
// Belongs must depend on the row alone, and every peer with the topic has to have the same. Name has 1 to
// 64 letters, digits, '_' and '-', and no index of the tree has it.
//
// A topic is declared as an index is, before a definition takes the tree, and is built, verified, repaired
// and dropped as one. It takes about 60 bytes for each row, and needs the time of one more index when rows
// are written. If belongs becomes another function, raise the version of the topic with [IndexVersion]; a
// topic takes no other option.
//
// Only a tree that travels can have topics: [WithPolicy] says another policy than [Local].
func NewTopic[M, K any](
	t *Tree[M, K], name string, belongs func(*M) bool, opts ...IndexOption[M],
) *Topic[M, K] {
	var o indexOptions[M]
	for _, opt := range opts {
		opt(&o)
	}
	tp := &Topic[M, K]{tree: t, number: len(t.indexes), belongs: belongs}
	tp.core = &session.Index{
		Name: name, Kind: session.Topical, Key: session.TopicKey, Partial: belongs != nil, Version: o.version,
		FormatKey: func(entry []byte) string { return hex.EncodeToString(entry[min(1, len(entry)):]) },
		CutKey:    session.CutTopicKey,
	}
	if belongs != nil {
		tp.core.Belongs = func(primary, value []byte) (bool, error) {
			m, err := t.Decode(primary, value)
			return err == nil && belongs(&m), err
		}
	}
	var fault error
	switch {
	case o.where != nil || o.fields != nil || o.optional != nil:
		fault = fmt.Errorf("%w: a topic takes no option but IndexVersion", ErrDefinition)
	case t.policy == Local:
		fault = fmt.Errorf("%w: the rows of a local tree do not travel; declare another policy", ErrDefinition)
	}
	tp.fault = t.declare(tp.core, tp, fault)
	t.topical = true
	return tp
}

// Name returns the full name of the topic, "blog.user/recent", or "user/recent" while no definition has
// its tree.
func (tp *Topic[M, K]) Name() string { return tp.tree.core.Name + "/" + tp.core.Name }

// Raw returns the topic seen as ids.
func (tp *Topic[M, K]) Raw() RawTopic { return RawTopic{tp.tree.raw, tp.number, tp.core, tp.fault} }

// Count returns how many rows belong to the topic. It reads no row, as [Tree.Count], and few entries or
// none.
func (tp *Topic[M, K]) Count(ctx context.Context, r Reader) (int, error) {
	count, _, err := tp.Raw().Sum(ctx, r, nil, nil)
	return int(count), err
}

// hashes are for ids.
var hashes = sync.Pool{New: func() any { return sha256.New() }}

// appendKeys adds the id of a row, as entries have it.
func (tp *Topic[M, K]) appendKeys(_ *session.Place, keys *keyList, m *M, primary, value []byte) {
	if tp.belongs != nil && !tp.belongs(m) {
		return
	}
	h := hashes.Get().(hash.Hash)
	h.Reset()
	start := len(keys.buf)
	head := append(binary.AppendUvarint(keys.buf, uint64(len(primary))), primary...)
	h.Write(head[start:])
	h.Write(value)
	keys.buf = h.Sum(append(head[:start], format.TopicEntry))
	keys.ends = append(keys.ends, len(keys.buf))
	hashes.Put(h)
}

// appendPlain adds nothing, because no fields make an id.
func (tp *Topic[M, K]) appendPlain(*keyList, *M) {}

// TopicID returns the id that a row with an encoded primary key and the value of its record has in each
// topic that it belongs to.
func TopicID(primary, value []byte) [topic.IDSize]byte {
	h := sha256.New()
	h.Write(append(binary.AppendUvarint(nil, uint64(len(primary))), primary...))
	h.Write(value)
	return [topic.IDSize]byte(h.Sum(nil))
}
