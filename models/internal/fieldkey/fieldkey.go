// Package fieldkey makes the keys of rows, and their clocks, from the fields that a schema says, as
// docs/format.md describes under "Schema files". It needs no Go type of the model.
package fieldkey

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
	"github.com/newsnet-africa/netabase-go/models/internal/keyname"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Key says which fields of a model a key is made of.
type Key struct {
	parts []part
	// list is the number of the part whose field is a list, each element of which gives a key, or -1.
	list int
}

// part is a part of a key.
type part struct {
	field string
	// typ is that of the field, or of its elements if it is the list.
	typ shape.Type
	// size is how many elements the list has, if all have as many.
	size int
	// codec names the codec of the part.
	codec string
	// optional says that rows whose field is zero have no key.
	optional bool
}

// New returns the key of rows of the model that the codec with the given name writes. Fields has the
// name of a field for each of its parts. Optional are those of the fields without which a row has no
// key. Multi says that one of the fields is a list, each of whose elements gives a key. The error
// says which field cannot be the part.
func New(model shape.Type, codec string, fields, optional []string, multi bool) (*Key, error) {
	_, codecs, composite := keyname.Parts(codec)
	if !composite {
		codecs = []string{codec}
	}
	if len(fields) != len(codecs) {
		return nil, fmt.Errorf("a key %s has %d parts, and there are %d fields", codec, len(codecs), len(fields))
	}
	k := &Key{list: -1}
	for i, name := range fields {
		f, err := fieldOf(model, name)
		if err != nil {
			return nil, err
		}
		p := part{field: name, typ: f.Type, codec: codecs[i], optional: slices.Contains(optional, name)}
		if multi && f.Type.Kind == shape.List {
			if k.list >= 0 {
				return nil, fmt.Errorf("the fields %q and %q are both lists", k.parts[k.list].field, name)
			}
			if p.optional {
				return nil, fmt.Errorf("the field %q is a list, and a row without elements has no key in any case", name)
			}
			k.list, p.size, p.typ = i, f.Type.Size, *f.Type.Elem
		}
		if !writes(p.codec, p.typ) {
			return nil, fmt.Errorf("the field %q is %.80v, which is no key %s", name, p.typ, p.codec)
		}
		k.parts = append(k.parts, p)
	}
	for _, name := range optional {
		if !slices.Contains(fields, name) {
			return nil, fmt.Errorf("the optional field %q is none of the fields of the key", name)
		}
	}
	if multi && k.list < 0 {
		return nil, errors.New("none of the fields is a list")
	}
	return k, nil
}

func fieldOf(model shape.Type, name string) (*shape.Field, error) {
	i := slices.IndexFunc(model.Fields, func(f shape.Field) bool { return f.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("the model has no field %q", name)
	}
	return &model.Fields[i], nil
}

// The codecs of package record that can write a field.
const (
	peerCodec = "peer"
	hashCodec = "sha2-256"
)

// hashSize is how many bytes a hash has.
const hashSize = 32

// writes reports whether the codec with the given name writes values of type t.
func writes(codec string, t shape.Type) bool {
	switch codec {
	case peerCodec:
		return t.Kind == shape.Bytes
	case hashCodec:
		return t.Kind == shape.Bytes && t.Size == hashSize
	}
	switch t.Kind {
	case shape.List, shape.Map, shape.Optional, shape.Struct:
		return false
	default:
		return shape.Kind(codec) == t.Kind || shape.Kind(codec).Widens(t.Kind)
	}
}

// Values calls each with the parts of every key of a row, which may be none. Value is the row's value
// in canonical DAG-CBOR. A field that is missing is zero. The parts have the types that
// models.KeyCodecNamed has for the names of their codecs; a peer id is a string, and a hash of 32 bytes
// is a []byte. Parts are valid until each returns.
func (k *Key) Values(value []byte, each func(parts []any) error) error {
	var names [maxParts]string
	for i, p := range k.parts {
		names[i] = p.field
	}
	var items [maxParts][]byte
	if err := find(value, names[:len(k.parts)], items[:]); err != nil {
		return err
	}
	parts := make([]any, len(k.parts))
	for i, p := range k.parts {
		if i == k.list {
			continue
		}
		zero, err := p.read(items[i], &parts[i])
		if err != nil {
			return fmt.Errorf("field %s: %w", p.field, err)
		}
		if zero && p.optional {
			return nil
		}
	}
	if k.list < 0 {
		return each(parts)
	}
	p := k.parts[k.list]
	n, elems, err := listOf(items[k.list], p.size)
	for i := 0; i < n && err == nil; i++ {
		var elem []byte
		if elems != nil {
			if elem, elems, err = cbor.Cut(elems); err != nil {
				break
			}
		}
		if _, err = p.read(elem, &parts[k.list]); err == nil {
			if err := each(parts); err != nil {
				return err
			}
		}
	}
	if err != nil {
		return fmt.Errorf("field %s: %w", p.field, err)
	}
	return nil
}

// maxParts is how many parts a key has at most.
const maxParts = 4

// Clock returns the clock of rows of the model, which is the field with the given name.
func Clock(model shape.Type, name string) (func(value []byte) (uint64, error), error) {
	f, err := fieldOf(model, name)
	if err != nil {
		return nil, err
	}
	t := f.Type
	if t.Kind != shape.Time && !writes(string(shape.Uint64), t) && !writes(string(shape.Int64), t) {
		return nil, fmt.Errorf("the field %q is neither an integer nor a time", name)
	}
	return func(value []byte) (uint64, error) {
		var item [1][]byte
		if err := find(value, []string{name}, item[:]); err != nil {
			return 0, err
		}
		clock, err := clockOf(t, item[0])
		if err != nil {
			return 0, fmt.Errorf("field %s: %w", name, err)
		}
		return clock, nil
	}, nil
}

func clockOf(t shape.Type, item []byte) (uint64, error) {
	if t.Kind == shape.Time {
		at, err := timeOf(item)
		return uint64(max(at.UnixMicro(), 0)), err
	}
	number, negative, err := integerOf(item)
	if negative {
		number = 0
	}
	return number, err
}

// read sets *key to what a part is in a row with the item of its field, which is nil if it is missing.
// It reports whether the field is zero.
func (p *part) read(item []byte, key *any) (zero bool, err error) {
	switch p.codec {
	case "bool":
		var v bool
		v, err = boolOf(item)
		*key, zero = v, !v
	case "string":
		var v []byte
		v, err = runOf(item, p.typ.Size)
		*key, zero = string(v), len(v) == 0
	case peerCodec:
		var v []byte
		v, err = runOf(item, p.typ.Size)
		*key, zero = string(v), isZero(v, p.typ.Size)
	case "bytes", hashCodec:
		var v []byte
		v, err = runOf(item, p.typ.Size)
		*key, zero = v, isZero(v, p.typ.Size)
	case "time":
		var v time.Time
		v, err = timeOf(item)
		*key, zero = v, v.IsZero()
	case "float32", "float64":
		var v float64
		v, err = floatOf(item)
		if *key, zero = v, v == 0; p.codec == "float32" {
			*key = float32(v)
		}
	default:
		var number uint64
		var negative bool
		if number, negative, err = integerOf(item); err == nil {
			*key, err = integer(p.codec, number, negative)
		}
		zero = number == 0 && !negative
	}
	return zero, err
}

// isZero reports whether the bytes of a Go value are those of its zero value: of a slice none, of an
// array zeros.
func isZero(v []byte, size int) bool {
	return len(v) == 0 || size != 0 && !slices.ContainsFunc(v, func(b byte) bool { return b != 0 })
}
