package models

import (
	"fmt"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// AnyTree is a [Tree] of any types. Only this module's types implement it.
type AnyTree interface {
	// Name returns the tree's full name.
	Name() string
	// Raw returns the tree seen as bytes.
	Raw() *Raw
	// Policy returns the policy that the tree was declared with.
	Policy() Policy
	// Schema describes the tree for other programs, languages and peers.
	Schema() shape.Schema
	// Core gives the stores of this module the tree with its types erased.
	Core() *session.Tree
}

// Definition is a named set of trees that a store is opened with. Once a definition has
// a tree, no more indexes can be declared for it: a later declaration is an error, and
// open stores stay as they are. The definition's name keeps its trees apart from the
// trees of other definitions in the same store and the same DHT: "blog.user" and
// "shop.user" are different trees.
//
// To use one Go type in two definitions, declare a tree of it for each: a tree
// handle belongs to one definition.
type Definition struct {
	name  string
	trees []AnyTree
	fault error
}

// NewDefinition declares a definition. Name has 1 to 64 letters, digits, '_'
// and '-'. A fault in the declaration is reported when a store is opened with
// it.
func NewDefinition(name string, trees ...AnyTree) *Definition {
	d := &Definition{name: name, trees: trees}
	if err := checkName(name); err != nil {
		d.fault = fmt.Errorf("definition %q: %w", name, err)
	}
	names := make(map[string]bool, len(trees))
	for _, t := range trees {
		core := t.Core()
		switch {
		case core.Definition != "":
			d.fault = fmt.Errorf("definition %q: %w: tree %s belongs to definition %q already; declare another tree "+
				"of the type",
				name, ErrDefinition, core.Name, core.Definition)
			continue
		case names[core.Name]:
			d.fault = fmt.Errorf("definition %q: %w: two trees are named %q", name, ErrDefinition, core.Name)
		}
		names[core.Name] = true
		core.Definition = name
		core.Name = name + "." + core.Name
	}
	return d
}

// OpenOption marks a definition as an argument that datastore.Open takes.
func (d *Definition) OpenOption(session.Sealed) {}

// Name returns the definition's name.
func (d *Definition) Name() string { return d.name }

// Trees returns the definition's trees, in the order given. The slice is shared.
func (d *Definition) Trees() []AnyTree { return d.trees }

// Err returns what is wrong with the declaration of the definition, its trees
// or indexes, or nil. It matches ErrDefinition.
func (d *Definition) Err() error {
	if d.fault != nil {
		return d.fault
	}
	for _, t := range d.trees {
		if err := t.Core().Fault; err != nil {
			return err
		}
		if late := t.Core().Late.Load(); late != nil {
			return *late
		}
		if err := t.Core().CheckFields(); err != nil {
			return err
		}
	}
	return nil
}

// maxName bounds the names of definitions, trees and indexes.
const maxName = 64

func checkName(name string) error {
	if len(name) == 0 || len(name) > maxName {
		return fmt.Errorf("%w: a name has 1 to %d characters, not %d", ErrDefinition, maxName, len(name))
	}
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return fmt.Errorf("%w: a name has letters, digits, '_' and '-' only, not %q", ErrDefinition, c)
		}
	}
	return nil
}
