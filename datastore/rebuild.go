package datastore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/paging"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/internal/topic"
	"github.com/newsnet-africa/netabase-go/models"
)

// Work on whole spaces goes in transactions of at most so many rows, or until
// their writes come to so many or to so many bytes, or less where the engine takes
// no more.
const (
	chunkRows  = 1000
	chunkOps   = 1000
	chunkBytes = 256 << 10
)

// finishIndexes clears the spaces of dropped indexes and fills those that are
// new, or that an earlier open has left unfinished.
func (s *Store) finishIndexes(
	ctx context.Context, core *session.Tree, entry *treeEntry, place *session.Place, progress func(OpenProgress),
) error {
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
		expired, err := s.fillIndex(ctx, core, entry, place, number, progress)
		if err != nil {
			return err
		}
		if err := s.dropExpired(ctx, core, place, expired); err != nil {
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

// clearSpace deletes everything in a space, the entries of its rows in the expiry queue, and the changes
// in their feed.
func (s *Store) clearSpace(ctx context.Context, space format.Space) error {
	if err := s.clearRange(ctx, spaceRange(space)); err != nil {
		return err
	}
	return s.clearFeed(ctx, space, math.MaxUint64)
}

func (s *Store) clearRange(ctx context.Context, keys engine.Range) error {
	return paging.Each(chunkRows, func(most int) (done bool, err error) {
		return s.clearChunk(ctx, keys, most)
	})
}

func (s *Store) clearChunk(ctx context.Context, keys engine.Range, most int) (done bool, err error) {
	txn, err := s.db.Update(ctx)
	if err != nil {
		return false, err
	}
	defer txn.Discard()
	c := txn.Cursor(keys)
	defer c.Close()
	w := countedWrites{WriteTxn: txn}
	for w.ops < most && w.bytes < chunkBytes {
		if !c.Next() {
			done = true
			break
		}
		stored, err := c.Value()
		if err != nil {
			return false, err
		}
		key := bytes.Clone(c.Key())
		// Only rows have entries in the queue.
		if row, err := format.ParseRow(key, stored); err == nil && row.Expiry != 0 {
			if err := w.Delete(format.AppendExpiryKey(nil, row.Expiry, key)); err != nil {
				return false, err
			}
		}
		if err := w.Delete(key); err != nil {
			return false, err
		}
	}
	if err := c.Err(); err != nil {
		return false, err
	}
	return done, txn.Commit(ctx, engine.Relaxed)
}

// fillIndex writes the entries of one index for all rows of its tree, and nothing else: what is in
// the space of the index goes first. It leaves out rows that have expired, which in a unique index
// would be in the way, and returns the time of the clock by which they had, or 0 if there were none.
func (s *Store) fillIndex(
	ctx context.Context, core *session.Tree, entry *treeEntry, place *session.Place, number int,
	progress func(OpenProgress),
) (expired int64, err error) {
	f := filling{store: s, core: core, entry: entry, place: place, number: number, progress: progress}
	for again := true; again; again = errors.Is(err, errExpiredSince) {
		f.now, f.expired = time.Now().UnixNano(), 0
		if err = s.clearSpace(ctx, entry.index(core.Indexes[number].Name).ID); err == nil {
			err = f.run(ctx)
		}
	}
	if err == nil && core.Indexes[number].Kind == session.Topical {
		err = s.buildLeaves(ctx, place.Topics[number])
	}
	if err != nil {
		return 0, fmt.Errorf("fill index %s of tree %s: %w", core.Indexes[number].Name, core.Name, err)
	}
	return f.expired, nil
}

// errExpiredSince says that a row is in the way which has expired since filling an
// index began.
var errExpiredSince = errors.New("a row has expired meanwhile")

// filling is an index that is being filled.
type filling struct {
	store  *Store
	core   *session.Tree
	entry  *treeEntry
	place  *session.Place
	number int
	// now is when it began. Rows that have expired by then are not in the index,
	// and all others are, those that expire meanwhile too. Expired is now once such a
	// row was left out.
	now, expired int64
	progress     func(OpenProgress)
}

func (f *filling) run(ctx context.Context) error {
	r := spaceRange(f.entry.ID)
	so := OpenProgress{Tree: f.core.Name, Index: f.core.Indexes[f.number].Name}
	return paging.Each(chunkRows, func(most int) (done bool, err error) {
		next, rows, err := f.chunk(ctx, r, most)
		if err != nil {
			return false, err
		}
		if so.Rows += int64(rows); f.progress != nil {
			f.progress(so)
		}
		r.Lower = next
		return next == nil, nil
	})
}

// chunk indexes the first rows of r, most at most. It returns where to go on, or
// nil at the end, and how many rows it has gone over.
func (f *filling) chunk(ctx context.Context, r engine.Range, most int) (next []byte, rows int, err error) {
	txn, err := f.store.db.Update(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer txn.Discard()
	c := txn.Cursor(r)
	defer c.Close()
	w := countedWrites{WriteTxn: txn}
	for ; c.Next(); rows++ {
		if rows == most || w.ops >= chunkOps || w.bytes >= chunkBytes {
			next = bytes.Clone(c.Key())
			break
		}
		stored, err := c.Value()
		if err != nil {
			return nil, 0, err
		}
		if err := f.row(&w, bytes.Clone(c.Key()), stored); err != nil {
			return nil, 0, fmt.Errorf("row %s: %w", f.core.FormatKey(c.Key()[len(f.place.Space):]), err)
		}
	}
	if err := c.Err(); err != nil {
		return nil, 0, err
	}
	return next, rows, txn.Commit(ctx, engine.Relaxed)
}

// row writes the entries of the row stored at key.
func (f *filling) row(w *countedWrites, key, stored []byte) error {
	row, err := format.ParseRow(key, stored)
	if err != nil {
		return err
	}
	if row.Expiry != 0 && row.Expiry <= f.now {
		f.expired = f.now
		return nil
	}
	primary := key[len(f.place.Space):]
	return f.core.Entries(f.place, primary, row, func(i int, index []byte) error {
		if i != f.number {
			return nil
		}
		return f.add(w, primary, row, index)
	})
}

// add writes an entry of a row.
func (f *filling) add(w *countedWrites, primary []byte, row format.Row, index []byte) error {
	kind := f.core.Indexes[f.number].Kind
	entry, value := format.Entry(f.place.Indexes[f.number], index, primary, kind.KeyInValue())
	if kind != session.Unique {
		return w.Put(entry, value)
	}
	stored, err := w.Get(entry)
	if errors.Is(err, engine.ErrNotFound) {
		return w.Put(entry, value)
	}
	if err != nil {
		return err
	}
	holder, err := format.CutChecksum(entry, stored)
	if err != nil {
		return err
	}
	held, found, err := readRow(w, append(bytes.Clone(f.place.Space), holder...))
	if err != nil {
		return err
	}
	now := time.Now().UnixNano()
	if found && held.Expiry != 0 && held.Expiry <= now || row.Expiry != 0 && row.Expiry <= now {
		return errExpiredSince
	}
	return fmt.Errorf("%w: row %s has the key %s, which row %s has too", models.ErrUnique,
		f.core.FormatKey(primary), f.core.Indexes[f.number].FormatKey(index), f.core.FormatKey(holder))
}

// dropExpired removes the rows of a tree that have expired by a time, which fillIndex has left out,
// with the entries that they have in indexes. There is nothing to do if the time is 0.
func (s *Store) dropExpired(ctx context.Context, core *session.Tree, place *session.Place, by int64) error {
	if by == 0 {
		return nil
	}
	prefix := place.Space
	r := engine.Range{Lower: prefix, Upper: format.PrefixEnd(prefix)}
	return paging.Each(chunkRows, func(most int) (done bool, err error) {
		next, err := s.dropChunk(ctx, core, place, r, most, by)
		if err != nil {
			return false, err
		}
		r.Lower = next
		return next == nil, nil
	})
}

// dropChunk goes over the first rows of r, most at most. It returns where to go on, or nil at the
// end.
func (s *Store) dropChunk(
	ctx context.Context, core *session.Tree, place *session.Place, r engine.Range, most int, by int64,
) (next []byte, err error) {
	txn, err := s.db.Update(ctx)
	if err != nil {
		return nil, err
	}
	defer txn.Discard()
	c := txn.Cursor(r)
	defer c.Close()
	ses := s.sessions.Get().(*session.Session)
	ses.Read, ses.Write, ses.Held = txn, txn, true
	defer ses.Reset()
	w := countedWrites{WriteTxn: txn}
	for rows := 0; c.Next(); rows++ {
		if rows == most || w.ops >= chunkOps || w.bytes >= chunkBytes {
			next = bytes.Clone(c.Key())
			break
		}
		stored, err := c.Value()
		if err != nil {
			return nil, err
		}
		row, err := format.ParseRow(c.Key(), stored)
		if err == nil && row.Expiry != 0 && row.Expiry <= by {
			err = dropRow(&w, ses, core, place, bytes.Clone(c.Key()), row)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	return next, s.commit(ctx, ses, txn, engine.Relaxed)
}

// dropRow removes the row stored at key. It has no entries in some indexes, and another row may have
// one there under its key.
func dropRow(
	w *countedWrites, ses *session.Session, core *session.Tree, place *session.Place, key []byte, row format.Row,
) error {
	primary := key[len(place.Space):]
	err := core.Entries(place, primary, row, func(i int, index []byte) error {
		if core.Indexes[i].Kind == session.Topical {
			has, err := place.Topics[i].Has(ses, topic.ID(index[1:]))
			if has {
				ses.NoteTopic(place.Topics[i], index[1:], primary, false)
			}
			return err
		}
		entry, value := format.Entry(place.Indexes[i], index, primary, core.Indexes[i].Kind.KeyInValue())
		stored, err := w.Get(entry)
		if errors.Is(err, engine.ErrNotFound) || err == nil && !bytes.Equal(stored, value) {
			return nil
		}
		if err != nil {
			return err
		}
		return w.Delete(entry)
	})
	if err != nil {
		return err
	}
	if err := w.Delete(format.AppendExpiryKey(nil, row.Expiry, key)); err != nil {
		return err
	}
	return w.Delete(key)
}

// countedWrites counts the writes of a transaction, and the bytes of what is put.
type countedWrites struct {
	engine.WriteTxn
	ops, bytes int
}

func (w *countedWrites) Put(key, value []byte) error {
	w.ops, w.bytes = w.ops+1, w.bytes+len(key)+len(value)
	return w.WriteTxn.Put(key, value)
}

func (w *countedWrites) Delete(key []byte) error {
	w.ops, w.bytes = w.ops+1, w.bytes+len(key)
	return w.WriteTxn.Delete(key)
}
