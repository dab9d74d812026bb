package datastore

import (
	"context"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
)

// A schema version that loses nothing and builds no index is added to the catalog when the store is
// first written to, or closed, as is what a definition says of fields: reading needs no more than memory
// has. So opening a store with a changed model takes no longer than opening it unchanged, where a first
// commit has to wait, as in bolt for the check of the file. A store that several programs can have open adds
// them when it is opened: see share.

// nextVersion is a schema version that a definition adds to the catalog.
type nextVersion struct {
	tree   string
	number uint32
	version
}

// nextVersions are those of a store that are to be added before anything else is written.
type nextVersions struct {
	all []nextVersion
	// fields changes what is said of fields.
	fields []nextFields
	// adding has an element while a goroutine adds them.
	adding chan struct{}
}

// addVersions adds to the catalog the schema versions that the definitions have brought, and what they
// say of fields. It is called before each transaction that may write rows.
func (s *Store) addVersions(ctx context.Context) error {
	next := s.next.Load()
	if next == nil {
		return nil
	}
	select {
	case next.adding <- struct{}{}:
		defer func() { <-next.adding }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.next.Load() == nil {
		return nil // another goroutine was faster
	}
	txn, err := s.db.Update(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	for _, v := range next.all {
		if err := v.add(txn); err != nil {
			return fmt.Errorf("schema version %d of tree %s: %w", v.number, v.tree, err)
		}
	}
	for _, f := range next.fields {
		if err := f.add(txn); err != nil {
			return fmt.Errorf("fields of tree %s: %w", f.tree, err)
		}
	}
	// The rows that follow are durable no sooner than this.
	if err := txn.Commit(ctx, engine.Relaxed); err != nil {
		return err
	}
	s.next.Store(nil)
	return nil
}

// add adds the version to the catalog.
func (v nextVersion) add(txn engine.WriteTxn) error {
	var entry treeEntry
	found, err := getCatalog(txn, treeKey(v.tree), treeCodec, &entry)
	switch {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("%w: the tree has gone since the store was opened", models.ErrCorrupt)
	case entry.Schema == v.number:
		return nil // by a commit that was done although it returned an error
	}
	return v.put(txn, &entry)
}

// put puts the version and the entry of its tree with it.
func (v nextVersion) put(txn engine.WriteTxn, entry *treeEntry) error {
	entry.Schema = v.number
	if err := putVersion(txn, entry.ID, v.number, v.version); err != nil {
		return err
	}
	return putCatalog(txn, treeKey(v.tree), treeCodec, entry)
}
