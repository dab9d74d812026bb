package record

import (
	"bytes"
	"context"
	"errors"
	"slices"

	ds "github.com/ipfs/go-datastore"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
)

// readSet reads a row of provider records, an empty one where there is none.
func (l *ledger) readSet(key ProviderKey) (s ProviderSet, err error) {
	if err := l.own(); err != nil {
		return s, err
	}
	if row, ok := l.rows[key.First]; ok && key.Second == 0 {
		if row != nil {
			s, err = parseSet(bytes.Clone(row), nil)
		}
	} else if row, ok := l.cached(key); ok {
		s, err = parseSet(row, nil)
	} else {
		s, err = Providers.Get(l.ctx, l.tx, key)
	}
	if errors.Is(err, models.ErrNotFound) {
		err = nil
	}
	s.Hash, s.Shard = key.First, key.Second
	return s, err
}

// cached returns a row that is known in memory. That a transaction which others
// can run beside may not use: it has to have read what it changes.
func (l *ledger) cached(key ProviderKey) ([]byte, bool) {
	if l.shared || key.Second != 0 {
		return nil, false
	}
	return l.records.cache.get(key.First)
}

// wholeSet reads all offers of a key, in no order.
func (l *ledger) wholeSet(hash uint64) (ProviderSet, error) {
	s, err := l.readSet(models.MakePair(hash, uint8(0)))
	if err != nil || s.Beyond == 0 {
		return s, err
	}
	for shard := 1; shard <= shards; shard++ {
		beyond, err := l.readSet(models.MakePair(hash, uint8(shard)))
		if err != nil {
			return s, err
		}
		s.Offers = append(s.Offers, beyond.Offers...)
	}
	return s, nil
}

// writeSet stores a row of provider records, or deletes it if it is empty.
func (l *ledger) writeSet(s *ProviderSet) error {
	if s.isEmpty() {
		l.wrote(s, nil)
		return Providers.Delete(l.ctx, l.tx, models.MakePair(s.Hash, s.Shard))
	}
	row, err := providerCodec{}.Append(nil, s)
	if err != nil {
		return err
	}
	l.wrote(s, row)
	return Providers.Put(l.ctx, l.tx, s)
}

// wrote notes what becomes of shard 0 of a key.
func (l *ledger) wrote(s *ProviderSet, row []byte) {
	if s.Shard == 0 {
		l.rows[s.Hash] = row
	}
}

// changeProviders puts and deletes offers of the key with a hash. Those that a
// bound does not allow are left out, and refused has an error for each.
func (l *ledger) changeProviders(hash uint64, changes []OfferChange) (refused []error, err error) {
	s, err := l.readSet(models.MakePair(hash, uint8(0)))
	if err != nil {
		return nil, err
	}
	if s.Key == nil {
		s.Key = []byte(changes[0].Key)
	}
	changed := false
	for i := range changes {
		c := &changes[i]
		did, err := false, error(nil)
		switch {
		case string(s.Key) != c.Key:
			// Of 5,000,000 keys no two have one hash, but in one store of a million.
			err = failAt("put", Providers.Raw(), Providers.EncodeKey(models.MakePair(s.Hash, s.Shard)),
				&BoundError{Bound: "keys of this hash", Limit: 1})
		case c.Delete:
			did, err = l.deleteOffer(&s, peer.ID(c.Peer))
		default:
			did, err = l.putOffer(&s, peer.ID(c.Peer), c.Raw)
		}
		if isRefusal(err) {
			refused = append(refused, err)
		} else if err != nil {
			return nil, err
		}
		changed = changed || did
	}
	if !changed {
		return refused, nil
	}
	return refused, l.writeSet(&s)
}

// putOffer puts an offer into the shard 0 that is being edited, or beyond it, and
// tells whether it did.
func (l *ledger) putOffer(s *ProviderSet, id peer.ID, raw string) (bool, error) {
	number, err := l.numberOf(id)
	if err != nil {
		return false, err
	}
	if number != 0 {
		if known, err := l.refresh(s, fileOffer(number, raw)); known || err != nil {
			return known, err
		}
	}
	if err := l.checkBounds(s, number); err != nil {
		return false, failAt("put", Providers.Raw(), Providers.EncodeKey(models.MakePair(s.Hash, s.Shard)), err)
	}
	if number == 0 {
		if number, err = l.addPeer(id); err != nil {
			return false, err
		}
	}
	o := fileOffer(number, raw)
	if s.hasRoom(&o) {
		at, _ := s.find(number)
		s.Offers = slices.Insert(s.Offers, at, o)
	} else {
		beyond, err := l.readSet(models.MakePair(s.Hash, shardOf(number)))
		if err != nil {
			return false, err
		}
		beyond.Key = s.Key
		at, _ := beyond.find(number)
		beyond.Offers = slices.Insert(beyond.Offers, at, o)
		if err := l.writeSet(&beyond); err != nil {
			return false, err
		}
		s.Beyond++
	}
	l.countOffer(s, &o, len(id), 1)
	return true, nil
}

