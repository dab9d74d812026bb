package datastore

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/crypt"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/paging"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// RotateOptions change Rotate. The zero value is the default.
type RotateOptions struct {
	// Progress is called after every transaction, by the goroutine that called Rotate. Defaults to
	// none.
	Progress func(RotateProgress)
}

// RotateProgress says how far Rotate has come.
type RotateProgress struct {
	// Rows is how many rows have been gone over, those in the quarantine and dictionaries of
	// compressed rows included. Rewritten is how many of them another data key had encrypted, or
	// none.
	Rows, Rewritten int64
}

// Rotate gives the store a new data key, encrypts all rows with it, and removes the old data key. It
// returns how many rows it has rewritten. The new data key is protected by the Key that the store
// was opened with, or that ChangeKey has set.
//
// In a store that was not always encrypted, the first Rotate encrypts the rows that are not, with the
// data key that there is. From the next Open on a row without encryption is then
// models.ErrTampered.
//
// The store may be in use meanwhile. Rotate works in short transactions and never replaces a row that
// has been written meanwhile, and memory is bounded. It waits for the Update calls that had begun to
// write before it. If it is interrupted, by the end of the process too, the next call goes on with the
// same data key.
//
// A row that cannot be decrypted, because it is damaged or has been tampered with, stays as it is, and
// so does the old data key. Rotate then returns the row's error after it has gone over all others.
// Repair sets such rows aside, and the next Rotate can end. A row in the quarantine that cannot be
// decrypted stays as it is, for good. The index key that blind indexes use does not change.
func (s *Store) Rotate(ctx context.Context, options ...RotateOptions) (rewritten int64, err error) {
	r := rotation{store: s, progress: given(options).Progress}
	if err := s.changeKeys(ctx, r.run); err != nil {
		return r.done.Rewritten, fmt.Errorf("rotate: %w", err)
	}
	return r.done.Rewritten, nil
}

// ChangeKey protects the data keys of the store by another Key, in one transaction. The next Open
// needs that one. No row is rewritten: who has the old Key, and an old copy of the store, has the
// data keys. If that may be, call Rotate as well.
func (s *Store) ChangeKey(ctx context.Context, key Key) error {
	err := s.changeKeys(ctx, func(ctx context.Context) error {
		if key == nil {
			return fmt.Errorf("%w: no key was given", models.ErrInvalid)
		}
		secrets, err := s.readSecrets(ctx)
		if err != nil {
			return err
		}
		entries := map[uint32]*keyEntry{}
		for i := range secrets {
			if entries[secrets[i].number], err = secrets[i].wrap(ctx, key, s.id[:]); err != nil {
				return err
			}
		}
		if err := s.putKeys(ctx, entries); err != nil {
			return err
		}
		s.key = key
		return nil
	})
	if err != nil {
		return fmt.Errorf("change key: %w", err)
	}
	return nil
}

// changeKeys calls fn, which may change the data keys in the catalog, one call at a time.
func (s *Store) changeKeys(ctx context.Context, fn func(context.Context) error) error {
	if err := s.checkNested(ctx); err != nil {
		return err
	}
	if s.keys == nil {
		return fmt.Errorf("%w: the store is not encrypted; open it with OpenOptions.Key and Encrypt", models.ErrInvalid)
	}
	select {
	case s.keyTurn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.keyTurn }()
	return fn(ctx)
}

// readSecrets reads the secrets in the catalog. The caller has the turn of changeKeys.
func (s *Store) readSecrets(ctx context.Context) ([]secret, error) {
	txn, err := s.db.View(ctx)
	if err != nil {
		return nil, err
	}
	defer txn.Discard()
	return readSecrets(ctx, txn, s.key, s.id[:])
}

