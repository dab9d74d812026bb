package record

import (
	"context"
	"errors"
	"slices"

	ds "github.com/ipfs/go-datastore"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
)

// errUnchanged leaves a row as it is.
var errUnchanged = errors.New("unchanged")

// editSet has edit change a row of provider records, which is not there any more
// if it is empty afterwards.
func (l *ledger) editSet(key ProviderKey, edit func(*ProviderSet) error) error {
	err := Providers.Upsert(l.ctx, l.tx, key, func(s *ProviderSet, _ bool) (bool, error) {
		s.Key, s.Shard = key.First, key.Second
		err := edit(s)
		return !s.isEmpty(), err
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// changeProviders puts and deletes offers of one key. Those that a bound does
// not allow are left out, and refused has an error for each.
func (l *ledger) changeProviders(changes []change) (refused []error, err error) {
	for i := range changes {
		if !changes[i].delete {
			if err := l.countKeysOf(changes[i].peer); err != nil {
				return nil, err
			}
		}
	}
	first := models.MakePair(changes[0].provided, uint8(0))
	err = l.editSet(first, func(s *ProviderSet) error {
		refused = nil
		changed := false
		for i := range changes {
			c := &changes[i]
			var did bool
			var err error
			if c.delete {
				did, err = l.deleteOffer(s, c.peer)
			} else {
				did, err = l.putOffer(s, Offer{Peer: c.peer, Received: c.received, Raw: c.value})
			}
			if isRefusal(err) {
				refused = append(refused, failAt("put", c.raw, c.key, err))
			} else if err != nil {
				return err
			}
			changed = changed || did
		}
		if !changed {
			return errUnchanged
		}
		return nil
	})
	return refused, err
}

// putOffer puts an offer into the shard 0 that is being edited, or beyond it, and
// tells whether it did.
func (l *ledger) putOffer(s *ProviderSet, o Offer) (bool, error) {
	at, known := s.find(o.Peer)
	if known {
		l.providers.add(0, len(o.Raw)-len(s.Offers[at].Raw))
		s.Offers[at] = o
		return true, nil
	}
	if s.Beyond > 0 {
		if known, err := l.refreshBeyond(s.Key, o); known || err != nil {
			return known, err
		}
	}
	if err := l.checkBounds(s, o.Peer); err != nil {
		return false, err
	}
	if s.hasRoom(&o) {
		s.Offers = slices.Insert(s.Offers, at, o)
	} else {
		err := l.editSet(models.MakePair(s.Key, shardOf(o.Peer)), func(beyond *ProviderSet) error {
			at, _ := beyond.find(o.Peer)
			beyond.Offers = slices.Insert(beyond.Offers, at, o)
			return nil
		})
		if err != nil {
			return false, err
		}
		s.Beyond++
	}
	l.countOffer(s.Key, &o, 1)
	return true, nil
}

// refreshBeyond puts an offer in place of one that lies beyond shard 0, and tells
// whether there was one.
func (l *ledger) refreshBeyond(key []byte, o Offer) (known bool, err error) {
	err = l.editSet(models.MakePair(key, shardOf(o.Peer)), func(beyond *ProviderSet) error {
		var at int
		if at, known = beyond.find(o.Peer); !known {
			return errUnchanged
		}
		l.providers.add(0, len(o.Raw)-len(beyond.Offers[at].Raw))
		beyond.Offers[at] = o
		return nil
	})
	return known, err
}

// deleteOffer deletes an offer from the shard 0 that is being edited, or from
// beyond it, and tells whether there was one.
func (l *ledger) deleteOffer(s *ProviderSet, p peer.ID) (bool, error) {
	if at, ok := s.find(p); ok {
		l.countOffer(s.Key, &s.Offers[at], -1)
		s.Offers = slices.Delete(s.Offers, at, at+1)
		return true, nil
	}
	if s.Beyond == 0 {
		return false, nil
	}
	n, err := l.deleteFrom(models.MakePair(s.Key, shardOf(p)), func(o *Offer) bool { return o.Peer == p })
	s.Beyond -= min(s.Beyond, uint64(n))
	return n > 0, err
}

// deleteOffers deletes the offers of a row that which selects, and returns how
// many there were.
func (l *ledger) deleteOffers(key ProviderKey, which func(*Offer) bool) (int, error) {
	n, err := l.deleteFrom(key, which)
	if err != nil || n == 0 || key.Second == 0 {
		return n, err
	}
	return n, l.editSet(models.MakePair(key.First, uint8(0)), func(s *ProviderSet) error {
		s.Beyond -= min(s.Beyond, uint64(n))
		return nil
	})
}

// deleteFrom is deleteOffers without a word to shard 0.
func (l *ledger) deleteFrom(key ProviderKey, which func(*Offer) bool) (n int, err error) {
	err = l.editSet(key, func(s *ProviderSet) error {
		n = 0
		s.Offers = slices.DeleteFunc(s.Offers, func(o Offer) bool {
			if !which(&o) {
				return false
			}
			l.countOffer(s.Key, &o, -1)
			n++
			return true
		})
		if n == 0 {
			return errUnchanged
		}
		return nil
	})
	return n, err
}

func (l *ledger) countOffer(key []byte, o *Offer, sign int) {
	l.providers.add(sign, sign*o.size(key))
	l.peers[o.Peer] += sign
}

// offersOf reads the offers of a key.
func offersOf(ctx context.Context, from models.Reader, key []byte) ([]Offer, error) {
	s, err := Providers.Get(ctx, from, models.MakePair(key, uint8(0)))
	if errors.Is(err, models.ErrNotFound) {
		return nil, nil
	}
	if err != nil || s.Beyond == 0 {
		return s.Offers, err
	}
	others := models.FirstIs[[]byte, uint8](key).Offset(1)
	for beyond, err := range Providers.Range(ctx, from, others) {
		if err != nil {
			return nil, err
		}
		s.Offers = append(s.Offers, beyond.Offers...)
	}
	return s.Offers, nil
}

// offers reads the offers of a key from one snapshot.
func (r *Records) offers(ctx context.Context, from models.Reader, key []byte) (offers []Offer, err error) {
	err = r.snapshot(ctx, from, func(tx models.Reader) error {
		offers, err = offersOf(ctx, tx, key)
		return err
	})
	return offers, err
}

// offer reads the offer of one peer, or returns ds.ErrNotFound.
func (r *Records) offer(ctx context.Context, from models.Reader, key []byte, p peer.ID) (found Offer, err error) {
	err = r.snapshot(ctx, from, func(tx models.Reader) error {
		for _, shard := range []uint8{0, shardOf(p)} {
			s, err := Providers.Get(ctx, tx, models.MakePair(key, shard))
			if err != nil {
				return err
			}
			if at, ok := s.find(p); ok {
				found = s.Offers[at]
				return nil
			}
			if s.Beyond == 0 {
				break
			}
		}
		return ds.ErrNotFound
	})
	return found, notFound(err)
}
