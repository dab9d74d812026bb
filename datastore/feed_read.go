package datastore

import (
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
		if err := r.next(); err != nil {
			return nil, 0, err
		}
	}
	for size, n := 0, 0; n < feedPageCommits && size < feedPageBytes; n++ {
		first := slices.MinFunc(readers, (*feedReader).compare)
		if first.done || first.number > told {
			return commits, max(told, w.at), nil
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
	var err error
	r.changes, err = readChanges(content, r.tree)
	return err
}

func (r *feedReader) broken(part int) error {
	return fmt.Errorf("%w: commit %d of the feed of %s lacks part %d", models.ErrCorrupt, r.number, r.tree.Name, part)
}

// readChanges reads the changes of a commit, which share the memory of its parts.
func readChanges(content []byte, tree *session.Tree) ([]session.Change, error) {
	h, rest, err := format.CutFeedHead(content)
	if err != nil {
		return nil, err
	}
	var changes []session.Change
	for len(rest) > 0 {
		var c format.FeedChange
		if c, rest, err = format.CutFeedChange(rest); err != nil {
			return nil, err
		}
		changes = append(changes, session.Change{
			Tree: tree, Key: c.Key, Old: c.Old, New: c.New, Origin: session.Origin(c.Origin),
		})
	}
	if uint64(len(changes)) != h.Changes {
		return nil, fmt.Errorf("%w: a commit in a feed has %d changes, and says %d", models.ErrCorrupt, len(changes), h.Changes)
	}
	return changes, nil
}
