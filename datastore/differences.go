package datastore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// DefinitionError says in what the definitions that Open was given do not fit the store: it
// has every difference of every tree. It matches models.ErrDefinition.
type DefinitionError struct {
	// Differences are in the order of the trees' names.
	Differences []Difference
}

// Difference is one thing in which a tree's definition does not fit the store.
type Difference struct {
	// Tree is the full name of the tree, "blog.user".
	Tree string
	// Path is what differs: a field, "Address.Town", or "primary key", "codec", "policy",
	// "index email". It is empty if it is the tree as a whole.
	Path string
	// What says the difference in words: "is missing in the definition".
	What string
	// Remedy says what can be done about it.
	Remedy string
}

// String returns all of it as one sentence.
func (d Difference) String() string {
	at := d.Tree
	if d.Path != "" {
		at += ": " + d.Path
	}
	return at + " " + d.What + "; " + d.Remedy
}

// maxDifferences is how many differences the text of an error shows.
const maxDifferences = 100

func (e *DefinitionError) Error() string {
	if len(e.Differences) == 1 {
		return fmt.Sprintf("%v: %v", models.ErrDefinition, e.Differences[0])
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v: %d differences", models.ErrDefinition, len(e.Differences))
	for i, d := range e.Differences {
		if i == maxDifferences {
			b.WriteString("\n…")
			break
		}
		fmt.Fprintf(&b, "\n%v", d)
	}
	return b.String()
}

// Unwrap returns models.ErrDefinition.
func (e *DefinitionError) Unwrap() error { return models.ErrDefinition }

// differences returns in what the definition of a tree differs from its entry so that opening
// the store does not change it. Drop has the names of the indexes that Open was told to drop.
func (e *treeEntry) differences(core *session.Tree, drop []string) (all []Difference) {
	add := func(path, what, remedy string) {
		all = append(all, Difference{Tree: core.Name, Path: path, What: what, Remedy: remedy})
	}
	differ := func(path, stored, defined, remedy string) {
		if stored != defined {
			add(path, fmt.Sprintf("is %s in the store and %s in the definition", stored, defined), remedy)
		}
	}
	const restore = "declare it as it was, or give the tree another name"
	switch {
	case core.KeyVersion < e.KeyVersion:
		add("primary key", older(e.KeyVersion, core.KeyVersion), "use a newer program")
	case core.KeyVersion == e.KeyVersion:
		differ("primary key", e.Key, core.Key,
			fmt.Sprintf("declare it as it was, or have rows stored anew with models.WithKeyVersion(%d)", e.KeyVersion+1))
	case core.Policy != models.Local.String():
		add("primary key", "changes, and the tree travels",
			"peers know rows by their keys: declare a tree with another name that succeeds this one")
	case core.Rekey == nil:
		add("primary key", "changes, and the codec leaves it out of the rows",
			"declare a tree with another name, and copy the rows")
	}
	differ("codec", e.Codec, core.Codec, restore)
	differ("policy", e.Policy, core.Policy, restore)
	for _, stored := range e.Indexes {
		path := "index " + stored.Name
		i := slices.IndexFunc(core.Indexes, func(ix *session.Index) bool { return ix.Name == stored.Name })
		switch dropped := slices.Contains(drop, stored.Name); {
		case i >= 0 && dropped:
			add(path, "is declared, and is to be dropped", "take it from the definition or from OpenOptions.DropIndexes")
		case i >= 0:
			defined := core.Indexes[i]
			if defined.Version > stored.Version {
				break // it is built anew
			}
			if defined.Version < stored.Version {
				add(path, older(stored.Version, defined.Version), "use a newer program")
				break
			}
			restore := fmt.Sprintf("declare it as it was, or have it built anew with models.IndexVersion(%d)",
				stored.Version+1)
			differ(path, string(stored.Kind), string(defined.Kind), restore)
			differ(path, "by "+stored.Key, "by "+defined.Key, restore)
			differ(path, partial(stored.Partial), partial(defined.Partial), restore)
			differ(path, blind(stored.Blind), blind(defined.Blind), restore)
		case !dropped && stored.known() && stored.State == ready: // one that is not is filled anew when it is declared
			add(path, "is missing in the definition", fmt.Sprintf("declare it, or drop it with "+
				"OpenOptions{DropIndexes: []string{%q}}", core.Name+"/"+stored.Name))
		}
	}
	return all
}

// unwritten returns in what the definition of a tree differs from a store that is opened to be
// read, where opening it for writing would change the store.
func (e *treeEntry) unwritten(core *session.Tree, drop []string) (all []Difference) {
	add := func(path, what string) {
		what += ", and the store is opened to be read"
		all = append(all, Difference{core.Name, path, what, "open it for writing once"})
	}
	if e == nil {
		add("", "is not in the store")
		return all
	}
	for _, ix := range core.Indexes {
		if e.index(ix.Name) == nil {
			add("index "+ix.Name, "is not in the store")
		}
	}
	for _, name := range drop {
		if e.index(name) != nil {
			add("index "+name, "is to be dropped")
		}
	}
	return all
}

// older says that the definition is of an older program than the one that has written the store.
func older(stored, defined uint32) string {
	return fmt.Sprintf("is of version %d in the store and of version %d in the definition", stored, defined)
}

func partial(p bool) string {
	if p {
		return "of some rows"
	}
	return "of all rows"
}

func blind(b bool) string {
	if b {
		return "blind"
	}
	return "not blind"
}

// blindIndexes returns the blind indexes of a definition as differences from a store without a
// key, which can have none.
func blindIndexes(core *session.Tree) (all []Difference) {
	for _, ix := range core.Indexes {
		if ix.Blind {
			all = append(all, Difference{
				Tree: core.Name, Path: "index " + ix.Name, What: "is blind, and the store has no key",
				Remedy: "open the store with a key, or declare an index that is not blind",
			})
		}
	}
	return all
}

// known reports whether this version knows what kind of index it is and whether it can be used.
func (ix *indexEntry) known() bool {
	switch ix.Kind {
	case session.Plain, session.Unique, session.Claim, session.Multi, session.Topical:
		return ix.State == ready || ix.State == building
	}
	return false
}

// checkKnown refuses a tree with an index that this version does not know, if it would have
// to do something with it: it is declared or to be dropped, or rows can be written that it
// would lack. A feature of the store that this version does not know allows the latter.
func (e *treeEntry) checkKnown(core *session.Tree, drop []string, writes bool) error {
	for _, ix := range e.Indexes {
		declared := slices.ContainsFunc(core.Indexes, func(d *session.Index) bool { return d.Name == ix.Name })
		if !ix.known() && (writes || declared || slices.Contains(drop, ix.Name)) {
			return fmt.Errorf("%w: tree %s has the index %s, which is %q and %q, and this version does not know that",
				ErrVersion, core.Name, ix.Name, shortened(string(ix.Kind)), shortened(string(ix.State)))
		}
	}
	return nil
}

// dropsOf returns the names of the indexes to drop, by the full name of their tree.
func dropsOf(indexes []string, trees map[string]models.AnyTree) (map[string][]string, error) {
	drops := map[string][]string{}
	for _, full := range indexes {
		tree, index, ok := strings.Cut(full, "/")
		switch {
		case !ok || index == "":
			return nil, fmt.Errorf("%w: an index to drop is named like %q, not %q", models.ErrDefinition,
				"blog.user/email", full)
		case trees[tree] == nil:
			return nil, fmt.Errorf("%w: to drop the index %s, open the store with the definition of its tree",
				models.ErrUnknownTree, full)
		}
		drops[tree] = append(drops[tree], index)
	}
	return drops, nil
}
