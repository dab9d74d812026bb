package datastore

import (
	"bytes"
	"errors"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/reshape"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// rebuilding is the feature of stores with a tree that is being rebuilt.
const rebuilding = "rebuilding"

// nextEntry is what a tree is being rebuilt as. See docs/format.md, "Rebuilding".
type nextEntry struct {
	// ID is the space of the rows, another one if they get other primary keys.
	ID         format.Space `json:"id"`
	Key        string       `json:"key"`
	KeyVersion uint32       `json:"keyVersion,omitempty"`
	Schema     uint32       `json:"schema"`
	Indexes    []indexEntry `json:"indexes"`
	// After is the last stored key of the tree that has been copied to ID.
	After []byte `json:"after,omitempty"`
}

func (n *nextEntry) spaces() []format.Space {
	if n == nil {
		return nil
	}
	return spacesOf(n.ID, n.Indexes)
}

// entry is n as an entry of the tree. It shares the indexes. Rows may be of any version that n has.
func (n *nextEntry) entry() *treeEntry {
	return &treeEntry{ID: n.ID, Key: n.Key, KeyVersion: n.KeyVersion, Schema: n.Schema, Oldest: 1, Indexes: n.Indexes}
}

// fits reports whether n is what a definition describes.
func (n *nextEntry) fits(txn engine.ReadTxn, core *session.Tree, drop []string) (bool, error) {
	if n.Key != core.Key || n.KeyVersion != core.KeyVersion {
		return false, nil
	}
	e := n.entry()
	for _, ix := range core.Indexes {
		if stored := e.index(ix.Name); stored == nil || newIndex(ix, stored.ID, stored.State) != *stored {
			return false, nil
		}
	}
	if slices.ContainsFunc(drop, func(name string) bool { return e.index(name) != nil }) {
		return false, nil
	}
	h, err := readHistory(txn, core.Name, e)
	return err == nil && h.newest().hash == shapeOf(core).Hash(), err
}

// stage notes what a tree is to be rebuilt as, in place of the note of an earlier program.
func (c *catalog) stage(ch *treeChange) error {
	e := ch.entry
	if err := e.giveUp(c.write); err != nil {
		return err
	}
	next := &nextEntry{ID: e.ID, Key: ch.core.Key, KeyVersion: ch.core.KeyVersion, Schema: e.Schema}
	switch {
	case ch.rekeys():
		next.ID, next.Schema = c.allocate(), 1
		c.rekeyed(ch, history{newVersion(reshape.First(shapeOf(ch.core)))})
	case ch.next != nil:
		next.Schema++
	}
	if next.ID != e.ID || next.Schema > e.Schema {
		if err := putVersion(c.write, next.ID, next.Schema, c.histories[ch.core.Name].newest()); err != nil {
			return err
		}
	}
	for _, stored := range e.Indexes {
		i := slices.IndexFunc(ch.core.Indexes, func(ix *session.Index) bool { return ix.Name == stored.Name })
		if i >= 0 && ch.anew(ch.core.Indexes[i]) {
			stored = newIndex(ch.core.Indexes[i], c.allocate(), building)
		}
		next.Indexes = append(next.Indexes, stored)
	}
	target := next.entry()
	target.matchIndexes(ch.core, ch.drop, c.allocate)
	next.Indexes = target.Indexes
	e.Next = next
	c.store.setRebuilding(true)
	return c.put(ch)
}

// resume goes on with what an earlier program has noted.
func (c *catalog) resume(ch *treeChange) error {
	if !ch.rekeys() {
		return nil
	}
	h, err := readHistory(c.read, ch.core.Name, ch.entry.Next.entry())
	c.rekeyed(ch, h)
	return err
}

// rekeyed notes the schema versions that a tree has once its rows have other primary keys.
func (c *catalog) rekeyed(ch *treeChange, h history) {
	c.earlier[ch.core.Name], c.histories[ch.core.Name] = ch.history, h
}

// setRebuilding says whether a tree is being rebuilt.
func (e *storeEntry) setRebuilding(is bool) {
	e.Incompatible = setFeature(e.Incompatible, rebuilding, is)
}

// giveUp takes back what the tree was to be rebuilt as, if it was.
func (e *treeEntry) giveUp(txn engine.WriteTxn) error {
	next := e.Next
	if next == nil {
		return nil
	}
	e.Next = nil
	e.retire(next.spaces())
	if next.ID != e.ID {
		return forget(txn, next.ID)
	}
	if next.Schema > e.Schema {
		return txn.Delete(schemaKey(e.ID, next.Schema))
	}
	return nil
}

// complete makes the tree what it has been rebuilt as.
func (e *treeEntry) complete(txn engine.WriteTxn) error {
	old, next := *e, e.Next
	e.Next = nil
	e.ID, e.Key, e.KeyVersion, e.Schema, e.Indexes = next.ID, next.Key, next.KeyVersion, next.Schema, next.Indexes
	e.retire(old.current())
	if e.ID == old.ID {
		return nil
	}
	e.Oldest = 1
	if err := errors.Join(moveCounter(txn, old.ID, e.ID), moveFeed(txn, old.ID, e.ID)); err != nil {
		return err
	}
	return forget(txn, old.ID)
}

// retire has those of spaces cleared that the tree does not use.
func (e *treeEntry) retire(spaces []format.Space) {
	current := e.current()
	for _, space := range spaces {
		if !slices.Contains(current, space) {
			e.Retired = append(e.Retired, space)
		}
	}
}

// forget removes from the catalog what it has of the rows in a space besides the tree.
func forget(txn engine.WriteTxn, rows format.Space) error {
	for _, prefix := range [][]byte{
		rows.Append(slices.Clone(schemaPrefix)), dictionaryKeys(rows), fieldsKey(rows),
		feedKey(rows),
	} {
		c := txn.Cursor(engine.Range{Lower: prefix, Upper: format.PrefixEnd(prefix), KeysOnly: true})
		var keys [][]byte
		for c.Next() {
			keys = append(keys, bytes.Clone(c.Key()))
		}
		err := c.Err()
		c.Close()
		for _, key := range keys {
			err = errors.Join(err, txn.Delete(key))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// moveCounter moves the counter of a sequence from one space of rows to another.
func moveCounter(txn engine.WriteTxn, from, to format.Space) error {
	key := format.CounterKey(from.Append(nil))
	stored, err := txn.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	next, err := format.ParseCounter(key, stored)
	if err != nil {
		return err
	}
	moved, value := format.Counter(to.Append(nil), next)
	return errors.Join(txn.Put(moved, value), txn.Delete(key))
}
