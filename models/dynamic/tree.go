package dynamic

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Tree is a tree without a Go type: a [models.Tree] of [Row], whose keys have any type. A key is of the
// type that the codec which the schema names has: uint64 for "uint64", a models.Pair[any, any] for a pair.
// ParseKey makes one. A key of another type makes methods panic.
type Tree struct {
	*models.Tree[Row, any]
	definition string
	schema     shape.Schema
	model      *model
	key        models.KeyCodec[any]
	// hashed says that the primary key is the hash of the value, which does not have it.
	hashed  bool
	indexes []Index
}

// policies are the policies by their names in a schema.
var policies = map[string]models.Policy{
	models.Local.String(): models.Local, models.Open.String(): models.Open,
	models.Signed.String(): models.Signed, models.Immutable.String(): models.Immutable,
}

func (o *options) newTree(s shape.Schema) (*Tree, error) {
	if err := s.Check(); err != nil {
		return nil, fault(s, "schema", err)
	}
	if s.Codec != dagCBOR {
		return nil, fault(s, "codec",
			fmt.Errorf("only values of the codec %s can be read without a Go type, not of %.40q", dagCBOR, s.Codec))
	}
	m, err := newModel(s.Tree, s.Shape)
	if err != nil {
		return nil, fault(s, "shape", err)
	}
	definition, name, _ := strings.Cut(s.Tree, ".")
	t := &Tree{definition: definition, schema: s, model: m}
	treeOptions := []models.TreeOption[Row]{
		models.WithCodec[Row](codec{m}), models.WithPolicy[Row](policies[s.Policy]),
		models.WithKeyVersion[Row](s.KeyVersion),
	}
	if slices.Contains(o.compressed, s.Tree) {
		treeOptions = append(treeOptions, models.WithCompression[Row]())
	}
	var faults []error
	if s.ComputedClock {
		faults = append(faults, fault(s, "computedClock", errors.New("the schema does not say from which field the clock "+
			"is made; declare it with models.ClockField and write the schema anew")))
	}
	if s.Merged {
		faults = append(faults, fault(s, "merge", errors.New("a function of a program merges the rows of the tree, and a "+
			"schema does not have it: only a program that is compiled with the function can have the tree")))
	}
	if s.Clock != "" {
		clock, err := clockOf(s.Shape, s.Clock)
		if err != nil {
			faults = append(faults, fault(s, "clock", err))
		}
		treeOptions = append(treeOptions, models.WithClock(clock), models.ClockField[Row](s.Clock))
	}
	if of := s.Tombstones; of != nil {
		treeOptions = append(treeOptions, models.WithTombstones[Row](of.Age, of.Unit))
	}
	primary, setKey, err := o.primary(t)
	if err != nil {
		return nil, errors.Join(append(faults, err)...)
	}
	if setKey != nil {
		treeOptions = append(treeOptions, models.WithKey(setKey))
	}
	if s.KeyFields != nil {
		treeOptions = append(treeOptions, models.KeyFields[Row](s.KeyFields...))
	}
	t.Tree = models.NewTree(name, t.key, primary, treeOptions...)
	for i, ix := range s.Indexes {
		if slices.Contains(o.without, s.Tree+"."+ix.Name) {
			continue
		}
		index, err := o.newIndex(t, ix)
		if err != nil {
			faults = append(faults, fault(s, fmt.Sprintf("indexes[%d] %s", i, ix.Name), err))
			continue
		}
		t.indexes = append(t.indexes, index)
	}
	for _, topic := range s.Topics {
		models.NewTopic(t.Tree, topic.Name, nil, models.IndexVersion[Row](topic.Version))
	}
	return t, errors.Join(faults...)
}

// primary sets the codec of the tree's primary key and returns how rows have it. SetKey is nil if values
// have the key.
func (o *options) primary(t *Tree) (primary func(*Row) any, setKey func(*Row, any), err error) {
	s := t.schema
	var ok bool
	if t.key, ok = o.keyCodec(s.Key); !ok {
		return nil, nil, fault(s, "key", fmt.Errorf("no key codec is named %.140q", s.Key))
	}
	if s.Policy == models.Immutable.String() {
		if s.KeyFields != nil {
			return nil, nil, fault(s, "keyFields", errors.New("the key in an immutable tree is the hash of the value, "+
				"which has no field for it"))
		}
		zero, err := t.key.DecodeLast(make([]byte, sha256.Size))
		if err != nil {
			return nil, nil, fault(s, "key", fmt.Errorf("it is not the codec of a hash: %w", err))
		}
		t.hashed = true
		return func(r *Row) any {
			if r.key == nil {
				return zero
			}
			return r.key
		}, func(r *Row, key any) { r.key = key }, nil
	}
	if s.KeyFields == nil {
		return nil, nil, fault(s, "keyFields", errors.New("the schema does not say from which fields the key is made; "+
			"declare them with models.KeyFields and write the schema anew"))
	}
	k, err := o.newKey(t.model, s.Key, s.KeyFields, nil, false)
	if err != nil {
		return nil, nil, fault(s, "keyFields", err)
	}
	return k.of, nil, nil
}

// Indexes returns the indexes of the tree, in the order of the schema. The slice is shared.
func (t *Tree) Indexes() []Index { return t.indexes }

// Index returns the index with a name, or false if there is none.
func (t *Tree) Index(name string) (Index, bool) {
	i := slices.IndexFunc(t.indexes, func(ix Index) bool { return ix.Name() == name })
	if i < 0 {
		return nil, false
	}
	return t.indexes[i], true
}

// ParseKey reads a primary key as people write it: by the Parse of its codec. FormatKey writes it. The
// error matches models.ErrInvalid.
func (t *Tree) ParseKey(text string) (any, error) {
	key, err := t.key.Parse(text)
	if err != nil {
		return nil, &models.Error{Op: "parse key", Tree: t.Name(), Err: err}
	}
	return key, nil
}

// Key returns the primary key of a row of the tree.
func (t *Tree) Key(r *Row) (any, error) {
	encoded, _, err := t.Encode(r)
	if err != nil {
		return nil, err
	}
	return t.DecodeKey(encoded)
}

// row returns the row of a value, which it keeps.
func (t *Tree) row(value []byte) (Row, error) {
	r := Row{value: value, of: t.model}
	if !t.hashed {
		return r, nil
	}
	hash := sha256.Sum256(value)
	var err error
	r.key, err = t.key.DecodeLast(hash[:])
	return r, err
}

// fail is the error of reading a row from text.
func (t *Tree) fail(op string, err error) error {
	return &models.Error{Op: op, Tree: t.Name(), Err: invalid(err)}
}