// refresh puts an offer in place of the one that is there, and tells whether there
// was one.
func (l *ledger) refresh(s *ProviderSet, o FiledOffer) (known bool, err error) {
	if at, ok := s.find(o.Peer); ok {
		l.replaced(s, &s.Offers[at], &o)
		s.Offers[at] = o
		return true, nil
	}
	if s.Beyond == 0 {
		return false, nil
	}
	beyond, err := l.readSet(models.MakePair(s.Hash, shardOf(o.Peer)))
	if err != nil {
		return false, err
	}
	at, ok := beyond.find(o.Peer)
	if !ok {
		return false, nil
	}
	l.replaced(s, &beyond.Offers[at], &o)
	beyond.Offers[at] = o
	return true, l.writeSet(&beyond)
}

// replaced counts an offer that another takes the place of.
func (l *ledger) replaced(s *ProviderSet, old, o *FiledOffer) {
	l.providers.add(0, o.size()-old.size())
	if before, now := old.minute(), o.minute(); before != now {
		l.arrived.add(uint32(before), s.Hash, -1)
		l.arrived.add(uint32(now), s.Hash, 1)
	}
}

// deleteOffer deletes an offer from the shard 0 that is being edited, or from
// beyond it, and tells whether there was one.
func (l *ledger) deleteOffer(s *ProviderSet, id peer.ID) (bool, error) {
	number, err := l.numberOf(id)
	if err != nil || number == 0 {
		return false, err
	}
	is := func(o *FiledOffer) bool { return o.Peer == number }
	if n, err := l.removeOffers(s, is); n > 0 || err != nil || s.Beyond == 0 {
		return n > 0, err
	}
	beyond, err := l.readSet(models.MakePair(s.Hash, shardOf(number)))
	if err != nil {
		return false, err
	}
	n, err := l.removeOffers(&beyond, is)
	if n == 0 || err != nil {
		return false, err
	}
	s.Beyond -= min(s.Beyond, uint64(n))
	return true, l.writeSet(&beyond)
}

// deleteOffers deletes the offers of a key that which selects, and returns how
// many there were.
func (l *ledger) deleteOffers(hash uint64, which func(*FiledOffer) bool) (int, error) {
	s, err := l.readSet(models.MakePair(hash, uint8(0)))
	if err != nil {
		return 0, err
	}
	n, err := l.removeOffers(&s, which)
	if err != nil {
		return 0, err
	}
	for shard := 1; s.Beyond > 0 && shard <= shards; shard++ {
		beyond, err := l.readSet(models.MakePair(hash, uint8(shard)))
		if err != nil {
			return 0, err
		}
		gone, err := l.removeOffers(&beyond, which)
		if err != nil {
			return 0, err
		}
		if gone == 0 {
			continue
		}
		if err := l.writeSet(&beyond); err != nil {
			return 0, err
		}
		s.Beyond -= min(s.Beyond, uint64(gone))
		n += gone
	}
	if n == 0 {
		return 0, nil
	}
	return n, l.writeSet(&s)
}

// removeOffers takes offers that which selects out of a row that is being edited.
func (l *ledger) removeOffers(s *ProviderSet, which func(*FiledOffer) bool) (n int, err error) {
	s.Offers = slices.DeleteFunc(s.Offers, func(o FiledOffer) bool {
		if err != nil || !which(&o) {
			return false
		}
		var id peer.ID
		if id, err = l.records.idOf(l.ctx, l.tx, o.Peer); err != nil {
			return false
		}
		l.countOffer(s, &o, len(id), -1)
		n++
		return true
	})
	return n, err
}

// countOffer counts an offer that is there now, or is not any more.
func (l *ledger) countOffer(s *ProviderSet, o *FiledOffer, idSize, sign int) {
	l.providers.add(sign, sign*(len(s.Key)+idSize+o.size()))
	l.peers[o.Peer] += sign
	l.shares.add(uint32(o.Peer), s.Hash, sign)
	l.arrived.add(uint32(o.minute()), s.Hash, sign)
}

