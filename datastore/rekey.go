package datastore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/paging"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// SameKeyError says that two rows of a tree whose primary key changes have one primary key now. It
// matches models.ErrExists.
type SameKeyError struct {
	// Tree is the full name of the tree.
	Tree string
	// Rows are the primary keys that the rows have in the store, as people write them.
	Rows [2]string
	// Key is the primary key that both would have.
	Key string
}

func (e *SameKeyError) Error() string {
	return fmt.Sprintf("rows %s and %s of tree %s would both have the primary key %s", e.Rows[0], e.Rows[1], e.Tree,
		e.Key)
}

// Unwrap returns models.ErrExists.
func (e *SameKeyError) Unwrap() error { return models.ErrExists }

// rebuild builds what trees are to be rebuilt as, and puts all of it in the place of what they are
// in one transaction. If rows do not allow that, the trees stay as they are. After other errors the
// next program with the same definitions goes on.
func (s *Store) rebuild(
	ctx context.Context, c *catalog, entries map[string]*treeEntry, progress func(OpenProgress),
) error {
	trees := slices.DeleteFunc(slices.Sorted(maps.Keys(entries)), func(name string) bool {
		return entries[name].Next == nil
	})
	if len(trees) == 0 || c.write == nil {
		return nil
	}
	end := (*treeEntry).giveUp // after a panic, too
	defer func() {
		if end != nil {
			_ = s.endRebuild(context.WithoutCancel(ctx), trees, entries, end)
		}
	}()
	for _, name := range trees {
		if err := s.build(ctx, c, s.trees[name].Core(), entries[name], progress); err != nil {
			if !refused(err) {
				end = nil
			}
			return fmt.Errorf("rebuild: %w", err)
		}
	}
	end = nil
	if err := s.endRebuild(ctx, trees, entries, c.complete); err != nil {
		return err
	}
	c.nextFields = slices.DeleteFunc(c.nextFields, func(f nextFields) bool { return slices.Contains(trees, f.tree) })
	return nil
}

// refused reports whether an error is about rows or about what the program makes of them, so that
// going on would lead to it again.
func refused(err error) bool {
	return slices.ContainsFunc([]error{
		models.ErrExists, models.ErrUnique, models.ErrUpgrade, models.ErrCorrupt, models.ErrVersion, models.ErrInvalid,
		models.ErrKeySize, models.ErrTooLarge, models.ErrTampered,
	}, func(of error) bool { return errors.Is(err, of) })
}

