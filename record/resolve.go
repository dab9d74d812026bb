package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/routing"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
)

// Resolve gets the row with the primary key from the DHT. It returns the best of the
// records that the closest peers hold, and this peer, if it serves one. It returns
// models.ErrNotFound if no peer has a valid record, no peer could be asked, or the owner
// has retracted the record. In a tree with models.WithMerge it returns the merge of all of them; one
// that cannot be merged is left out if it is the worse.
//
// Resolve stores nothing: kad-dht places records by their keys, not on the peers that
// ask for them.
func Resolve[M, K any](ctx context.Context, n *Node, t *models.Tree[M, K], key K) (M, error) {
	c, err := find(ctx, n, t, key)
	if err != nil {
		return *new(M), err
	}
	return decodeFound(t, key, &c)
}

// find gets the best record with the primary key from the DHT, which may be a tombstone.
func find[M, K any](ctx context.Context, n *Node, t *models.Tree[M, K], key K) (policy.Candidate, error) {
	tree, err := n.records.registered(t)
	if err != nil {
		return policy.Candidate{}, err
	}
	defer n.records.metrics.took(ctx, opResolve, time.Now())
	if tree.raw.Merges() {
		c, err := n.findMerged(ctx, tree, t.EncodeKey(key))
		if err != nil {
			err = resolveError(t, key, err)
		}
		return c, err
	}
	data, err := n.dht.GetValue(ctx, Key(t, key))
	if err != nil {
		if errors.Is(err, routing.ErrNotFound) {
			err = fmt.Errorf("%w: %w", models.ErrNotFound, err)
		}
		return policy.Candidate{}, resolveError(t, key, err)
	}
	return tree.checkRecord(Key(t, key), data)
}

// decodeFound returns the model of a record that find has returned.
func decodeFound[M, K any](t *models.Tree[M, K], key K, c *policy.Candidate) (M, error) {
	if c.Retracted {
		err := fmt.Errorf("%w: it has been retracted", models.ErrNotFound)
		return *new(M), resolveError(t, key, err)
	}
	return t.Decode(c.Key, c.Value)
}

func resolveError[M, K any](t *models.Tree[M, K], key K, err error) error {
	return &models.Error{Op: "resolve", Tree: t.Name(), Key: t.FormatKey(key), Err: err}
}
