package dynamic

import (
	"bytes"
	"fmt"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/internal/fieldkey"
	"github.com/newsnet-africa/netabase-go/models/internal/keyname"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// key makes the keys of rows from their fields.
type key struct {
	codec  models.KeyCodec[any]
	fields *fieldkey.Key
	// own are the codecs of the parts that package models does not have, nil for the others. A part of
	// theirs is the bytes of a key in its last form.
	own []models.KeyCodec[any]
	// zero is the key of a zero row. It stands for the key of what is the row of another tree.
	zero any
}

// newKey returns the key that the codec with a name writes.
func (o *options) newKey(m *model, name string, fields, optional []string, multi bool) (*key, error) {
	codec, ok := o.keyCodec(name)
	if !ok {
		return nil, fmt.Errorf("no key codec is named %.140q", name)
	}
	from, err := fieldkey.New(m.typ, name, fields, optional, multi)
	if err != nil {
		return nil, err
	}
	_, names, composite := keyname.Parts(name)
	if !composite {
		names = []string{name}
	}
	k := &key{codec: codec, fields: from, own: make([]models.KeyCodec[any], len(names))}
	for i, name := range names {
		if _, ok := models.KeyCodecNamed(name); ok {
			continue
		}
		if k.own[i], ok = o.keyCodec(name); !ok {
			return nil, fmt.Errorf("no key codec is named %.140q", name)
		}
		if n := m.fields[m.named(fields[i])].node; n.text != nil {
			n.text = k.own[i]
		} else if n.elem != nil && n.elem.text != nil {
			n.elem.text = k.own[i]
		}
	}
	if multi { // a row may have none
		return k, nil
	}
	always := *k // also where an index leaves the row out
	if always.fields, err = fieldkey.New(m.typ, name, fields, nil, false); err != nil {
		return nil, err
	}
	zero := Row{value: m.appendZero(nil), of: m}
	err = always.each(&zero, func(made any) { k.zero = made })
	return k, err
}

// each calls yield with every key of a row.
func (k *key) each(r *Row, yield func(key any)) error {
	return k.fields.Values(r.value, func(read []any) error {
		var parts [4]any
		for i, codec := range k.own {
			run, isBytes := read[i].([]byte)
			switch parts[i] = read[i]; {
			case codec != nil:
				key, err := codec.DecodeLast(bytesOf(read[i]))
				if err != nil {
					return err
				}
				parts[i] = key
			case isBytes:
				parts[i] = bytes.Clone(run)
			}
		}
		yield(join(parts[:len(read)]))
		return nil
	})
}

func bytesOf(part any) []byte {
	if text, ok := part.(string); ok {
		return []byte(text)
	}
	run, _ := part.([]byte)
	return run
}

// join makes a key of its parts.
func join(parts []any) any {
	switch len(parts) {
	case 1:
		return parts[0]
	case 2:
		return models.MakePair(parts[0], parts[1])
	case 3:
		return models.MakeTriple(parts[0], parts[1], parts[2])
	default:
		return models.MakeQuad(parts[0], parts[1], parts[2], parts[3])
	}
}

// of returns the one key of a row.
func (k *key) of(r *Row) any {
	key := k.zero
	if err := k.each(r, func(made any) { key = made }); err != nil {
		return k.zero
	}
	return key
}

// has reports whether a row has a key.
func (k *key) has(r *Row) (has bool) {
	err := k.each(r, func(any) { has = true })
	return has && err == nil
}

// all returns all keys of a row.
func (k *key) all(r *Row) (keys []any) {
	if err := k.each(r, func(made any) { keys = append(keys, made) }); err != nil {
		return nil
	}
	return keys
}

// clockOf returns the clock that is a field of the model.
func clockOf(t shape.Type, name string) (func(*Row) uint64, error) {
	clock, err := fieldkey.Clock(t, name)
	if err != nil {
		return nil, err
	}
	return func(r *Row) uint64 {
		now, err := clock(r.value)
		if err != nil { // it is the row of another tree
			return 0
		}
		return now
	}, nil
}
