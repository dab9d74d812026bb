package keystore

import (
	"cmp"
	"context"
	"slices"

	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/internal/paging"
)

// Put adds keys, and returns those that were not there before, in the order given. It adds
// them in transactions of up to 4096, which are durable when it returns. If it fails, it
// returns the keys that it has added so far with the error.
func (k *Keystore) Put(ctx context.Context, given ...multihash.Multihash) ([]multihash.Multihash, error) {
	if len(given) == 0 {
		return nil, nil
	}
	if err := k.begin(); err != nil {
		return nil, err
	}
	defer k.calls.Done()
	entries := entriesOf(k.name, given)
	done, err := k.change(ctx, entries, func(s *state, page []entry, found []*row) (rows []row, gone []key) {
		for i := range page {
			var changed *row
			if changed, page[i].isNew = s.put(found[i], page[i].multihash); changed != nil {
				rows = append(rows, *changed)
			}
		}
		return rows, nil
	})
	done = slices.DeleteFunc(done, func(e entry) bool { return !e.isNew })
	slices.SortFunc(done, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
	added := make([]multihash.Multihash, len(done))
	for i, e := range done {
		added[i] = e.multihash
	}
	return added, k.fail("put into", err)
}

// Delete removes keys, as Put adds them. A key that is not there is no error.
func (k *Keystore) Delete(ctx context.Context, given ...multihash.Multihash) error {
	if len(given) == 0 {
		return nil
	}
	if err := k.begin(); err != nil {
		return err
	}
	defer k.calls.Done()
	_, err := k.change(ctx, entriesOf(k.name, given), func(s *state, page []entry, found []*row) (rows []row, gone []key) {
		for i, r := range found {
			if r != nil {
				s.remove(r)
				gone = append(gone, page[i].key)
			}
		}
		return nil, gone
	})
	return k.fail("delete from", err)
}

// change works on entries page by page, in a transaction each. Plan gets the rows of a page,
// nil where there is none, changes the state, and returns the rows to store and to delete. It
// runs again if another writer was faster. Change returns the entries of the pages that are
// done.
func (k *Keystore) change(
	ctx context.Context, entries []entry, plan func(s *state, page []entry, found []*row) (rows []row, gone []key),
) (done []entry, err error) {
	n := 0
	err = paging.Each(pageSize, func(most int) (bool, error) {
		page := entries[n:min(n+most, len(entries))]
		wanted := make([]key, len(page))
		for i := range page {
			wanted[i] = page[i].key
		}
		err := k.update(ctx, func(ctx context.Context, tx *datastore.WriteTx, s *state) error {
			found, err := keys.GetMany(ctx, tx, wanted)
			if err != nil {
				return err
			}
			rows, gone := plan(s, page, found)
			if err := keys.PutMany(ctx, tx, rows); err != nil {
				return err
			}
			return keys.DeleteMany(ctx, tx, gone)
		})
		if err == nil {
			n += len(page)
		}
		return n == len(entries), err
	})
	if err == nil {
		err = k.store.Sync(ctx)
	}
	return entries[:n], err
}

// update runs fn in a transaction that writes, with the state, which it stores if fn has
// changed it. The transaction is durable after the next Sync of the store.
func (k *Keystore) update(
	ctx context.Context, fn func(ctx context.Context, tx *datastore.WriteTx, s *state) error,
) error {
	select {
	case k.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-k.writing }()
	return k.store.UpdateRelaxed(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		old, err := states.Get(ctx, tx, k.name)
		if err != nil {
			return err
		}
		s := old
		if err := fn(ctx, tx, &s); err != nil || s == old {
			return err
		}
		return states.Put(ctx, tx, &s)
	})
}
