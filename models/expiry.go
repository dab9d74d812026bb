package models

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// PutUntil is Put of a row that is gone from expiry on: no read returns it
// then, and the store removes it and its index entries within seconds. Expiry is
// kept to the nanosecond as a signed 64-bit number since 1970, and so lies between
// 21 September 1677 and 11 April 2262; for any other PutUntil returns ErrInvalid.
// A row whose expiry has passed is gone at once. Modify and Upsert
// keep the expiry; putting the row again by any other method makes it last.
func (t *Tree[M, K]) PutUntil(ctx context.Context, w Writer, m *M, expiry time.Time) error {
	nanos, err := expiryOf(expiry)
	if err == nil {
		err = w.RunWrite(ctx, func(s *session.Session) error {
			return t.store(s, m, writing{expiry: nanos})
		})
	}
	if err != nil {
		return t.failModel("put", m, err)
	}
	return nil
}

// Expiry returns when the row with the primary key expires, the zero time if it
// does not, or ErrNotFound.
func (t *Tree[M, K]) Expiry(ctx context.Context, r Reader, key K) (time.Time, error) {
	return t.raw.Expiry(ctx, r, t.key.AppendLast(nil, key))
}

// SetExpiry changes when the row with the primary key expires, the zero time for
// never, or returns ErrNotFound.
func (t *Tree[M, K]) SetExpiry(ctx context.Context, w Writer, key K, expiry time.Time) error {
	return t.raw.SetExpiry(ctx, w, t.key.AppendLast(nil, key), expiry)
}

// PutUntil is Put of a row that expires, as [Tree.PutUntil].
func (r *Raw) PutUntil(ctx context.Context, w Writer, key, value []byte, expiry time.Time) error {
	nanos, err := expiryOf(expiry)
	if err != nil {
		return r.failAt("put", key, err)
	}
	return r.put(ctx, w, key, value, writing{expiry: nanos})
}

// Expiry is [Tree.Expiry].
func (r *Raw) Expiry(ctx context.Context, from Reader, key []byte) (time.Time, error) {
	s, err := from.BeginRead(ctx)
	if err != nil {
		return time.Time{}, r.failAt("expiry", key, err)
	}
	defer s.End()
	nanos, err := r.tree.expiryAt(s, key)
	if err != nil {
		return time.Time{}, r.failAt("expiry", key, err)
	}
	return timeOf(nanos), nil
}

// SetExpiry is [Tree.SetExpiry].
func (r *Raw) SetExpiry(ctx context.Context, w Writer, key []byte, expiry time.Time) error {
	var nanos int64
	var err error
	if !expiry.IsZero() {
		nanos, err = expiryOf(expiry)
	}
	if err == nil {
		err = w.RunWrite(ctx, func(s *session.Session) error { return r.tree.setExpiryAt(s, key, nanos) })
	}
	if err != nil {
		return r.failAt("set expiry", key, err)
	}
	return nil
}

// The expiry of a row, in nanoseconds, lies between these instants.
var minExpiry, maxExpiry = time.Unix(0, math.MinInt64).UTC(), time.Unix(0, math.MaxInt64).UTC()

// expiryOf returns an instant as rows have it, where zero means never.
func expiryOf(t time.Time) (int64, error) {
	if t.Before(minExpiry) || t.After(maxExpiry) {
		return 0, fmt.Errorf("%w: expiry %v is not between %v and %v", ErrInvalid, t, minExpiry, maxExpiry)
	}
	if nanos := t.UnixNano(); nanos != 0 {
		return nanos, nil
	}
	return 1, nil
}

// rowAt reads the row under the encoded primary key, live ones only. Its stored
// key is a copy.
func (t *table) rowAt(s *session.Session, primary []byte) (key []byte, row format.Row, err error) {
	place, err := t.place(s)
	if err != nil {
		return nil, row, err
	}
	key = append(append(make([]byte, 0, len(place.Space)+len(primary)), place.Space...), primary...)
	stored, err := s.Read.Get(key)
	if err != nil {
		return nil, row, err
	}
	if row, err = format.ParseRow(key, stored); err == nil && expired(row) {
		err = ErrNotFound
	}
	return key, row, err
}

func (t *table) expiryAt(s *session.Session, primary []byte) (int64, error) {
	_, row, err := t.rowAt(s, primary)
	return row.Expiry, err
}

// setExpiryAt writes the row again as it is but for its expiry. Its entries stay
// as they are.
func (t *table) setExpiryAt(s *session.Session, primary []byte, expiry int64) error {
	if err := t.mayWrite(s); err != nil {
		return err
	}
	key, row, err := t.rowAt(s, primary)
	if err != nil || row.Expiry == expiry {
		return err
	}
	place := s.Place(t.core)
	var old []byte
	if s.Follows(t.core) {
		if old, err = s.Read.Get(key); err != nil {
			return err
		}
	}
	stored, err := place.Rewrite(s, make([]byte, 0, place.RowSize(len(row.Value))), key, row, expiry)
	if err != nil {
		return err
	}
	if expiry != 0 {
		place.Expires.Store(true)
	}
	if err := moveExpiry(s, key, row.Expiry, expiry); err != nil {
		return err
	}
	stored = format.AppendChecksum(stored, key)
	if err := s.Put(key, stored); err != nil || old == nil {
		return err
	}
	s.Note(t.core, key[len(place.Space):], old, stored)
	return nil
}

// moveExpiry brings the expiry queue up to date for the row stored at key.
func moveExpiry(s *session.Session, key []byte, old, expiry int64) error {
	if old == expiry {
		return nil
	}
	if size := len(key) + format.ExpirySize; expiry != 0 && size > engine.MaxKeySize {
		return fmt.Errorf("%w: entry of %d bytes in the expiry queue, the limit is %d", ErrKeySize, size,
			engine.MaxKeySize)
	}
	if old != 0 {
		if err := s.Delete(format.AppendExpiryKey(nil, old, key)); err != nil {
			return err
		}
	}
	if expiry == 0 {
		return nil
	}
	if s.Due == 0 || expiry < s.Due {
		s.Due = expiry
	}
	entry := format.AppendExpiryKey(make([]byte, 0, len(key)+format.ExpirySize), expiry, key)
	return s.Put(entry, format.AppendChecksum(nil, entry))
}

// timeOf returns the instant that rows have as expiry, the zero time for never.
func timeOf(expiry int64) time.Time {
	if expiry == 0 {
		return time.Time{}
	}
	return time.Unix(0, expiry)
}
