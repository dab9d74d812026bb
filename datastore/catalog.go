package datastore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/crypt"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// The catalog is described in docs/format.md. Its rows have this schema
// version.
const catalogSchema = 1

const magic = "netabase"

// restoringMagic stands in place of magic while a backup is being restored: that the
// entry is missing would say that the store is new.
const restoringMagic = "restoring"

// storeEntry describes the store.
type storeEntry struct {
	Format uint64 `json:"format"`
	Magic  string `json:"magic"`
	// ID is random, chosen when the store is made.
	ID []byte `json:"id"`
	// Next is the next free space.
	Next format.Space `json:"next"`
	// Trees is how many tree entries there are, so that one gone missing is not
	// taken for a tree that never was.
	Trees uint64 `json:"trees"`
	// The features of the store, as in Features.
	Compatible   []string `json:"compatible"`
	ReadOnly     []string `json:"readonly"`
	Incompatible []string `json:"incompatible"`
}

// idSize is the length of a store's id.
const idSize = 16

// treeEntry describes one tree of the store.
type treeEntry struct {
	ID  format.Space `json:"id"`
	Key string       `json:"key"`
	// KeyVersion is the version of the primary key.
	KeyVersion uint32 `json:"keyVersion,omitempty"`
	Codec      string `json:"codec"`
	Policy     string `json:"policy"`
	// Schema is the newest schema version, Oldest the lowest that a row may have.
	Schema  uint32       `json:"schema"`
	Oldest  uint32       `json:"oldest"`
	Indexes []indexEntry `json:"indexes"`
	// Retired has the spaces that the tree does not use any more and that are still to be cleared.
	Retired []format.Space `json:"retired"`
	// Next is what the tree is being rebuilt as, or nil.
	Next *nextEntry `json:"next,omitempty"`
}

type indexEntry struct {
	ID   format.Space `json:"id"`
	Kind session.Kind `json:"kind"`
	Key  string       `json:"key"`
	Name string       `json:"name"`
	// Partial says that the index leaves out some rows.
	Partial bool `json:"partial"`
	// Blind says that entries have keyed hashes of index keys.
	Blind   bool       `json:"blind,omitempty"`
	State   indexState `json:"state"`
	Version uint32     `json:"version,omitempty"`
}

// newIndex returns the entry of an index that is declared.
func newIndex(ix *session.Index, id format.Space, state indexState) indexEntry {
	return indexEntry{
		ID: id, Kind: ix.Kind, Key: ix.Key, Name: ix.Name, Partial: ix.Partial, Blind: ix.Blind, State: state,
		Version: ix.Version,
	}
}

// indexState says whether an index can be used.
type indexState string

const (
	ready    indexState = "ready"
	building indexState = "building"
)

var (
	storeCodec = models.DagCBOR[storeEntry]()
	treeCodec  = models.DagCBOR[treeEntry]()

	storeKey   = append(format.Catalog.Append(nil), 0)
	treePrefix = append(format.Catalog.Append(nil), 1)
)

func treeKey(name string) []byte { return append(slices.Clone(treePrefix), name...) }

// bind reads the catalog, brings it up to date with the definitions and sets
// s.places. If other programs have the store open, nothing may have to be changed that they would not hear of.
func (s *Store) bind(ctx context.Context, o OpenOptions, joint bool) error {
	drops, err := dropsOf(o.DropIndexes, s.trees)
	if err != nil {
		return err
	}
	c, entries, err := s.readCatalog(ctx, drops, o, joint)
	if err != nil {
		return err
	}
	if c.secrets != nil {
		if s.keys, err = keysOf(c.secrets); err != nil {
			return err
		}
		s.indexKey = bytes.Clone(c.secrets[0].index[:])
	}
	s.places = make(map[*session.Tree]*session.Place, len(entries))
	s.spaces = make(map[format.Space]*session.Tree, len(entries))
	if err := s.rebuild(ctx, c, entries, o.Progress); err != nil {
		return err
	}
	if len(c.next) > 0 || len(c.nextFields) > 0 {
		s.next.Store(&nextVersions{all: c.next, fields: c.nextFields, adding: make(chan struct{}, 1)})
	}
	compressed := slices.Contains(c.store.Incompatible, compression)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		core, entry := s.trees[name].Core(), entries[name]
		place := s.place(core, entry, c.histories[name])
		if err := s.compress(ctx, core, entry, place, compressed, c.write != nil); err != nil {
			return err
		}
		if err := s.finishIndexes(ctx, core, entry, place, o.Progress); err != nil {
			return err
		}
		s.places[core], s.spaces[entry.ID] = place, core
	}
	if err := s.openFeeds(ctx, entries, o.DropFeeds, c.write != nil); err != nil {
		return err
	}
	if joint && s.needsAlone() {
		return fmt.Errorf("%w by another program, and has topics, feeds or records, or is compressed or encrypted: "+
			"one can use it at a time", engine.ErrLocked)
	}
	return nil
}

