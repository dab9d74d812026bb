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
	"github.com/newsnet-africa/netabase-go/internal/topic"
	"github.com/newsnet-africa/netabase-go/models"
)

// Report says what Verify or Repair has seen and done.
type Report struct {
	// Rows and Entries count what was examined.
	Rows, Entries int64
	// BadRows counts rows that do not match their checksum or key, do not decode or have been
	// tampered with, and keys that belong to no tree. Orphans counts index entries
	// without a row, and Missing the entries that rows should have and do not.
	BadRows, Orphans, Missing int64
	// Unknown counts what belongs to a newer version, which this one cannot examine: rows
	// and keys of spaces, of the catalog and of indexes. It is no damage, and Repair leaves
	// it alone.
	Unknown int64
	// Repaired counts how many of these Repair has mended.
	Repaired int64
	// Engine is the damage that the engine has found in its own files, or nil
	// if there is none: see [engine.Verifier]. If there is such damage, Repair
	// mends nothing: Backup and [Restore] bring everything that can still be
	// read into a sound store.
	Engine error
	// Damage describes the first of them, at most maxDamage.
	Damage []Damage
}

// maxDamage bounds a report's memory however broken a store is.
const maxDamage = 100

// Clean reports whether nothing was wrong.
func (r *Report) Clean() bool { return r.BadRows+r.Orphans+r.Missing == 0 && r.Engine == nil }

// Left returns how many of the faults have not been mended. Damage to the
// engine's files counts as one.
func (r *Report) Left() int64 {
	left := r.BadRows + r.Orphans + r.Missing - r.Repaired
	if r.Engine != nil {
		left++
	}
	return left
}

// Damage is one thing that is wrong.
type Damage struct {
	// Kind says what is wrong, and which of the other fields are set.
	Kind DamageKind
	// Tree is the full name of the tree, Index the name of the index if the
	// damage is in one.
	Tree, Index string
	// Key is the stored key, its space number included.
	Key []byte
	// Text is the key as people write it: that of the row, or of the index entry
	// and its row. It is empty where that cannot be told.
	Text string
	// Err tells what is wrong.
	Err error
}

func (d Damage) String() string {
	if d.Kind == EngineFiles {
		return fmt.Sprintf("%s: %v", d.Kind, d.Err)
	}
	where := d.Tree
	if d.Index != "" {
		where += "/" + d.Index
	}
	at := d.Text
	if at == "" {
		at = fmt.Sprintf("stored key %x", d.Key)
	}
	return fmt.Sprintf("%s in %s at %s: %v", d.Kind, where, at, d.Err)
}

// DamageKind is a kind of damage.
type DamageKind string

const (
	// BadRow is a row that does not match its checksum or its key, or does not
	// decode.
	BadRow DamageKind = "bad row"
	// Orphan is an index entry that is damaged or has no row.
	Orphan DamageKind = "orphan entry"
	// Missing is an index entry that a row should have and does not.
	Missing DamageKind = "missing entry"
	// EngineFiles is damage that the engine finds in its own files. It is about
	// no key.
	EngineFiles DamageKind = "engine's files"
)

// Verify examines every row and every index entry of the store: that each row
// matches its checksum, decodes and belongs under its key, that every entry has its
// row and every row its entries. Before that the engine examines its own files,
// where it can. The catalog is known to be whole, because Open refuses a store with
// a damaged one, but for what it says of the fields of keys.
//
// For a tree whose definition the store was not opened with, Verify examines what
// the catalog tells: checksums, keys and values that decode by the codecs of this module,
// a row for every entry, and in indexes other than a Multi as many entries as
// there are rows.
//
// It only counts what a newer version has added to the store.
//
// The store may be in use meanwhile. Memory is bounded however large the store
// is. The report is valid, as far as it got, even if there is an error. An
// error does not mean damage: it means that Verify could not read on.
func Verify(ctx context.Context, s *Store, options ...VerifyOptions) (Report, error) {
	v := verifier{store: s, progress: given(options).Progress}
	err := v.run(ctx)
	return v.report, err
}

