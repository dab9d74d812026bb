package datastore

import (
	"bytes"
	"context"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// feedName stands for the name of an index in reports.
const feedName = "feed"

// The beginnings of the keys of floors, and of the entries of feeds.
var (
	floorsPrefix  = format.FeedFloorKey(nil)
	entriesPrefix = format.FeedPrefix(nil)
)

// view begins a transaction to read that has the commits up to seq, and none of the later ones that have
// numbers.
func (f *follow) view(ctx context.Context, db engine.DB) (txn engine.ReadTxn, seq uint64, err error) {
	f.turn.Lock()
	defer f.turn.Unlock()
	txn, err = db.View(ctx)
	return txn, f.seq, err
}

// backupFeed returns what a backup holds in place of what is stored at a key: it has no changes, and its
// feeds begin behind its last commit. Rows in changes would need keys and dictionaries that a backup may
// not have.
func backupFeed(key, stored []byte, seq uint64) []byte {
	switch {
	case bytes.HasPrefix(key, entriesPrefix):
		return nil
	case bytes.HasPrefix(key, floorsPrefix):
		_, floor := format.FeedFloor(key[len(floorsPrefix):], seq)
		return floor
	}
	return stored
}

// commits examines a key of the space of commits. If one is damaged that says what a feed has, the feed
// begins anew behind it.
func (t treeCheck) commits(p page, key, stored []byte) ([]change, error) {
	f := &t.store.follow
	var again change // what Repair puts in the place of the feed's beginning
	var err error
	switch {
	case bytes.Equal(key, format.LastCommitKey()):
		if _, err = format.ParseNumber(key, stored); err != nil && p.write != nil {
			f.turn.Lock()
			f.reserved = f.seq // the next commit writes it again
			f.turn.Unlock()
		}
	case bytes.HasPrefix(key, floorsPrefix) && t.catalog.owns(key[len(floorsPrefix):]):
		if _, err = format.ParseNumber(key, stored); err != nil {
			f.turn.Lock()
			again.key, again.value = format.FeedFloor(key[len(floorsPrefix):], f.seq)
			f.turn.Unlock()
		}
	case bytes.HasPrefix(key, entriesPrefix) && t.catalog.owns(key[len(entriesPrefix):]):
		again, err = t.feedEntry(p, key, stored)
	default:
		if intact(key, stored) {
			return t.newer(p, key, stored)
		}
		_, err = format.CutChecksum(key, stored)
	}
	t.report.Entries++
	if err == nil {
		if again.key == nil {
			return nil, nil
		}
		t.found(Missing, feedName, key, fmt.Errorf("%w: commits before this one are lost", engine.ErrCorrupt))
		if !t.repair {
			return nil, nil
		}
		t.report.Repaired++
		return []change{again}, nil
	}
	t.found(BadRow, "", key, err)
	changes, err := t.setAside(p, key, stored)
	if len(changes) > 0 && again.key != nil {
		changes = append(changes, again)
	}
	return changes, err
}

// feedEntry examines an entry of a feed. If commits before it are lost, it returns a floor and no error.
func (t treeCheck) feedEntry(p page, key, stored []byte) (floor change, err error) {
	space, _, err := format.CutSpace(key[len(entriesPrefix):])
	if err != nil {
		return floor, err
	}
	rows := space.Append(nil)
	number, part, err := format.CutFeedKey(format.FeedPrefix(rows), key)
	if err != nil {
		return floor, err
	}
	var h format.FeedHead
	piece, _, err := format.ParseFeedEntry(key, stored)
	if err == nil && part == 0 {
		h, _, err = format.CutFeedHead(piece)
	}
	of := newFeed(session.Feed{}, rows)
	if err == nil {
		if part > 0 {
			return floor, nil
		}
		before, known, err := of.totalsAt(p.read, number-1)
		if err == nil && known && !before.lead(&h) {
			floor.key, floor.value = format.FeedFloor(rows, number-1)
		}
		return floor, err
	}
	if was, floorErr := of.floor(p.read); floorErr == nil && was >= number {
		return floor, err
	}
	floor.key, floor.value = format.FeedFloor(rows, number)
	return floor, err
}
