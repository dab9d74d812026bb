package datastore

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

const (
	// expirePage is how many rows one transaction of the sweep removes.
	expirePage = 256
	// sweepPause is the shortest time between two sweeps: rows that expire one
	// by one are removed together.
	sweepPause = time.Second
	// sweepRetry is the pause after a sweep that failed.
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

// sweeper calls Expire when something is due. Until the first row with an expiry
// is written it has no timer, and it never has a goroutine but while it works.
type sweeper struct {
	store *Store

	mu    sync.Mutex
	timer *time.Timer
	// due is when the timer fires, as unix time in nanoseconds.
	due     int64
	cancel  context.CancelFunc
	running sync.WaitGroup
	closed  bool
}

// start arms the sweeper for what is in the queue already.
func (w *sweeper) start(ctx context.Context) error {
	return w.armFrom(ctx, spaceRange(format.Expiry).Lower)
}

// arm has the sweep run once due has come, or a little later.
func (w *sweeper) arm(due int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.timer != nil && w.due <= due {
		return
	}
	if w.timer != nil {
		w.timer.Stop()
	}
	w.due = due
	w.timer = time.AfterFunc(max(time.Until(time.Unix(0, due)), sweepPause), w.sweep)
}

func (w *sweeper) sweep() {
	w.mu.Lock()
	w.timer = nil
	if w.closed {
		w.mu.Unlock()
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	w.running.Add(1)
	w.mu.Unlock()
	defer w.running.Done()
	defer cancel()

	_, err := w.store.Expire(ctx)
	if err == nil {
		// What is due and still there cannot be removed now.
		err = w.armFrom(ctx, format.AppendExpiryKey(nil, time.Now().UnixNano(), nil))
	}
	if err != nil && !errors.Is(err, models.ErrClosed) {
		w.arm(time.Now().Add(sweepRetry).UnixNano())
	}
}

// armFrom arms the sweeper for the first entry of the queue from lower on.
func (w *sweeper) armFrom(ctx context.Context, lower []byte) error {
	txn, err := w.store.db.View(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	r := spaceRange(format.Expiry)
	r.Lower, r.KeysOnly = lower, true
	c := txn.Cursor(r)
	defer c.Close()
	if c.Next() {
		if expiry, _, ok := format.CutExpiryKey(c.Key()); ok {
			w.arm(expiry)
		}
	}
	return c.Err()
}

// close stops the sweeper and waits for a sweep that is under way.
func (w *sweeper) close() {
	w.mu.Lock()
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
	if w.cancel != nil {
		w.cancel()
	}
	w.mu.Unlock()
	w.running.Wait()
}
