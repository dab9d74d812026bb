package datastore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Plans says what Open would change in a store, and what Migrate would do then.
type Plans struct {
	// Trees are the trees that the definitions name and those that have rows of earlier versions,
	// by name, as far as there is something to do.
	Trees []TreePlan
	// Differences are what Open would refuse. It changes nothing while there are any.
	Differences []Difference
}

// TreePlan says what is to be done in one tree.
type TreePlan struct {
	// Tree is the full name.
	Tree string
	// Stored is the newest schema version in the store, 0 for a new tree. Next is the version
	// after Open.
	Stored, Next uint32
	// Changes are the changes of the model from Stored to Next, in words: "Age uint8 is added".
	Changes []string
	// Function is the earlier Go type whose function makes the model of Next, or empty if the
	// store changes rows by itself.
	Function string
	// Build has the names of the indexes that Open would fill.
	Build []string
	// Rows is how many rows the tree has, and Older how many of them Migrate would rewrite.
	Rows, Older int64
}

// Plan tells what Open would do with the same arguments, and Migrate afterwards. It changes
// nothing. It reads all rows of the trees in the plan. It opens the engine, so nothing else may
// have that open to write.
//
// It returns the errors of Open, but for models.ErrDefinition where the definitions do not fit the
// store: Plans.Differences tells those.
func Plan(ctx context.Context, eng engine.Engine, options ...OpenOption) (Plans, error) {
	o := gather(options)
	trees, err := collect(o.Definitions)
	if err != nil {
		return Plans{}, fmt.Errorf("plan: %w", err)
	}
	db, err := eng.Open(ctx)
	if err != nil {
		return Plans{}, fmt.Errorf("plan: %w", err)
	}
	p := planner{db: db, trees: trees}
	p.drops, err = dropsOf(o.DropIndexes, trees)
	if err = errors.Join(err, p.run(ctx), db.Close()); err != nil {
		return p.plans, fmt.Errorf("plan: %w", err)
	}
	return p.plans, nil
}

// planner makes a plan in one snapshot.
type planner struct {
	db    engine.DB
	trees map[string]models.AnyTree
	// drops has the names of the indexes to drop, by tree.
	drops map[string][]string
	plans Plans
}

func (p *planner) run(ctx context.Context) error {
	txn, err := p.db.View(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	c, err := wholeCatalog(txn)
	if err != nil {
		return err
	}
	names := slices.Collect(maps.Keys(c.trees))
	for name := range p.trees {
		if c.trees[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		var core *session.Tree
		if tree := p.trees[name]; tree != nil {
			core = tree.Core()
		}
		if err := p.tree(ctx, txn, name, c.trees[name], core); err != nil {
			return fmt.Errorf("tree %s: %w", name, err)
		}
	}
	return nil
}

// tree plans one tree. Entry is nil for a new one, and core for one without a definition.
func (p *planner) tree(ctx context.Context, txn engine.ReadTxn, name string, entry *treeEntry, core *session.Tree) error {
	if entry == nil {
		plan := TreePlan{Tree: name, Next: 1, Changes: []string{"the tree is new"}}
		for _, ix := range core.Indexes {
			plan.Build = append(plan.Build, ix.Name)
		}
		p.plans.Trees = append(p.plans.Trees, plan)
		return nil
	}
	h, err := readHistory(txn, name, entry)
	if err != nil {
		return err
	}
	plan := TreePlan{Tree: name, Stored: entry.Schema, Next: entry.Schema}
	if core != nil {
		p.plans.Differences = append(p.plans.Differences, entry.differences(core, p.drops[name])...)
		h = p.schema(&plan, h, core, entry.Oldest)
		plan.Build = entry.toBuild(core, h[len(h)-1].function && plan.Next > plan.Stored)
	}
	if plan.Next == entry.Oldest && len(plan.Build) == 0 {
		return nil
	}
	if plan.Rows, plan.Older, err = countOlder(ctx, txn, entry.ID, plan.Next); err != nil {
		return err
	}
	p.plans.Trees = append(p.plans.Trees, plan)
	return nil
}

// schema plans the next schema version. It returns the history that there would be.
func (p *planner) schema(plan *TreePlan, h history, core *session.Tree, oldest uint32) history {
	next, differences := h.next(core)
	if next != nil {
		plan.Next++
		plan.Changes = changes(h.newest(), *next)
		if next.function {
			plan.Function = earlierOf(core, h.newest().hash).Type
		}
		h = append(h, *next)
	}
	if len(differences) == 0 {
		_, differences = h.upgrades(core, oldest)
	}
	p.plans.Differences = append(p.plans.Differences, differences...)
	return h
}

// toBuild returns the names of the indexes that Open would fill.
func (e *treeEntry) toBuild(core *session.Tree, all bool) (names []string) {
	for _, ix := range core.Indexes {
		if stored := e.index(ix.Name); all || stored == nil || stored.State != ready {
			names = append(names, ix.Name)
		}
	}
	return names
}

// countOlder counts the rows of a tree, and those of earlier schema versions than newest.
func countOlder(ctx context.Context, txn engine.ReadTxn, space format.Space, newest uint32) (rows, older int64, err error) {
	c := txn.Cursor(spaceRange(space))
	defer c.Close()
	for c.Next() {
		if rows%1024 == 0 && ctx.Err() != nil {
			return rows, older, ctx.Err()
		}
		stored, err := c.Value()
		if err != nil {
			return rows, older, err
		}
		rows++
		if row, err := format.ParseRow(c.Key(), stored); err == nil && row.Schema < newest {
			older++
		}
	}
	return rows, older, c.Err()
}

// changes tells in words how a version differs from the one before.
func changes(before, after version) (words []string) {
	was, is := fieldsByID(before), fieldsByID(after)
	for _, id := range slices.Sorted(maps.Keys(is)) {
		now := is[id]
		switch old, found := was[id]; {
		case !found:
			words = append(words, fmt.Sprintf("%s %s is added", now.path, now.Type))
		case old.Name != now.Name:
			words = append(words, fmt.Sprintf("%s is renamed %s", old.path, now.Name))
		case old.Type.Kind != now.Type.Kind:
			words = append(words, fmt.Sprintf("%s becomes %s, from %s", now.path, now.Type, old.Type))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(was)) {
		if _, found := is[id]; !found {
			words = append(words, fmt.Sprintf("%s %s is given up", was[id].path, was[id].Type))
		}
	}
	return words
}

// placedField is a field with its path in the model.
type placedField struct {
	shape.Field
	path string
}

func fieldsByID(v version) map[uint32]placedField {
	fields := make(map[uint32]placedField, len(v.IDs))
	ids := v.IDs
	var walk func(t shape.Type, path string)
	walk = func(t shape.Type, path string) {
		switch t.Kind {
		case shape.List:
			walk(*t.Elem, path+"[]")
		case shape.Map:
			walk(*t.Elem, path+"{}")
		case shape.Optional:
			walk(*t.Elem, path)
		}
		for _, f := range t.Fields {
			at := f.Name
			if path != "" {
				at = path + "." + f.Name
			}
			fields[ids[0]] = placedField{f, at}
			ids = ids[1:]
			walk(f.Type, at)
		}
	}
	walk(v.Shape, "")
	return fields
}