// Repair is Verify that mends the damage it finds. It deletes entries without a row
// and adds missing ones, so that the indexes match the rows again. It moves rows and
// entries that cannot be read, as they are, to the store's quarantine. It deletes
// nothing but intact index entries without a row, and entries of the expiry queue that
// earlier versions have left behind. If the engine's own files are damaged, it changes
// nothing at all.
func Repair(ctx context.Context, s *Store, options ...VerifyOptions) (Report, error) {
	v := verifier{store: s, progress: given(options).Progress, repair: true}
	err := v.run(ctx)
	return v.report, err
}

type verifier struct {
	store    *Store
	repair   bool
	progress func(Report)
	report   Report
	// catalog is as it was when verifying began. Fresh is the one that the page which is
	// being examined sees, nil if nobody has asked for it yet.
	catalog, fresh *catalog
	// pageNumber counts the pages, and logs has the logs of topics as one of them has seen them.
	pageNumber int64
	logs       map[*session.Topic]*topicLog
}

func (v *verifier) run(ctx context.Context) error {
	if err := v.store.checkNested(ctx); err != nil {
		return err
	}
	if err := v.files(ctx); err != nil {
		return err
	}
	if err := v.readCatalog(ctx); err != nil {
		return err
	}
	entries := v.catalog.trees
	known := []format.Space{
		format.Catalog, format.Expiry, format.Quarantine, format.Sequences, format.Commits, format.Tombstones,
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		entry := entries[name]
		known = append(known, entry.spaces()...)
		var core *session.Tree
		if tree := v.store.trees[name]; tree != nil {
			core = tree.Core()
		}
		rows := treeCheck{verifier: v, name: name, core: core, schema: entry.Schema}
		if core != nil {
			rows.place = v.store.places[core]
			rows.schema = rows.place.Schema
		} else {
			rows.untyped = newUntyped(entry, v.catalog.unpackers[name])
		}
		if err := rows.examineLogs(ctx, entry); err != nil {
			return fmt.Errorf("topics of %s: %w", name, err)
		}
		before := v.report
		if err := v.pages(ctx, spaceRange(entry.ID), rows.row); err != nil {
			return fmt.Errorf("rows of %s: %w", name, err)
		}
		whole := v.report.Rows - before.Rows - (v.report.BadRows - before.BadRows) -
			(v.report.Unknown - before.Unknown)
		for _, ix := range entry.Indexes {
			check := rows
			check.index = ix
			if !ix.known() {
				if err := v.pages(ctx, spaceRange(ix.ID), check.newer); err != nil {
					return fmt.Errorf("index %s of %s: %w", ix.Name, name, err)
				}
				continue
			}
			if ix.State != ready {
				continue // it is filled anew before it is used
			}
			before := v.report
			examine := check.entry
			if ix.Kind == session.Topical {
				examine = check.topicKey
			}
			if err := v.pages(ctx, spaceRange(ix.ID), examine); err != nil {
				return fmt.Errorf("index %s of %s: %w", ix.Name, name, err)
			}
			if core == nil {
				entries := v.report.Entries - before.Entries - (v.report.Orphans - before.Orphans)
				if ix.Kind == session.Topical {
					entries += v.loggedEntries(check.topic())
				}
				check.count(whole, entries)
			}
			if ix.Kind == session.Topical {
				if err := check.leaves(ctx); err != nil {
					return fmt.Errorf("topic %s of %s: %w", ix.Name, name, err)
				}
			}
		}
	}
	nowhere := treeCheck{verifier: v}
	if err := v.pages(ctx, spaceRange(format.Catalog), nowhere.catalogKey); err != nil {
		return fmt.Errorf("catalog: %w", err)
	}
	queue := treeCheck{verifier: v, index: indexEntry{Name: expiryQueue}}
	if err := v.pages(ctx, spaceRange(format.Expiry), queue.queueEntry); err != nil {
		return fmt.Errorf("expiry queue: %w", err)
	}
	if err := v.pages(ctx, spaceRange(format.Sequences), queue.counter); err != nil {
		return fmt.Errorf("sequences: %w", err)
	}
	feed := treeCheck{verifier: v, index: indexEntry{Name: feedName}}
	if err := v.pages(ctx, spaceRange(format.Commits), feed.commits); err != nil {
		return fmt.Errorf("feeds: %w", err)
	}
	if v.repair {
		if err := v.store.clearCut(ctx); err != nil {
			return fmt.Errorf("feeds: %w", err)
		}
	}
	if err := v.pages(ctx, spaceRange(format.Tombstones), nowhere.tombstoneKey); err != nil {
		return fmt.Errorf("tombstones: %w", err)
	}
	return v.strays(ctx, known)
}

