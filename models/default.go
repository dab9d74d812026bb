package models

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

// WithDefault declares the value that a field has in rows and records that do not have the field,
// in place of the one that its tag may declare. Path is as in [WithGivenUp]: "Country",
// "Address.Country" in a struct, "Homes[].Country" in the elements of a list, "Homes{}.Country" in
// those of a map. Value may be anything that the field can be encoded from, lists, maps, structs and
// types that marshal themselves included, which tags cannot have:
//
//	models.WithDefault[User]("Address.Country", "ZA")
//	models.WithDefault[User]("Tags", []string{"new"})
//
// The first version of the model that has the field decides: a store keeps the default that the
// field had when the store first knew it. A path that leads to no field, and a value that the field
// cannot have, are faults of the tree, which are reported when a store is opened with it.
func WithDefault[M, V any](path string, value V) TreeOption[M] {
	encoded, err := encodeDefault(value)
	return func(o *treeOptions[M]) { o.defaults = append(o.defaults, fieldDefault{path, encoded, err}) }
}

// fieldDefault is the default of the field at a path, as DAG-CBOR, or why it cannot be encoded.
type fieldDefault struct {
	path    string
	encoded []byte
	err     error
}

// encodeDefault returns the DAG-CBOR of a value.
func encodeDefault[V any](value V) ([]byte, error) {
	type model struct{ V V }
	encoded, err := DagCBOR[model]().Append(nil, &model{value})
	if err != nil {
		return nil, err
	}
	return encoded[len("\xa1\x61V"):], nil // a map of one pair, and its key
}

// withDefaults returns fields with the defaults. It does not change the fields it was given.
func withDefaults(fields []Field, defaults []fieldDefault) ([]Field, error) {
	model := shape.StructOf(fields...)
	for _, d := range defaults {
		err := d.err
		if err == nil {
			model, err = d.in(model, "."+d.path)
		}
		if err != nil {
			return nil, fmt.Errorf("the default of %s: %w", d.path, err)
		}
	}
	return model.Fields, nil
}

// in returns t with the default at a path, which is what follows t.
func (d fieldDefault) in(t shape.Type, path string) (shape.Type, error) {
	next, elem := "", t.Elem != nil
	switch t.Kind {
	case shape.List:
		next = "[]"
	case shape.Map:
		next = "{}"
	case shape.Struct:
		next = "."
	}
	path, found := strings.CutPrefix(path, next)
	if !found || !elem && next == "" {
		return t, errNoField
	}
	if elem {
		inner, err := d.in(*t.Elem, path)
		t.Elem = &inner
		return t, err
	}
	fields := slices.Clone(t.Fields)
	t.Fields = fields
	for i := range fields {
		f := &fields[i]
		if f.Name == path {
			f.Default = d.encoded
			return t, f.Type.CheckValue(d.encoded)
		}
	}
	for i := range fields {
		if rest, found := strings.CutPrefix(path, fields[i].Name); found {
			inner, err := d.in(fields[i].Type, rest)
			if !errors.Is(err, errNoField) { // else another name may begin alike
				fields[i].Type = inner
				return t, err
			}
		}
	}
	return t, errNoField
}

// errNoField is the error of a path that leads to no field.
var errNoField = errors.New("the model has no such field")
