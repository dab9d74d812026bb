package providers

import (
	"cmp"
	"errors"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// readRow reads a row. It returns an empty one if there is none. The providers of a shard 0 are
// valid until the next one is read.
func (t *txn) readRow(hash uint64, shard uint8) (r row, err error) {
	key := models.MakePair(hash, shard)
	data, known := t.rows[key]
	if !known && shard == 0 {
		data, known, _ = t.s.cache.row(hash)
	}
	switch {
	case !known:
		r, err = rows.Get(t.ctx, t.read, key)
	case data == nil:
	case shard == 0:
		r, err = parseRow(data, t.room)
		t.room = r.Providers
	default:
		r, err = parseRow(data, nil)
	}
	if errors.Is(err, models.ErrNotFound) {
		err = nil
	}
	r.Hash, r.Shard = hash, shard
	return r, err
}

// writeRow stores a row, or deletes it if it is empty.
func (t *txn) writeRow(r *row) error {
	key := models.MakePair(r.Hash, r.Shard)
	if r.isEmpty() {
		t.rows[key] = nil
		return rows.Delete(t.ctx, t.tx, key)
	}
	data, err := rowCodec{}.Append(nil, r)
	if err != nil {
		return err
	}
	t.rows[key] = data
	return rows.Put(t.ctx, t.tx, r)
}

// change puts and deletes provider records, in their order. Refused has an error for each
// change that is left out.
func (t *txn) change(changes []Change) (refused []error, err error) {
	for len(changes) > 0 {
		n := 1
		for n < len(changes) && changes[n].Key == changes[0].Key {
			n++
		}
		left, err := t.changeKey(t.s.seed.hash([]byte(changes[0].Key)), changes[:n])
		if versioned.Unreadable(err) { // Repair mends the row if it is damaged
			left, err = append(left, err), nil
		}
		if err != nil {
			return nil, err
		}
		refused = append(refused, left...)
		changes = changes[n:]
	}
	return refused, nil
}

// changeKey is change of the records of one key.
func (t *txn) changeKey(hash uint64, changes []Change) (refused []error, err error) {
	r, err := t.readRow(hash, 0)
	if err != nil {
		return nil, err
	}
	if r.Key == nil {
		r.Key = []byte(changes[0].Key)
	}
	changed := false
	for i := range changes {
		c := &changes[i]
		did, err := false, error(nil)
		switch {
		case string(r.Key) != c.Key:
			// With 5,000,000 keys, two have the same hash in one store of a million.
			err = &FullError{Bound: "keys of this hash", Limit: 1}
		case c.Delete:
			did, err = t.deleteOne(&r, peer.ID(c.Peer))
		default:
			did, err = t.putOne(&r, peer.ID(c.Peer), c.Raw)
		}
		if full := (*FullError)(nil); errors.As(err, &full) {
			refused = append(refused, err)
		} else if err != nil {
			return nil, err
		}
		changed = changed || did
	}
	if !changed {
		return refused, nil
	}
	return refused, t.writeRow(&r)
}

// putOne puts a record into shard 0, r, or into another shard. It reports whether it changed
// anything.
func (t *txn) putOne(r *row, id peer.ID, raw string) (bool, error) {
	number, err := t.numberOf(id)
	if err != nil {
		return false, err
	}
	if number != 0 {
		if known, err := t.refresh(r, newProvider(number, raw)); known || err != nil {
			return known, err
		}
	}
	if err := t.checkBounds(r, number); err != nil {
		return false, err
	}
	if number == 0 {
		if number, err = t.addPeer(id); err != nil {
			return false, err
		}
	}
	p := newProvider(number, raw)
	if r.hasRoom(&p) {
		at, _ := r.find(number)
		r.Providers = slices.Insert(r.Providers, at, p)
	} else {
		beyond, err := t.readRow(r.Hash, shardOf(number))
		if err != nil {
			return false, err
		}
		beyond.Key = r.Key
		at, _ := beyond.find(number)
		beyond.Providers = slices.Insert(beyond.Providers, at, p)
		if err := t.writeRow(&beyond); err != nil {
			return false, err
		}
		r.Beyond++
	}
	t.count(r, &p, len(id), 1)
	return true, nil
}

// refresh replaces a record that is already there. It reports whether there was one.
func (t *txn) refresh(r *row, p provider) (known bool, err error) {
	if at, ok := r.find(p.Peer); ok {
		t.replaced(r, &r.Providers[at], &p)
		r.Providers[at] = p
		return true, nil
	}
	if r.Beyond == 0 {
		return false, nil
	}
	beyond, err := t.readRow(r.Hash, shardOf(p.Peer))
	if err != nil {
		return false, err
	}
	at, ok := beyond.find(p.Peer)
	if !ok {
		return false, nil
	}
	t.replaced(r, &beyond.Providers[at], &p)
	beyond.Providers[at] = p
	return true, t.writeRow(&beyond)
}

// replaced counts the replacement of one record by another.
func (t *txn) replaced(r *row, old, p *provider) {
	t.usage.Bytes += int64(p.size() - old.size())
	if before, now := old.minute(), p.minute(); before != now {
		t.arrived.add(uint32(before), r.Hash, -1)
		t.arrived.add(uint32(now), r.Hash, 1)
	}
}

// deleteOne deletes a record from shard 0, r, or from another shard. It reports whether there
// was one.
func (t *txn) deleteOne(r *row, id peer.ID) (bool, error) {
	number, err := t.numberOf(id)
	if err != nil || number == 0 {
		return false, err
	}
	others := func(p *provider) bool { return p.Peer != number }
	if n, _, err := t.editRow(r, others); n > 0 || err != nil || r.Beyond == 0 {
		return n > 0, err
	}
	beyond, err := t.readRow(r.Hash, shardOf(number))
	if err != nil {
		return false, err
	}
	n, _, err := t.editRow(&beyond, others)
	if n == 0 || err != nil {
		return false, err
	}
	r.Beyond -= min(r.Beyond, uint64(n))
	return true, t.writeRow(&beyond)
}

// edit calls change with every record of a key. Change may set the record's time, and reports
// whether to keep the record. Edit returns how many records were changed or deleted.
func (t *txn) edit(hash uint64, change func(*provider) (keep bool)) (int, error) {
	r, err := t.readRow(hash, 0)
	if err != nil {
		return 0, err
	}
	n, _, err := t.editRow(&r, change)
	if err != nil {
		return 0, err
	}
	var damage error
	for shard := 1; r.Beyond > 0 && shard <= shards; shard++ {
		beyond, err := t.readRow(hash, uint8(shard))
		if versioned.Unreadable(err) {
			damage = err
			continue
		}
		if err != nil {
			return 0, err
		}
		changed, gone, err := t.editRow(&beyond, change)
		if err != nil {
			return 0, err
		}
		if changed == 0 {
			continue
		}
		if err := t.writeRow(&beyond); err != nil {
			return 0, err
		}
		r.Beyond -= min(r.Beyond, uint64(gone))
		n += changed
	}
	if n > 0 {
		err = t.writeRow(&r)
	}
	return n, cmp.Or(err, damage)
}

// editRow is edit of the one row r, which the caller writes.
func (t *txn) editRow(r *row, change func(*provider) (keep bool)) (changed, gone int, err error) {
	kept := r.Providers[:0]
	for _, p := range r.Providers {
		before := p
		keep := change(&p)
		switch {
		case !keep:
			id, err := t.idOf(&before)
			if err != nil {
				return 0, 0, err
			}
			t.count(r, &before, len(id), -1)
			gone++
		case p.Nanos != before.Nanos:
			t.replaced(r, &before, &p)
			changed++
		}
		if keep {
			kept = append(kept, p)
		}
	}
	r.Providers = kept
	return changed + gone, gone, nil
}

// count counts a record that was added, with sign 1, or removed, with sign -1.
func (t *txn) count(r *row, p *provider, idSize, sign int) {
	t.usage.Rows += int64(sign)
	t.usage.Bytes += int64(sign * (len(r.Key) + idSize + p.size()))
	t.keys[p.Peer] += sign
	t.shares.add(uint32(p.Peer), r.Hash, sign)
	t.arrived.add(uint32(p.minute()), r.Hash, sign)
}
