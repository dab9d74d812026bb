package datastore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// fieldsEntry says in the catalog which fields the keys of a tree are made of. See docs/format.md,
// "The catalog". Nothing that is read or written depends on it but schema files.
type fieldsEntry struct {
	Key   []string `json:"key,omitempty"`
	Clock string   `json:"clock,omitempty"`
	// ComputedClock says that the clock is a function, of fields that nobody has said.
	ComputedClock bool `json:"computedClock,omitempty"`
	// Merged says that a function of the program merges rows.
	Merged  bool          `json:"merge,omitempty"`
	Indexes []indexFields `json:"indexes"`
}

// indexFields says it of an index.
type indexFields struct {
	Name     string   `json:"name"`
	Fields   []string `json:"fields"`
	Optional []string `json:"optional,omitempty"`
}

var (
	fieldsCodec  = models.DagCBOR[fieldsEntry]()
	fieldsPrefix = append(format.Catalog.Append(nil), 5)
)

// fieldsKey returns the key of the entry of the tree whose rows are in a space.
func fieldsKey(rows format.Space) []byte { return rows.Append(slices.Clone(fieldsPrefix)) }

// fieldsOf returns what a definition says of the fields of a tree, or nil if it says nothing.
func fieldsOf(core *session.Tree) *fieldsEntry {
	e := &fieldsEntry{Key: core.KeyFields, Clock: core.Clock, ComputedClock: core.ComputedClock, Merged: core.Merged}
	for _, ix := range core.Indexes {
		if ix.Fields != nil {
			e.Indexes = append(e.Indexes, indexFields{ix.Name, ix.Fields, ix.Optional})
		}
	}
	if e.Key == nil && e.Clock == "" && !e.ComputedClock && !e.Merged && e.Indexes == nil {
		return nil
	}
	return e
}

// nextFields is what the catalog is to say of the fields of a tree that is in the store.
type nextFields struct {
	tree string
	// rows is the space of the rows, once the tree has been rebuilt.
	rows format.Space
	// said is nil for nothing.
	said *fieldsEntry
}

// noteFields puts down what a definition changes in what the catalog says of a tree's fields. A
// definition that says nothing leaves the entry alone, unless it changes the model, or a key or index that
// the entry may be about. An entry that is damaged, or of a later version, keeps no store from opening.
func (c *catalog) noteFields(ch *treeChange, changes bool) error {
	said := fieldsOf(ch.core)
	if said == nil && !changes {
		return nil
	}
	rows := ch.entry.ID
	if ch.entry.Next != nil {
		rows = ch.entry.Next.ID
	}
	stored, found, err := catalogValue(c.read, fieldsKey(rows))
	switch {
	case errors.Is(err, ErrVersion):
		return nil
	case errors.Is(err, models.ErrCorrupt):
		stored, found = nil, true
	case err != nil:
		return err
	}
	same := found == (said != nil)
	if same && found {
		value, err := fieldsCodec.Append(nil, said)
		if err != nil {
			return err
		}
		same = bytes.Equal(stored, value)
	}
	if !same {
		c.nextFields = append(c.nextFields, nextFields{ch.core.Name, rows, said})
	}
	return nil
}

// putFields writes what the catalog is to say of fields together with other changes, so that no index is
// seen with the fields of another that had its name. A tree that is rebuilt keeps what it has until then.
func (c *catalog) putFields(entries map[string]*treeEntry) error {
	var rebuilt []nextFields
	for _, f := range c.nextFields {
		if entries[f.tree].Next != nil {
			rebuilt = append(rebuilt, f)
		} else if err := f.put(c.write); err != nil {
			return err
		}
	}
	c.nextFields = rebuilt
	return nil
}

// add changes the entry in the catalog.
func (f nextFields) add(txn engine.WriteTxn) error {
	var entry treeEntry
	found, err := getCatalog(txn, treeKey(f.tree), treeCodec, &entry)
	switch {
	case err != nil:
		return err
	case !found || entry.ID != f.rows:
		return fmt.Errorf("%w: the tree has gone since the store was opened", models.ErrCorrupt)
	}
	return f.put(txn)
}

func (f nextFields) put(txn engine.WriteTxn) error {
	if f.said == nil {
		return txn.Delete(fieldsKey(f.rows))
	}
	return putCatalog(txn, fieldsKey(f.rows), fieldsCodec, f.said)
}

// complete completes a tree that has been rebuilt, with what is said of its fields.
func (c *catalog) complete(e *treeEntry, txn engine.WriteTxn) error {
	if err := e.complete(txn); err != nil {
		return err
	}
	for _, f := range c.nextFields {
		if f.rows == e.ID {
			if err := f.put(txn); err != nil {
				return err
			}
		}
	}
	return nil
}

// describe completes the schema of a tree with what the catalog says of its fields. It leaves out what
// names a field that the model has no longer.
func (e *fieldsEntry) describe(s *shape.Schema) {
	known := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool {
			return !slices.ContainsFunc(s.Shape.Fields, func(f shape.Field) bool { return f.Name == name })
		})
	}
	if known(e.Key...) {
		s.KeyFields = e.Key
	}
	if known(e.Clock) {
		s.Clock = e.Clock
	}
	s.ComputedClock, s.Merged = e.ComputedClock, e.Merged
	for _, said := range e.Indexes {
		for i := range s.Indexes {
			if ix := &s.Indexes[i]; ix.Name == said.Name && known(said.Fields...) {
				ix.Fields, ix.Optional = said.Fields, said.Optional
			}
		}
	}
}
