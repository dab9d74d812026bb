package datastore

import (
	"context"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// Work on whole spaces goes in transactions of at most this many writes and
// bytes, which every engine can take.
const (
	chunkOps   = 1000
	chunkBytes = 256 << 10
)

// finishIndexes clears the spaces of dropped indexes and fills those that are
// new, or that an earlier open has left unfinished.
func (s *Store) finishIndexes(ctx context.Context, core *session.Tree, entry *treeEntry, progress func(OpenProgress)) error {
	for len(entry.Retired) > 0 {
		if err := s.clearSpace(ctx, entry.Retired[0]); err != nil {
			return s.skipReadOnly(err)
		}
		entry.Retired = entry.Retired[1:]
		if err := s.saveEntry(ctx, core, entry); err != nil {
			return err
		}
	}
	for number, ix := range core.Indexes {
		state := entry.index(ix.Name)
		if state.State == ready {
			continue
		}
		if err := s.clearSpace(ctx, state.ID); err != nil {
			return fmt.Errorf("index %s of tree %s is not finished: %w", ix.Name, core.Name, err)
		}
		if err := s.fillIndex(ctx, core, entry, number, progress); err != nil {
			return err
		}
		state.State = ready
		if err := s.saveEntry(ctx, core, entry); err != nil {
			return err
		}
	}
	return nil
}

// skipReadOnly leaves clearing up to a later open where this one only reads.
func (s *Store) skipReadOnly(err error) error {
	if errors.Is(err, engine.ErrReadOnly) {
		return nil
	}
	return err
}

func (s *Store) saveEntry(ctx context.Context, core *session.Tree, entry *treeEntry) error {
	txn, err := s.db.Update(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	if err := putCatalog(txn, treeKey(core.Name), treeCodec, entry); err != nil {
		return err
	}
	return txn.Commit(ctx, engine.Durable)
}

// clearSpace deletes everything in a space.
func (s *Store) clearSpace(ctx context.Context, space format.Space) error {
	for {
		done, err := s.clearChunk(ctx, space)
		if err != nil || done {
			return err
		}
	}
}

func (s *Store) clearChunk(ctx context.Context, space format.Space) (done bool, err error) {
	txn, err := s.db.Update(ctx)
	if err != nil {
		return false, err
	}
	defer txn.Discard()
	prefix := space.Append(nil)
	c := txn.Cursor(engine.Range{Lower: prefix, Upper: format.PrefixEnd(prefix), KeysOnly: true})
	defer c.Close()
	size := 0
	for n := 0; n < chunkOps && size < chunkBytes; n++ {
		if !c.Next() {
			done = true
			break
		}
		size += len(c.Key())
		if err := txn.Delete(append([]byte(nil), c.Key()...)); err != nil {
			return false, err
		}
	}
	if err := c.Err(); err != nil {
		return false, err
	}
	return done, txn.Commit(ctx, engine.Relaxed)
}

// fillIndex writes the entries of one index for all rows of its tree.
func (s *Store) fillIndex(ctx context.Context, core *session.Tree, entry *treeEntry, number int, progress func(OpenProgress)) error {
	place := entry.place(core)
	lower, upper := place.Space, format.PrefixEnd(place.Space)
	done := OpenProgress{Tree: core.Name, Index: core.Indexes[number].Name}
	for lower != nil {
		next, rows, err := s.fillChunk(ctx, core, place, number, engine.Range{Lower: lower, Upper: upper})
		if err != nil {
			return fmt.Errorf("fill index %s of tree %s: %w", core.Indexes[number].Name, core.Name, err)
		}
		lower = next
		if done.Rows += rows; progress != nil {
			progress(done)
		}
	}
	return nil
}

// fillChunk indexes the first rows of r and returns where to go on, or nil at
// the end, and how many rows it has gone over.
func (s *Store) fillChunk(ctx context.Context, core *session.Tree, place *session.Place, number int, r engine.Range) (next []byte, rows int64, err error) {
	txn, err := s.db.Update(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer txn.Discard()
	c := txn.Cursor(r)
	defer c.Close()
	ops, size := 0, 0
	unique := core.Indexes[number].Kind == session.Unique
	for c.Next() {
		if ops >= chunkOps || size >= chunkBytes {
			next = append([]byte(nil), c.Key()...)
			break
		}
		rows++
		key := append([]byte(nil), c.Key()...)
		stored, err := c.Value()
		if err != nil {
			return nil, 0, err
		}
		row, err := format.ParseRow(key, stored)
		if err != nil {
			return nil, 0, fmt.Errorf("row %x: %w", key, err)
		}
		primary := key[len(place.Space):]
		err = core.Entries(primary, row.Value, func(i int, index []byte) error {
			if i != number {
				return nil
			}
			entry, value := format.Entry(place.Indexes[i], index, primary, unique)
			if unique {
				if _, err := txn.Get(entry); err == nil {
					return fmt.Errorf("%w: row %x has a key that another row has", models.ErrUnique, primary)
				}
			}
			ops, size = ops+1, size+len(entry)+len(value)
			return txn.Put(entry, value)
		})
		if err != nil {
			return nil, 0, fmt.Errorf("row %x: %w", key, err)
		}
	}
	if err := c.Err(); err != nil {
		return nil, 0, err
	}
	return next, rows, txn.Commit(ctx, engine.Relaxed)
}
