package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	ds "github.com/ipfs/go-datastore"
	kbucket "github.com/libp2p/go-libp2p-kbucket"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// findMerged gets the records under a key of a tree that merges: those of the peers closest to it, and
// that of this peer, if it serves one. It returns their merge. (GetValue of the DHT returns only the
// best of them.)
func (n *Node) findMerged(ctx context.Context, tree *modelTree, key []byte) (found policy.Candidate, err error) {
	recordKey, err := tree.rules.RecordKey(key)
	if err != nil {
		return found, err
	}
	values, err := n.valuesOf(ctx, recordKey)
	why := err
	own, err := n.records.record(ctx, n.records.store,
		&place{raw: tree.raw, key: key, tree: tree, recordKey: recordKey})
	switch {
	case err == nil:
		if parsed, ok := wire.Parse(own); ok {
			values = append(values, parsed.Value)
		}
	case err != ds.ErrNotFound:
		return found, err
	}
	for _, value := range values {
		c, err := tree.check(key, value, 0)
		if err != nil {
			continue // and so it is no record
		}
		if found.Value == nil {
			found = c
		} else if merged, err := tree.merge(&c, &found); err == nil {
			found = merged
		} else if c.Compare(&found) > 0 {
			found = c
		}
	}
	if found.Value != nil {
		return found, nil
	}
	if why == nil {
		why = ctx.Err()
	}
	if why != nil {
		return found, fmt.Errorf("%w: %w", models.ErrNotFound, why)
	}
	return found, models.ErrNotFound
}

// valuesOf returns what the peers closest to a record's key have under it, unchecked. The error says
// why no peer could be asked.
func (n *Node) valuesOf(ctx context.Context, recordKey string) (values [][]byte, err error) {
	closest, err := n.dht.GetClosestPeers(ctx, recordKey)
	if errors.Is(err, kbucket.ErrLookupFailure) {
		return nil, fmt.Errorf("%w: %w", ErrNoPeers, err)
	}
	if err != nil {
		return nil, err
	}
	had := make([][]byte, len(closest))
	var asking sync.WaitGroup
	for i, p := range closest {
		asking.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, sendTimeout)
			defer cancel()
			if held, _, err := n.messages.GetValue(ctx, p, recordKey); err == nil {
				had[i] = bytes.Clone(held.GetValue())
			}
		})
	}
	asking.Wait()
	for _, value := range had {
		if len(value) > 0 {
			values = append(values, value)
		}
	}
	return values, nil
}