// readCatalog returns the entries of the trees the store is opened with, after
// it has added what is new and retired the indexes to drop. A store opened to be read
// has to have it all.
func (s *Store) readCatalog(
	ctx context.Context, drops map[string][]string, o OpenOptions, joint bool,
) (*catalog, map[string]*treeEntry, error) {
	c := catalog{keyed: o.Key != nil}
	txn, err := s.db.Update(ctx)
	if errors.Is(err, engine.ErrReadOnly) {
		c.read, err = s.db.View(ctx)
	} else {
		c.read, c.write = txn, txn
	}
	if err != nil {
		return nil, nil, err
	}
	defer c.read.Discard()
	entries, err := c.update(s.trees, drops)
	if err == nil {
		c.secrets, err = c.encrypt(ctx, o.Key, o.Encrypt)
	}
	if err == nil && joint && c.pending(entries) {
		err = fmt.Errorf("%w by another program, and has to be brought up to date", engine.ErrLocked)
	}
	if err == nil && c.changed {
		err = c.write.Commit(ctx, engine.Durable)
	}
	if err != nil {
		return nil, nil, err
	}
	s.id = [idSize]byte(c.store.ID)
	return &c, entries, nil
}

// pending reports whether there is anything to change that other programs with the store open would not hear of.
func (c *catalog) pending(entries map[string]*treeEntry) bool {
	if c.changed || len(c.next) > 0 {
		return true
	}
	for _, e := range entries {
		building := func(ix indexEntry) bool { return ix.State != ready }
		if len(e.Retired) > 0 || slices.ContainsFunc(e.Indexes, building) {
			return true
		}
	}
	return false
}

// catalog is the catalog within one transaction.
type catalog struct {
	read engine.ReadTxn
	// write is nil where the store is opened to be read.
	write   engine.WriteTxn
	store   storeEntry
	trees   map[string]*treeEntry
	changed bool
	// keyed says that the store is opened with a key.
	keyed bool
	// created says that the database was empty.
	created bool
	// secrets are those of an encrypted store that is being opened.
	secrets []secret
	// histories has the schema versions of the trees that update was given, by full name, as they
	// are once the trees have been rebuilt. Earlier has those of the rows that get other primary
	// keys, before.
	histories, earlier map[string]history
	// next are the schema versions to add that nothing else has to be written for.
	next []nextVersion
	// nextFields are the changes of what is said of fields, which wait as next does.
	nextFields []nextFields
	// unpackers are those of trees with rows that are compressed or encrypted, by full name.
	unpackers map[string]*session.Unpacker
	// differences are those of all trees.
	differences []Difference
}

// update returns the entries of the trees, with what is new added, and the indexes to drop
// retired.
func (c *catalog) update(
	trees map[string]models.AnyTree, drops map[string][]string,
) (entries map[string]*treeEntry, err error) {
	if err := c.open(); err != nil {
		return nil, err
	}
	entries, c.histories = make(map[string]*treeEntry, len(trees)), make(map[string]history, len(trees))
	c.earlier = map[string]history{}
	var changes []*treeChange
	rebuild := false
	for _, name := range slices.Sorted(maps.Keys(trees)) {
		change, err := c.examine(trees[name].Core(), drops[name], c.write != nil)
		if err != nil {
			return nil, err
		}
		changes = append(changes, change)
		rebuild = rebuild || change.rebuilds()
	}
	for _, change := range changes {
		c.differences = append(c.differences, change.differences...)
		c.differences = append(c.differences, change.unfinished(rebuild)...)
	}
	if c.differences != nil {
		return nil, &DefinitionError{c.differences}
	}
	for _, change := range changes {
		if err := c.apply(change, rebuild); err != nil {
			return nil, err
		}
		entries[change.core.Name] = change.entry
		if err := c.putTombstones(change); err != nil {
			return nil, err
		}
	}
	if !c.changed {
		return entries, nil
	}
	for _, v := range c.next {
		if err := v.put(c.write, entries[v.tree]); err != nil {
			return nil, err
		}
	}
	c.next = nil
	if err := c.putFields(entries); err != nil {
		return nil, err
	}
	all := maps.Clone(c.trees)
	if all == nil {
		all = map[string]*treeEntry{}
	}
	maps.Copy(all, entries) // which has the new ones
	c.store.setTopics(all)
	return entries, putCatalog(c.write, storeKey, storeCodec, &c.store)
}

