package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/routing"

	"github.com/newsnet-africa/netabase-go/models"
)

// Resolve gets the row with the primary key from the DHT. It returns the best of the
// records that the closest peers hold, and this peer, if it serves one. It returns
// models.ErrNotFound if no peer has a valid record, no peer could be asked, or the owner
// has retracted the record.
//
// Resolve stores nothing: kad-dht places records by their keys, not on the peers that
// ask for them.
func Resolve[M, K any](ctx context.Context, n *Node, t *models.Tree[M, K], key K) (M, error) {
	tree, err := n.records.registered(t)
	if err != nil {
		return *new(M), err
	}
	defer n.records.metrics.took(ctx, opResolve, time.Now())
	fail := func(err error) (M, error) {
		return *new(M), &models.Error{Op: "resolve", Tree: t.Name(), Key: t.FormatKey(key), Err: err}
	}
	data, err := n.dht.GetValue(ctx, Key(t, key))
	if err != nil {
		if errors.Is(err, routing.ErrNotFound) {
			err = fmt.Errorf("%w: %w", models.ErrNotFound, err)
		}
		return fail(err)
	}
	c, err := tree.checkRecord(Key(t, key), data)
	if err != nil {
		return *new(M), err
	}
	if c.Retracted {
		return fail(fmt.Errorf("%w: its owner has retracted it", models.ErrNotFound))
	}
	return t.Decode(c.Key, c.Value)
}
