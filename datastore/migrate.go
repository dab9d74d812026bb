package datastore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/paging"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// MigrateOptions change Migrate. The zero value is the default.
type MigrateOptions struct {
	// Progress is called after every transaction, by the goroutine that called Migrate. Defaults
	// to none.
	Progress func(MigrateProgress)
}

// MigrateProgress says how far Migrate has come in a tree.
type MigrateProgress struct {
	// Tree is the full name of the tree.
	Tree string
	// Rows is how many rows have been gone over, Rewritten how many of them were of an earlier
	// version.
	Rows, Rewritten int64
}

// Migrate rewrites all rows of earlier schema versions as the newest version of their models, and
// returns how many there were. Rows are read as the newest version without it; Migrate makes
// reading them faster, and lets a program drop the earlier types of its models.
//
// The store may be in use meanwhile. Migrate works in short transactions, and takes memory for one of
// them, beside what the engine takes for writes: see badger.Options.MemTableMB. If it is interrupted, by
// the end of the process too, the next call goes on: it reads the rows that were rewritten and
// does not write them again. Trees of other definitions are migrated as well, unless their rows
// need a function: those stay, and Migrate returns models.ErrUpgrade after the other trees.
//
// A row that a function refuses ends the migration of its tree with the function's error. Rows of
// trees that travel keep their values byte for byte.
func Migrate(ctx context.Context, s *Store, options ...MigrateOptions) (rewritten int64, err error) {
	progress := given(options).Progress
	if err = s.checkNested(ctx); err == nil {
		err = s.addVersions(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("migrate: %w", err)
	}
	c, err := s.catalogNow(ctx)
	if err != nil {
		return 0, fmt.Errorf("migrate: %w", err)
	}
	var failed error
	for _, name := range slices.Sorted(maps.Keys(c.trees)) {
		entry := c.trees[name]
		if entry.Oldest == entry.Schema {
			continue
		}
		m := migration{store: s, name: name, entry: entry, progress: progress}
		err := m.run(ctx)
		rewritten += m.done.Rewritten
		if ctx.Err() != nil {
			return rewritten, fmt.Errorf("migrate %s: %w", name, err)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("migrate %s: %w", name, err))
		}
	}
	return rewritten, failed
}

// migration is the migration of one tree.
type migration struct {
	store    *Store
	name     string
	entry    *treeEntry
	place    *session.Place
	rewrite  func(p *session.Place, primary []byte, row format.Row) (format.Row, error)
	progress func(MigrateProgress)
	done     MigrateProgress
}

func (m *migration) run(ctx context.Context) error {
	m.done.Tree = m.name
	if err := m.prepare(ctx); err != nil {
		return err
	}
	r := spaceRange(m.entry.ID)
	err := paging.EachBesideWriters(chunkRows, func(most int) (done bool, err error) {
		next, err := m.chunk(ctx, r, most)
		if err != nil {
			return false, err
		}
		if m.progress != nil {
			m.progress(m.done)
		}
		r.Lower = next
		return next == nil, nil
	})
	if err != nil {
		return err
	}
	return m.finish(ctx)
}

// prepare finds out how rows are to be rewritten.
func (m *migration) prepare(ctx context.Context) error {
	if tree := m.store.trees[m.name]; tree != nil {
		core := tree.Core()
		m.place, m.rewrite = m.store.places[core], core.Modernize
		return nil
	}
	txn, err := m.store.db.View(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	h, err := readHistory(txn, m.name, m.entry)
	if err != nil {
		return err
	}
	upgrades, differences := h.upgrades(nil, m.entry.Oldest)
	if len(differences) > 0 {
		return fmt.Errorf("%w: %s", models.ErrUpgrade, differences[0])
	}
	read, err := readDictionaries(txn, m.store.keys, m.name, m.entry.ID)
	if err != nil {
		return err
	}
	m.place = &session.Place{
		Space: m.entry.ID.Append(nil), Schema: m.entry.Schema, Older: upgrades,
		Foreign: h.foreign(m.entry.Codec), Unpacker: read.Unpacker, Keys: m.store.keys,
	}
	m.rewrite = func(p *session.Place, _ []byte, row format.Row) (format.Row, error) {
		row, err := p.Unpacker.Plain(row)
		if err != nil {
			return row, err
		}
		value, err := p.Value(row)
		if m.entry.Policy == models.Local.String() {
			row.Value = value
		} else {
			row.Foreign = !bytes.Equal(value, row.Value)
		}
		row.Schema = p.Schema
		return row, err
	}
	return nil
}

// chunk rewrites the first rows of r, most at most, in one transaction. It returns where to go
// on, or nil at the end.
func (m *migration) chunk(ctx context.Context, r engine.Range, most int) (next []byte, err error) {
	var rows, rewritten int64
	err = m.store.run(ctx, engine.Relaxed, func(ses *session.Session) error {
		next, rows, rewritten = nil, 0, 0
		c := ses.Read.Cursor(r)
		defer c.Close()
		for size := 0; c.Next(); rows++ {
			if int(rows) == most || size >= chunkBytes {
				next = bytes.Clone(c.Key())
				break
			}
			stored, err := c.Value()
			if err != nil {
				return err
			}
			size += len(c.Key()) + len(stored)
			changed, err := m.row(ses, c.Key(), stored)
			if err != nil {
				return err
			}
			if changed {
				rewritten++
			}
		}
		return c.Err()
	})
	if err == nil {
		m.done.Rows += rows
		m.done.Rewritten += rewritten
	}
	return next, err
}

// row rewrites the row stored at key, both of which are borrowed. A damaged row is left for
// Repair, and one of a newer version as it is.
func (m *migration) row(ses *session.Session, key, stored []byte) (rewritten bool, err error) {
	row, err := format.ParseRow(key, stored)
	if err != nil || row.Schema >= m.place.Schema {
		return false, nil
	}
	primary := key[len(m.place.Space):]
	row, err = m.rewrite(m.place, primary, row)
	if isDamage(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("row %s: %w", m.formatKey(primary), err)
	}
	key = bytes.Clone(key)
	stored, err = m.place.AppendRow(ses, nil, key, row.Header, row.Value)
	if err != nil {
		return false, err
	}
	return true, ses.Put(key, format.AppendChecksum(stored, key))
}

func (m *migration) formatKey(primary []byte) string {
	if tree := m.store.trees[m.name]; tree != nil {
		return tree.Core().FormatKey(primary)
	}
	return fmt.Sprintf("%x", primary)
}

// finish notes in the catalog that no row is of an earlier version. The rows are made durable
// first.
func (m *migration) finish(ctx context.Context) error {
	if err := m.store.db.Sync(ctx); err != nil {
		return err
	}
	return m.store.run(ctx, engine.Durable, func(ses *session.Session) error {
		var entry treeEntry
		if _, err := getCatalog(ses.Read, treeKey(m.name), treeCodec, &entry); err != nil {
			return err
		}
		entry.Oldest = m.place.Schema
		return putCatalog(ses.Write, treeKey(m.name), treeCodec, &entry)
	})
}