// rowOf reads shard 0 of a key from a snapshot, nil if there is none.
func rowOf(ctx context.Context, from models.Reader, hash uint64) (row []byte, err error) {
	row, _, err = Providers.Raw().Find(ctx, from, Providers.EncodeKey(models.MakePair(hash, uint8(0))))
	return row, err
}

// setOf reads the offers of a key, those beyond shard 0 included, from one
// snapshot. They are in the memory of room as far as that reaches.
func (r *Records) setOf(ctx context.Context, from models.Reader, hash uint64, room []FiledOffer) (s ProviderSet, err error) {
	row, known := []byte(nil), false
	if from == models.Reader(r.store) {
		row, known = r.cache.get(hash)
	}
	epoch := r.cache.now()
	if !known {
		if row, err = rowOf(ctx, from, hash); err != nil || row == nil {
			return s, err
		}
	}
	if s, err = parseSet(row, room); err != nil {
		return s, failAt("get", Providers.Raw(), Providers.EncodeKey(models.MakePair(hash, uint8(0))), err)
	}
	s.Hash = hash
	if s.Beyond == 0 {
		if !known && from == models.Reader(r.store) {
			r.cache.fill(epoch, hash, row)
		}
		return s, nil
	}
	return r.shardsOf(ctx, from, hash)
}

// shardsOf reads the offers of a key that has some beyond shard 0.
func (r *Records) shardsOf(ctx context.Context, from models.Reader, hash uint64) (s ProviderSet, err error) {
	err = r.snapshot(ctx, from, func(tx models.Reader) error {
		s = ProviderSet{Hash: hash}
		for part, err := range Providers.Range(ctx, tx, models.FirstIs[uint64, uint8](hash)) {
			if err != nil {
				return err
			}
			s.Key, s.Beyond = part.Key, s.Beyond+part.Beyond
			s.Offers = append(s.Offers, part.Offers...)
		}
		return nil
	})
	return s, err
}

// offers returns the offers of a key: what is filed, and if from is the store what
// is pending. They are in the memory of room as far as that reaches.
func (r *Records) offers(ctx context.Context, from models.Reader, key []byte, room []Offer) ([]Offer, error) {
	var changes []OfferChange
	hash := r.seed.hash(key)
	if from == models.Reader(r.store) {
		changes = r.pending.on(hash)
	}
	var few [16]FiledOffer
	s, err := r.setOf(ctx, from, hash, few[:0])
	if err != nil {
		return nil, err
	}
	if string(s.Key) != string(key) {
		s.Offers = nil
	}
	offers := slices.Grow(room[:0], len(s.Offers)+len(changes))
	raws := make([]byte, 0, 10*len(s.Offers))
	for i := range s.Offers {
		o := &s.Offers[i]
		id, err := r.idOf(ctx, from, o.Peer)
		if err != nil {
			return nil, err
		}
		if id == "" {
			continue // it has gone since
		}
		start := len(raws)
		raws = o.appendRaw(raws)
		offers = append(offers, Offer{id, o.received(), raws[start:len(raws):len(raws)]})
	}
	return r.overlay(offers, string(key), changes), nil
}

// overlay makes pending changes of a key, as far as there is room for them.
func (r *Records) overlay(offers []Offer, key string, changes []OfferChange) []Offer {
	if len(changes) == 0 {
		return offers
	}
	at := make(map[peer.ID]int, len(offers)+len(changes))
	for i := range offers {
		at[offers[i].Peer] = i
	}
	limit := r.bounds.ProvidersPerKey
	for i := range changes {
		c := &changes[i]
		id := peer.ID(c.Peer)
		n, known := at[id]
		switch {
		case c.Key != key: // of the same hash
		case c.Delete && known:
			delete(at, id)
		case c.Delete || !known && limit >= 0 && len(at) >= limit:
		default:
			o := Offer{id, parseProviderTime([]byte(c.Raw)), []byte(c.Raw)}
			if known {
				offers[n] = o
			} else {
				at[id] = len(offers)
				offers = append(offers, o)
			}
		}
	}
	left := offers[:0]
	for i := range offers {
		if n, ok := at[offers[i].Peer]; ok && n == i {
			left = append(left, offers[i])
		}
	}
	return left
}

// offer returns the offer of one peer, or ds.ErrNotFound.
func (r *Records) offer(ctx context.Context, from models.Reader, key []byte, p peer.ID) (Offer, error) {
	offers, err := r.offers(ctx, from, key, nil)
	if err != nil {
		return Offer{}, err
	}
	if at := slices.IndexFunc(offers, func(o Offer) bool { return o.Peer == p }); at >= 0 {
		return offers[at], nil
	}
	return Offer{}, ds.ErrNotFound
}
