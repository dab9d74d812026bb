package datastore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// Quarantined is what Repair has set aside because it could not be read. Its memory is the
// caller's.
type Quarantined struct {
	// Key is the stored key that it had, the space number included. It tells it from all
	// others in the quarantine.
	Key []byte
	// Tree is the full name of the tree that it belongs to, Index the index's if it is an
	// entry of one. Both are empty if no tree has the key.
	Tree, Index string
	// Text is the key as people write it, empty if that cannot be told.
	Text string
	// Stored is what was stored under the key: for a row, that of docs/format.md.
	Stored []byte
	// Err says why it still cannot be read. It is nil for a row that can be read now, with
	// the definitions that the store is opened with: Store.RestoreQuarantined puts it back.
	Err error
}

// Quarantine yields everything that Repair has set aside, in the order of the keys. An error
// of reading on is yielded once, as the last item. No transaction is open while the loop's
// body runs, which may restore and drop what it gets. Memory is bounded.
func (s *Store) Quarantine(ctx context.Context) iter.Seq2[Quarantined, error] {
	return func(yield func(Quarantined, error) bool) {
		stopped := false
		var page []Quarantined
		c, err := s.catalogNow(ctx)
		if err == nil {
			err = s.Inspect().pages(ctx, format.Quarantine, nil, func(key, stored []byte) {
				q := Quarantined{Key: bytes.Clone(key[len(quarantined(nil)):]), Stored: bytes.Clone(stored)}
				at := s.wasAt(c, q.Key)
				q.Tree, q.Index, q.Text = at.name, at.index.Name, at.keyText(at.index.Name, q.Key)
				_, q.Err = at.restorable(c, q.Key, q.Stored)
				page = append(page, q)
			}, func() bool {
				for _, q := range page {
					if stopped = !yield(q, nil); stopped {
						return false
					}
				}
				page = page[:0]
				return true
			})
		}
		if err != nil && !stopped {
			yield(Quarantined{}, fmt.Errorf("quarantine: %w", err))
		}
	}
}

// RestoreQuarantined puts the row that had a stored key back in its place, with its index
// entries, and takes it from the quarantine. It returns
//
//   - models.ErrNotFound if the quarantine has no such key,
//   - the Err of Quarantined for what cannot be read yet or is no row: Repair makes index
//     entries from rows,
//   - models.ErrExists if there is another row under the key by now, and models.ErrUnique if
//     another row has one of its unique keys,
//   - models.ErrUnknownTree for a row of a tree with indexes whose definition the store was
//     not opened with.
//
// If package record keeps rows of the tree, run its Repair afterwards.
func (s *Store) RestoreQuarantined(ctx context.Context, key []byte) error {
	if err := s.RunWrite(ctx, func(ses *session.Session) error { return s.restoreRow(ses, key) }); err != nil {
		return fmt.Errorf("restore key %x from the quarantine: %w", key, err)
	}
	return nil
}

// DropQuarantined removes from the quarantine, for good, what had a stored key. It returns
// models.ErrNotFound if the quarantine has no such key.
func (s *Store) DropQuarantined(ctx context.Context, key []byte) error {
	err := s.RunWrite(ctx, func(ses *session.Session) error {
		if _, err := ses.Read.Get(quarantined(key)); err != nil {
			return err
		}
		return ses.Delete(quarantined(key))
	})
	if err != nil {
		return fmt.Errorf("drop key %x from the quarantine: %w", key, err)
	}
	return nil
}

