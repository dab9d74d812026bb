package datastore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// Reading feeds goes in pages of so many commits or bytes, so that no transaction lasts long.
const (
	feedPageCommits = 256
	feedPageBytes   = 1 << 20
)

// errBehind ends the queue of a watch that reads on from feeds.
var errBehind = errors.New("the watch reads on from the feed")

// readFeeds returns the commits behind the one that w has come to, and moves w there. There are
// no others up to the number that it returns.
func (w *watch) readFeeds(ctx context.Context) (commits []*session.Commit, upTo uint64, err error) {
	follow := &w.store.follow
	follow.mu.Lock()
	told := follow.told // a later one may not be durable yet
	follow.mu.Unlock()
	txn, err := w.store.db.View(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer txn.Discard()
	readers := make([]*feedReader, 0, len(w.request.Trees))
	defer func() {
		for _, r := range readers {
			r.cursor.Close()
		}
	}()
	for _, tree := range w.request.Trees {
		f := follow.feeds[tree]
		if err := f.checkFloor(txn, w.at); err != nil {
			return nil, 0, err
		}
		r := &feedReader{feed: f, tree: tree, cursor: txn.Cursor(f.entries(w.at))}
		readers = append(readers, r)
		if r.totals, r.known, err = f.totalsAt(txn, w.at); err != nil {
			return nil, 0, err
		}
		if err := r.next(); err != nil {
			return nil, 0, err
		}
	}
	for size, n := 0, 0; n < feedPageCommits && size < feedPageBytes; n++ {
		first := slices.MinFunc(readers, (*feedReader).compare)
		if first.done || first.number > told {
			return commits, max(told, w.at), nil
		}
		if first.lost != nil {
			if n > 0 { // which comes next
				return commits, w.at, nil
			}
			return nil, 0, first.lost
		}
		number := first.number
		var changes []session.Change
		for _, r := range readers {
			if !r.done && r.number == number {
				size += r.size
				changes = append(changes, r.changes...)
				if err := r.next(); err != nil {
					return nil, 0, err
				}
			}
		}
		w.at = number
		if c := session.NewCommit(number, changes); w.request.Concerns(c) > 0 {
			commits = append(commits, c)
		}
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
	}
	return commits, w.at, nil
}

// checkFloor returns ErrCompacted if the feed does not have all changes behind a commit.
func (f *feed) checkFloor(txn engine.ReadTxn, after uint64) error {
	floor, err := f.floor(txn)
	if err == nil && after < floor {
		err = fmt.Errorf("%w: it begins behind commit %d, and the watch is at %d", session.ErrCompacted, floor, after)
	}
	return err
}

// feedReader reads the commits of a feed one by one.
type feedReader struct {
	feed   *feed
	tree   *session.Tree
	cursor engine.Cursor
	// number is that of the commit, changes what it has, size what that takes. Done says that there
	// is none.
	number  uint64
	changes []session.Change
	size    int
	done    bool
	// totals are what the feed has up to this commit, if known. Lost is the error of coming to it if others
	// before it are missing.
	totals feedTotals
	known  bool
	lost   error
}

// totalsAt returns what the feed has up to the last commit that is not behind a number. It is not known if the
// feed does not have that commit any more, or cannot read it.
func (f *feed) totalsAt(txn engine.ReadTxn, number uint64) (totals feedTotals, known bool, err error) {
	r, _, err := f.behind(txn)
	if err != nil {
		return totals, false, err
	}
	r.Upper, r.Reverse, r.KeysOnly = format.FeedKey(f.prefix, number, 0xFFFF), true, true
	if bytes.Compare(r.Lower, r.Upper) >= 0 {
		return totals, false, nil
	}
	c := txn.Cursor(r)
	defer c.Close()
	if !c.Next() {
		return totals, false, c.Err()
	}
	number, _, err = format.CutFeedKey(f.prefix, c.Key())
	if err == nil {
		var h format.FeedHead
		h, err = f.headOf(txn, number)
		totals = totalsOf(&h)
	}
	if errors.Is(err, engine.ErrCorrupt) {
		return totals, false, nil
	}
	return totals, err == nil, err
}

// totalsOf returns what a feed has up to the commit with a head.
func totalsOf(h *format.FeedHead) feedTotals {
	return feedTotals{h.ChangesBefore + h.Changes, h.BytesBefore + h.Bytes}
}

func (r *feedReader) compare(other *feedReader) int {
	switch {
	case r.done != other.done && r.done:
		return 1
	case r.done != other.done:
		return -1
	case r.number < other.number:
		return -1
	case r.number > other.number:
		return 1
	}
	return 0
}

// next reads the next commit.
func (r *feedReader) next() error {
	var content []byte
	for part := 0; ; part++ {
		if !r.cursor.Next() {
			r.done = part == 0
			if err := r.cursor.Err(); err != nil || r.done {
				return err
			}
			return r.broken(part)
		}
		number, at, err := format.CutFeedKey(r.feed.prefix, r.cursor.Key())
		if err != nil {
			return err
		}
		if part == 0 {
			r.number = number
		}
		if number != r.number || int(at) != part {
			return r.broken(part)
		}
		stored, err := r.cursor.Value()
		if err != nil {
			return err
		}
		piece, more, err := format.ParseFeedEntry(r.cursor.Key(), stored)
		if err != nil {
			return err
		}
		content = append(content, piece...)
		if !more {
			break
		}
	}
	r.size = len(content)
	h, changes, err := readChanges(content, r.tree)
	if err != nil {
		return err
	}
	if r.lost = nil; r.known && !r.totals.lead(&h) {
		r.lost = &models.Error{Op: "watch", Tree: r.tree.Name, Err: fmt.Errorf(
			"%w: commits before commit %d are lost", session.ErrCompacted, r.number)}
	}
	r.changes, r.totals, r.known = changes, totalsOf(&h), true
	return nil
}

func (r *feedReader) broken(part int) error {
	return fmt.Errorf("%w: commit %d of the feed of %s lacks part %d", models.ErrCorrupt, r.number, r.tree.Name, part)
}

// readChanges reads the changes of a commit, which share the memory of its parts.
func readChanges(content []byte, tree *session.Tree) (h format.FeedHead, changes []session.Change, err error) {
	h, rest, err := format.CutFeedHead(content)
	if err != nil {
		return h, nil, err
	}
	for len(rest) > 0 {
		var c format.FeedChange
		if c, rest, err = format.CutFeedChange(rest); err != nil {
			return h, nil, err
		}
		changes = append(changes, session.Change{
			Tree: tree, Key: c.Key, Old: c.Old, New: c.New, Origin: session.Origin(c.Origin),
		})
	}
	if uint64(len(changes)) != h.Changes {
		return h, nil, fmt.Errorf("%w: a commit in a feed has %d changes, and says %d",
			models.ErrCorrupt, len(changes), h.Changes)
	}
	return h, changes, nil
}
