package models

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/reshape"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Peers do not change their models at the same moment. A value that another peer has written
// may have fields that this program's model does not have, and lack some that it has:
// docs/format.md calls it foreign. Its bytes are kept and served on as they came. Reading it
// leaves out the fields that are not known, and sets the missing ones to their defaults.

// foreignShape is the shape by which the fields of foreign values are found.
type foreignShape struct {
	shape shape.Type
	plan  *reshape.Plan
}

// foreignShapeOf returns a function that returns the tree's, nil for a tree whose values do not
// travel or do not name their fields.
func foreignShapeOf(core *session.Tree, policy Policy) func() *foreignShape {
	return sync.OnceValue(func() *foreignShape {
		if policy == Local || core.Codec != dagCBORName || len(core.Fields) == 0 {
			return nil
		}
		to := shape.StructOf(core.Fields...)
		return &foreignShape{to, reshape.ByName(to)}
	})
}

// foreignRoom is by how many bytes a value usually grows at most where fields are added to it.
const foreignRoom = 64

// decodeStranger decodes a value as Validate describes, and reports whether it is foreign. For a
// value that is to be stored, p is its place, and nil otherwise: a store keeps the defaults that
// fields had when they were added, and reads the row with those.
func (t *table) decodeStranger(p *session.Place, primary, value []byte) (m any, foreign bool, err error) {
	m = t.types.fresh()
	if err = t.read(m, primary, value); err == nil {
		err = checkCanonical(t.types.appendValue, value, m, nil)
	}
	if err != nil {
		if f := t.foreign(); f != nil {
			m, foreign = t.types.fresh(), true
			known := f.plan.Append
			if p != nil && p.Foreign != nil {
				known = p.Foreign
			}
			err = t.decodeForeign(known, m, primary, value)
		}
	}
	if err != nil {
		if !errors.Is(err, ErrInvalid) {
			err = fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		return nil, false, err
	}
	return m, foreign, t.checkKey(m, primary)
}

// decodeForeign decodes the fields of a foreign value that are known, into m, which is zero. All
// of the value has to be canonical.
func (t *table) decodeForeign(
	upgrade func(dst, value []byte) ([]byte, error), m any, primary, value []byte,
) error {
	known, err := upgrade(make([]byte, 0, len(value)+foreignRoom), value)
	if err != nil {
		return err
	}
	return t.read(m, primary, known)
}

// unknown is what a row has that its model does not tell: the bytes that came from a peer.
type unknown struct {
	// value is that of the row, and known what this program writes for its model.
	value, known []byte
}

// unknownOf returns what the row that m was read from has besides m, nil if that is nothing.
func (t *table) unknownOf(place *session.Place, row format.Row, m any) (*unknown, error) {
	if !row.Foreign && row.Schema == place.Schema || t.foreign() == nil {
		return nil, nil
	}
	row, err := place.Unpacker.Plain(row)
	if err != nil {
		return nil, err
	}
	known, err := t.types.appendValue(nil, m)
	if err != nil {
		return nil, err
	}
	return &unknown{bytes.Clone(row.Value), known}, nil
}

// merge returns the value of m, which was read from the row of u and may have changed since, with
// the fields of the row that are not known. It reports whether the value is foreign.
func (t *table) merge(u *unknown, m any) (value []byte, foreign bool, err error) {
	known, err := t.types.appendValue(nil, m)
	if err != nil {
		return nil, false, err
	}
	if value, err = t.mergeInto(u, known); err != nil {
		return nil, false, corruptValue(err)
	}
	return value, !bytes.Equal(value, known), nil
}

// mergeInto is merge of what the program writes for the model.
func (t *table) mergeInto(u *unknown, known []byte) ([]byte, error) {
	if bytes.Equal(known, u.known) { // nothing has changed
		return u.value, nil
	}
	return reshape.Merge(nil, known, u.value, t.foreign().shape)
}

// WithUnknown returns value, which this program's model has under key, with those fields of
// before that the model does not have. Before is the value of the row that value replaces, as
// [Raw.Put] has stored it. If before says the same of the fields that are known, WithUnknown
// returns before itself. The row of a [Tree.Modify] is made in the same way.
func (r *Raw) WithUnknown(key, value, before []byte) ([]byte, error) {
	merged, err := r.tree.withUnknown(key, value, before)
	if err != nil {
		return nil, r.failAt("merge", key, err)
	}
	return merged, nil
}

func (t *table) withUnknown(primary, value, before []byte) ([]byte, error) {
	m, foreign, err := t.decodeStranger(nil, primary, before)
	if err != nil || !foreign {
		return value, err
	}
	known, err := t.types.appendValue(nil, m)
	if err != nil {
		return nil, err
	}
	return t.mergeInto(&unknown{before, known}, value)
}
