package datastore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/paging"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// tombstones is the feature of stores with a tree whose deletions travel.
const tombstones = "tombstones"

// tombstonesEntry says in the catalog that the deletions of a tree travel. See docs/format.md,
// "Tombstones".
type tombstonesEntry struct {
	Age  int64 `json:"age"`
	Unit int64 `json:"unit"`
}

var (
	tombstonesCodec  = models.DagCBOR[tombstonesEntry]()
	tombstonesPrefix = append(format.Catalog.Append(nil), 7)
)

// tombstonesKey returns the key of the entry of the tree whose rows are in a space.
func tombstonesKey(rows format.Space) []byte { return rows.Append(slices.Clone(tombstonesPrefix)) }

// examineTombstones compares what the definition of a tree that is in the store says of tombstones with the
// catalog.
func (c *catalog) examineTombstones(ch *treeChange) error {
	found, err := getCatalog(c.read, tombstonesKey(ch.entry.ID), tombstonesCodec, &ch.tombstones)
	if err != nil || !found {
		return err
	}
	const remedy = "declare it as it was, or give the tree another name"
	stored, of := time.Duration(ch.tombstones.Unit), ch.core.Tombstones
	switch {
	case of == nil:
		ch.differ("tombstones", "are in the store and not in the definition",
			fmt.Sprintf("declare models.WithTombstones with the unit %v, or give the tree another name", stored))
	case of.Unit != stored:
		ch.differ("tombstones", fmt.Sprintf("have a clock in units of %v in the store and of %v in the definition",
			stored, of.Unit), remedy)
	}
	return nil
}

// putTombstones writes what the definition of a tree says of tombstones, if that is new.
func (c *catalog) putTombstones(ch *treeChange) error {
	of := ch.core.Tombstones
	if of == nil || c.write == nil {
		return nil
	}
	entry := tombstonesEntry{int64(of.Age), int64(of.Unit)}
	if ch.tombstones == entry {
		return nil
	}
	c.changed = true
	c.store.ReadOnly = setFeature(c.store.ReadOnly, tombstones, true)
	return putCatalog(c.write, tombstonesKey(ch.entry.ID), tombstonesCodec, &entry)
}

// buried yields the trees of the store whose deletions travel, and where they are.
func (s *Store) buried(yield func(*session.Tree, *session.Place) bool) {
	for core, place := range s.places {
		if core.Tombstones != nil && !yield(core, place) {
			return
		}
	}
}

// dropTombstones drops the tombstones that have reached their age, and raises the floors.
func (s *Store) dropTombstones(ctx context.Context) (err error) {
	for core, place := range s.buried {
		var after []byte // a damaged tombstone is left for Repair, and passed over
		err = errors.Join(err, paging.EachBesideWriters(expirePage, func(most int) (done bool, err error) {
			after, err = s.dropPage(ctx, core, place, after, most)
			return after == nil, err
		}))
	}
	return err
}

// dropPage works through the next entries of a queue of tombstones, as many as most, in one transaction. It
// returns the last one it came to, or nil if no more are due.
func (s *Store) dropPage(
	ctx context.Context, core *session.Tree, place *session.Place, after []byte, most int,
) (last []byte, err error) {
	err = s.run(ctx, engine.Relaxed, func(ses *session.Session) error {
		last = nil
		ses.Origin = session.Expired
		due, err := dueTombstones(ses.Read, place, time.Now().Add(-core.Tombstones.Age), after, most)
		if err != nil {
			return err
		}
		if len(due) == most {
			last = due[most-1]
		}
		for _, entry := range due {
			if err := dropTombstone(ses, core, place, entry); err != nil {
				return err
			}
		}
		return nil
	})
	return last, err
}

// dueTombstones returns the first entries of the queue of a tree that were taken until an instant.
func dueTombstones(
	txn engine.ReadTxn, place *session.Place, until time.Time, after []byte, most int,
) (due [][]byte, err error) {
	queue := format.TombstoneQueue(place.Space)
	r := engine.Range{
		Lower: queue, Upper: format.TombstoneQueueKey(place.Space, nil, until.UnixNano()+1), KeysOnly: true,
	}
	if after != nil {
		r.Lower = append(after[:len(after):len(after)], 0)
	}
	c := txn.Cursor(r)
	defer c.Close()
	for len(due) < most && c.Next() {
		due = append(due, bytes.Clone(c.Key()))
	}
	return due, c.Err()
}

// dropTombstone removes an entry of the queue, and its tombstone unless there is another one by now.
func dropTombstone(ses *session.Session, core *session.Tree, place *session.Place, entry []byte) error {
	taken, primary, err := format.CutTombstoneQueue(entry[len(format.TombstoneQueue(place.Space)):])
	if err != nil {
		return nil // Verify reports it
	}
	t, found, err := place.Tombstone(ses, primary)
	switch {
	case unreadable(err):
		return nil // left for Repair
	case err != nil:
		return err
	case !found || t.Taken.UnixNano() != taken:
		return ses.Delete(entry)
	}
	if err := place.DropTombstone(ses, core.Tombstones, primary, t); err != nil {
		return err
	}
	if tell := place.Changed.Load(); tell != nil { // package record may know of it
		return (*tell)(ses, primary, nil)
	}
	return nil
}

// nextTombstone returns when the first tombstone is due that is not due at an instant, the zero time if
// there is none.
func (s *Store) nextTombstone(ctx context.Context, now time.Time) (due time.Time, err error) {
	txn, err := s.db.View(ctx)
	if err != nil {
		return due, err
	}
	defer txn.Discard()
	for core, place := range s.buried {
		age := core.Tombstones.Age
		queue := format.TombstoneQueue(place.Space)
		first := format.TombstoneQueueKey(place.Space, nil, now.Add(-age).UnixNano()+1)
		c := txn.Cursor(engine.Range{Lower: first, Upper: format.PrefixEnd(queue), KeysOnly: true})
		for c.Next() {
			taken, _, err := format.CutTombstoneQueue(c.Key()[len(queue):])
			if err != nil {
				continue
			}
			due = earlier(due, time.Unix(0, taken).Add(age))
			break
		}
		err := c.Err()
		c.Close()
		if err != nil {
			return due, err
		}
	}
	return due, nil
}

// earlier returns the earlier of two times, of which the zero time is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