func (s *Store) restoreRow(ses *session.Session, key []byte) error {
	stored, err := ses.Read.Get(quarantined(key))
	if err != nil {
		return err
	}
	stored = bytes.Clone(stored)
	c, err := wholeCatalog(ses.Read, s.keys)
	if err != nil {
		return err
	}
	at := s.wasAt(c, key)
	if e := c.trees[at.name]; e != nil && e.Next != nil && e.Next.ID != e.ID {
		return fmt.Errorf("%w: the tree %s gets another primary key; open the store with the definition that gives it "+
			"that", models.ErrDefinition, at.name)
	}
	row, err := at.restorable(c, key, stored)
	if err != nil {
		return err
	}
	if stored, err = s.encryptAnew(ses, key, stored); err != nil {
		return err
	}
	switch _, err := ses.Read.Get(key); {
	case err == nil:
		return models.ErrExists
	case !errors.Is(err, engine.ErrNotFound):
		return err
	}
	changes, err := at.entriesOf(page{read: ses.Read}, key, stored, row)
	if err != nil {
		return err
	}
	if row.Expiry != 0 {
		if at.core != nil {
			s.places[at.core].Expires.Store(true)
		}
		if ses.Due == 0 || row.Expiry < ses.Due {
			ses.Due = row.Expiry
		}
	}
	changes = at.noteTopics(ses, primaryKeyOf(key), changes)
	for _, entry := range append(changes, change{bytes.Clone(key), stored}) {
		if err := ses.Put(entry.key, entry.value); err != nil {
			return err
		}
	}
	primary := primaryKeyOf(key)
	buried := session.Place{Space: key[:len(key)-len(primary)]}
	if err := errors.Join(buried.DeleteTombstone(ses, primary), ses.Delete(quarantined(key))); err != nil || at.core == nil {
		return err
	}
	if ses.Follows(at.core) {
		ses.Note(at.core, bytes.Clone(key[len(at.place.Space):]), nil, stored)
	}
	// Package record may know the row.
	if tell := s.places[at.core].Changed.Load(); tell != nil {
		if row, err = at.place.Unpacker.Plain(row); err != nil {
			return err
		}
		return (*tell)(ses, key[len(at.place.Space):], row.Value)
	}
	return nil
}

// encryptAnew returns an encrypted row with the data key in use: a rotation may have passed by its
// place.
func (s *Store) encryptAnew(ses *session.Session, key, stored []byte) ([]byte, error) {
	if s.keys == nil {
		return stored, nil
	}
	row, err := format.ParseRow(key, stored)
	if err == nil {
		row, err = s.keys.Decrypt(row)
	}
	if err != nil {
		return nil, err
	}
	body := session.AppendRow(ses.DataKey(), nil, key, row.Header, row.Value)
	return format.AppendChecksum(body, key), nil
}

// wasAt returns the check of the tree and the index that a stored key belongs to, one without
// a name if there is none.
func (s *Store) wasAt(c *catalog, key []byte) treeCheck {
	t := treeCheck{verifier: &verifier{store: s, repair: true}}
	space, _, err := format.CutSpace(key)
	if err != nil {
		return t
	}
	for name, entry := range c.trees {
		i := slices.IndexFunc(entry.Indexes, func(ix indexEntry) bool { return ix.ID == space })
		if i < 0 && entry.ID != space {
			continue
		}
		t.name, t.schema = name, entry.Schema
		if tree := s.trees[name]; tree != nil {
			t.core = tree.Core()
			t.place = s.places[t.core]
			t.schema = t.place.Schema
		} else {
			t.untyped = newUntyped(entry, c.unpackers[name])
		}
		if i >= 0 {
			t.index = entry.Indexes[i]
		}
	}
	return t
}

// restorable returns the row that was stored at key, or why it cannot be put back there.
func (t treeCheck) restorable(c *catalog, key, stored []byte) (format.Row, error) {
	switch {
	case t.name == "" && c.mayBeKnown(key):
		return format.Row{}, fmt.Errorf("%w: this version does not know its place", ErrVersion)
	case t.name == "":
		return format.Row{}, fmt.Errorf("%w: the key belongs to no tree", engine.ErrCorrupt)
	case t.index.Name != "":
		return format.Row{}, fmt.Errorf("%w: an index entry; Repair makes those that rows lack", models.ErrInvalid)
	}
	return t.readRow(key, stored)
}

// entriesOf returns the index entries that a row needs, and its entry in the expiry queue.
func (t treeCheck) entriesOf(p page, key, stored []byte, row format.Row) (changes []change, err error) {
	if t.core != nil {
		changes, err = t.row(p, key, stored)
		for _, d := range t.report.Damage {
			if errors.Is(d.Err, models.ErrUnique) {
				return nil, d.Err
			}
		}
		return changes, err
	}
	if len(t.untyped.entry.Indexes) > 0 {
		return nil, fmt.Errorf("%w: %s has indexes; open the store with its definition", models.ErrUnknownTree, t.name)
	}
	if row.Expiry != 0 {
		return t.queued(p, key, row.Expiry)
	}
	return nil, nil
}

// primaryKeyOf returns a copy of the encoded primary key in the stored key of a row.
func primaryKeyOf(key []byte) []byte {
	_, primary, err := format.CutSpace(key)
	if err != nil {
		return nil // it is that of no row
	}
	return bytes.Clone(primary)
}

// quarantined is where a stored key's bytes are set aside.
func quarantined(key []byte) []byte { return append(format.Quarantine.Append(nil), key...) }
