// Package check opens, verifies, repairs and plans the store in a directory, with any engine and
// any trees.
package check

import (
	"context"
	"errors"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/golang"
	"github.com/newsnet-africa/netabase-go/record"
)

// known are the definitions of this program. Trees of other definitions are read by the store's
// catalog.
var known = []*models.Definition{record.Definition, golang.Definition}

// Run examines the store at path, and repairs it if repair is set. Key is that of an encrypted
// store, and nil for any other. It calls progress with the report so far after every page of rows.
//
// The error says why Run could not examine the store. It matches datastore.ErrNotStore if there
// is no store, and models.ErrCorrupt if the files are too damaged to open. It matches
// datastore.ErrNoKey, datastore.ErrWrongKey or datastore.ErrNotEncrypted if the store has another
// key, or none. Otherwise it is an error of opening or reading.
func Run(
	ctx context.Context, path string, key datastore.Key, repair bool, progress func(datastore.Report),
) (datastore.Report, error) {
	store, err := Open(ctx, path, key, repair)
	if repair && errors.Is(err, models.ErrCorrupt) { // too damaged to be written to
		store, err = Open(ctx, path, key, false)
		repair = false
	}
	if err != nil {
		return datastore.Report{}, err
	}
	examine := record.Verify
	if repair {
		examine = record.Repair
	}
	report, err := examine(ctx, store, datastore.VerifyOptions{Progress: progress})
	return report, errors.Join(err, store.Close())
}

// Open opens the store at path, read-only unless write is set. Its errors are those of Run.
func Open(ctx context.Context, path string, key datastore.Key, write bool) (*datastore.Store, error) {
	open, err := find(path)
	if err != nil {
		return nil, err
	}
	store, err := openStore(ctx, open, key, write)
	return store, noStore(err)
}

// Inspect opens the store at path for inspection. Without its key, what the catalog of an encrypted
// store says can be read. The other errors are those of Run.
func Inspect(ctx context.Context, path string, key datastore.Key) (*datastore.Inspection, error) {
	open, err := find(path)
	if err != nil {
		return nil, err
	}
	in, _, err := inspect(ctx, open, key, false)
	return in, noStore(err)
}

// Plan says what there is to migrate in the store at path. With schemas it says what opening the
// store with trees of these would change. It can do without the key. Its other errors are those of
// Run, and of datastore.PlanSchemas.
func Plan(
	ctx context.Context, path string, key datastore.Key, schemas []shape.Schema,
) (datastore.Plans, error) {
	open, err := find(path)
	if err != nil {
		return datastore.Plans{}, err
	}
	eng, definitions, err := fitting(ctx, open, key, false)
	if err != nil {
		return datastore.Plans{}, noStore(err)
	}
	if len(schemas) > 0 {
		return datastore.PlanSchemas(ctx, eng, schemas...)
	}
	plans, err := datastore.Plan(ctx, eng, datastore.OpenOptions{Definitions: definitions})
	if err == nil && len(plans.Differences) > 0 { // as openStore does
		plans, err = datastore.Plan(ctx, eng)
	}
	return plans, err
}

// noStore returns the error for an empty database.
func noStore(err error) error {
	if errors.Is(err, engine.ErrMissing) {
		return datastore.ErrNotStore
	}
	return err
}

// openStore opens the store with the known definitions that fit it. It opens it read-only,
// unless the store is to be repaired or has to be recovered first.
func openStore(ctx context.Context, open opener, key datastore.Key, write bool) (*datastore.Store, error) {
	eng, definitions, err := fitting(ctx, open, key, write)
	if err != nil {
		return nil, err
	}
	store, err := datastore.Open(ctx, eng, datastore.OpenOptions{Definitions: definitions, Key: key})
	if errors.Is(err, models.ErrDefinition) { // written by another version of this program
		store, err = datastore.Open(ctx, eng, datastore.OpenOptions{Key: key})
	}
	return store, err
}

// fitting returns how the store can be opened, and the known definitions whose trees it has.
func fitting(
	ctx context.Context, open opener, key datastore.Key, write bool,
) (engine.Engine, []*models.Definition, error) {
	in, eng, err := inspect(ctx, open, key, write)
	if err != nil {
		return nil, nil, err
	}
	trees, err := in.Trees(ctx)
	return eng, have(trees), errors.Join(err, in.Close())
}

// inspect opens the store for inspection, and returns the engine it opened.
func inspect(
	ctx context.Context, open opener, key datastore.Key, write bool,
) (*datastore.Inspection, engine.Engine, error) {
	options := datastore.InspectOptions{Key: key}
	eng := open(engine.Config{MustExist: true, ReadOnly: !write})
	in, err := datastore.Inspect(ctx, eng, options)
	if err != nil && !write && !isFinal(err) {
		eng = open(engine.Config{MustExist: true})
		in, err = datastore.Inspect(ctx, eng, options)
	}
	return in, eng, err
}

// IsEncrypted reports whether rows of the store are encrypted.
func IsEncrypted(store datastore.StoreInfo) bool {
	return slices.Contains(store.Features.Incompatible, "encryption")
}

// isFinal reports whether a store that cannot be opened read-only cannot be opened for writing
// either.
func isFinal(err error) bool {
	return errors.Is(err, engine.ErrLocked) || errors.Is(err, engine.ErrMissing) ||
		errors.Is(err, engine.ErrOtherEngine) ||
		errors.Is(err, datastore.ErrNotStore) || errors.Is(err, datastore.ErrVersion) ||
		errors.Is(err, datastore.ErrWrongKey) || errors.Is(err, datastore.ErrNotEncrypted)
}

// have returns the known definitions whose trees are all in the store. Others would add trees
// to it.
func have(trees []datastore.TreeInfo) []*models.Definition {
	var found []*models.Definition
	for _, d := range known {
		all := true
		for _, tree := range d.Trees() {
			all = all && slices.ContainsFunc(trees, func(t datastore.TreeInfo) bool { return t.Name == tree.Name() })
		}
		if all {
			found = append(found, d)
		}
	}
	return found
}