// putKeys writes entries of data keys to the catalog, in one transaction, and removes those that are
// nil.
func (s *Store) putKeys(ctx context.Context, entries map[uint32]*keyEntry) error {
	return s.run(ctx, engine.Durable, func(ses *session.Session) error {
		for number, entry := range entries {
			var err error
			if entry == nil {
				err = ses.Write.Delete(dataKeyKey(number))
			} else {
				err = putCatalog(ses.Write, dataKeyKey(number), keyCodec, entry)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// rotation is a Rotate under way.
type rotation struct {
	store    *Store
	progress func(RotateProgress)
	done     RotateProgress
	// to is the key that all rows are to have.
	to *crypt.DataKey
	// left is why the first of the rows that could not be rewritten could not, nil if there is none.
	left error
}

func (r *rotation) run(ctx context.Context) error {
	secrets, err := r.begin(ctx)
	if err != nil {
		return err
	}
	if err := r.store.keys.Replace(ctx, r.to); err != nil {
		return err
	}
	trees, err := r.trees(ctx)
	if err != nil {
		return err
	}
	ranges := []engine.Range{{Lower: dictionaryPrefix, Upper: format.PrefixEnd(dictionaryPrefix)}}
	for _, space := range trees {
		ranges = append(ranges, spaceRange(space))
	}
	// The quarantine comes last: Repair may put rows of any tree there meanwhile.
	for _, keys := range append(ranges, spaceRange(format.Quarantine)) {
		if err := r.walk(ctx, keys); err != nil {
			return err
		}
	}
	if r.left != nil {
		return fmt.Errorf("the old data key stays: %w", r.left)
	}
	// The feeds have rows with keys that go now.
	if err := r.store.cutFeeds(ctx); err != nil {
		return err
	}
	return r.end(ctx, secrets)
}

// begin makes the data key that all rows are to have, unless an earlier rotation has not ended. It
// returns the secrets of the store.
func (r *rotation) begin(ctx context.Context) ([]secret, error) {
	s := r.store
	secrets, err := s.readSecrets(ctx)
	if err != nil {
		return nil, err
	}
	newest := secrets[len(secrets)-1]
	if len(secrets) == 1 && !newest.mixed {
		newest = newSecret(newest.number+1, newest.index, false)
		secrets = append(secrets, newest)
		entry, err := newest.wrap(ctx, s.key, s.id[:])
		if err == nil {
			err = s.putKeys(ctx, map[uint32]*keyEntry{newest.number: entry})
		}
		if err != nil {
			return nil, err
		}
	}
	if r.to = s.keys.Numbered(newest.number); r.to == nil {
		r.to, err = newest.dataKey()
	}
	return secrets, err
}

// trees returns the spaces of the rows of all trees.
func (r *rotation) trees(ctx context.Context) (spaces []format.Space, err error) {
	txn, err := r.store.db.View(ctx)
	if err != nil {
		return nil, err
	}
	defer txn.Discard()
	trees, err := readTrees(txn)
	for _, entry := range trees {
		spaces = append(spaces, entry.ID)
		if entry.Next != nil && entry.Next.ID != entry.ID {
			spaces = append(spaces, entry.Next.ID)
		}
	}
	slices.Sort(spaces)
	return spaces, err
}

// walk rewrites the rows in a range.
func (r *rotation) walk(ctx context.Context, keys engine.Range) error {
	return paging.EachBesideWriters(chunkRows, func(most int) (done bool, err error) {
		next, err := r.chunk(ctx, keys, most)
		if err != nil {
			return false, err
		}
		if r.progress != nil {
			r.progress(r.done)
		}
		keys.Lower = next
		return next == nil, nil
	})
}

// chunk rewrites the first rows of a range, most at most, in one transaction. It returns where to go
// on, or nil at the end.
func (r *rotation) chunk(ctx context.Context, keys engine.Range, most int) (next []byte, err error) {
	var done RotateProgress
	var left error
	err = r.store.run(ctx, engine.Relaxed, func(ses *session.Session) error {
		next, done, left = nil, RotateProgress{}, nil
		c := ses.Read.Cursor(keys)
		defer c.Close()
		for size := 0; c.Next(); done.Rows++ {
			if int(done.Rows) == most || size >= chunkBytes {
				next = bytes.Clone(c.Key())
				break
			}
			stored, err := c.Value()
			if err != nil {
				return err
			}
			size += len(c.Key()) + len(stored)
			rewritten, refused, err := r.row(ses, c.Key(), stored)
			if err != nil {
				return err
			}
			if rewritten {
				done.Rewritten++
			}
			left = cmp.Or(left, refused)
		}
		return c.Err()
	})
	if err == nil {
		r.done.Rows += done.Rows
		r.done.Rewritten += done.Rewritten
		r.left = cmp.Or(r.left, left)
	}
	return next, err
}

// row rewrites the row stored at key, both of which are borrowed. Refused is why it cannot be
// rewritten.
func (r *rotation) row(ses *session.Session, key, stored []byte) (rewritten bool, refused, err error) {
	// The quarantine holds rows as they were under their own keys, and other bytes.
	own, aside := bytes.CutPrefix(key, quarantined(nil))
	row, err := format.ParseRow(own, stored)
	if err == nil && row.Key == r.to.Number {
		return false, nil, nil
	}
	if err == nil {
		row, err = r.store.keys.Decrypt(row)
	}
	if err != nil {
		if aside {
			return false, nil, nil
		}
		return false, fmt.Errorf("key %x: %w", own, err), nil
	}
	stored = session.AppendRow(r.to, nil, own, row.Header, row.Value)
	return true, nil, ses.Put(bytes.Clone(key), format.AppendChecksum(stored, own))
}

// end removes the data keys that no row has any more. The rows are made durable first.
func (r *rotation) end(ctx context.Context, secrets []secret) error {
	s := r.store
	if err := s.db.Sync(ctx); err != nil {
		return err
	}
	entries := map[uint32]*keyEntry{}
	for _, old := range secrets[:len(secrets)-1] {
		entries[old.number] = nil
	}
	if newest := secrets[len(secrets)-1]; newest.mixed {
		newest.mixed = false
		var err error
		if entries[newest.number], err = newest.wrap(ctx, s.key, s.id[:]); err != nil {
			return err
		}
	}
	return s.putKeys(ctx, entries)
}
