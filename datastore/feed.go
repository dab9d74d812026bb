package datastore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// feeds is the feature of stores that keep the changes of a tree.
const feeds = "feeds"

// feedEntry says in the catalog how many changes of a tree are kept. See docs/format.md, "Feeds".
type feedEntry struct {
	Changes int64 `json:"changes,omitempty"`
	Age     int64 `json:"age,omitempty"`
	Bytes   int64 `json:"bytes,omitempty"`
}

var (
	feedCodec   = models.DagCBOR[feedEntry]()
	feedsPrefix = append(format.Catalog.Append(nil), 6)
)

// feedKey returns the key of the entry of the tree whose rows are in a space.
func feedKey(rows format.Space) []byte { return rows.Append(slices.Clone(feedsPrefix)) }

// feed is the feed of a tree. All but bounds, rows and trimming is read and changed while follow.turn
// is held.
type feed struct {
	// bounds are kept here as they were when the store was opened.
	bounds session.Feed
	// rows is the space of the tree's rows, as keys begin with it, and prefix that of the entries.
	rows, prefix []byte
	// known says that what follows has been read.
	known bool
	// before are the totals before the first commit in the feed, and after those behind the last.
	before, after feedTotals
	// oldest is the time of the first commit.
	oldest int64
	// trimming says that a transaction is about to remove what is too much.
	trimming atomic.Bool
	// told is the number of the last commit that watches were told of, while follow.mu is held.
	told uint64
}

// floor returns the number of the commit up to which the feed has no changes.
func (f *feed) floor(txn engine.ReadTxn) (uint64, error) {
	key := format.FeedFloorKey(f.rows)
	stored, err := txn.Get(key)
	if err != nil {
		return 0, err
	}
	return format.ParseNumber(key, stored)
}

type feedTotals struct{ changes, bytes uint64 }

// lead reports whether the commit with a head is the next one of a feed that has the totals. If not, commits
// between them are lost: see package badger on power losses.
func (t feedTotals) lead(h *format.FeedHead) bool {
	return t == feedTotals{h.ChangesBefore, h.BytesBefore}
}

func newFeed(bounds session.Feed, rows []byte) *feed {
	return &feed{bounds: bounds, rows: rows, prefix: format.FeedPrefix(rows)}
}

// entries is the range of the feed's entries behind a commit.
func (f *feed) entries(after uint64) engine.Range {
	r := engine.Range{Lower: format.FeedKey(f.prefix, after, 0xFFFF), Upper: format.PrefixEnd(f.prefix)}
	if after == 0 {
		r.Lower = f.prefix
	}
	return r
}

// kept is the range of all of the feed's entries. It begins behind the floor, so that an engine does not
// read past the entries that have been removed.
func (f *feed) kept(txn engine.ReadTxn) (engine.Range, error) {
	floor, err := f.floor(txn)
	if err != nil && !errors.Is(err, engine.ErrNotFound) && !errors.Is(err, engine.ErrCorrupt) {
		return engine.Range{}, err
	}
	return f.entries(floor), nil
}

// behind is the range of kept and of the commit before it, which is there to tell whether others are lost. It also
// returns the number of that commit.
func (f *feed) behind(txn engine.ReadTxn) (r engine.Range, floor uint64, err error) {
	floor, err = f.floor(txn)
	if errors.Is(err, engine.ErrNotFound) || errors.Is(err, engine.ErrCorrupt) {
		floor, err = 0, nil
	}
	return engine.Range{Lower: format.FeedKey(f.prefix, floor, 0), Upper: format.PrefixEnd(f.prefix)}, floor, err
}

