package datastore

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/reshape"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// schemaEntry is one schema version of a tree in the catalog. See docs/format.md, "Schema
// versions".
type schemaEntry struct {
	Hash     []byte   `json:"hash"`
	Shape    []byte   `json:"shape"`
	IDs      []uint32 `json:"ids"`
	Function bool     `json:"function"`
}

var (
	schemaCodec  = models.DagCBOR[schemaEntry]()
	schemaPrefix = append(format.Catalog.Append(nil), 2)
)

func schemaKey(tree format.Space, version uint32) []byte {
	return binary.BigEndian.AppendUint32(tree.Append(slices.Clone(schemaPrefix)), version)
}

// version is one schema version of a tree.
type version struct {
	reshape.Version
	hash [32]byte
	// function says that rows of the version before need a function to become one of this.
	function bool
}

// history has the schema versions of a tree, the first one at 0.
type history []version

func newVersion(v reshape.Version) version { return version{Version: v, hash: v.Shape.Hash()} }

// shapeOf returns the shape of the model as the definition has it.
func shapeOf(core *session.Tree) shape.Type { return shape.StructOf(core.Fields...) }

// readHistory reads the schema versions of a tree.
func readHistory(txn engine.ReadTxn, name string, entry *treeEntry) (history, error) {
	if entry.Schema == 0 || entry.Oldest == 0 || entry.Oldest > entry.Schema {
		return nil, fmt.Errorf("%w: tree %s has schema versions %d to %d", models.ErrCorrupt, name, entry.Oldest,
			entry.Schema)
	}
	var versions history
	for number := uint32(1); number <= entry.Schema; number++ {
		var stored schemaEntry
		found, err := getCatalog(txn, schemaKey(entry.ID, number), schemaCodec, &stored)
		if err == nil && !found {
			err = fmt.Errorf("%w: it is missing", models.ErrCorrupt)
		}
		var v version
		if err == nil {
			v, err = stored.version()
		}
		if err != nil {
			return nil, fmt.Errorf("schema version %d of tree %s: %w", number, name, err)
		}
		versions = append(versions, v)
	}
	return versions, nil
}

func (e *schemaEntry) version() (version, error) {
	found, err := shape.Parse(e.Shape)
	if err != nil {
		return version{}, fmt.Errorf("%w: %w", models.ErrCorrupt, err)
	}
	v := version{Version: reshape.Version{Shape: found, IDs: e.IDs}, hash: found.Hash(), function: e.Function}
	if string(v.hash[:]) != string(e.Hash) {
		return version{}, fmt.Errorf("%w: it has hash %x, and its shape has %x", models.ErrCorrupt, e.Hash, v.hash)
	}
	if err := v.Check(); err != nil {
		return version{}, fmt.Errorf("%w: %w", models.ErrCorrupt, err)
	}
	return v, nil
}

// putVersion adds a schema version of a tree to the catalog.
func putVersion(txn engine.WriteTxn, tree format.Space, number uint32, v version) error {
	return putCatalog(txn, schemaKey(tree, number), schemaCodec, &schemaEntry{
		Hash: v.hash[:], Shape: v.Shape.Append(nil), IDs: v.IDs, Function: v.function,
	})
}

// newest returns the last version.
func (h history) newest() version { return h[len(h)-1] }

// next returns the version that a definition adds, or nil if its shape is that of the newest, or
// the differences that the store cannot bridge.
func (h history) next(core *session.Tree) (*version, []Difference) {
	defined := shapeOf(core)
	if defined.Hash() == h.newest().hash {
		return nil, nil
	}
	travels := core.Policy != models.Local.String()
	switch {
	case core.Codec != dagCBOR:
		return nil, []Difference{{
			Tree: core.Name,
			What: fmt.Sprintf("the model is %s in the store and %s in the definition", h.newest().Shape, defined),
			Remedy: fmt.Sprintf("the store cannot change values of the codec %s: declare a tree with another name",
				core.Codec),
		}}
	case earlierOf(core, h.newest().hash) == nil:
	case travels:
		return nil, []Difference{{
			Tree: core.Name, What: "the definition has a function from an earlier type, and the tree travels",
			Remedy: "peers change at different times: declare a tree with another name that succeeds this one",
		}}
	default:
		v, _ := reshape.Next(h.newest().Version, h.maxID(), defined, reshape.Options{Replace: true})
		next := newVersion(v)
		next.function = true
		return &next, nil
	}
	v, found := reshape.Next(h.newest().Version, h.maxID(), defined,
		reshape.Options{GivenUp: core.GivenUp, Travels: travels, Earlier: h.earlier()})
	if len(found) == 0 {
		next := newVersion(v)
		return &next, nil
	}
	var differences []Difference
	if i := slices.IndexFunc(h, func(v version) bool { return v.hash == defined.Hash() }); i >= 0 {
		differences = append(differences, Difference{
			Tree: core.Name, What: fmt.Sprintf("the definition is version %d of the model, the store is at version %d",
				i+1, len(h)),
			Remedy: "use a newer program",
		})
	}
	for _, d := range found {
		differences = append(differences, Difference{Tree: core.Name, Path: d.Path, What: d.What(), Remedy: d.Remedy})
	}
	return nil, differences
}

