package datastore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/crypt"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// plainRows turns what a store holds into what a backup of it holds, where that differs: rows are
// not compressed, and trees are as they were before anything began to be rebuilt.
type plainRows struct {
	// catalog has the entries that differ, by key. Those that are left out are nil.
	catalog map[string][]byte
	trees   map[format.Space]*session.Unpacker
	// left are the spaces that are left out.
	left map[format.Space]bool
	// encrypted says that the store is. Key is then the data key of the snapshot that is in use, nil
	// if the backup is not to be encrypted.
	encrypted bool
	key       *crypt.DataKey
}

// newPlainRows reads the catalog. It returns nil for a store that is backed up as it is.
func newPlainRows(txn engine.ReadTxn, keys *crypt.Keys, plain bool) (*plainRows, error) {
	var store storeEntry
	if _, err := getCatalog(txn, storeKey, storeCodec, &store); err != nil {
		return nil, err
	}
	trees, err := readTrees(txn)
	if err != nil {
		return nil, err
	}
	p := &plainRows{
		catalog: map[string][]byte{}, trees: map[format.Space]*session.Unpacker{}, left: map[format.Space]bool{},
		encrypted: keys != nil,
	}
	if p.encrypted && !plain {
		number, err := newestKey(txn)
		if err != nil {
			return nil, err
		}
		p.key = keys.Numbered(number)
	}
	compressed := slices.Contains(store.Incompatible, compression)
	for name, entry := range trees {
		if err := p.without(name, entry, p.encrypted && plain); err != nil {
			return nil, err
		}
		if !compressed && !p.encrypted {
			continue
		}
		read, err := readDictionaries(txn, keys, name, entry.ID)
		if err != nil {
			return nil, err
		}
		p.trees[entry.ID] = read.Unpacker
	}
	features := len(store.Incompatible)
	store.Incompatible = backupFeatures(store.Incompatible, plain)
	if features == len(store.Incompatible) && len(p.left) == 0 && !p.encrypted {
		return nil, nil
	}
	p.catalog[string(storeKey)], err = catalogRow(storeKey, storeCodec, &store)
	return p, err
}

// without leaves out what a tree is being rebuilt as, and what it does not use any more. Blind says
// that the entries of blind indexes are left out as well.
func (p *plainRows) without(name string, entry *treeEntry, blind bool) (err error) {
	next, changed := entry.Next, false
	if next != nil {
		if entry.Next = nil; next.ID == entry.ID && next.Schema > entry.Schema {
			p.catalog[string(schemaKey(entry.ID, next.Schema))] = nil
		}
		changed = true
	}
	for i := range entry.Indexes {
		if ix := &entry.Indexes[i]; blind && ix.Blind {
			ix.State, p.left[ix.ID], changed = building, true, true
		}
	}
	if changed {
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

// backupFeatures returns the features without those that a backup does not have.
func backupFeatures(features []string, plain bool) []string {
	return slices.DeleteFunc(features, func(name string) bool {
		return name == compression || name == rebuilding || plain && name == encryption
	})
}

// newestKey returns the number of the data key that is in use in a snapshot of an encrypted store.
func newestKey(txn engine.ReadTxn) (uint32, error) {
	c := txn.Cursor(engine.Range{
		Lower: keyPrefix, Upper: format.PrefixEnd(keyPrefix), Reverse: true, KeysOnly: true,
	})
	defer c.Close()
	if !c.Next() || len(c.Key()) != len(keyPrefix)+4 {
		return 0, errors.Join(c.Err(), fmt.Errorf("%w: the data keys of the store are missing", models.ErrCorrupt))
	}
	return binary.BigEndian.Uint32(c.Key()[len(keyPrefix):]), nil
}

// of returns what a backup holds in place of what is stored at key, nil for nothing. Bytes that are
// damaged stay as they are.
func (p *plainRows) of(key, stored []byte) ([]byte, error) {
	if p == nil {
		return stored, nil
	}
	if entry, differs := p.catalog[string(key)]; differs {
		return entry, nil
	}
	about := key // the space that it begins with says what it is about
	switch {
	case bytes.HasPrefix(key, dictionaryPrefix), p.encrypted && p.key == nil && bytes.HasPrefix(key, keyPrefix):
		return nil, nil
	case bytes.HasPrefix(key, schemaPrefix):
		about = key[len(schemaPrefix):]
	default:
		if _, row, ok := format.CutExpiryKey(key); ok {
			about = row
		}
	}
	space, _, err := format.CutSpace(about)
	if err == nil && p.left[space] {
		return nil, nil
	}
	// The quarantine holds rows as they were under their own keys.
	own := bytes.TrimPrefix(key, quarantined(nil))
	space, _, err = format.CutSpace(own)
	if err != nil || p.trees[space] == nil {
		return stored, nil
	}
	row, err := format.ParseRow(own, stored)
	if err != nil || row.Dictionary == 0 && (row.Key != 0) == (p.key != nil) && !p.forged(row) {
		return stored, nil
	}
	plain, err := p.trees[space].Plain(row)
	if err != nil {
		if p.forged(row) && len(own) == len(key) {
			return nil, fmt.Errorf("key %x: %w; Repair sets it aside", key, err)
		}
		return stored, nil
	}
	body := session.AppendRow(p.key, nil, own, plain.Header, plain.Value)
	return format.AppendChecksum(body, own), nil
}

// forged reports whether a row that has been tampered with would be as good as any other in the
// backup, unless it is refused.
func (p *plainRows) forged(row format.Row) bool { return p.encrypted && p.key == nil && row.Key == 0 }