// learn reads what the feed has, once.
func (f *feed) learn(ctx context.Context, db engine.DB) error {
	if f.known {
		return nil
	}
	txn, err := db.View(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	r, err := f.kept(txn)
	if err != nil {
		return err
	}
	first, _, found, err := f.head(txn, r)
	if err != nil {
		return err
	}
	r.Reverse = true
	last, _, _, err := f.head(txn, r)
	if err != nil {
		return err
	}
	if found {
		f.before = feedTotals{first.ChangesBefore, first.BytesBefore}
		f.after = totalsOf(&last)
		f.oldest = first.Time
	}
	f.known = true
	return nil
}

// head reads the head of the first commit of a range that has one. Damage to others does not matter.
func (f *feed) head(txn engine.ReadTxn, r engine.Range) (h format.FeedHead, number uint64, found bool, err error) {
	r.KeysOnly = true
	c := txn.Cursor(r)
	defer c.Close()
	for c.Next() {
		if number, _, err = format.CutFeedKey(f.prefix, c.Key()); err == nil {
			h, err = f.headOf(txn, number)
		}
		if !errors.Is(err, engine.ErrCorrupt) {
			return h, number, err == nil, err
		}
	}
	return format.FeedHead{}, 0, false, c.Err()
}

// headOf reads the head of a commit.
func (f *feed) headOf(txn engine.ReadTxn, number uint64) (h format.FeedHead, err error) {
	key := format.FeedKey(f.prefix, number, 0)
	stored, err := txn.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		err = fmt.Errorf("%w: commit %d of a feed has lost its first part", engine.ErrCorrupt, number)
	}
	if err != nil {
		return h, err
	}
	piece, _, err := format.ParseFeedEntry(key, stored)
	if err == nil {
		h, _, err = format.CutFeedHead(piece)
	}
	return h, err
}

// add writes the changes of a commit into the feed, in its transaction. It returns what the feed has
// then.
func (f *feed) add(txn engine.WriteTxn, number uint64, changes []session.Change, tree *session.Tree) (feedTotals, error) {
	h := format.FeedHead{Time: time.Now().UnixNano(), ChangesBefore: f.after.changes, BytesBefore: f.after.bytes}
	size := int64(0) // it passes what an int holds on machines of 32 bits
	for i := range changes {
		if c := inFeed(&changes[i]); changes[i].Tree == tree {
			size += int64(c.Size())
			h.Changes++
		}
	}
	if size > (format.MaxFeedParts-1)*format.FeedPart {
		return feedTotals{}, &engine.TooLargeError{
			What: "changes in a feed", Size: size, Limit: (format.MaxFeedParts - 1) * format.FeedPart, Unit: "bytes",
		}
	}
	h.Bytes = uint64(size)
	entries := format.NewFeedEntries(f.prefix, number, h, txn.Put)
	for i := range changes {
		if changes[i].Tree != tree {
			continue
		}
		if err := entries.Add(inFeed(&changes[i])); err != nil {
			return feedTotals{}, err
		}
	}
	if f.after == f.before {
		f.oldest = h.Time
	}
	return feedTotals{f.after.changes + h.Changes, f.after.bytes + h.Bytes}, nil
}

// inFeed is a change as a feed has it.
func inFeed(c *session.Change) format.FeedChange {
	return format.FeedChange{Key: c.Key, Old: c.Old, New: c.New, Origin: uint8(c.Origin)}
}

// slack is which part of a bound a feed may have more.
const slack = 8

// over reports whether the feed has so much more than its bounds that it is to be trimmed.
func (f *feed) over() bool {
	b := f.bounds
	return b.Changes > 0 && f.after.changes-f.before.changes > uint64(b.Changes+b.Changes/slack) ||
		b.Bytes > 0 && f.after.bytes-f.before.bytes > uint64(b.Bytes+b.Bytes/slack) ||
		b.Age > 0 && f.after != f.before && time.Since(time.Unix(0, f.oldest)) > b.Age+b.Age/slack
}

// surplus reports whether a commit at the beginning of the feed goes, where after is what the feed has.
func (f *feed) surplus(after feedTotals, h *format.FeedHead, now time.Time) bool {
	b := f.bounds
	return b.Changes > 0 && after.changes-h.ChangesBefore > uint64(b.Changes) ||
		b.Bytes > 0 && after.bytes-h.BytesBefore > uint64(b.Bytes) ||
		b.Age > 0 && now.Sub(time.Unix(0, h.Time)) > b.Age
}
