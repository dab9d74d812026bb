package providers

import (
	"context"
	"errors"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// Repair is Check, and rebuilds all references if any are wrong. It also corrects the usage,
// and counts its repairs in the report.
func (s *Store) Repair(ctx context.Context, report *datastore.Report) error {
	before := report.Left()
	wrong, err := s.check(ctx, report)
	if err != nil {
		return err
	}
	if wrong != (Usage{}) {
		if err := s.update(ctx, func(t *txn) error { t.usage = wrong; return nil }); err != nil {
			return err
		}
	}
	damage := report.Left() - before
	if damage == 0 {
		return nil
	}
	if err := s.makeRefs(ctx); err != nil {
		return err
	}
	report.Repaired += damage
	return nil
}

// updateRefs is update with the log empty, so that fn can change references directly.
func (s *Store) updateRefs(ctx context.Context, fn func(*txn) error) error {
	for {
		if err := s.File(ctx); err != nil {
			return err
		}
		err := s.update(ctx, func(t *txn) error {
			if !s.log.isEmpty() {
				return errBusy
			}
			t.direct = true
			return fn(t)
		})
		if !errors.Is(err, errBusy) {
			return err
		}
	}
}

// makeRefs rebuilds all references. A record that is put meanwhile gets its own.
func (s *Store) makeRefs(ctx context.Context) error {
	if err := errors.Join(shares.Clear(ctx, s.store), arrivals.Clear(ctx, s.store)); err != nil {
		return err
	}
	for key, err := range rows.Keys(ctx, s.store, models.Range[rowKey]{}) {
		if err != nil {
			return err
		}
		if key.Second != 0 {
			continue // the key is done
		}
		for from, most := 0, atOnce; from >= 0; {
			next := 0
			err := s.updateRefs(ctx, func(t *txn) (err error) {
				next, err = t.makeRefs(key.First, from, most)
				return err
			})
			switch {
			case errors.Is(err, models.ErrTooLarge) && most > 1:
				most /= 2
			case err != nil:
				return err
			default:
				from = next
			}
		}
	}
	return s.dropIdlePeers(ctx)
}

// wholeRow reads all records of a key, in no particular order.
func (t *txn) wholeRow(hash uint64) (row, error) {
	r, err := t.readRow(hash, 0)
	for shard := 1; err == nil && r.Beyond > 0 && shard <= shards; shard++ {
		var beyond row
		beyond, err = t.readRow(hash, uint8(shard))
		r.Providers = append(r.Providers, beyond.Providers...)
	}
	return r, err
}

// makeRefs makes the references for the records of a key, beginning with one of them. It
// returns the record to continue with, -1 at the end. It deletes records of unknown peers. If
// another seed has hashed the key, so that nobody could find its records, it moves them to the
// right row.
func (t *txn) makeRefs(hash uint64, from, most int) (next int, err error) {
	r, err := t.wholeRow(hash)
	if err != nil {
		return 0, err
	}
	lost := t.s.seed.hash(r.Key) != hash
	at, gone := map[uint32]int{}, map[peerNumber]bool{}
	var moved []Change
	for i := range r.Providers {
		p := &r.Providers[i]
		at[uint32(p.minute())]++
		if i < from || i >= from+most {
			continue
		}
		id, err := t.idOf(p)
		if err != nil {
			return 0, err
		}
		if err := t.setRef(shares, &t.shares, uint32(p.Peer), hash, 1); err != nil {
			return 0, err
		}
		if lost || id == "" {
			gone[p.Peer] = true
		}
		if lost && id != "" {
			moved = append(moved, Change{Key: string(r.Key), Peer: string(id), Raw: string(p.appendRaw(nil))})
		}
	}
	for minute, n := range at {
		if err := t.setRef(arrivals, &t.arrived, minute, hash, n); err != nil {
			return 0, err
		}
	}
	if next = from + most - len(gone); next >= len(r.Providers)-len(gone) {
		next = -1
	}
	if _, err = t.edit(hash, func(p *provider) bool { return !gone[p.Peer] }); err == nil && len(moved) > 0 {
		_, err = t.changeKey(t.s.seed.hash(r.Key), moved)
	}
	return next, err
}

// setRef sets how many times a reference is there.
func (t *txn) setRef(tree *refTree, changes *refChanges, group uint32, ref uint64, n int) error {
	had, err := t.timesRef(tree, group, ref)
	changes.add(group, ref, n-had)
	return err
}

// dropIdlePeers drops the peers that provide nothing.
func (s *Store) dropIdlePeers(ctx context.Context) error {
	for n, err := range peers.Keys(ctx, s.store, models.Range[peerNumber]{}) {
		if err != nil {
			return err
		}
		keys, err := countRefs(ctx, s.store, shares, uint32(n))
		if err == nil && keys == 0 {
			err = s.updateRefs(ctx, func(t *txn) error {
				left, err := countRefs(ctx, t.tx, shares, uint32(n))
				if err == nil && left == 0 {
					err = t.dropPeer(n)
				}
				return err
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