func (v *verifier) readCatalog(ctx context.Context) error {
	txn, err := v.store.db.View(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	v.catalog, err = wholeCatalog(txn, v.store.keys)
	return err
}

// files has the engine examine what it keeps. To write where that is damaged may
// damage more.
func (v *verifier) files(ctx context.Context) error {
	verifier, ok := v.store.db.(engine.Verifier)
	if !ok {
		return nil
	}
	err := verifier.Verify(ctx)
	if errors.Is(err, engine.ErrCorrupt) {
		v.report.Engine, v.repair = err, false
		v.noteDamage(Damage{Kind: EngineFiles, Err: err})
		return nil
	}
	return err
}

// expiryQueue stands for the name of an index in reports.
const expiryQueue = "expiry"

// counter examines the counter of a sequence. One that is set aside begins anew
// behind the last row. An intact key that is no tree's counter belongs to a newer version.
func (t treeCheck) counter(p page, key, stored []byte) ([]change, error) {
	if intact(key, stored) && !t.catalog.owns(key[len(format.CounterKey(nil)):]) {
		return t.newer(p, key, stored)
	}
	if _, err := format.ParseCounter(key, stored); err != nil {
		t.found(BadRow, "", key, err)
		return t.setAside(p, key, stored)
	}
	return nil, nil
}

// newer counts what belongs to a newer version.
func (t treeCheck) newer(page, []byte, []byte) ([]change, error) {
	t.report.Unknown++
	return nil, nil
}

// strays examines the keys that lie in no known space.
func (v *verifier) strays(ctx context.Context, known []format.Space) error {
	slices.Sort(known)
	nowhere := treeCheck{verifier: v}
	var lower []byte
	for _, space := range append(known, 0) {
		gap := engine.Range{Lower: lower}
		if space != 0 { // else it is what lies behind the last
			gap.Upper = space.Append(nil)
			lower = format.PrefixEnd(gap.Upper)
		}
		if err := v.pages(ctx, gap, nowhere.stray); err != nil {
			return fmt.Errorf("keys of no tree: %w", err)
		}
	}
	return nil
}

func spaceRange(space format.Space) engine.Range {
	prefix := space.Append(nil)
	return engine.Range{Lower: prefix, Upper: format.PrefixEnd(prefix)}
}

// page is the transaction in which a page of a space is examined. Write is nil
// unless damage is to be mended.
type page struct {
	read  engine.ReadTxn
	write engine.WriteTxn
}

// A page ends after so many keys or bytes, so that no transaction lasts long.
const (
	pageKeys  = 500
	pageBytes = 512 << 10
)

// pages calls fn for every key of a range. Fn returns its changes, which are made
// when the page has been read.
func (v *verifier) pages(ctx context.Context, r engine.Range, fn func(page, []byte, []byte) ([]change, error)) error {
	return paging.Each(pageKeys, func(most int) (done bool, err error) {
		before := v.report
		next, err := v.page(ctx, r, most, fn)
		switch {
		case errors.Is(err, engine.ErrConflict):
			v.report = before
			return false, nil // a writer was faster: look again
		case errors.Is(err, engine.ErrTooLarge):
			v.report = before // a smaller page is next
			return false, err
		case err != nil:
			return false, err
		}
		if v.progress != nil {
			v.progress(v.report)
		}
		r.Lower = next
		return next == nil, nil
	})
}

// change is a write that mends damage. A nil value deletes the key.
type change struct{ key, value []byte }

func (v *verifier) page(
	ctx context.Context, r engine.Range, most int, fn func(page, []byte, []byte) ([]change, error),
) (next []byte, err error) {
	var p page
	if v.repair {
		if p.write, err = v.store.db.Update(ctx); err != nil {
			return nil, err
		}
		p.read = p.write
	} else if p.read, err = v.store.db.View(ctx); err != nil {
		return nil, err
	}
	defer p.read.Discard()
	v.fresh = nil
	v.pageNumber++
	changes, next, err := p.examine(r, most, fn)
	if err != nil || len(changes) == 0 {
		return next, err
	}
	for _, c := range changes {
		if c.value == nil {
			// Where damage has put keys out of order an engine may come upon one
			// that it does not find.
			if _, err := p.read.Get(c.key); errors.Is(err, engine.ErrNotFound) {
				v.report.Repaired--
				continue
			}
			err = p.write.Delete(c.key)
		} else {
			err = p.write.Put(c.key, c.value)
		}
		if err != nil {
			return nil, err
		}
	}
	return next, p.write.Commit(ctx, engine.Durable)
}

func (p page) examine(
	r engine.Range, most int, fn func(page, []byte, []byte) ([]change, error),
) (changes []change, next []byte, err error) {
	c := p.read.Cursor(r)
	defer c.Close()
	for keys, size := 0, 0; c.Next(); keys++ {
		if keys == most || size >= pageBytes {
			return changes, bytes.Clone(c.Key()), nil
		}
		stored, err := c.Value()
		if err != nil {
			return nil, nil, err
		}
		size += len(c.Key()) + len(stored)
		more, err := fn(p, bytes.Clone(c.Key()), stored)
		if err != nil {
			return nil, nil, err
		}
		for _, c := range more {
			size += len(c.key) + len(c.value)
		}
		changes = append(changes, more...)
	}
	return changes, nil, c.Err()
}

// treeCheck examines one tree. Core and place are nil where the store was opened
// without its definition, untyped where it was opened with it.
type treeCheck struct {
	*verifier
	name    string
	core    *session.Tree
	place   *session.Place
	untyped *untyped
	// schema is the newest schema version of the tree.
	schema uint32
	index  indexEntry
}

// row examines one row and, from it, its entries.
func (t treeCheck) row(p page, key, stored []byte) (changes []change, err error) {
	t.report.Rows++
	row, err := t.readRow(key, stored)
	if isUnknown(err) {
		return t.newer(p, key, stored)
	}
	if err != nil {
		t.found(BadRow, "", key, err)
		return t.setAside(p, key, stored)
	}
	if t.core == nil {
		return nil, nil
	}
	if row.Expiry != 0 {
		if changes, err = t.queued(p, key, row.Expiry); err != nil {
			return nil, err
		}
	}
	primary := key[len(t.place.Space):]
	err = t.core.Entries(t.place, primary, row, func(i int, index []byte) error {
		unique := t.core.Indexes[i].Kind.KeyInValue()
		entry, value := format.Entry(t.place.Indexes[i], index, primary, unique)
		have, err := p.read.Get(entry)
		if err == nil && bytes.Equal(have, value) {
			return nil
		}
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			return err
		}
		if err != nil && t.core.Indexes[i].Kind == session.Topical {
			logged, err := t.logged(p, t.place.Topics[i])
			if err != nil || logged[topic.ID(index[1:])] {
				return err // the log has it
			}
		}
		mendable := true
		if err != nil {
			err = errors.New("the row is not in the index")
		} else if other, cutErr := format.CutChecksum(entry, have); cutErr != nil {
			err = cutErr
		} else if t.core.Indexes[i].Kind != session.Unique {
			err = fmt.Errorf("%w: the entry has another row", engine.ErrCorrupt)
		} else {
			mendable = false
			err = fmt.Errorf("%w: the index has row %s under the key", models.ErrUnique, t.core.FormatKey(other))
		}
		t.found(Missing, t.core.Indexes[i].Name, entry, err)
		if t.repair && mendable {
			t.report.Repaired++
			changes = append(changes, change{entry, value})
		}
		return nil
	})
	return changes, err
}

