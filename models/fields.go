package models

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models/internal/fieldkey"
	"github.com/newsnet-africa/netabase-go/models/internal/keyname"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// KeyFields says that a tree's primary key is the values of these fields of the
// model: one for each part of a [Pair], [Triple] or [Quad], in their order, or
// one for any other key. Names are those under which the fields are encoded.
// Other programs can then make the key without the Go type, from the tree's
// [Tree.Schema]:
//
//	models.NewTree("user", models.Uint64, func(u *User) uint64 { return u.ID },
//		models.KeyFields[User]("ID"))
//
// The fields have the types of the parts, or ones of narrower numbers. The
// tree's codec is [DagCBOR], or one of modelgen's, which writes this option. A
// declaration that makes other keys than its fields is refused with
// [ErrDefinition] when a store is opened with it: random models are tried.
func KeyFields[M any](names ...string) TreeOption[M] {
	return func(o *treeOptions[M]) { o.keyFields = given(names) }
}

// ClockField says that the clock of a tree, which [WithClock] declares, is the
// value of the field with this name: of an integer, or the microseconds of a
// time since 1970. It is 0 where that is less than 0. See [KeyFields].
func ClockField[M any](name string) TreeOption[M] {
	return func(o *treeOptions[M]) { o.clockField = name }
}

// Fields says that the keys of an index are the values of these fields of the
// model, as [KeyFields] does. In a [Multi] one field is a slice or array, and
// each of its elements gives a key together with the other fields. A partial
// index needs [OptionalFields] as well.
func Fields[M any](names ...string) IndexOption[M] {
	return func(o *indexOptions[M]) { o.fields = given(names) }
}

// OptionalFields says which of the [Fields] of a partial index a row needs: it
// leaves out the rows in which one of them is zero. Its [Where] computes the
// same.
//
//	models.NewUnique(Users, "phone", models.String, func(u *User) string { return u.Phone },
//		models.Where(func(u *User) bool { return u.Phone != "" }),
//		models.Fields[User]("Phone"), models.OptionalFields[User]("Phone"))
func OptionalFields[M any](names ...string) IndexOption[M] {
	return func(o *indexOptions[M]) { o.optional = given(names) }
}

// given returns a copy of names that is not nil, so that none are a fault and not nothing said.
func given(names []string) []string { return append([]string{}, names...) }

// saying is what a declaration says of fields, beside the function that it has.
type saying struct {
	// about begins errors.
	about string
	// holds reports whether the function gives for m what the fields of its value give. The value is
	// canonical DAG-CBOR.
	holds func(m any, value []byte) (bool, error)
}

// checkFields tries what the declarations of the tree and of its indexes say of fields with random
// models, and returns what is wrong. It skips models that the codec refuses.
func (t *table) checkFields() error {
	said, err := t.sayings()
	if err != nil || len(said) == 0 {
		return err
	}
	p := newProber(t.types, t.core.Fields)
	for range probes {
		m, value, err := p.model()
		if err != nil {
			continue
		}
		for _, s := range said {
			holds, err := s.try(m, value)
			if err == nil && !holds {
				err = errors.New("the function of the declaration gives something else for some models")
			}
			if err != nil {
				return fmt.Errorf("%s: %w: %w", s.about, ErrDefinition, err)
			}
		}
	}
	return nil
}

// try is holds with a function that may panic.
func (s *saying) try(m any, value []byte) (_ bool, err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = fmt.Errorf("the function of the declaration panics for some models: %v", failure)
		}
	}()
	return s.holds(m, value)
}

