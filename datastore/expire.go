package datastore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/paging"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

const (
	// expirePage is how many rows one transaction of the sweep removes at most.
	expirePage = 256
	// sweepPause is the shortest time between two sweeps: rows that expire one
	// by one are removed together.
	sweepPause = time.Second
	// sweepRetry is the pause after a sweep that failed, at first.
	sweepRetry = time.Minute
	// queueLook is how many entries of the expiry queue opening looks at.
	queueLook = 1000
)

// Expire removes the rows that have expired, with their index entries, and
// returns how many there were. The store does so by itself soon after a row
// expires; call Expire to have it done by now. Its cost grows with the number
// of expired rows, not of stored ones, and it never removes a row that has been
// written anew meanwhile.
//
// Rows of definitions that the store was not opened with stay until it is opened
// with them, rows that do not decode stay for Repair, and rows that a newer version
// has written stay for that. A row that is too
// large to be removed in a transaction of the engine, as configured now, stays
// as well: all others are removed, and then Expire returns models.ErrTooLarge.
// If there is an error, the number returned is still the number of removed rows.
//
// Expire also drops the tombstones that have reached their age: see models.WithTombstones. They do not
// count.
func (s *Store) Expire(ctx context.Context) (removed int, err error) {
	if err := s.checkNested(ctx); err != nil {
		return 0, err
	}
	var after []byte // what cannot be removed now is passed over
	var left error
	err = paging.EachBesideWriters(expirePage, func(most int) (done bool, err error) {
		n, last, err := s.expirePage(ctx, after, most)
		if errors.Is(err, engine.ErrTooLarge) && most == 1 {
			left, err = cmp.Or(left, err), nil
		}
		if err != nil {
			return false, err
		}
		removed += n
		after = last
		return last == nil, nil
	})
	return removed, cmp.Or(err, s.dropTombstones(ctx), left)
}

// expirePage works through the next entries of the queue, as many as most, in one
// transaction. It returns the last one it came to, also where that could not be
// removed, or nil if no more are due.
func (s *Store) expirePage(ctx context.Context, after []byte, most int) (removed int, last []byte, err error) {
	err = s.run(ctx, engine.Relaxed, func(ses *session.Session) error {
		removed, last = 0, nil
		ses.Origin = session.Expired
		due, err := dueEntries(ses.Read, after, most)
		if err != nil {
			return err
		}
		if len(due) == most {
			last = due[len(due)-1]
		}
		for _, entry := range due {
			row, err := s.expireEntry(ses, entry)
			if err != nil {
				return err
			}
			if row {
				removed++
			}
		}
		return nil
	})
	if err != nil {
		removed = 0
	}
	return removed, last, err
}

// dueEntries returns the first keys of the queue that are due, as many as most.
func dueEntries(txn engine.ReadTxn, after []byte, most int) (due [][]byte, err error) {
	r := spaceRange(format.Expiry)
	r.KeysOnly = true
	if after != nil {
		r.Lower = append(after[:len(after):len(after)], 0)
	}
	c := txn.Cursor(r)
	defer c.Close()
	now := time.Now().UnixNano()
	for len(due) < most && c.Next() {
		expiry, _, ok := format.CutExpiryKey(c.Key())
		if ok && expiry > now {
			break
		}
		due = append(due, bytes.Clone(c.Key()))
	}
	return due, c.Err()
}

// expireEntry removes one entry of the queue, and its row unless that has
// another expiry by now.
func (s *Store) expireEntry(ses *session.Session, entry []byte) (removed bool, err error) {
	expiry, rowKey, ok := format.CutExpiryKey(entry)
	if !ok {
		return false, nil // Verify reports it
	}
	space, primary, err := format.CutSpace(rowKey)
	if err != nil {
		return false, nil
	}
	core := s.spaces[space]
	if core == nil {
		return false, nil // another program or a newer version knows
	}
	row, found, err := readRow(ses.Read, rowKey)
	switch {
	case unreadable(err):
		return false, nil // left for Repair, or for a newer version
	case err != nil:
		return false, err
	case found && row.Expiry == expiry:
		err := core.Remove(ses, primary)
		if unreadable(err) && ses.Failure() == nil {
			return false, nil // it does not decode: left, too
		}
		if err != nil {
			return false, err
		}
		removed = true
	}
	return removed, ses.Delete(entry)
}

// readRow reads the row stored at key, which is borrowed.
func readRow(txn engine.ReadTxn, key []byte) (row format.Row, found bool, err error) {
	stored, err := txn.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return row, false, nil
	}
	if err != nil {
		return row, false, err
	}
	row, err = format.ParseRow(key, stored)
	return row, true, err
}

// sweep is what the store's sweeper runs.
func (s *Store) sweep(ctx context.Context) (next time.Time, err error) {
	_, err = s.Expire(ctx)
	// Rows that are due and still there cannot be removed now.
	now := time.Now()
	next, dueErr := s.nextDue(ctx, format.AppendExpiryKey(nil, now.UnixNano(), nil))
	due, tombErr := s.nextTombstone(ctx, now)
	return earlier(next, due), errors.Join(err, dueErr, tombErr)
}

// startExpiry has the sweeper run when the first row expires, and tells the trees
// that have rows in the queue. It looks at the beginning of the queue: if that is
// longer, any tree may have some.
func (s *Store) startExpiry(ctx context.Context) error {
	txn, err := s.db.View(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	r := spaceRange(format.Expiry)
	r.KeysOnly = true
	c := txn.Cursor(r)
	defer c.Close()
	var first time.Time
	for n := 0; c.Next(); n++ {
		if n == queueLook {
			for _, place := range s.places {
				place.Expires.Store(true)
			}
			break
		}
		expiry, rowKey, ok := format.CutExpiryKey(c.Key())
		if ok && first.IsZero() {
			first = time.Unix(0, expiry)
		}
		if space, _, err := format.CutSpace(rowKey); err == nil && s.spaces[space] != nil {
			s.places[s.spaces[space]].Expires.Store(true)
		}
	}
	if err := c.Err(); err != nil {
		return err
	}
	s.sweeper.Arm(first)
	due, err := s.nextTombstone(ctx, time.Unix(0, 0))
	s.sweeper.Arm(due)
	return err
}

// nextDue returns when the first entry of the queue from lower on is due, the zero
// time if there is none.
func (s *Store) nextDue(ctx context.Context, lower []byte) (time.Time, error) {
	txn, err := s.db.View(ctx)
	if err != nil {
		return time.Time{}, err
	}
	defer txn.Discard()
	r := spaceRange(format.Expiry)
	r.Lower, r.KeysOnly = lower, true
	c := txn.Cursor(r)
	defer c.Close()
	for c.Next() {
		if expiry, _, ok := format.CutExpiryKey(c.Key()); ok {
			return time.Unix(0, expiry), nil
		}
	}
	return time.Time{}, c.Err()
}
