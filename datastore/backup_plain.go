package datastore

import (
	"bytes"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// plainRows turns what a store with compressed rows holds into what a backup of it holds.
type plainRows struct {
	// store is the store's own entry without the feature.
	store []byte
	trees map[format.Space]*session.Dictionaries
}

// newPlainRows reads the dictionaries of all trees. It returns nil for a store without compressed
// rows.
func newPlainRows(txn engine.ReadTxn) (*plainRows, error) {
	var store storeEntry
	if _, err := getCatalog(txn, storeKey, storeCodec, &store); err != nil {
		return nil, err
	}
	if !slices.Contains(store.Incompatible, compression) {
		return nil, nil
	}
	store.Incompatible = withoutCompression(store.Incompatible)
	p := &plainRows{trees: map[format.Space]*session.Dictionaries{}}
	var err error
	if p.store, err = catalogRow(storeKey, storeCodec, &store); err != nil {
		return nil, err
	}
	trees, err := readTrees(txn)
	if err != nil {
		return nil, err
	}
	for name, entry := range trees {
		read, err := readDictionaries(txn, name, entry.ID)
		if err != nil {
			return nil, err
		}
		p.trees[entry.ID] = read.Dictionaries
	}
	return p, nil
}

// withoutCompression returns the names of the features of a backup.
func withoutCompression(features []string) []string {
	return slices.DeleteFunc(features, func(name string) bool { return name == compression })
}

// of returns what a backup holds in place of what is stored at key, nil for nothing. Bytes that are
// damaged stay as they are.
func (p *plainRows) of(key, stored []byte) []byte {
	switch {
	case p == nil:
		return stored
	case bytes.Equal(key, storeKey):
		return p.store
	case bytes.HasPrefix(key, dictionaryPrefix):
		return nil
	}
	// The quarantine holds rows as they were under their own keys.
	own := bytes.TrimPrefix(key, quarantined(nil))
	space, _, err := format.CutSpace(own)
	if err != nil || p.trees[space] == nil {
		return stored
	}
	row, err := format.ParseRow(own, stored)
	if err != nil || row.Dictionary == 0 {
		return stored
	}
	if row, err = p.trees[space].Plain(row); err != nil {
		return stored
	}
	return format.AppendChecksum(append(format.AppendRowHeader(nil, row.Header), row.Value...), own)
}
