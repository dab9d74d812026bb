package datastore

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models"
)

// catalogKey examines a key of the catalog. Those of the store, its trees, their dictionaries and the
// data keys have been examined; others, but for what is said of fields, feeds and tombstones, belong to newer
// versions.
func (t treeCheck) catalogKey(p page, key, stored []byte) ([]change, error) {
	if bytes.Equal(key, storeKey) || isTree(key) || bytes.HasPrefix(key, dictionaryPrefix) ||
		t.store.keys != nil && bytes.HasPrefix(key, keyPrefix) {
		return nil, nil
	}
	row, err := format.ParseRow(key, stored)
	check, of := checkOf(key)
	known := check != nil && t.catalog.owns(of) && err == nil && row.Schema == catalogSchema
	if known {
		err = check(row.Value)
	}
	if errors.Is(err, engine.ErrCorrupt) {
		t.report.Rows++
		t.found(BadRow, "", key, err)
		return t.setAside(p, key, stored)
	}
	if known {
		return nil, nil
	}
	return t.newer(p, key, stored)
}

// checkOf returns the check of an entry of the catalog that is about a tree, and the space of the tree's
// rows.
func checkOf(key []byte) (check func(value []byte) error, of []byte) {
	if of, ok := bytes.CutPrefix(key, fieldsPrefix); ok {
		return decodes(fieldsCodec), of
	}
	if of, ok := bytes.CutPrefix(key, feedsPrefix); ok {
		return decodes(feedCodec), of
	}
	if of, ok := bytes.CutPrefix(key, tombstonesPrefix); ok {
		return decodes(tombstonesCodec), of
	}
	return nil, nil
}

// decodes returns a check of an intact entry of the catalog.
func decodes[E any](codec models.Codec[E]) func(value []byte) error {
	return func(value []byte) error {
		if err := codec.Decode(value, new(E)); err != nil {
			return fmt.Errorf("%w: %w", models.ErrCorrupt, err)
		}
		return nil
	}
}
