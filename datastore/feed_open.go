package datastore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// openFeeds brings the feeds in the catalog up to date with the definitions, removes those in drop, and
// reads the number of the last commit.
func (s *Store) openFeeds(ctx context.Context, entries map[string]*treeEntry, drop []string, writes bool) error {
	for _, name := range drop {
		if entries[name] == nil {
			return fmt.Errorf("%w: to drop the feed of %s, open the store with its definition", models.ErrUnknownTree, name)
		}
	}
	f := &s.follow
	stored, floors, last, err := s.storedFeeds(ctx)
	if err != nil {
		return err
	}
	f.seq, f.reserved, f.told = last, last, last
	f.feeds = map[*session.Tree]*feed{}
	wanted := maps.Clone(stored)
	var dropped []format.Space
	for name, entry := range entries {
		core := s.trees[name].Core()
		if slices.Contains(drop, name) {
			if _, had := stored[entry.ID]; had {
				dropped = append(dropped, entry.ID)
				delete(wanted, entry.ID)
			}
			continue
		}
		if core.Feed != nil && writes {
			wanted[entry.ID] = feedEntry{core.Feed.Changes, int64(core.Feed.Age), core.Feed.Bytes}
		}
		if w, ok := wanted[entry.ID]; ok {
			bounds := session.Feed{Changes: w.Changes, Age: time.Duration(w.Age), Bytes: w.Bytes}
			f.feeds[core] = newFeed(bounds, entry.ID.Append(nil))
			f.trees.Store(f.trees.Load().With(core))
		}
	}
	if !writes {
		return nil
	}
	for _, rows := range dropped { // first, so that a feed with an entry in the catalog has no gap
		if err := s.cutFeed(ctx, rows); err != nil {
			return err
		}
	}
	return s.saveFeeds(ctx, stored, wanted, floors)
}

// storedFeeds returns what the store has of feeds, their floors, and the number of its last commit. Its
// transaction is over then: on bolt, a commit that makes the file larger waits for those who read.
func (s *Store) storedFeeds(ctx context.Context) (
	stored map[format.Space]feedEntry, floors map[format.Space]uint64, last uint64, err error,
) {
	txn, err := s.db.View(ctx)
	if err != nil {
		return nil, nil, 0, err
	}
	defer txn.Discard()
	if stored, err = readFeeds(txn); err != nil {
		return nil, nil, 0, err
	}
	if last, err = lastNumber(txn, stored); err != nil {
		return nil, nil, 0, err
	}
	floors, err = readFloors(txn, stored)
	return stored, floors, last, err
}

// readFeeds returns what the catalog says of feeds, by the space of the rows of their trees.
func readFeeds(txn engine.ReadTxn) (map[format.Space]feedEntry, error) {
	c := txn.Cursor(engine.Range{Lower: feedsPrefix, Upper: format.PrefixEnd(feedsPrefix), KeysOnly: true})
	defer c.Close()
	found := map[format.Space]feedEntry{}
	for c.Next() {
		key := bytes.Clone(c.Key())
		rows, rest, err := format.CutSpace(key[len(feedsPrefix):])
		if err != nil || len(rest) > 0 {
			continue // of a later version
		}
		var entry feedEntry
		if _, err := getCatalog(txn, key, feedCodec, &entry); err != nil {
			return nil, err
		}
		found[rows] = entry
	}
	return found, c.Err()
}

// lastNumber returns a number that is at least that of the last commit, also if what the store says of it
// is damaged.
func lastNumber(txn engine.ReadTxn, stored map[format.Space]feedEntry) (uint64, error) {
	key := format.LastCommitKey()
	value, err := txn.Get(key)
	if errors.Is(err, engine.ErrNotFound) && len(stored) == 0 {
		return 0, nil
	}
	if err == nil {
		var number uint64
		if number, err = format.ParseNumber(key, value); err == nil {
			return number, nil
		}
	}
	if !errors.Is(err, engine.ErrCorrupt) && !errors.Is(err, engine.ErrNotFound) {
		return 0, err
	}
	last := uint64(0)
	for rows := range stored {
		f := newFeed(session.Feed{}, rows.Append(nil))
		r := f.entries(0)
		r.Reverse = true
		if _, number, found, err := f.head(txn, r); err == nil && found {
			last = max(last, number)
		}
		if floor, err := f.floor(txn); err == nil {
			last = max(last, floor)
		}
	}
	return last + reserve, nil
}

// readFloors returns the floors of feeds, by the space of the rows of their trees, but for those that are
// missing or damaged.
func readFloors(txn engine.ReadTxn, stored map[format.Space]feedEntry) (map[format.Space]uint64, error) {
	floors := map[format.Space]uint64{}
	for rows := range stored {
		switch floor, err := newFeed(session.Feed{}, rows.Append(nil)).floor(txn); {
		case err == nil:
			floors[rows] = floor
		case !errors.Is(err, engine.ErrNotFound) && !errors.Is(err, engine.ErrCorrupt):
			return nil, err
		}
	}
	return floors, nil
}

