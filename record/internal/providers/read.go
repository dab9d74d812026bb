package providers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// isStore reports whether from is the store itself, whose state the cache has.
func (s *Store) isStore(from models.Reader) bool { return from == models.Reader(s.store) }

// rowOf reads the providers of a key's hash, from all shards, in one snapshot. It uses the
// memory of room as far as that is large enough. The caller must not change key.
func (s *Store) rowOf(ctx context.Context, from models.Reader, hash uint64, room []provider) (r row, err error) {
	var data []byte
	var known bool
	var epoch uint64
	if s.isStore(from) {
		data, known, epoch = s.cache.row(hash)
	}
	key := models.MakePair(hash, uint8(0))
	if !known {
		if data, known, err = rows.Raw().Find(ctx, from, rows.EncodeKey(key)); err != nil || !known {
			return r, err
		}
		if data, err = versioned.Cut(data); err != nil {
			return r, rowError(key, err)
		}
		if s.isStore(from) {
			s.cache.readRow(epoch, hash, data)
		}
	}
	if r, err = parseRow(data, room); err != nil {
		return r, rowError(key, err)
	}
	if r.Hash = hash; r.Beyond == 0 {
		return r, nil
	}
	return s.allShards(ctx, from, hash)
}

// rowError names the row whose stored value is not one that this version writes.
func rowError(key rowKey, err error) error {
	if !errors.Is(err, models.ErrVersion) {
		err = fmt.Errorf("%w: value does not decode: %w", models.ErrCorrupt, err)
	}
	return &models.Error{Op: "get", Tree: rows.Name(), Key: rows.FormatKey(key), Err: err}
}

// allShards is rowOf for a key with other shards than shard 0.
func (s *Store) allShards(ctx context.Context, from models.Reader, hash uint64) (r row, err error) {
	err = s.snapshot(ctx, from, func(tx models.Reader) error {
		r = row{Hash: hash}
		for shard, err := range rows.Range(ctx, tx, models.FirstIs(rows, hash)) {
			if err != nil {
				return err
			}
			r.Key, r.Beyond = shard.Key, r.Beyond+shard.Beyond
			r.Providers = append(r.Providers, shard.Providers...)
		}
		return nil
	})
	return r, err
}

// snapshot calls fn with one snapshot: the transaction's, or a new one if from is the store.
func (s *Store) snapshot(ctx context.Context, from models.Reader, fn func(models.Reader) error) error {
	if !s.isStore(from) {
		return fn(from)
	}
	return s.store.View(ctx, func(_ context.Context, tx *datastore.ReadTx) error { return fn(tx) })
}

// Of returns the provider records of a key in from, changed by the pending changes of a
// transaction that has not applied them yet. It uses the memory of room as far as that is large
// enough. The result belongs to the caller.
func (s *Store) Of(
	ctx context.Context, from models.Reader, key []byte, pending []Change, room []Record,
) ([]Record, error) {
	var few [16]provider
	r, err := s.rowOf(ctx, from, s.seed.hash(key), few[:0])
	if err != nil {
		return nil, err
	}
	found := room[:0]
	if bytes.Equal(r.Key, key) { // another key may have the same hash
		if found, err = s.records(ctx, from, &r, key, found); err != nil {
			return nil, err
		}
	}
	return s.overlay(found, string(key), pending), nil
}

// records appends the records of a row, with key as their Key.
func (s *Store) records(ctx context.Context, from models.Reader, r *row, key []byte, found []Record) ([]Record, error) {
	var few [16]peer.ID
	ids, err := s.idsOf(ctx, from, r.Providers, few[:0])
	if err != nil {
		return nil, err
	}
	found = slices.Grow(found, len(ids))
	raws := make([]byte, 0, 10*len(ids))
	for i, id := range ids {
		if id == "" {
			continue // it has been removed meanwhile
		}
		p, start := &r.Providers[i], len(raws)
		raws = p.appendRaw(raws)
		found = append(found, Record{key, id, p.received(), raws[start:len(raws):len(raws)]})
	}
	return found, nil
}

// overlay applies the pending changes of a key to found.
func (s *Store) overlay(found []Record, key string, pending []Change) []Record {
	for i := range pending {
		c := &pending[i]
		if c.Key != key {
			continue
		}
		at := slices.IndexFunc(found, func(r Record) bool { return r.Peer == peer.ID(c.Peer) })
		switch {
		case c.Delete && at >= 0:
			found = slices.Delete(found, at, at+1)
		case c.Delete, at < 0 && s.opts.MaxPerKey >= 0 && len(found) >= s.opts.MaxPerKey:
		default:
			r := Record{[]byte(key), peer.ID(c.Peer), c.Received(), []byte(c.Raw)}
			if at >= 0 {
				found[at] = r
			} else {
				found = append(found, r)
			}
		}
	}
	return found
}

