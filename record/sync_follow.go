package record

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/syncing"
)

// watch begins a watch of the trees of the topics.
func (k *keeper) watch(ctx context.Context) (iter.Seq2[models.RawChange, error], error) {
	var trees []models.AnyTree
	seen := map[*modelTree]bool{}
	for _, topic := range k.topics() {
		if !seen[topic.tree] {
			seen[topic.tree] = true
			trees = append(trees, topic.tree.tree)
		}
	}
	return models.WatchTrees(ctx, k.node.records.store, trees, models.WatchOptions{})
}

// follow gossips the changes of this program, and has them synced with those that the gossip does not
// reach. It returns the error of the watch, which ends with ctx at the latest.
func (k *keeper) follow(ctx context.Context, watch iter.Seq2[models.RawChange, error]) error {
	topics := map[string][]*syncTopic{}
	for _, topic := range k.topics() {
		topics[topic.tree.raw.Name()] = append(topics[topic.tree.raw.Name()], topic)
	}
	for {
		var ended error
		for change, err := range watch {
			if ended = err; err != nil {
				break
			}
			if change.Kind != models.RowChanged || change.Origin != models.OriginProgram {
				continue
			}
			for _, topic := range topics[change.Tree.Name()] {
				k.changed(ctx, topic, &change)
			}
		}
		if !errors.Is(ended, models.ErrLagging) {
			return ended
		}
		again, err := k.watch(ctx)
		if err != nil {
			return err
		}
		watch = again
		for name := range k.topics() {
			k.changes.add(name, true) // as nobody knows what has changed
		}
	}
}

// changed gossips a row that has changed, if it belongs to a topic, or its tombstone, if it has belonged
// there.
func (k *keeper) changed(ctx context.Context, topic *syncTopic, change *models.RawChange) {
	row := change.New
	if row == nil {
		row = change.Old
	}
	if row == nil {
		return // it was damaged, and is deleted
	}
	if belongs, err := topic.Belongs(change.Key, row.Value); err != nil || !belongs {
		return // nor does a row that cannot be read
	}
	g := k.gossips[topic.Name()]
	hasRoom := g != nil && g.hasRoom(time.Now())
	if !hasRoom && change.New != nil {
		k.changes.add(topic.Name(), true)
		return
	}
	var travels syncing.Row
	r, found := k.node.records, false
	err := r.snapshot(ctx, r.store, func(from models.Reader) (err error) {
		travels, found, err = r.travelling(ctx, from, topic.tree, change.Key)
		return err
	})
	switch {
	case err != nil:
		k.changes.add(topic.Name(), true) // the sync meets the error too, and tells it
	case found: // a deletion may not travel
		k.changes.add(topic.Name(), !hasRoom || !g.publish(ctx, travels))
	}
}