// open reads the catalog, or makes it in an empty database.
func (c *catalog) open() error {
	found, err := c.openStore()
	if err != nil || !found {
		return err
	}
	if c.trees, err = readTrees(c.read); err != nil {
		return err
	}
	return c.checkCount(len(c.trees))
}

// checkCount misses trees whose entries are not there any more.
func (c *catalog) checkCount(trees int) error {
	if uint64(trees) != c.store.Trees {
		return fmt.Errorf("%w: the catalog has %d trees, it should have %d", models.ErrCorrupt, trees, c.store.Trees)
	}
	return nil
}

// openStore reads the store's own entry, or makes it in an empty database.
func (c *catalog) openStore() (found bool, err error) {
	value, found, err := catalogValue(c.read, storeKey)
	if err != nil {
		return false, err
	}
	if !found {
		return false, c.create()
	}
	c.store, err = parseStore(value)
	if err == nil {
		err = c.store.features().check(c.write != nil)
	}
	return err == nil, err
}

// parseStore reads the value of the store's own entry.
func parseStore(value []byte) (entry storeEntry, err error) {
	h, err := headOf(value)
	if err == nil {
		if err := h.check(); err != nil {
			return entry, err
		}
		err = storeCodec.Decode(value, &entry)
	}
	if err == nil && len(entry.ID) != idSize {
		err = fmt.Errorf("an id of %d bytes", len(entry.ID))
	}
	if err != nil {
		return entry, fmt.Errorf("catalog entry of the store: %w: %w", models.ErrCorrupt, err)
	}
	return entry, nil
}

func (c *catalog) create() error {
	cursor := c.read.Cursor(engine.Range{KeysOnly: true})
	foreign := cursor.Next()
	err := cursor.Err()
	cursor.Close()
	switch {
	case err != nil:
		return err
	case foreign:
		return fmt.Errorf("%w: the database has keys but no catalog", ErrNotStore)
	case c.write == nil:
		return fmt.Errorf("%w: the database is empty and opened to be read", engine.ErrMissing)
	}
	c.store = storeEntry{Format: format.Version, Magic: magic, ID: make([]byte, idSize), Next: format.FirstFree}
	_, _ = rand.Read(c.store.ID) // never fails
	c.changed, c.created = true, true
	return nil
}

func (c *catalog) allocate() format.Space {
	space := c.store.Next
	c.store.Next++
	return space
}

// matchIndexes adds the indexes that are new, to be filled from the rows, and retires those that are
// named in drop.
func (e *treeEntry) matchIndexes(core *session.Tree, drop []string, allocate func() format.Space) (changed bool) {
	var kept []indexEntry
	for _, stored := range e.Indexes {
		if slices.Contains(drop, stored.Name) {
			e.Retired = append(e.Retired, stored.ID)
			changed = true
		} else {
			kept = append(kept, stored)
		}
	}
	e.Indexes = kept
	for _, ix := range core.Indexes {
		if e.index(ix.Name) == nil {
			e.Indexes = append(e.Indexes, newIndex(ix, allocate(), building))
			changed = true
		}
	}
	return changed
}

func (e *treeEntry) index(name string) *indexEntry {
	for i := range e.Indexes {
		if e.Indexes[i].Name == name {
			return &e.Indexes[i]
		}
	}
	return nil
}

// place says where the tree and its indexes, in the order of the handle, are, and how its
// rows are read.
func (e *treeEntry) place(core *session.Tree, h history) *session.Place {
	p := &session.Place{
		Space: e.ID.Append(nil), Sequence: new(session.Sequence), Schema: uint32(len(h)),
		Foreign: h.foreign(core.Codec),
	}
	p.Older, _ = h.upgrades(core, e.Oldest)
	for _, ix := range core.Indexes {
		p.Indexes = append(p.Indexes, e.index(ix.Name).ID.Append(nil))
	}
	return p
}

// place returns the place of a tree in the store.
func (s *Store) place(core *session.Tree, entry *treeEntry, h history) *session.Place {
	p := entry.place(core, h)
	if s.keys != nil {
		p.Keys, p.Unpacker, p.Blind = s.keys, session.NewUnpacker(s.keys, nil), blinding(s.indexKey, p)
	}
	s.placeTopics(core, p)
	return p
}

// catalogNow reads the catalog in a transaction of its own.
func (s *Store) catalogNow(ctx context.Context) (*catalog, error) {
	if err := s.checkNested(ctx); err != nil {
		return nil, err
	}
	txn, err := s.db.View(ctx)
	if err != nil {
		return nil, err
	}
	defer txn.Discard()
	return wholeCatalog(txn, s.keys)
}

