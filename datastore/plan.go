package datastore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/dagjson"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Plans says what Open would change in a store, and what Migrate would do then.
type Plans struct {
	// Trees has a plan for each tree that the store has or would get, by full name.
	Trees []TreePlan
	// Differences are what Open would refuse, with their remedies. Open changes nothing while
	// there are any.
	Differences []Difference
}

// TreePlan says what is to be done in one tree.
type TreePlan struct {
	// Tree is the full name.
	Tree string
	// Stored is the newest schema version in the store, 0 for a tree that is not in it. Next is
	// the version after Open.
	Stored, Next uint32
	// Changes are the changes of the model from Stored to Next, in words: "Age uint8 is added".
	Changes []string
	// Function is the earlier Go type whose function makes the model of version Next. It is empty
	// if the store changes rows by itself, or if there is no new version.
	Function string
	// Rekeyed says that Open would store all rows anew, because they get other primary keys. The
	// versions are counted from 1 again then.
	Rekeyed bool
	// Build has the names of the indexes that Open would fill from the rows, and Drop those of the
	// indexes that it would drop.
	Build, Drop []string
	// Rows is how many rows the tree has, expired and damaged ones included. Versions says how many
	// are of which schema version, damaged ones and those of newer versions than Stored left out.
	Rows     int64
	Versions map[uint32]int64
	// Older is how many rows Migrate would rewrite.
	Older int64
	// Lacks says why Migrate would leave the tree alone: it was planned without a definition, and
	// its rows need a function of the program that has one. It is empty otherwise.
	Lacks string
}

// Plan tells what Open would do with the same arguments, and Migrate afterwards. It changes nothing
// in the store, and reads all rows. Configure the engine ReadOnly if it allows that, or at least
// MustExist: otherwise opening it makes the files of an empty database.
//
// It returns the errors of Open, but not models.ErrDefinition for definitions that do not fit the
// store: Plans.Differences has those. An empty database gives engine.ErrMissing.
func Plan(ctx context.Context, eng engine.Engine, options ...OpenOption) (Plans, error) {
	o := gather(options)
	trees, err := collect(o.Definitions)
	if err != nil {
		return Plans{}, fmt.Errorf("plan: %w", err)
	}
	drops, err := dropsOf(o.DropIndexes, trees)
	if err != nil {
		return Plans{}, fmt.Errorf("plan: %w", err)
	}
	cores := make(map[string]*session.Tree, len(trees))
	for name, tree := range trees {
		cores[name] = tree.Core()
	}
	return plan(ctx, eng, planner{trees: cores, drops: drops, keyed: o.Key != nil})
}

// PlanSchemas is Plan for trees as schema files describe them, without their Go types. A schema file
// has no earlier names of fields, fields given up, or functions. So a change that needs one of these
// is among the differences, although the definition of the tree may have it.
//
// A schema that no tree can have, and two of one tree, are errors that match shape.ErrInvalid.
func PlanSchemas(ctx context.Context, eng engine.Engine, schemas ...shape.Schema) (Plans, error) {
	cores := make(map[string]*session.Tree, len(schemas))
	for _, schema := range schemas {
		err := schema.Check()
		if err == nil && cores[schema.Tree] != nil {
			err = fmt.Errorf("%w: there are two schemas of the tree %s", shape.ErrInvalid, schema.Tree)
		}
		if err != nil {
			return Plans{}, fmt.Errorf("plan: %w", err)
		}
		cores[schema.Tree] = treeOfSchema(schema)
	}
	return plan(ctx, eng, planner{trees: cores, schemas: true})
}

