package datastore

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

const (
	// expirePage is how many rows one transaction of the sweep removes.
	expirePage = 256
	// sweepPause is the shortest time between two sweeps: rows that expire one
	// by one are removed together.
	sweepPause = time.Second
	// sweepRetry is the pause after a sweep that failed, at first.
	sweepRetry = time.Minute
)

// Expire removes the rows that have expired, with their index entries, and
// returns how many there were. The store does so by itself soon after a row
// expires; call Expire to have it done by now. It costs what has expired, not
// what is stored, and never removes a row that has been written anew meanwhile.
// Rows of definitions the store was not opened with are left for the next time
// it is.
func (s *Store) Expire(ctx context.Context) (int, error) {
	removed := 0
	var after []byte // what cannot be removed now is passed over
	for {
		n, last, err := s.expirePage(ctx, after)
		removed += n
		if err != nil || last == nil {
			return removed, err
		}
		after = last
	}
}

// expirePage works through the next entries of the queue. It returns the last
// one it came to, or nil if no more are due.
func (s *Store) expirePage(ctx context.Context, after []byte) (removed int, last []byte, err error) {
	err = s.UpdateRelaxed(ctx, func(ctx context.Context, tx *WriteTx) error {
		removed, last = 0, nil
		due, err := s.dueEntries(tx.session.Read, after)
		if err != nil {
			return err
		}
		for _, entry := range due {
			row, err := s.expireEntry(tx.session, entry)
			if err != nil {
				return err
			}
			if row {
				removed++
			}
		}
		if len(due) == expirePage {
			last = due[len(due)-1]
		}
		return nil
	})
	return removed, last, err
}

// dueEntries returns the first keys of the queue that are due.
func (s *Store) dueEntries(txn engine.ReadTxn, after []byte) (due [][]byte, err error) {
	r := spaceRange(format.Expiry)
	r.KeysOnly = true
	if after != nil {
		r.Lower = append(after[:len(after):len(after)], 0)
	}
	c := txn.Cursor(r)
	defer c.Close()
	now := time.Now().UnixNano()
	for len(due) < expirePage && c.Next() {
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
	stored, err := ses.Read.Get(rowKey)
	if err == nil {
		row, err := format.ParseRow(rowKey, stored)
		if err != nil {
			return false, nil // left for Repair
		}
		if row.Expiry == expiry {
			core := s.spaces[space]
			if core == nil {
				return false, nil
			}
			if err := core.Remove(ses, primary); err != nil {
				return false, err
			}
			removed = true
		}
	} else if !errors.Is(err, engine.ErrNotFound) {
		return false, err
	}
	return removed, ses.Delete(entry)
}

// sweep is what the store's sweeper runs.
func (s *Store) sweep(ctx context.Context) (next time.Time, err error) {
	if _, err := s.Expire(ctx); err != nil {
		return time.Time{}, err
	}
	// What is due and still there cannot be removed now.
	return s.nextDue(ctx, format.AppendExpiryKey(nil, time.Now().UnixNano(), nil))
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
