package datastore

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

func init() { session.DeleteUntyped = deleteUntyped }

// deleteUntyped is session.DeleteUntyped.
func deleteUntyped(s *session.Session, tree string, keys [][]byte, keep func(i int, value []byte) bool) (int, error) {
	trees, err := readTrees(s.Read)
	if err != nil {
		return 0, err
	}
	entry := trees[tree]
	if entry == nil {
		return 0, nil // there are no rows either
	}
	for _, ix := range entry.Indexes {
		if !ix.known() {
			return 0, fmt.Errorf("index %s: %w: its kind is %q", ix.Name, ErrVersion, shortened(string(ix.Kind)))
		}
	}
	read, err := readDictionaries(s.Read, s.Keys, tree, entry.ID)
	if err != nil {
		return 0, err
	}
	goes, doomed := map[string]bool{}, [][]byte(nil)
	space := entry.ID.Append(nil)
	for i, primary := range keys {
		key := append(bytes.Clone(space), primary...)
		stored, err := s.Read.Get(key)
		if errors.Is(err, engine.ErrNotFound) {
			continue
		}
		if err != nil {
			return 0, err
		}
		row, err := format.ParseRow(key, stored)
		if err == nil {
			row, err = read.Plain(row)
		}
		if err != nil {
			return 0, err
		}
		if goes[string(primary)] || keep(i, row.Value) {
			continue
		}
		goes[string(primary)] = true
		if err := entry.leaveTopics(s, primary, row.Value); err != nil {
			return 0, err
		}
		doomed = append(doomed, key)
		if row.Expiry != 0 {
			doomed = append(doomed, format.AppendExpiryKey(nil, row.Expiry, key))
		}
	}
	if len(goes) == 0 {
		return 0, nil
	}
	for i := range entry.Indexes {
		if entry.Indexes[i].Kind == session.Topical {
			continue
		}
		entries, err := entriesOf(s.Read, &entry.Indexes[i], goes)
		if err != nil {
			return 0, fmt.Errorf("index %s: %w", entry.Indexes[i].Name, err)
		}
		doomed = append(doomed, entries...)
	}
	for _, key := range doomed {
		if err := s.Delete(key); err != nil {
			return 0, err
		}
	}
	return len(goes), nil
}

// leaveTopics removes the row with an encoded primary key and a value from the topics of a tree.
func (e *treeEntry) leaveTopics(s *session.Session, primary, value []byte) error {
	for _, ix := range e.Indexes {
		if ix.Kind != session.Topical {
			continue
		}
		of, id := s.TopicAt(ix.ID.Append(nil)), models.TopicID(primary, value)
		has, err := of.Has(s, id)
		if err != nil {
			return fmt.Errorf("topic %s: %w", ix.Name, err)
		}
		if has {
			s.NoteTopic(of, id[:], primary, false)
		}
	}
	return nil
}

// entriesOf returns the stored keys of an index's entries that are of some rows.
func entriesOf(from engine.ReadTxn, index *indexEntry, rows map[string]bool) (entries [][]byte, err error) {
	cut := index.cutter()
	if cut == nil && !index.Kind.KeyInValue() {
		return nil, fmt.Errorf("%w: its codec %q is not known here", models.ErrDefinition, index.Key)
	}
	c := from.Cursor(spaceRange(index.ID))
	defer c.Close()
	for c.Next() {
		primary, err := primaryOf(c, index, cut)
		if err != nil {
			return nil, err
		}
		if rows[string(primary)] {
			entries = append(entries, bytes.Clone(c.Key()))
		}
	}
	return entries, c.Err()
}

// primaryOf returns the primary key of the row that an entry is of.
func primaryOf(
	c engine.Cursor, index *indexEntry, cut func([]byte) (index, primary []byte, err error),
) ([]byte, error) {
	if index.Kind.KeyInValue() {
		stored, err := c.Value()
		if err != nil {
			return nil, err
		}
		return format.CutChecksum(c.Key(), stored)
	}
	_, primary, err := cut(c.Key()[len(index.ID.Append(nil)):])
	return primary, err
}
