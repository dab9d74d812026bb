package datastore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// checkPlain refuses definitions that cover a plain key. Such a key was put when the
// store was open without the definition: the go-datastore face would list it, and take
// its path for one of the tree's, where it could be neither read nor deleted.
func (s *Store) checkPlain(ctx context.Context) error {
	txn, err := s.db.View(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	space := s.places[plain.Core()].Space
	for _, name := range slices.Sorted(maps.Keys(s.trees)) {
		if name == plain.Name() {
			continue
		}
		path := append(append(slices.Clone(space), '/'), name...)
		below := append(slices.Clone(path), '/')
		for _, r := range []engine.Range{
			{Lower: path, Upper: append(slices.Clone(path), 0)},
			{Lower: below, Upper: format.PrefixEnd(below)},
		} {
			key, err := firstLive(ctx, txn, r)
			if err != nil {
				return err
			}
			if key != nil {
				return coveredError(s.trees[name].Core(), string(key[len(space):]))
			}
		}
	}
	return nil
}

func coveredError(core *session.Tree, path string) error {
	err := fmt.Errorf("%w: the go-datastore face took it before it knew the tree %s, whose keys begin so; "+
		"open the store without the definition %s, and delete the key or put its value under another",
		models.ErrDefinition, core.Name, core.Definition)
	return &KeyError{Key: path, Err: err}
}

// firstLive returns the first key of r whose row has not expired, or nil. A damaged
// row counts: it may be wanted once it is repaired.
func firstLive(ctx context.Context, txn engine.ReadTxn, r engine.Range) ([]byte, error) {
	c := txn.Cursor(r)
	defer c.Close()
	now := time.Now().UnixNano()
	for c.Next() {
		stored, err := c.Value()
		if err != nil {
			return nil, err
		}
		row, err := format.ParseRow(c.Key(), stored)
		if err != nil || row.Expiry == 0 || row.Expiry > now {
			return slices.Clone(c.Key()), nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return nil, c.Err()
}
