package dynamic

import (
	"errors"
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Definition is a definition made from schemas. Stores are opened with its models.Definition, and package
// record is given it.
type Definition struct {
	*models.Definition
	trees []*Tree
}

// Trees returns the trees of the definition, in the order of their schemas. The slice is shared. (Trees of
// the models.Definition returns the same trees without their types.)
func (d *Definition) Trees() []*Tree { return d.trees }

// Option changes what [Definitions] makes.
type Option func(*options)

type options struct {
	codecs     func(name string) (models.KeyCodec[any], bool)
	without    []string
	compressed []string
}

// KeyCodecs sets how key codecs are found by their names. For schemas of trees that travel it is
// record.KeyCodecNamed. Defaults to [models.KeyCodecNamed], which knows no codecs of package record.
func KeyCodecs(named func(name string) (models.KeyCodec[any], bool)) Option {
	return func(o *options) { o.codecs = named }
}

// WithoutIndexes leaves out indexes, by the name of the tree and their own: "blog.post.tag". It is for
// indexes whose keys a schema does not say. A store that has them already refuses to open without them,
// unless datastore.OpenOptions.DropIndexes names them.
func WithoutIndexes(names ...string) Option {
	return func(o *options) { o.without = append(o.without, names...) }
}

// Compressed has stores compress the rows of trees, by their full names: see [models.WithCompression].
func Compressed(trees ...string) Option {
	return func(o *options) { o.compressed = append(o.compressed, trees...) }
}

func (o *options) keyCodec(name string) (models.KeyCodec[any], bool) { return o.codecs(name) }

// Definitions makes a definition for each definition that the trees of schemas name, in the order in which
// they first do. It declares the trees and indexes as the program that has written the schemas did.
//
// The error matches models.ErrDefinition and has every fault of every schema, with the tree and the
// member of the schema file: two schemas of one tree, a codec that is not known, a key whose fields the
// schema does not say, or a fault that models.NewDefinition finds.
func Definitions(schemas []shape.Schema, opts ...Option) ([]*Definition, error) {
	o := options{codecs: func(name string) (models.KeyCodec[any], bool) { return models.KeyCodecNamed(name) }}
	for _, opt := range opts {
		opt(&o)
	}
	faults := o.unknown(schemas)
	var names []string
	trees := map[string][]*Tree{}
	seen := map[string]bool{}
	for _, s := range schemas {
		if seen[s.Tree] {
			faults = append(faults, fault(s, "tree", errors.New("there is another schema of the tree")))
			continue
		}
		seen[s.Tree] = true
		t, err := o.newTree(s)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		name := t.definition
		if trees[name] == nil {
			names = append(names, name)
		}
		trees[name] = append(trees[name], t)
	}
	var definitions []*Definition
	for _, name := range names {
		d := &Definition{trees: trees[name]}
		all := make([]models.AnyTree, len(d.trees))
		for i, t := range d.trees {
			all[i] = t
		}
		d.Definition = models.NewDefinition(name, all...)
		if err := d.Err(); err != nil {
			faults = append(faults, err)
		}
		definitions = append(definitions, d)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return definitions, nil
}

// unknown returns a fault for each name in the options that no schema has.
func (o *options) unknown(schemas []shape.Schema) (faults []error) {
	for _, name := range o.without {
		if !slices.ContainsFunc(schemas, func(s shape.Schema) bool {
			return slices.ContainsFunc(s.Indexes, func(ix shape.Index) bool { return s.Tree+"."+ix.Name == name })
		}) {
			faults = append(faults, fmt.Errorf("%w: no schema has the index %q that is to be left out",
				models.ErrDefinition, name))
		}
	}
	for _, name := range o.compressed {
		if !slices.ContainsFunc(schemas, func(s shape.Schema) bool { return s.Tree == name }) {
			faults = append(faults, fmt.Errorf("%w: no schema has the tree %q that is to be compressed",
				models.ErrDefinition, name))
		}
	}
	return faults
}

// fault is the error of a member of a schema.
func fault(s shape.Schema, member string, err error) error {
	return fmt.Errorf("%w: schema of tree %s: %s: %w", models.ErrDefinition, s.Tree, member, err)
}
