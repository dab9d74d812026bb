package record

import (
	"context"
	"iter"

	"github.com/newsnet-africa/netabase-go/internal/negentropy"
	"github.com/newsnet-africa/netabase-go/models"
)

// syncTopic is a topic that this peer syncs.
type syncTopic struct {
	models.RawTopic
	tree *modelTree
}

// set returns the ids of the topic in a store.
func (t *syncTopic) set(in models.Reader) topicSet { return topicSet{t.RawTopic, in} }

// topicSet is a negentropy.Set.
type topicSet struct {
	topic models.RawTopic
	in    models.Reader
}

func (s topicSet) Sums(ctx context.Context, bounds [][]byte) ([]negentropy.Sum, error) {
	sums, err := s.topic.Sums(ctx, s.in, bounds)
	all := make([]negentropy.Sum, len(sums))
	for i := range sums {
		all[i] = negentropy.Sum(sums[i])
	}
	return all, err
}

func (s topicSet) IDs(ctx context.Context, lower, upper []byte) iter.Seq2[negentropy.ID, error] {
	return s.topic.IDs(ctx, s.in, lower, upper)
}

func (s topicSet) Split(ctx context.Context, lower, upper []byte, parts int) ([][]byte, error) {
	return s.topic.Split(ctx, s.in, lower, upper, parts)
}