// follow returns the version that a definition adds, or nil, the history with it, and what keeps
// rows of the versions from oldest on from becoming the newest.
func (h history) follow(core *session.Tree, oldest uint32) (next *version, followed history, all []Difference) {
	next, all = h.next(core)
	if next != nil {
		h = append(h, *next)
	}
	if len(all) == 0 {
		_, all = h.upgrades(core, oldest)
	}
	return next, h, all
}

// earlier returns the shapes of the versions before the newest.
func (h history) earlier() []shape.Type {
	shapes := make([]shape.Type, 0, len(h))
	for _, v := range h[:len(h)-1] {
		shapes = append(shapes, v.Shape)
	}
	return shapes
}

// maxID returns the highest number that a field of the tree has had.
func (h history) maxID() (highest uint32) {
	for _, v := range h {
		for _, id := range v.IDs {
			highest = max(highest, id)
		}
	}
	return highest
}

// earlierOf returns the earlier type of a model with the hash of a schema version, or nil.
func earlierOf(core *session.Tree, hash [32]byte) *session.Earlier {
	for i := range core.Earlier {
		if shape.StructOf(core.Earlier[i].Fields...).Hash() == hash {
			return &core.Earlier[i]
		}
	}
	return nil
}

// upgrades returns, by schema version, how values of each version from oldest on become values of
// the newest. Core is nil for a store that was opened without the definition.
func (h history) upgrades(core *session.Tree, oldest uint32) ([]session.Upgrade, []Difference) {
	upgrades := make([]session.Upgrade, len(h))
	var differences []Difference
	for number := int(oldest); number < len(h); number++ {
		upgrade, difference := h.upgrade(core, number)
		if difference != nil {
			differences = append(differences, *difference)
		}
		upgrades[number] = upgrade
	}
	return upgrades, differences
}

// upgrade returns how values of one version become values of the newest.
func (h history) upgrade(core *session.Tree, number int) (session.Upgrade, *Difference) {
	step := number // the first version that needs a function is at this place in h
	for step < len(h) && !h[step].function {
		step++
	}
	if step == len(h) {
		return between(h[number-1:]), nil
	}
	for at := step; core != nil && at >= number; at-- {
		if earlier := earlierOf(core, h[at-1].hash); earlier != nil {
			return through(between(h[number-1:at]), earlier.Upgrade), nil
		}
	}
	d := Difference{
		What: fmt.Sprintf("rows of version %d, %s, become the model by a function, which the definition does not have",
			step, h[step-1].Shape),
		Remedy: "declare the earlier type with models.WithEarlier, or migrate the store with the program that has it",
	}
	if core != nil {
		d.Tree = core.Name
	}
	return nil, &d
}

// between returns how values of the first version become values of the last one, or nil if there
// is one version.
func between(h history) session.Upgrade {
	if len(h) == 1 {
		return nil
	}
	return planned(func() *reshape.Plan {
		versions := make([]reshape.Version, len(h))
		for i := range h {
			versions[i] = h[i].Version
		}
		return reshape.Between(versions)
	})
}

// planned returns what the plan that make returns does. The plan is made when it is used first: most
// versions of most trees have no rows.
func planned(make func() *reshape.Plan) session.Upgrade {
	plan := sync.OnceValue(make)
	return func(dst, value []byte) ([]byte, error) { return plan().Append(dst, value) }
}

// through puts two upgrades together. The first one may be nil.
func through(first, second session.Upgrade) session.Upgrade {
	if first == nil {
		return second
	}
	return func(dst, value []byte) ([]byte, error) {
		value, err := first(nil, value)
		if err != nil {
			return dst, err
		}
		return second(dst, value)
	}
}

// foreign returns how a value of a peer whose model has other fields becomes one of the newest
// version, or nil for a codec whose values do not name their fields.
func (h history) foreign(codec string) session.Upgrade {
	if codec != dagCBOR {
		return nil
	}
	return planned(func() *reshape.Plan { return reshape.ByName(h.newest().Shape) })
}
