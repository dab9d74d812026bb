package datastore

import (
	"bytes"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// plainRows turns what a store holds into what a backup of it holds, where that differs: rows are
// not compressed, and trees are as they were before anything began to be rebuilt.
type plainRows struct {
	// catalog has the entries that differ, by key. Those that are left out are nil.
	catalog map[string][]byte
	trees   map[format.Space]*session.Dictionaries
	// left are the spaces that are left out.
	left map[format.Space]bool
}

// newPlainRows reads the catalog. It returns nil for a store that is backed up as it is.
func newPlainRows(txn engine.ReadTxn) (*plainRows, error) {
	var store storeEntry
	if _, err := getCatalog(txn, storeKey, storeCodec, &store); err != nil {
		return nil, err
	}
	trees, err := readTrees(txn)
	if err != nil {
		return nil, err
	}
	p := &plainRows{
		catalog: map[string][]byte{}, trees: map[format.Space]*session.Dictionaries{}, left: map[format.Space]bool{},
	}
	compressed := slices.Contains(store.Incompatible, compression)
	for name, entry := range trees {
		if err := p.without(name, entry); err != nil {
			return nil, err
		}
		if !compressed {
			continue
		}
		read, err := readDictionaries(txn, name, entry.ID)
		if err != nil {
			return nil, err
		}
		p.trees[entry.ID] = read.Dictionaries
	}
	features := len(store.Incompatible)
	store.Incompatible = withoutOwn(store.Incompatible)
	if features == len(store.Incompatible) && len(p.left) == 0 {
		return nil, nil
	}
	p.catalog[string(storeKey)], err = catalogRow(storeKey, storeCodec, &store)
	return p, err
}

// without leaves out what a tree is being rebuilt as, and what it does not use any more.
func (p *plainRows) without(name string, entry *treeEntry) (err error) {
	next := entry.Next
	if next != nil {
		if entry.Next = nil; next.ID == entry.ID && next.Schema > entry.Schema {
			p.catalog[string(schemaKey(entry.ID, next.Schema))] = nil
		}
		key := treeKey(name)
		if p.catalog[string(key)], err = catalogRow(key, treeCodec, entry); err != nil {
			return err
		}
	}
	for _, space := range slices.Concat(entry.Retired, next.spaces()) {
		if !slices.Contains(entry.current(), space) {
			p.left[space] = true
		}
	}
	return nil
}

// withoutOwn returns the features without those that a backup does not have.
func withoutOwn(features []string) []string {
	return slices.DeleteFunc(features, func(name string) bool { return name == compression || name == rebuilding })
}

// of returns what a backup holds in place of what is stored at key, nil for nothing. Bytes that are
// damaged stay as they are.
func (p *plainRows) of(key, stored []byte) []byte {
	if p == nil {
		return stored
	}
	if entry, differs := p.catalog[string(key)]; differs {
		return entry
	}
	about := key // the space that it begins with says what it is about
	switch {
	case bytes.HasPrefix(key, dictionaryPrefix):
		return nil
	case bytes.HasPrefix(key, schemaPrefix):
		about = key[len(schemaPrefix):]
	default:
		if _, row, ok := format.CutExpiryKey(key); ok {
			about = row
		}
	}
	space, _, err := format.CutSpace(about)
	if err == nil && p.left[space] {
		return nil
	}
	// The quarantine holds rows as they were under their own keys.
	own := bytes.TrimPrefix(key, quarantined(nil))
	space, _, err = format.CutSpace(own)
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