// endRebuild ends the rebuilding of trees.
func (s *Store) endRebuild(
	ctx context.Context, trees []string, entries map[string]*treeEntry, end func(*treeEntry, engine.WriteTxn) error,
) error {
	txn, err := s.db.Update(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	for _, name := range trees {
		if err := end(entries[name], txn); err != nil {
			return fmt.Errorf("tree %s: %w", name, err)
		}
		if err := putCatalog(txn, treeKey(name), treeCodec, entries[name]); err != nil {
			return err
		}
	}
	all, err := readTrees(txn)
	if err != nil {
		return err
	}
	var store storeEntry
	if _, err := getCatalog(txn, storeKey, storeCodec, &store); err != nil {
		return err
	}
	store.setRebuilding(slices.ContainsFunc(slices.Collect(maps.Values(all)), func(e *treeEntry) bool {
		return e.Next != nil
	}))
	store.setTopics(all)
	if err := putCatalog(txn, storeKey, storeCodec, &store); err != nil {
		return err
	}
	return txn.Commit(ctx, engine.Durable)
}

// build builds what one tree is to be rebuilt as.
func (s *Store) build(
	ctx context.Context, c *catalog, core *session.Tree, entry *treeEntry, progress func(OpenProgress),
) error {
	target := entry.Next.entry()
	place := s.place(core, target, c.histories[core.Name])
	compressed := slices.Contains(c.store.Incompatible, compression)
	if err := s.compress(ctx, core, target, place, compressed, true); err != nil {
		return err
	}
	if target.ID != entry.ID {
		r := rekeying{store: s, core: core, entry: entry, place: place, progress: progress}
		if err := r.run(ctx, c.earlier[core.Name]); err != nil {
			return err
		}
	}
	var expired int64
	for number, ix := range core.Indexes {
		if target.index(ix.Name).State == ready {
			continue
		}
		by, err := s.fillIndex(ctx, core, target, place, number, progress)
		if err != nil {
			return err
		}
		expired = max(expired, by)
		// In memory only: the next program fills it again, as it cannot know what happened meanwhile.
		target.index(ix.Name).State = ready
	}
	return s.dropExpired(ctx, core, place, expired)
}

// rekeying copies the rows of a tree to the space in which they have other primary keys.
type rekeying struct {
	store *Store
	core  *session.Tree
	entry *treeEntry
	// from is where the rows are, and place where they go.
	from, place *session.Place
	progress    func(OpenProgress)
	rows        int64
}

// run copies the rows that have not been copied yet. Their history is that of the present space.
func (r *rekeying) run(ctx context.Context, h history) error {
	r.from = &session.Place{Space: r.entry.ID.Append(nil), Schema: uint32(len(h)), Foreign: h.foreign(r.entry.Codec)}
	r.from.Older, _ = h.upgrades(r.core, r.entry.Oldest)
	txn, err := r.store.db.View(ctx)
	if err != nil {
		return err
	}
	read, err := readDictionaries(txn, r.store.keys, r.core.Name, r.entry.ID)
	txn.Discard()
	if err != nil {
		return err
	}
	r.from.Unpacker = read.Unpacker
	return paging.Each(chunkRows, func(most int) (done bool, err error) {
		after, rows, err := r.chunk(ctx, most)
		if err != nil {
			return false, err
		}
		if r.rows += rows; r.progress != nil {
			r.progress(OpenProgress{Tree: r.core.Name, Rows: r.rows})
		}
		r.entry.Next.After = after
		return rows == 0, nil
	})
}

// chunk copies the next rows, most at most, in one transaction, and notes in the catalog how far it
// has come. It returns that, and how many rows it has gone over.
func (r *rekeying) chunk(ctx context.Context, most int) (after []byte, rows int64, err error) {
	err = r.store.run(ctx, engine.Relaxed, func(ses *session.Session) error {
		after, rows = r.entry.Next.After, 0
		left := spaceRange(r.entry.ID)
		if after != nil {
			if !bytes.HasPrefix(after, r.from.Space) {
				return fmt.Errorf("%w: tree %s is said to be copied up to the key %x, which is not its own", models.ErrCorrupt,
					r.core.Name, after)
			}
			left.Lower = append(bytes.Clone(after), 0)
		}
		c := ses.Read.Cursor(left)
		defer c.Close()
		for size := 0; int(rows) < most && size < chunkBytes && c.Next(); rows++ {
			stored, err := c.Value()
			if err != nil {
				return err
			}
			size += len(c.Key()) + len(stored)
			after = bytes.Clone(c.Key())
			if err := r.row(ses, after, stored); err != nil {
				return err
			}
		}
		if err := c.Err(); err != nil || rows == 0 {
			return err
		}
		next := *r.entry.Next
		next.After = after
		entry := *r.entry
		entry.Next = &next
		return putCatalog(ses.Write, treeKey(r.core.Name), treeCodec, &entry)
	})
	return after, rows, err
}

// row copies the row stored at key.
func (r *rekeying) row(ses *session.Session, key, stored []byte) error {
	row, err := format.ParseRow(key, stored)
	if err != nil {
		return r.fail(key, err)
	}
	now := time.Now().UnixNano()
	if row.Expiry != 0 && row.Expiry <= now {
		return nil
	}
	primary, value, err := r.core.Rekey(r.from, row)
	if err != nil {
		return r.fail(key, err)
	}
	to := append(bytes.Clone(r.place.Space), primary...)
	held, found, err := readRow(ses.Read, to)
	switch {
	case err != nil:
		return err
	case found && (held.Expiry == 0 || held.Expiry > now):
		return r.sameKey(ses, key, primary)
	case found:
		if err := ses.Delete(format.AppendExpiryKey(nil, held.Expiry, to)); err != nil {
			return err
		}
	}
	h := format.Header{Schema: r.place.Schema, Expiry: row.Expiry}
	if stored, err = r.place.AppendRow(ses, nil, to, h, value); err != nil {
		return err
	}
	if err := ses.Put(to, format.AppendChecksum(stored, to)); err != nil {
		return r.fail(key, err)
	}
	if row.Expiry == 0 {
		return nil
	}
	queued := format.AppendExpiryKey(nil, row.Expiry, to)
	if err := ses.Put(queued, format.AppendChecksum(nil, queued)); err != nil {
		return r.fail(key, err)
	}
	return nil
}

// fail adds to an error which row it is about.
func (r *rekeying) fail(key []byte, err error) error {
	return fmt.Errorf("row %s of tree %s: %w", r.text(key), r.core.Name, err)
}

// text returns the primary key of the row stored at key as people write it, or in hex.
func (r *rekeying) text(key []byte) string {
	primary := key[len(r.from.Space):]
	if text := lastText(r.entry.Key, primary); text != "" {
		return text
	}
	return fmt.Sprintf("%x", primary)
}

// sameKey returns the error for the row stored at key, whose primary key another row has taken.
func (r *rekeying) sameKey(ses *session.Session, key, primary []byte) error {
	clash := &SameKeyError{Tree: r.core.Name, Rows: [2]string{"", r.text(key)}, Key: r.core.FormatKey(primary)}
	c := ses.Read.Cursor(engine.Range{Lower: r.from.Space, Upper: key})
	defer c.Close()
	for c.Next() {
		stored, err := c.Value()
		if err != nil {
			return err
		}
		row, err := format.ParseRow(c.Key(), stored)
		if err != nil {
			continue
		}
		if other, _, err := r.core.Rekey(r.from, row); err == nil && bytes.Equal(other, primary) {
			clash.Rows[0] = r.text(c.Key())
		}
	}
	if err := c.Err(); err != nil {
		return err
	}
	return clash
}