// isUnknown reports whether an error is about what this program does not understand, and not
// about damage: it is of a newer version, or the program's function does not take the row.
func isUnknown(err error) bool {
	return errors.Is(err, ErrVersion) || errors.Is(err, models.ErrUpgrade)
}

// readRow reads the row stored at key, and checks that it decodes and belongs there.
func (t treeCheck) readRow(key, stored []byte) (format.Row, error) {
	row, err := format.ParseRow(key, stored)
	switch {
	case err != nil:
	case row.Schema > t.schema:
		err = fmt.Errorf("%w: the row has schema version %d, the catalog knows %d", ErrVersion, row.Schema, t.schema)
	case t.core != nil:
		err = t.core.Verify(t.place, key[len(t.place.Space):], row)
	default:
		err = inspectRow(t.untyped.entry, t.untyped.keys, t.untyped.unpacker, key, stored).Err
	}
	return row, err
}

// queueEntry examines an entry of the expiry queue. One whose row has another
// expiry, or is not there, is nothing wrong: the sweep passes over it, and Repair
// drops it. Earlier versions left one for each refresh of a row.
func (t treeCheck) queueEntry(p page, key, stored []byte) ([]change, error) {
	changes, err := t.entry(p, key, stored)
	if err != nil || len(changes) > 0 || !t.repair {
		return changes, err
	}
	expiry, rowKey, ok := format.CutExpiryKey(key)
	if _, err := format.CutChecksum(key, stored); err != nil || !ok {
		return nil, nil
	}
	if !t.catalog.owns(rowKey) {
		return nil, nil // a newer version may know
	}
	row, found, err := readRow(p.read, rowKey)
	if unreadable(err) || err == nil && found && row.Expiry == expiry {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if _, err := p.read.Get(key); errors.Is(err, engine.ErrNotFound) {
		return nil, nil // damage has put keys out of order
	} else if err != nil {
		return nil, err
	}
	return []change{{key: key}}, nil
}

// queued examines whether a row that expires is in the expiry queue.
func (t treeCheck) queued(p page, key []byte, expiry int64) ([]change, error) {
	entry := format.AppendExpiryKey(nil, expiry, key)
	value := format.AppendChecksum(nil, entry)
	have, err := p.read.Get(entry)
	if err == nil && bytes.Equal(have, value) {
		return nil, nil
	}
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return nil, err
	}
	t.found(Missing, expiryQueue, entry, errors.New("the row expires and is not in the queue"))
	if !t.repair {
		return nil, nil
	}
	t.report.Repaired++
	return []change{{entry, value}}, nil
}

