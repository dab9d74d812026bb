package datastore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/crypt"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Inspection shows the content of a store without its Go types: it uses the catalog
// and the self-describing bytes of the rows. It writes nothing. All methods may be
// called concurrently. Rows that have expired are shown and counted until they are
// swept away.
type Inspection struct {
	db engine.DB
	// store is the open store that is inspected, or nil.
	store *Store
	// keys are nil if the store is not encrypted.
	keys  *crypt.Keys
	close func() error
}

// InspectOptions change Inspect. The zero value is the default.
type InspectOptions struct {
	// Key is the store's, as in OpenOptions. Without it, the catalog of an encrypted store can be
	// read and its rows cannot. A store that is not encrypted takes none: ErrNotEncrypted. Defaults
	// to none.
	Key Key
}

// Inspect opens the store in eng for inspection. Configure the engine ReadOnly
// if it allows that: then nothing is created, and other readers may have the
// store open at the same time. It returns the errors of Open, and
// engine.ErrMissing for a database without anything in it. Since it writes nothing, it
// refuses no store for a read-only feature that this version does not know.
func Inspect(ctx context.Context, eng engine.Engine, options ...InspectOptions) (*Inspection, error) {
	db, err := eng.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("inspect store: %w", err)
	}
	in := &Inspection{db: db, close: db.Close}
	if err := in.check(ctx, given(options).Key); err != nil {
		return nil, fmt.Errorf("inspect store: %w", errors.Join(err, db.Close()))
	}
	return in, nil
}

// Inspect returns an Inspection of the open store, which ends with it.
func (s *Store) Inspect() *Inspection {
	return &Inspection{db: s.db, store: s, keys: s.keys, close: func() error { return nil }}
}

// Close closes a store that Inspect has opened.
func (in *Inspection) Close() error { return in.close() }

// view begins a transaction to look at the store in.
func (in *Inspection) view(ctx context.Context) (engine.ReadTxn, error) {
	if in.store != nil {
		if err := in.store.checkNested(ctx); err != nil {
			return nil, err
		}
	}
	return in.db.View(ctx)
}

