package keystore

import (
	"context"
	"math"

	"github.com/ipfs/go-libdht/kad/key/bitstr"
	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// Get returns the keys whose Kademlia keys begin with prefix, in their order, from one
// snapshot.
func (k *Keystore) Get(ctx context.Context, prefix bitstr.Key) ([]multihash.Multihash, error) {
	found := []multihash.Multihash{}
	err := k.view(ctx, prefix, func(ctx context.Context, tx *datastore.ReadTx, s *state, rng models.Range[key]) error {
		for r, err := range keys.Range(ctx, tx, rng) {
			if err != nil {
				return err
			}
			if r.in(s.Current) {
				found = append(found, r.Multihash)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// CountKeysUpTo returns how many keys Get would return, or limit if there are more. A limit of
// zero or less is none. It does not read the keys, unless there may be rows that a reset or
// Empty has left.
func (k *Keystore) CountKeysUpTo(ctx context.Context, prefix bitstr.Key, limit int) (n int, err error) {
	if limit <= 0 {
		limit = math.MaxInt
	}
	err = k.view(ctx, prefix, func(ctx context.Context, tx *datastore.ReadTx, s *state, rng models.Range[key]) error {
		switch {
		case prefix == "":
			n = int(min(s.Size, int64(limit)))
			return nil
		case !s.mixed():
			n, err = keys.Count(ctx, tx, rng.Limit(limit))
			return err
		}
		for r, err := range keys.Range(ctx, tx, rng) {
			if err != nil {
				return err
			}
			if r.in(s.Current) {
				if n++; n == limit {
					return nil
				}
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// ContainsPrefix reports whether Get would return any key.
func (k *Keystore) ContainsPrefix(ctx context.Context, prefix bitstr.Key) (bool, error) {
	n, err := k.CountKeysUpTo(ctx, prefix, 1)
	return n > 0, err
}

// Size returns how many keys there are. It reads the number, which is stored.
func (k *Keystore) Size(ctx context.Context) (int, error) { return k.CountKeysUpTo(ctx, "", 0) }

// view runs fn over one snapshot, with its state and the range of the rows under prefix. If no
// key can be under it, view does nothing.
func (k *Keystore) view(
	ctx context.Context, prefix bitstr.Key,
	fn func(ctx context.Context, tx *datastore.ReadTx, s *state, rng models.Range[key]) error,
) error {
	if err := k.begin(); err != nil {
		return err
	}
	defer k.calls.Done()
	rng, none, err := within(k.name, prefix)
	if err != nil || none {
		return k.fail("read", err)
	}
	return k.fail("read", k.store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
		s, err := states.Get(ctx, tx, k.name)
		if err != nil {
			return err
		}
		return fn(ctx, tx, &s, rng)
	}))
}
