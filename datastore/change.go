package datastore

import (
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/reshape"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// treeChange is what opening a store with a definition changes in one tree.
type treeChange struct {
	core *session.Tree
	// entry is nil for a tree that is not in the store.
	entry *treeEntry
	// drop has the names of the indexes to drop.
	drop []string
	// history has the schema versions of the tree, the one that the definition adds included, and
	// next is that one, or nil.
	history history
	next    *version
	// follows says that entry.Next is what the definition describes.
	follows     bool
	differences []Difference
	// tombstones is what the catalog says of them, zero if it says nothing.
	tombstones tombstonesEntry
}

// examine compares a definition with the catalog, and changes nothing. Writes says that the store
// is to be written to.
func (c *catalog) examine(core *session.Tree, drop []string, writes bool) (*treeChange, error) {
	ch := &treeChange{core: core, entry: c.trees[core.Name], drop: drop}
	if !c.keyed && !slices.Contains(c.store.Incompatible, encryption) {
		ch.differences = blindIndexes(core)
	}
	if ch.entry != nil {
		if err := ch.entry.checkKnown(core, drop, writes && !c.store.features().unknown()); err != nil {
			return nil, err
		}
		ch.differences = append(ch.differences, ch.entry.differences(core, drop)...)
		if err := c.examineTombstones(ch); err != nil {
			return nil, err
		}
		h, err := readHistory(c.read, core.Name, ch.entry)
		if err != nil {
			return nil, err
		}
		var differences []Difference
		ch.next, ch.history, differences = h.follow(core, ch.entry.Oldest)
		ch.differences = append(ch.differences, differences...)
		if ch.entry.Next != nil {
			if ch.follows, err = ch.entry.Next.fits(c.read, core, drop); err != nil {
				return nil, err
			}
		}
		if ch.rekeys() {
			if err := ch.checkQuarantine(c.read); err != nil {
				return nil, err
			}
		}
	}
	if !writes {
		ch.differences = append(ch.differences, ch.entry.unwritten(core, drop)...)
		if ch.rebuilds() {
			ch.differ("", "has to be rebuilt, and the store is opened to be read", "open it for writing once")
		}
	}
	return ch, nil
}

func (ch *treeChange) differ(path, what, remedy string) {
	ch.differences = append(ch.differences, Difference{ch.core.Name, path, what, remedy})
}

// rekeys reports whether the rows get other primary keys.
func (ch *treeChange) rekeys() bool {
	return ch.entry != nil && ch.core.KeyVersion > ch.entry.KeyVersion
}

// rebuilds reports whether the definition puts something in the place of what programs with the
// present one read.
func (ch *treeChange) rebuilds() bool {
	if ch.entry == nil {
		return false
	}
	return ch.rekeys() || slices.ContainsFunc(ch.core.Indexes, ch.anew)
}

// anew reports whether an index that is in the store is to be built anew.
func (ch *treeChange) anew(ix *session.Index) bool {
	stored := ch.entry.index(ix.Name)
	return stored != nil && (ix.Version > stored.Version || ch.rekeys() || ch.next != nil && ch.next.function)
}

// changes reports whether the definition changes anything in a tree that is in the store.
func (ch *treeChange) changes() bool {
	return ch.next != nil || ch.rebuilds() ||
		slices.ContainsFunc(ch.core.Indexes, func(ix *session.Index) bool { return ch.entry.index(ix.Name) == nil }) ||
		slices.ContainsFunc(ch.drop, func(name string) bool { return ch.entry.index(name) != nil })
}

// unfinished returns why the definition cannot be used with a tree whose rebuilding has been
// interrupted. Rebuild says that a tree of the definitions is to be rebuilt.
func (ch *treeChange) unfinished(rebuild bool) []Difference {
	if ch.entry == nil || ch.entry.Next == nil || ch.follows || rebuild {
		return nil
	}
	what := fmt.Sprintf("is being rebuilt by a newer program (feature %q)", rebuilding)
	if next := ch.entry.Next; next.ID != ch.entry.ID {
		what = fmt.Sprintf("gets a primary key by %s, of version %d, by a newer program (feature %q)", next.Key,
			next.KeyVersion, rebuilding)
	}
	return []Difference{{ch.core.Name, "", what, "open the store with that program, which goes on"}}
}

// checkQuarantine adds a difference if rows of the tree are set aside under primary keys that the
// tree will not know.
func (ch *treeChange) checkQuarantine(txn engine.ReadTxn) error {
	prefix := quarantined(ch.entry.ID.Append(nil))
	c := txn.Cursor(engine.Range{Lower: prefix, Upper: format.PrefixEnd(prefix), KeysOnly: true})
	defer c.Close()
	if c.Next() {
		ch.differ("primary key", "changes, and rows of the tree are in the quarantine",
			"restore them with the earlier program, or export and drop them")
	}
	return c.Err()
}

// apply makes the change, or puts it down for rebuild if a tree of the definitions is to be rebuilt.
func (c *catalog) apply(ch *treeChange, rebuild bool) error {
	name := ch.core.Name
	c.histories[name] = ch.history
	if ch.entry == nil {
		return c.add(ch)
	}
	changes := ch.changes()
	if err := c.applyStored(ch, rebuild); err != nil || c.write == nil {
		return err
	}
	return c.noteFields(ch, changes)
}

// applyStored is apply for a tree that is in the store.
func (c *catalog) applyStored(ch *treeChange, rebuild bool) error {
	switch {
	case ch.follows:
		return c.resume(ch)
	case c.write == nil: // reading needs no more than the history
		return nil
	case rebuild && ch.changes():
		return c.stage(ch)
	case ch.entry.Next != nil:
		if err := ch.entry.giveUp(c.write); err != nil {
			return err
		}
		return c.put(ch)
	}
	if ch.next != nil {
		c.next = append(c.next, nextVersion{ch.core.Name, ch.entry.Schema + 1, *ch.next})
	}
	if ch.entry.matchIndexes(ch.core, ch.drop, c.allocate) {
		return c.put(ch)
	}
	c.changed = c.changed || ch.next != nil && ch.next.function // which may lose something
	return nil
}

// put writes the entry of a tree.
func (c *catalog) put(ch *treeChange) error {
	c.changed = true
	return putCatalog(c.write, treeKey(ch.core.Name), treeCodec, ch.entry)
}

// add adds a tree that is not in the store.
func (c *catalog) add(ch *treeChange) error {
	c.store.Trees++
	ch.entry = &treeEntry{
		ID: c.allocate(), Key: ch.core.Key, KeyVersion: ch.core.KeyVersion, Codec: ch.core.Codec,
		Policy: ch.core.Policy, Schema: 1, Oldest: 1,
	}
	first := newVersion(reshape.First(shapeOf(ch.core)))
	c.histories[ch.core.Name] = history{first}
	for _, ix := range ch.core.Indexes {
		ch.entry.Indexes = append(ch.entry.Indexes, newIndex(ix, c.allocate(), ready)) // there are no rows
	}
	if err := putVersion(c.write, ch.entry.ID, 1, first); err != nil {
		return err
	}
	if said := fieldsOf(ch.core); said != nil {
		if err := putCatalog(c.write, fieldsKey(ch.entry.ID), fieldsCodec, said); err != nil {
			return err
		}
	}
	return c.put(ch)
}