// treeOfSchema returns the tree that a schema describes, for a planner only.
func treeOfSchema(s shape.Schema) *session.Tree {
	core := &session.Tree{Name: s.Tree, Key: s.Key, Codec: s.Codec, Policy: s.Policy, Fields: s.Shape.Fields}
	if of := s.Tombstones; of != nil {
		core.Tombstones = &session.Tombstones{Age: of.Age, Unit: of.Unit}
	}
	for _, ix := range s.Indexes {
		core.Indexes = append(core.Indexes, &session.Index{
			Name: ix.Name, Kind: session.Kind(ix.Kind), Key: ix.Key, Partial: ix.Partial, Blind: ix.Blind,
		})
	}
	for _, topic := range s.Topics {
		core.Indexes = append(core.Indexes, &session.Index{
			Name: topic.Name, Kind: session.Topical, Key: session.TopicKey,
		})
	}
	return core
}

func plan(ctx context.Context, eng engine.Engine, p planner) (Plans, error) {
	db, err := eng.Open(ctx)
	if err != nil {
		return Plans{}, fmt.Errorf("plan: %w", err)
	}
	if err = errors.Join(p.run(ctx, db), db.Close()); err != nil {
		return Plans{}, fmt.Errorf("plan: %w", err)
	}
	return p.plans, nil
}

// planner makes a plan in one snapshot.
type planner struct {
	// trees are those of the definitions, by full name.
	trees map[string]*session.Tree
	// drops has the names of the indexes to drop, by tree.
	drops map[string][]string
	// keyed says that Open would encrypt the store.
	keyed bool
	// schemas says that trees are described by schema files, which do not tell versions of keys.
	schemas bool
	plans   Plans
}

