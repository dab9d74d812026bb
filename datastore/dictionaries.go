package datastore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/compress"
	"github.com/newsnet-africa/netabase-go/internal/crypt"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// compression is the feature of stores with compressed rows.
const compression = "compression"

// dictionaryEntry is a dictionary of a tree in the catalog. See docs/format.md, "Compression".
type dictionaryEntry struct {
	Content []byte `json:"content"`
	// Ratio is how many of thousand bytes of values remained when the dictionary was made.
	Ratio uint64 `json:"ratio"`
}

const thousand = 1000

var (
	dictionaryCodec  = models.DagCBOR[dictionaryEntry]()
	dictionaryPrefix = append(format.Catalog.Append(nil), 3)
)

// dictionaryKeys returns what the keys of a tree's dictionaries begin with.
func dictionaryKeys(tree format.Space) []byte { return tree.Append(slices.Clone(dictionaryPrefix)) }

// dictionaries are those of a tree, with the ratio of the last one.
type dictionaries struct {
	*session.Unpacker
	ratio float64
}

// readDictionaries reads the dictionaries of a tree.
func readDictionaries(
	txn engine.ReadTxn, keys *crypt.Keys, name string, tree format.Space,
) (read dictionaries, err error) {
	known := map[uint32]*compress.Dictionary{}
	prefix := dictionaryKeys(tree)
	c := txn.Cursor(engine.Range{Lower: prefix, Upper: format.PrefixEnd(prefix), KeysOnly: true})
	defer c.Close()
	for c.Next() {
		key := slices.Clone(c.Key())
		if len(known) == session.MaxDictionaries {
			return read, fmt.Errorf("%w: tree %s has more than %d dictionaries", models.ErrCorrupt, name, len(known))
		}
		if len(key) != len(prefix)+4 {
			return read, fmt.Errorf("%w: dictionary of tree %s with the key %x", models.ErrCorrupt, name, key)
		}
		number := binary.BigEndian.Uint32(key[len(prefix):])
		entry, err := readDictionary(txn, keys, key)
		if err == nil {
			known[number], err = compress.New(entry.Content)
		}
		if err != nil {
			return read, fmt.Errorf("dictionary %d of tree %s: %w", number, name, err)
		}
		read.ratio = float64(entry.Ratio) / thousand
	}
	read.Unpacker = session.NewUnpacker(keys, known)
	return read, c.Err()
}

// readDictionary reads the dictionary at a stored key, which is there. In an encrypted store it is
// encrypted as rows are.
func readDictionary(txn engine.ReadTxn, keys *crypt.Keys, key []byte) (entry dictionaryEntry, err error) {
	row, _, err := readRow(txn, key)
	if err == nil && row.Schema != catalogSchema {
		err = fmt.Errorf("%w: it has version %d", ErrVersion, row.Schema)
	}
	if err == nil {
		row, err = keys.Decrypt(row)
	}
	if err != nil {
		return entry, err
	}
	if err := dictionaryCodec.Decode(row.Value, &entry); err != nil {
		return entry, fmt.Errorf("%w: %w", models.ErrCorrupt, err)
	}
	return entry, nil
}

// dictionaries returns those of a tree. Only the store that is inspected can get more of them
// meanwhile.
func (in *Inspection) dictionaries(
	ctx context.Context, name string, entry *treeEntry,
) (*session.Unpacker, error) {
	if in.keys.Locked() != nil {
		return session.NewUnpacker(in.keys, nil), nil
	}
	if in.store != nil {
		if core := in.store.spaces[entry.ID]; core != nil {
			return in.store.places[core].Unpacker, nil
		}
	}
	txn, err := in.view(ctx)
	if err != nil {
		return nil, err
	}
	defer txn.Discard()
	read, err := readDictionaries(txn, in.keys, name, entry.ID)
	return read.Unpacker, err
}

// keepDictionary returns what writes dictionaries of a tree to the catalog.
func keepDictionary(tree format.Space) func(*session.Session, uint32, []byte, float64) error {
	return func(ses *session.Session, number uint32, content []byte, ratio float64) error {
		var store storeEntry
		if _, err := getCatalog(ses.Read, storeKey, storeCodec, &store); err != nil {
			return err
		}
		if !slices.Contains(store.Incompatible, compression) {
			store.Incompatible = setFeature(store.Incompatible, compression, true)
			if err := putCatalog(ses.Write, storeKey, storeCodec, &store); err != nil {
				return err
			}
		}
		key := binary.BigEndian.AppendUint32(dictionaryKeys(tree), number)
		value, err := dictionaryCodec.Append(nil, &dictionaryEntry{Content: content, Ratio: uint64(ratio * thousand)})
		if err != nil {
			return err
		}
		row := session.AppendRow(ses.DataKey(), nil, key, format.Header{Schema: catalogSchema}, value)
		return ses.Write.Put(key, format.AppendChecksum(row, key))
	}
}

// compress sets how the rows of a tree are read if the store uses compression, and how they are
// compressed if the tree is and the store is not just read.
func (s *Store) compress(
	ctx context.Context, core *session.Tree, entry *treeEntry, place *session.Place, used, write bool,
) error {
	if !used && !core.Compressed {
		return nil
	}
	txn, err := s.db.View(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	read, err := readDictionaries(txn, s.keys, core.Name, entry.ID)
	if err != nil {
		return err
	}
	place.Unpacker = read.Unpacker
	if !core.Compressed || !write {
		return nil
	}
	place.Compressor = session.NewCompressor(read.Unpacker, read.ratio, keepDictionary(entry.ID))
	c := txn.Cursor(spaceRange(entry.ID))
	defer c.Close()
	var failure error
	place.Compressor.Collect(func(yield func([]byte) bool) {
		for c.Next() {
			stored, err := c.Value()
			if err != nil {
				failure = err
				return
			}
			row, err := format.ParseRow(c.Key(), stored)
			if err == nil && row.Dictionary == 0 {
				row, err = place.Unpacker.Plain(row)
			}
			if err == nil && row.Opened && !yield(row.Value) {
				return
			}
		}
	})
	return errors.Join(failure, c.Err())
}