// sayings returns what the declarations say of fields.
func (t *table) sayings() (said []saying, err error) {
	var faults []error
	model := shape.StructOf(t.core.Fields...)
	add := func(what string, names []string, holds func(any, []byte) (bool, error), err error) {
		if t.core.Codec != dagCBORName {
			err = fmt.Errorf("the codec of the tree is %s and not %s", t.core.Codec, dagCBORName)
		}
		about := fmt.Sprintf("%s of tree %q by fields %s", what, t.core.Name, strings.Join(names, ", "))
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w: %w", about, ErrDefinition, err))
		}
		said = append(said, saying{about, holds})
	}
	if names := t.core.KeyFields; names != nil {
		holds, err := sameKeys(model, t.core.Key, names, nil, false, func(keys *keyList, m any) {
			keys.buf = t.types.appendDelimited(keys.buf, m)
			keys.ends = append(keys.ends, len(keys.buf))
		})
		add("primary key", names, holds, err)
	}
	if name := t.core.Clock; name != "" {
		holds, err := t.sameClock(model, name)
		if of := t.core.Tombstones; err == nil && of != nil && of.Unit != time.Microsecond &&
			slices.ContainsFunc(t.core.Fields, func(f shape.Field) bool { return f.Name == name && f.Type.Kind == shape.Time }) {
			err = fmt.Errorf("the clock counts microseconds, and WithTombstones says units of %v", of.Unit)
		}
		add("clock", []string{name}, holds, err)
	}
	for i, ix := range t.core.Indexes {
		if ix.Fields == nil && ix.Optional == nil {
			continue
		}
		appendPlain := func(keys *keyList, m any) { t.types.appendPlain(i, keys, m) }
		holds, err := sameKeys(model, ix.Key, ix.Fields, ix.Optional, ix.Kind == session.Multi, appendPlain)
		switch {
		case ix.Fields == nil:
			err = errors.New("it has OptionalFields and no Fields")
		case ix.Partial && len(ix.Optional) == 0:
			err = errors.New("it has Where and no OptionalFields")
		case !ix.Partial && ix.Optional != nil:
			err = errors.New("it has OptionalFields and no Where")
		}
		add(fmt.Sprintf("index %q", ix.Name), ix.Fields, holds, err)
	}
	return said, errors.Join(faults...)
}

// sameKeys returns a function that reports whether appendKeys gives the keys that the fields give.
func sameKeys(
	model shape.Type, codec string, fields, optional []string, multi bool, appendKeys func(*keyList, any),
) (func(any, []byte) (bool, error), error) {
	of, err := fieldkey.New(model, codec, fields, optional, multi)
	if err != nil {
		return nil, err
	}
	_, names, composite := keyname.Parts(codec)
	if !composite {
		names = []string{codec}
	}
	var got, want keyList
	return func(m any, value []byte) (bool, error) {
		got.reset()
		want.reset()
		appendKeys(&got, m)
		err := of.Values(value, func(parts []any) error {
			for i, part := range parts {
				want.buf = appendPart(want.buf, names[i], part)
			}
			want.ends = append(want.ends, len(want.buf))
			return nil
		})
		got.sortUnique()
		want.sortUnique()
		return bytes.Equal(got.buf, want.buf) && slices.Equal(got.ends, want.ends), err
	}, nil
}

// appendPart appends a part of a key, as the codec with the given name writes it in front of another.
// Package record has the codecs that this package has not. They write a peer id as a string, and the
// bytes of a hash.
func appendPart(dst []byte, codec string, part any) []byte {
	if named, ok := plainKeys[codec]; ok {
		return named.Append(dst, part)
	}
	if peer, ok := part.(string); ok {
		return String.Append(dst, peer)
	}
	return append(dst, part.([]byte)...)
}

// sameClock returns a function that reports whether the clock is that of the field.
func (t *table) sameClock(model shape.Type, name string) (func(any, []byte) (bool, error), error) {
	of, err := fieldkey.Clock(model, name)
	if !t.clocked {
		err = errors.New("it has ClockField and no WithClock")
	}
	if err != nil {
		return nil, err
	}
	return func(m any, value []byte) (bool, error) {
		want, err := of(value)
		return t.types.clockOf(m) == want, err
	}, nil
}