func (p *planner) run(ctx context.Context, db engine.DB) error {
	txn, err := db.View(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	c := catalog{read: txn, keyed: p.keyed}
	if err := c.open(); err != nil {
		return err
	}
	names := slices.Collect(maps.Keys(c.trees))
	for name := range p.trees {
		if c.trees[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	changes, rebuild := make([]*treeChange, len(names)), false
	for i, name := range names {
		if core := p.trees[name]; core != nil {
			if p.schemas {
				c.trees[name].lendVersions(core)
			}
			change, err := c.examine(core, p.drops[name], true)
			if err != nil {
				return fmt.Errorf("tree %s: %w", name, err)
			}
			changes[i], rebuild = change, rebuild || change.rebuilds()
		}
	}
	for i, name := range names {
		plan := TreePlan{Tree: name, Next: 1}
		if entry := c.trees[name]; entry != nil {
			if err := p.tree(&c, entry, changes[i], &plan); err != nil {
				return fmt.Errorf("tree %s: %w", name, err)
			}
			if err := plan.count(ctx, txn, entry); err != nil {
				return fmt.Errorf("tree %s: %w", name, err)
			}
		}
		if changes[i] != nil {
			p.plans.Differences = append(p.plans.Differences, changes[i].differences...)
			p.plans.Differences = append(p.plans.Differences, changes[i].unfinished(rebuild)...)
		}
		p.plans.Trees = append(p.plans.Trees, plan)
	}
	return nil
}

// lendVersions gives a tree the versions of its keys in the store.
func (e *treeEntry) lendVersions(core *session.Tree) {
	if e == nil {
		return
	}
	core.KeyVersion = e.KeyVersion
	for _, ix := range core.Indexes {
		if stored := e.index(ix.Name); stored != nil {
			ix.Version = stored.Version
		}
	}
}

// tree plans one tree that is in the store, except for its rows. Change is nil without a definition.
func (p *planner) tree(c *catalog, entry *treeEntry, change *treeChange, plan *TreePlan) error {
	plan.Stored, plan.Next = entry.Schema, entry.Schema
	if change == nil {
		h, err := readHistory(c.read, plan.Tree, entry)
		if err != nil {
			return err
		}
		if _, missing := h.upgrades(nil, entry.Oldest); len(missing) > 0 {
			plan.Lacks = missing[0].What
		}
		return nil
	}
	if next := change.next; next != nil {
		plan.Next++
		stored := change.history[len(change.history)-2]
		plan.Changes = changes(stored, *next)
		if next.function {
			plan.Function = earlierOf(change.core, stored.hash).Type
		}
	}
	if plan.Rekeyed = change.rekeys(); plan.Rekeyed {
		plan.Next = 1
	}
	for _, ix := range change.core.Indexes {
		if stored := entry.index(ix.Name); change.anew(ix) || stored == nil || stored.State != ready {
			plan.Build = append(plan.Build, ix.Name)
		}
	}
	for _, name := range change.drop {
		if entry.index(name) != nil {
			plan.Drop = append(plan.Drop, name)
		}
	}
	return nil
}

// count counts the rows of the tree.
func (plan *TreePlan) count(ctx context.Context, txn engine.ReadTxn, entry *treeEntry) error {
	plan.Versions = map[uint32]int64{}
	c := txn.Cursor(spaceRange(entry.ID))
	defer c.Close()
	for c.Next() {
		if plan.Rows%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		stored, err := c.Value()
		if err != nil {
			return err
		}
		plan.Rows++
		row, err := format.ParseRow(c.Key(), stored)
		if err != nil || row.Schema > entry.Schema {
			continue
		}
		plan.Versions[row.Schema]++
		if row.Schema < plan.Next && !plan.Rekeyed {
			plan.Older++
		}
	}
	return c.Err()
}

// changes tells in words how a version differs from the one before. It leaves out the fields of a
// struct that is itself added or given up.
func changes(before, after version) (words []string) {
	was, is := before.placed(), after.placed()
	byID := func(fields []placedField) map[uint32]*placedField {
		m := make(map[uint32]*placedField, len(fields))
		for i := range fields {
			m[fields[i].id] = &fields[i]
		}
		return m
	}
	wasByID, isByID := byID(was), byID(is)
	for _, now := range is {
		old := wasByID[now.id]
		if old == nil {
			if now.within == 0 || wasByID[now.within] != nil {
				words = append(words, now.path+" "+withoutFields(now.Type).String()+" is added"+now.defaultText())
			}
			continue
		}
		if old.Name != now.Name {
			words = append(words, old.path+" is renamed "+now.Name)
		}
		if from, to := withoutFields(old.Type).String(), withoutFields(now.Type).String(); from != to {
			words = append(words, now.path+" becomes "+to+", from "+from)
		}
	}
	for _, old := range was {
		if isByID[old.id] == nil && (old.within == 0 || isByID[old.within] != nil) {
			words = append(words, old.path+" "+withoutFields(old.Type).String()+" is given up")
		}
	}
	return words
}

// withoutFields returns t with the structs in it without their fields, which have changes of their
// own.
func withoutFields(t shape.Type) shape.Type {
	t.Fields = nil
	if t.Elem != nil {
		elem := withoutFields(*t.Elem)
		t.Elem = &elem
	}
	return t
}

// placedField is a field with its place in the model.
type placedField struct {
	shape.Field
	path string
	// id is its number, and within that of the field whose struct it is in, or 0.
	id, within uint32
}

func (f *placedField) defaultText() string {
	if f.Default == nil {
		return ""
	}
	text, err := dagjson.Append(nil, f.Default)
	if err != nil { // no version that passes its checks has such a default
		return ""
	}
	return ", " + string(text) + " in older rows"
}

// placed returns the fields of a version, each before those within it.
func (v version) placed() (fields []placedField) {
	var walk func(t shape.Type, path string, within uint32)
	walk = func(t shape.Type, path string, within uint32) {
		switch t.Kind {
		case shape.List:
			path += "[]"
		case shape.Map:
			path += "{}"
		}
		if t.Elem != nil {
			walk(*t.Elem, path, within)
		}
		if path != "" {
			path += "."
		}
		for _, f := range t.Fields {
			id := v.IDs[len(fields)]
			fields = append(fields, placedField{f, path + f.Name, id, within})
			walk(f.Type, path+f.Name, id)
		}
	}
	walk(v.Shape, "", 0)
	return fields
}