// saveFeeds writes what is to be different of feeds, in one transaction. Those that have no floor yet begin
// behind the last commit.
func (s *Store) saveFeeds(
	ctx context.Context, stored, wanted map[format.Space]feedEntry, floors map[format.Space]uint64,
) error {
	without := func(rows format.Space) bool {
		_, ok := floors[rows]
		return !ok
	}
	if maps.Equal(stored, wanted) && !slices.ContainsFunc(slices.Collect(maps.Keys(wanted)), without) {
		return nil
	}
	txn, err := s.db.Update(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	for rows, entry := range wanted {
		if err := putCatalog(txn, feedKey(rows), feedCodec, &entry); err != nil {
			return err
		}
		if without(rows) {
			if err := txn.Put(format.FeedFloor(rows.Append(nil), s.follow.seq)); err != nil {
				return err
			}
		}
	}
	for rows := range stored {
		if _, kept := wanted[rows]; !kept {
			err := errors.Join(txn.Delete(feedKey(rows)), txn.Delete(format.FeedFloorKey(rows.Append(nil))))
			if err != nil {
				return err
			}
		}
	}
	var entry storeEntry
	if _, err := getCatalog(txn, storeKey, storeCodec, &entry); err != nil {
		return err
	}
	entry.ReadOnly = setFeature(entry.ReadOnly, feeds, len(wanted) > 0)
	if err := putCatalog(txn, storeKey, storeCodec, &entry); err != nil {
		return err
	}
	return txn.Commit(ctx, engine.Durable)
}

// moveFeed gives the feed of a tree that gets another space for its rows to that space. It begins anew.
func moveFeed(txn engine.WriteTxn, from, to format.Space) error {
	var entry feedEntry
	found, err := getCatalog(txn, feedKey(from), feedCodec, &entry)
	if err != nil || !found {
		return err
	}
	stored, err := readFeeds(txn)
	if err != nil {
		return err
	}
	last, err := lastNumber(txn, stored)
	if err != nil {
		return err
	}
	key, floor := format.FeedFloor(to.Append(nil), last)
	return errors.Join(putCatalog(txn, feedKey(to), feedCodec, &entry), txn.Put(key, floor),
		txn.Delete(format.FeedFloorKey(from.Append(nil))))
}

// cutFeeds removes the changes of all feeds, up to the last commit: a program that is behind finds out.
func (s *Store) cutFeeds(ctx context.Context) error {
	stored, _, _, err := s.storedFeeds(ctx)
	if err != nil {
		return err
	}
	for rows := range stored {
		if err := s.cutFeed(ctx, rows); err != nil {
			return err
		}
	}
	return nil
}

// cutFeed removes the changes of the tree whose rows are in a space, up to the last commit.
func (s *Store) cutFeed(ctx context.Context, rows format.Space) error {
	f := &s.follow
	f.turn.Lock()
	last := f.seq
	f.turn.Unlock()
	err := s.run(ctx, engine.Relaxed, func(ses *session.Session) error {
		return ses.Put(format.FeedFloor(rows.Append(nil), last))
	})
	if err != nil {
		return err
	}
	return s.clearFeed(ctx, rows, last+1)
}

// clearCut removes the changes that feeds have below their floors: Repair raises the floor of a feed that is
// damaged. The commit of the floor itself stays if it is whole.
func (s *Store) clearCut(ctx context.Context) error {
	_, floors, _, err := s.storedFeeds(ctx)
	if err != nil {
		return err
	}
	for rows, floor := range floors {
		whole, err := s.hasWhole(ctx, rows, floor)
		if err == nil {
			if !whole {
				floor++
			}
			err = s.clearFeed(ctx, rows, floor)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hasWhole reports whether the feed of the tree whose rows are in a space has a commit that can be read.
func (s *Store) hasWhole(ctx context.Context, rows format.Space, number uint64) (bool, error) {
	txn, err := s.db.View(ctx)
	if err != nil {
		return false, err
	}
	defer txn.Discard()
	of := newFeed(session.Feed{}, rows.Append(nil))
	c := txn.Cursor(of.entries(number - 1))
	defer c.Close()
	r := &feedReader{feed: of, tree: &session.Tree{}, cursor: c}
	err = r.next()
	if errors.Is(err, engine.ErrCorrupt) {
		return false, nil
	}
	return err == nil && !r.done && r.number == number, err
}

// clearFeed removes the changes of the tree whose rows are in a space, of the commits with lower numbers than
// one.
func (s *Store) clearFeed(ctx context.Context, rows format.Space, until uint64) error {
	prefix := format.FeedPrefix(rows.Append(nil))
	err := s.clearRange(ctx, engine.Range{Lower: prefix, Upper: format.FeedKey(prefix, until, 0)})
	for _, feed := range s.follow.feeds {
		if bytes.Equal(feed.prefix, prefix) {
			s.follow.forget(feed)
		}
	}
	return err
}