// entry examines one index entry.
func (t treeCheck) entry(p page, key, stored []byte) ([]change, error) {
	t.report.Entries++
	err := t.checkEntry(p, key, stored)
	switch {
	case err == nil || isUnknown(err): // the latter is its row, which is counted
		return nil, nil
	case !isDamage(err) && !errors.Is(err, models.ErrInvalid):
		return nil, err
	}
	t.found(Orphan, t.index.Name, key, err)
	if _, err := format.CutChecksum(key, stored); err != nil {
		return t.setAside(p, key, stored) // it may be anything, a row gone astray too
	}
	if !t.repair {
		return nil, nil
	}
	t.report.Repaired++
	return []change{{key: key}}, nil
}

// stray examines a key that lay where no tree was when verifying began.
func (t treeCheck) stray(p page, key, stored []byte) ([]change, error) {
	if t.fresh == nil {
		fresh, err := wholeCatalog(p.read, t.store.keys)
		if err != nil {
			return nil, err
		}
		t.verifier.fresh = fresh
	}
	if t.fresh.owns(key) {
		return nil, nil // it is new
	}
	if t.fresh.mayBeKnown(key) {
		return t.newer(p, key, stored)
	}
	t.report.Rows++
	t.found(BadRow, "", key, fmt.Errorf("%w: the key belongs to no tree", engine.ErrCorrupt))
	return t.setAside(p, key, stored)
}

