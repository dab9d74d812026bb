package datastore

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/paging"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// trimPage is how many entries of a feed one transaction removes.
const trimPage = 256

// trim removes the oldest commits of feeds that have too many. An error is left to the next call: the
// feed has more than it should until then, and nothing is lost.
func (s *Store) trim(ctx context.Context, over []*feed) {
	for _, f := range over {
		if f.trimming.CompareAndSwap(false, true) {
			_ = s.trimFeed(ctx, f, f.surplus)
			f.trimming.Store(false)
		}
	}
}

// trimFeed removes commits from the beginning of a feed as long as goes says so, but never the last.
func (s *Store) trimFeed(
	ctx context.Context, f *feed, goes func(after feedTotals, h *format.FeedHead, now time.Time) bool,
) error {
	return paging.EachBesideWriters(trimPage, func(most int) (done bool, err error) {
		err = s.run(ctx, engine.Relaxed, func(ses *session.Session) error {
			s.follow.turn.Lock()
			err := f.learn(ctx, s.db)
			after := f.after
			s.follow.turn.Unlock()
			if err != nil {
				return err
			}
			var keys [][]byte
			var floor uint64
			now := time.Now()
			keys, floor, done, err = f.first(ses.Read, most, func(h *format.FeedHead) bool { return goes(after, h, now) })
			if err != nil || floor == 0 {
				return err
			}
			for _, key := range keys {
				if err := ses.Delete(key); err != nil {
					return err
				}
			}
			return ses.Put(format.FeedFloor(f.rows, floor))
		})
		s.follow.forget(f)
		return done, err
	})
}

// first returns the keys of the commits at the beginning of a feed that go, and the number of the last one that
// watches are not to have any more. That one stays, in the place of the one before it that has stayed so: it
// tells whether those behind it are all there. First returns no more than most keys, but for one commit that has
// more, and done if no others go.
func (f *feed) first(
	txn engine.ReadTxn, most int, goes func(*format.FeedHead) bool,
) (keys [][]byte, floor uint64, done bool, err error) {
	r, before, err := f.behind(txn)
	if err != nil {
		return nil, 0, true, err
	}
	r.KeysOnly = true
	c := txn.Cursor(r)
	defer c.Close()
	var commit, stays [][]byte // the one that the cursor is in, and the last one that went
	var number uint64
	for c.Next() {
		n, _, err := format.CutFeedKey(f.prefix, c.Key())
		if err != nil {
			continue // Verify reports it
		}
		if n != number && commit != nil { // there is another one behind it
			h, err := f.headOf(txn, number)
			switch {
			case number <= before, errors.Is(err, engine.ErrCorrupt): // it went before, or nobody can read it
			case err != nil:
				return nil, 0, true, err
			case !goes(&h):
				return keys, floor, true, nil
			}
			if number > before {
				floor = number
			}
			keys, stays, commit = append(keys, stays...), commit, nil
			if len(keys) >= most && floor > 0 {
				return keys, floor, false, nil
			}
		}
		number = n
		commit = append(commit, bytes.Clone(c.Key()))
	}
	return keys, floor, true, c.Err()
}

// forget has the feed read anew what it has.
func (f *follow) forget(feed *feed) {
	f.turn.Lock()
	defer f.turn.Unlock()
	feed.known = false
}