// check refuses what is not a store or of a newer format.
func (in *Inspection) check(ctx context.Context, key Key) error {
	txn, err := in.view(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	c := catalog{read: txn}
	if _, err = c.openStore(); err == nil {
		in.keys, err = c.unlock(ctx, key)
	}
	return err
}

// StoreInfo is what the catalog says of the store.
type StoreInfo struct {
	// ID is the store's, as Store.ID returns it.
	ID [16]byte
	// Format is the version of the format, of docs/format.md.
	Format uint64
	// Features are those of the store.
	Features Features
}

// Store says which store this is, and which features it uses.
func (in *Inspection) Store(ctx context.Context) (StoreInfo, error) {
	txn, err := in.view(ctx)
	if err != nil {
		return StoreInfo{}, fmt.Errorf("inspect catalog: %w", err)
	}
	defer txn.Discard()
	c := catalog{read: txn}
	if _, err := c.openStore(); err != nil {
		return StoreInfo{}, fmt.Errorf("inspect catalog: %w", err)
	}
	return StoreInfo{ID: [idSize]byte(c.store.ID), Format: c.store.Format, Features: *c.store.features()}, nil
}

// TreeInfo is what the catalog says of a tree.
type TreeInfo struct {
	// Name is the full name, "blog.user"; Definition is the part before the dot.
	Name, Definition string
	// Key and Codec name the codecs of primary keys and values. KeyVersion is that of
	// models.WithKeyVersion.
	Key, Codec string
	KeyVersion uint32
	// Rebuilding says that a program has begun to give the tree another primary key or other
	// indexes, and has not come to the end. All else is as it was before.
	Rebuilding bool
	// Policy is the name of the tree's policy, as models.Policy.String gives it.
	Policy string
	// Schema is the newest schema version, and Oldest the lowest that a row may have.
	Schema, Oldest uint32
	// Fields are those of the newest version of the model. Codecs that cannot tell give none.
	Fields []models.Field
	// Shapes has the shape of each schema version, version 1 at index 0.
	Shapes []shape.Type
	// Indexes are in the order of their declaration.
	Indexes []IndexInfo
	// Err tells what is wrong with the catalog's entry, of which nothing but
	// the name is known then. It is nil for one that is whole.
	Err error
}

// IndexInfo is what the catalog says of an index.
type IndexInfo struct {
	// Name is the index's own, "email".
	Name string
	// Kind is "index", "unique", "multi", or "claim" for a Unique of a tree whose rows
	// come from other peers.
	Kind string
	// Key names the codec of index keys.
	Key string
	// Partial says that the index leaves out some rows.
	Partial bool
	// Blind says that the index hides its keys: see models.NewBlind.
	Blind bool
	// Ready is false while the index has not been filled to the end.
	Ready bool
	// Version is that of models.IndexVersion.
	Version uint32
}

// Trees lists all trees in the store, by name, the store's own included. Where
// the catalog lacks some that it should have it returns those it has, and an
// error that matches models.ErrCorrupt.
func (in *Inspection) Trees(ctx context.Context) ([]TreeInfo, error) {
	txn, err := in.view(ctx)
	if err != nil {
		return nil, fmt.Errorf("inspect catalog: %w", err)
	}
	defer txn.Discard()
	c := txn.Cursor(engine.Range{Lower: treePrefix, Upper: format.PrefixEnd(treePrefix), KeysOnly: true})
	defer c.Close()
	var trees []TreeInfo
	for c.Next() {
		key := bytes.Clone(c.Key())
		entry := &treeEntry{}
		name := string(key[len(treePrefix):])
		var h history
		_, err := getCatalog(txn, key, treeCodec, entry)
		if err == nil {
			h, err = readHistory(txn, name, entry)
		}
		trees = append(trees, entry.info(name, h, err))
	}
	err = c.Err()
	if err == nil {
		err = in.checkCount(txn, len(trees))
	}
	if err != nil {
		return trees, fmt.Errorf("inspect catalog: %w", err)
	}
	return trees, nil
}

func (in *Inspection) checkCount(txn engine.ReadTxn, trees int) error {
	c := catalog{read: txn}
	if _, err := c.openStore(); err != nil {
		return err
	}
	return c.checkCount(trees)
}

func (e *treeEntry) info(name string, h history, err error) TreeInfo {
	definition, _, _ := strings.Cut(name, ".")
	info := TreeInfo{Name: name, Definition: definition, Err: err}
	if err != nil {
		return info
	}
	info.KeyVersion, info.Rebuilding = e.KeyVersion, e.Next != nil
	info.Key, info.Codec, info.Policy, info.Schema, info.Oldest = e.Key, e.Codec, e.Policy, e.Schema, e.Oldest
	for _, v := range h {
		info.Shapes, info.Fields = append(info.Shapes, v.Shape), v.Shape.Fields
	}
	for _, ix := range e.Indexes {
		info.Indexes = append(info.Indexes, IndexInfo{
			Name: ix.Name, Kind: string(ix.Kind), Key: ix.Key, Partial: ix.Partial, Blind: ix.Blind, Ready: ix.State == ready,
			Version: ix.Version,
		})
	}
	return info
}

// TreeCount is what a tree holds. Bytes are those of stored keys and values, not
// what the engine's files take.
type TreeCount struct {
	// Rows is the number of rows, Bytes the size of these, without indexes.
	Rows, Bytes int64
	// Indexes are in the order of TreeInfo.Indexes.
	Indexes []IndexCount
}

// IndexCount is what an index holds.
type IndexCount struct {
	// Name is the index's own.
	Name string
	// Entries is the number of entries, Bytes the size of these.
	Entries, Bytes int64
}

// Count counts rows, index entries and their bytes, by going over all of them.
// It does not tell damaged rows or expired ones from others. Name is the tree's
// full name; a name the store does not have returns models.ErrUnknownTree.
func (in *Inspection) Count(ctx context.Context, name string) (TreeCount, error) {
	count, err := in.count(ctx, name)
	if err != nil {
		return count, fmt.Errorf("count %s: %w", name, err)
	}
	return count, nil
}

func (in *Inspection) count(ctx context.Context, name string) (count TreeCount, err error) {
	entry, err := in.tree(ctx, name)
	if err != nil {
		return count, err
	}
	if count.Rows, count.Bytes, err = in.countSpace(ctx, indexEntry{ID: entry.ID}); err != nil {
		return count, err
	}
	for _, ix := range entry.Indexes {
		n := IndexCount{Name: ix.Name}
		if n.Entries, n.Bytes, err = in.countSpace(ctx, ix); err != nil {
			return count, err
		}
		if ix.Kind == session.Topical {
			logged, err := in.countLogged(ctx, ix.ID)
			if err != nil {
				return count, err
			}
			n.Entries += logged
		}
		count.Indexes = append(count.Indexes, n)
	}
	return count, nil
}

// countSpace counts what an index has, or the rows of a tree, if it has but their space.
func (in *Inspection) countSpace(ctx context.Context, ix indexEntry) (n, size int64, err error) {
	prefix := len(ix.ID.Append(nil))
	err = in.pages(ctx, ix.ID, nil, func(key, stored []byte) {
		if ix.Kind != session.Topical || len(key) > prefix && key[prefix] == format.TopicEntry {
			n++
		}
		size += int64(len(key) + len(stored))
	}, func() bool { return true })
	return n, size, err
}

// countLogged returns how many entries more the log of a topic makes.
func (in *Inspection) countLogged(ctx context.Context, space format.Space) (more int64, err error) {
	txn, err := in.view(ctx)
	if err != nil {
		return 0, err
	}
	defer txn.Discard()
	of := session.Topic{Space: space.Append(nil)}
	net, err := of.Logged(txn)
	for _, added := range net {
		if added {
			more++
		} else {
			more--
		}
	}
	return more, err
}

// tree returns the catalog's entry of a tree.
func (in *Inspection) tree(ctx context.Context, name string) (*treeEntry, error) {
	txn, err := in.view(ctx)
	if err != nil {
		return nil, err
	}
	defer txn.Discard()
	return treeEntryOf(txn, name)
}

func treeEntryOf(txn engine.ReadTxn, name string) (*treeEntry, error) {
	entry := &treeEntry{}
	found, err := getCatalog(txn, treeKey(name), treeCodec, entry)
	if err == nil && !found {
		err = fmt.Errorf("%w: %s", models.ErrUnknownTree, name)
	}
	return entry, err
}

// pages calls fn with every key of a space, in which they begin at from, and what is stored
// there, borrowed, in transactions of a page each, and turn after every page, when none is open.
// It ends early where turn returns false.
func (in *Inspection) pages(
	ctx context.Context, space format.Space, from []byte, fn func(key, stored []byte), turn func() bool,
) error {
	prefix := space.Append(nil)
	r := engine.Range{Lower: slices.Concat(prefix, from), Upper: format.PrefixEnd(prefix)}
	for {
		last, err := in.page(ctx, r, fn)
		if err != nil {
			turn()
			return err
		}
		if !turn() || last == nil {
			return nil
		}
		r.Lower = append(last, 0)
	}
}

// page returns the last key it has read if there may be more.
func (in *Inspection) page(ctx context.Context, r engine.Range, fn func(key, stored []byte)) (last []byte, err error) {
	txn, err := in.view(ctx)
	if err != nil {
		return nil, err
	}
	defer txn.Discard()
	c := txn.Cursor(r)
	defer c.Close()
	for keys, size := 0, 0; c.Next(); keys++ {
		stored, err := c.Value()
		if err != nil {
			return nil, err
		}
		fn(c.Key(), stored)
		if size += len(c.Key()) + len(stored); keys == pageKeys || size >= pageBytes {
			return slices.Clone(c.Key()), nil
		}
	}
	return nil, c.Err()
}