// wholeCatalog reads the catalog of an open store, the trees of definitions that it was not
// opened with included.
func wholeCatalog(txn engine.ReadTxn, keys *crypt.Keys) (*catalog, error) {
	c := &catalog{read: txn}
	if err := c.open(); err != nil || keys == nil && !slices.Contains(c.store.Incompatible, compression) {
		return c, err
	}
	c.unpackers = make(map[string]*session.Unpacker, len(c.trees))
	for name, entry := range c.trees {
		read, err := readDictionaries(txn, keys, name, entry.ID)
		if err != nil {
			return c, err
		}
		c.unpackers[name] = read.Unpacker
	}
	return c, nil
}

// readTrees reads the entries of all trees in the store, by full name, those of
// definitions it was not opened with included. It leaves alone what later versions have
// added to the catalog.
func readTrees(txn engine.ReadTxn) (map[string]*treeEntry, error) {
	c := txn.Cursor(engine.Range{Lower: treePrefix, Upper: format.PrefixEnd(treePrefix), KeysOnly: true})
	defer c.Close()
	trees := map[string]*treeEntry{}
	for c.Next() {
		key := slices.Clone(c.Key())
		entry := &treeEntry{}
		if _, err := getCatalog(txn, key, treeCodec, entry); err != nil {
			return nil, err
		}
		trees[string(key[len(treePrefix):])] = entry
	}
	return trees, c.Err()
}

// isTree reports whether a key of the catalog is that of a tree or of a schema version of one.
func isTree(key []byte) bool {
	return bytes.HasPrefix(key, treePrefix) || bytes.HasPrefix(key, schemaPrefix)
}

// mayBeKnown reports whether a key that belongs to no tree may belong to a version that is
// newer than this one. Else nothing can have put it there.
func (c *catalog) mayBeKnown(key []byte) bool {
	space, _, err := format.CutSpace(key)
	switch {
	case err != nil || space == 0:
		return false
	case space < format.FirstFree:
		return true
	}
	return space < c.store.Next && c.store.features().unknown()
}

// owns reports whether the space that a key belongs to is that of a tree or an index.
func (c *catalog) owns(key []byte) bool {
	space, _, err := format.CutSpace(key)
	if err != nil {
		return false
	}
	for _, entry := range c.trees {
		if slices.Contains(entry.spaces(), space) {
			return true
		}
	}
	return false
}

// spaces are all that the tree has, those that it is being rebuilt in included.
func (e *treeEntry) spaces() []format.Space {
	return slices.Concat(e.current(), e.Retired, e.Next.spaces())
}

// current are the spaces that the tree uses.
func (e *treeEntry) current() []format.Space { return spacesOf(e.ID, e.Indexes) }

func spacesOf(rows format.Space, indexes []indexEntry) []format.Space {
	spaces := []format.Space{rows}
	for _, ix := range indexes {
		spaces = append(spaces, ix.ID)
	}
	return spaces
}

func getCatalog[E any](txn engine.ReadTxn, key []byte, codec models.Codec[E], entry *E) (bool, error) {
	value, found, err := catalogValue(txn, key)
	if err != nil || !found {
		return false, err
	}
	if err := codec.Decode(value, entry); err != nil {
		return false, fmt.Errorf("catalog entry %q: %w: %w", key[1:], models.ErrCorrupt, err)
	}
	return true, nil
}

// catalogValue returns the value of a catalog entry, which is borrowed.
func catalogValue(txn engine.ReadTxn, key []byte) (value []byte, found bool, err error) {
	row, found, err := readRow(txn, key)
	if err == nil && found && row.Schema != catalogSchema {
		err = fmt.Errorf("%w: it has version %d", ErrVersion, row.Schema)
	}
	if err != nil {
		return nil, false, fmt.Errorf("catalog entry %q: %w", key[1:], err)
	}
	return row.Value, found, nil
}

func putCatalog[E any](txn engine.WriteTxn, key []byte, codec models.Codec[E], entry *E) error {
	row, err := catalogRow(key, codec, entry)
	if err != nil {
		return err
	}
	return txn.Put(slices.Clone(key), row)
}

// catalogRow returns what is stored of a catalog entry.
func catalogRow[E any](key []byte, codec models.Codec[E], entry *E) ([]byte, error) {
	row, err := codec.Append(format.AppendRowHeader(nil, format.Header{Schema: catalogSchema}), entry)
	return format.AppendChecksum(row, key), err
}