// All yields every provider record in from, changed by the pending changes.
func (s *Store) All(ctx context.Context, from models.Reader, pending []Change) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		changed := map[string]bool{}
		for i := range pending {
			changed[pending[i].Key] = true
		}
		for r, err := range rows.All(ctx, from) {
			var found []Record
			if err == nil && !changed[string(r.Key)] {
				found, err = s.records(ctx, from, &r, r.Key, nil)
			}
			if !yieldAll(yield, found, err) {
				return
			}
		}
		for key := range changed {
			found, err := s.Of(ctx, from, []byte(key), pending, nil)
			if !yieldAll(yield, found, err) {
				return
			}
		}
	}
}

// yieldAll yields records, or an error, and reports whether to go on.
func yieldAll(yield func(Record, error) bool, found []Record, err error) bool {
	if err != nil {
		yield(Record{}, err)
		return false
	}
	for _, r := range found {
		if !yield(r, nil) {
			return false
		}
	}
	return true
}

// By yields the provider records of a peer, in no particular order.
func (s *Store) By(ctx context.Context, p peer.ID) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		err := s.fileForReader(ctx)
		var number peerNumber
		if err == nil {
			number, err = s.numberOf(ctx, s.store, p)
		}
		if err != nil {
			yield(Record{}, err)
			return
		}
		for ref, err := range refsIn(ctx, s.store, shares, models.FirstIs(shares, uint32(number))) {
			var r row
			if err == nil {
				r, err = s.rowOf(ctx, s.store, ref.hash, nil)
			}
			if err != nil {
				yield(Record{}, err)
				return
			}
			for i := range r.Providers {
				if o := &r.Providers[i]; o.Peer == number && !yield(o.record(bytes.Clone(r.Key), p), nil) {
					return
				}
			}
		}
	}
}

// CountBy returns how many keys a peer provides. It reads one or two rows.
func (s *Store) CountBy(ctx context.Context, p peer.ID) (int, error) {
	if err := s.fileForReader(ctx); err != nil {
		return 0, err
	}
	number, err := s.numberOf(ctx, s.store, p)
	if err != nil || number == 0 {
		return 0, err
	}
	return countRefs(ctx, s.store, shares, uint32(number))
}

// Received yields the provider records that came at or after from and before to, by the minute
// in which they came. A zero time leaves that end open. Records without a time count as older
// than all others.
func (s *Store) Received(ctx context.Context, from, before time.Time) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if err := s.fileForReader(ctx); err != nil {
			yield(Record{}, err)
			return
		}
		for f, err := range s.received(ctx, s.store, minutesBetween(from, before)) {
			if err == nil && (f.Received.Before(from) || !before.IsZero() && !f.Received.Before(before)) {
				continue
			}
			if !yield(f.Record, err) || err != nil {
				return
			}
		}
	}
}

// storedRecord is a provider record and its place.
type storedRecord struct {
	Record
	hash   uint64
	number peerNumber
}

// received yields the provider records that came in a range of minutes. It goes on after the
// error of a row that cannot be read.
func (s *Store) received(
	ctx context.Context, from models.Reader, minutes models.Range[refKey],
) iter.Seq2[storedRecord, error] {
	return func(yield func(storedRecord, error) bool) {
		for ref, err := range refsIn(ctx, from, arrivals, minutes) {
			var r row
			if err == nil {
				r, err = s.rowOf(ctx, from, ref.hash, nil)
			}
			if err != nil {
				if !yield(storedRecord{}, err) {
					return
				}
				continue
			}
			for i := range r.Providers {
				p := &r.Providers[i]
				if p.minute() != minute(ref.group) {
					continue
				}
				id, err := s.idOf(ctx, from, p)
				if err == nil && id == "" {
					continue // it has been removed meanwhile
				}
				if !yield(storedRecord{p.record(bytes.Clone(r.Key), id), r.Hash, p.Peer}, err) || err != nil {
					return
				}
			}
		}
	}
}

// minutesBetween returns the range of arrivals that has every record that came at or after from
// and before to. If from is the zero time, the range also has the records without a time.
func minutesBetween(from, before time.Time) models.Range[refKey] {
	rng := models.From(models.MakePair(uint32(minuteOf(from)), uint32(0)))
	if !before.IsZero() {
		rng = rng.Before(models.MakePair(uint32(minuteOf(before))+1, uint32(0)))
	}
	return rng
}

// fileForReader files the references in the log, for a reader that needs them. Within an Update
// of the store, and in a store opened read-only, it cannot do so: the reader then sees the
// references that were filed before.
func (s *Store) fileForReader(ctx context.Context) error {
	err := s.File(ctx)
	if errors.Is(err, models.ErrNested) || errors.Is(err, models.ErrReadOnly) {
		return nil
	}
	return err
}