// setAside moves what cannot be read to the quarantine, unless that has other bytes of the
// same key: they are not to be lost.
func (t treeCheck) setAside(p page, key, stored []byte) ([]change, error) {
	if !t.repair || len(key) >= engine.MaxKeySize {
		return nil, nil
	}
	to := quarantined(key)
	there, err := p.read.Get(to)
	if err == nil && !bytes.Equal(there, stored) {
		return nil, nil
	}
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return nil, err
	}
	t.report.Repaired++
	return []change{{key: key}, {key: to, value: append(make([]byte, 0, len(stored)), stored...)}}, nil
}

// unreadable reports whether err is about a row that this version cannot read, because it is
// damaged or of a newer version. Such a row stays as it is.
func unreadable(err error) bool { return isDamage(err) || errors.Is(err, ErrVersion) }

// isDamage reports whether err is about a row that is damaged, or that somebody has tampered with.
func isDamage(err error) bool {
	return errors.Is(err, engine.ErrCorrupt) || errors.Is(err, models.ErrTampered)
}

func (t treeCheck) checkEntry(p page, key, stored []byte) error {
	value, err := format.CutChecksum(key, stored)
	if err != nil {
		return err
	}
	if t.core == nil {
		return t.untypedEntry(p, key, value)
	}
	number := slices.IndexFunc(t.core.Indexes, func(ix *session.Index) bool { return ix.Name == t.index.Name })
	if number < 0 {
		return nil // retired, about to be cleared
	}
	index, primary, err := t.core.Indexes[number].CutKey(key[len(t.place.Indexes[number]):])
	if err != nil {
		return err
	}
	if t.index.Kind.KeyInValue() {
		primary = value
	}
	rowKey := append(bytes.Clone(t.place.Space), primary...)
	row, err := rowOf(p, rowKey)
	if err != nil {
		return err
	}
	found := false
	err = t.core.Entries(t.place, primary, row, func(i int, k []byte) error {
		found = found || i == number && bytes.Equal(k, index)
		return nil
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: its row has another key", engine.ErrCorrupt)
	}
	return err
}

// rowOf returns an entry's row.
func rowOf(p page, key []byte) (row format.Row, err error) {
	stored, err := p.read.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return row, fmt.Errorf("%w: it has no row", engine.ErrCorrupt)
	}
	if err != nil {
		return row, err
	}
	if row, err = format.ParseRow(key, stored); err != nil {
		err = fmt.Errorf("its row: %w", err)
	}
	return row, err
}

func (t treeCheck) found(kind DamageKind, index string, key []byte, err error) {
	v := t.verifier
	switch kind {
	case BadRow:
		v.report.BadRows++
	case Orphan:
		v.report.Orphans++
	case Missing:
		v.report.Missing++
	}
	v.noteDamage(Damage{Kind: kind, Tree: t.name, Index: index, Key: key, Text: t.keyText(index, key), Err: err})
}

func (v *verifier) noteDamage(d Damage) {
	if len(v.report.Damage) < maxDamage {
		v.report.Damage = append(v.report.Damage, d)
	}
}
