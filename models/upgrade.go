package models

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// Earlier is an earlier Go type of a model of type M, with a function from it to M. See
// [EarlierType].
type Earlier[M any] struct{ types []earlierType[M] }

// earlierType is a type from which values of M can be made.
type earlierType[M any] struct {
	fields []Field
	name   string
	// fault is why rows cannot have been written as the type.
	fault error
	load  func(value []byte) (M, error)
}

// EarlierType declares that a model was of type E before it was of type M, for [WithEarlier]. The
// store recognises rows of type E by their fields, so keep the type as it was, with its tags.
// Upgrade makes an M of each of them when it is read, which may be often: it must depend on its
// argument alone, and must not change the primary key, unless [WithKeyVersion] declares that. Before
// has the types that came before E.
//
// Upgrade may return an error for a row that it cannot make an M of. Reading that row fails with
// the error, which matches [ErrUpgrade], and the row stays as it is.
func EarlierType[E, M any](upgrade func(*E) (M, error), before ...Earlier[E]) Earlier[M] {
	shape, fault := dagShapeOf(reflect.TypeFor[E]())
	codec := DagCBOR[E]()
	own := earlierType[M]{fields: shape.fields, name: reflect.TypeFor[E]().String(), fault: fault}
	from := func(e *E, err error) (m M, _ error) {
		if err == nil {
			m, err = upgrade(e)
		}
		if err != nil {
			err = fmt.Errorf("%w: from %s: %w", ErrUpgrade, own.name, err)
		}
		return m, err
	}
	own.load = func(value []byte) (m M, err error) {
		var e E
		if err := codec.Decode(value, &e); err != nil {
			return m, err
		}
		return from(&e, nil)
	}
	types := []earlierType[M]{own}
	for _, b := range before {
		for _, t := range b.types {
			types = append(types, earlierType[M]{
				fields: t.fields, name: t.name, fault: t.fault,
				load: func(value []byte) (M, error) {
					e, err := t.load(value)
					return from(&e, err)
				},
			})
		}
	}
	return Earlier[M]{types}
}

// WithEarlier declares the earlier types of a tree's model. They are for changes that a store
// cannot make by itself, such as a field that is made of two others:
//
//	models.WithEarlier(models.EarlierType(func(u *UserV2) (User, error) { … },
//		models.EarlierType(func(u *UserV1) (UserV2, error) { … })))
//
// Rows go through the functions if the newest version that their store has is one of these types. So
// declare a type for each release that stores may still be at, also for one that differs from the
// next by no more than a field.
//
// Once datastore.Migrate has rewritten all rows of the stores that the program uses, the earlier
// types can go.
func WithEarlier[M any](earlier ...Earlier[M]) TreeOption[M] {
	return func(o *treeOptions[M]) { o.earlier = append(o.earlier, earlier...) }
}

// WithGivenUp declares fields that the model had and no longer has, by their paths: "Address.Town",
// "Homes[].Town" in a list, "Homes{}.Town" in a map. Without it a store refuses a model that lacks
// a field, because the rows would lose it.
func WithGivenUp[M any](paths ...string) TreeOption[M] {
	return func(o *treeOptions[M]) { o.givenUp = append(o.givenUp, paths...) }
}

// erase returns the earlier types with their types erased.
func (e Earlier[M]) erase(codec Codec[M]) (erased []session.Earlier) {
	for _, t := range e.types {
		erased = append(erased, session.Earlier{
			Fields: t.fields, Type: t.name,
			Upgrade: func(dst, value []byte) ([]byte, error) {
				m, err := t.load(value)
				if err != nil {
					return dst, err
				}
				return codec.Append(dst, &m)
			},
		})
	}
	return erased
}

// fault returns why an earlier type cannot be used, or nil.
func (e Earlier[M]) fault() error {
	for _, t := range e.types {
		if t.fault != nil {
			return fmt.Errorf("earlier type %s: %w", t.name, t.fault)
		}
	}
	return nil
}

// modernize makes the row that is stored in place of one of an earlier schema version. A row that
// travels keeps its value, since others compare and sign it as bytes.
func (t *table) modernize(p *session.Place, primary []byte, row format.Row) (format.Row, error) {
	row, err := p.Unpacker.Plain(row)
	if err != nil {
		return row, err
	}
	value, err := valueOf(p, row)
	if err != nil {
		return row, err
	}
	m := t.types.take()
	defer t.types.give(m)
	if err := t.read(m, primary, value); err != nil {
		return row, corruptValue(err)
	}
	if err := t.checkKey(m, primary); err != nil {
		return row, fmt.Errorf("%w: %w", ErrUpgrade, err)
	}
	row.Schema = p.Schema
	if t.policy == Local {
		row.Value = value
		return row, nil
	}
	own, err := t.types.appendValue(nil, m)
	row.Foreign = !bytes.Equal(own, row.Value)
	return row, err
}
