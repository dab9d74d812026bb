package models

import (
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Schema describes the tree for other programs, languages and peers. Its Write
// writes a schema file. The definition that the tree belongs to has to be
// declared before, because the tree's full name begins with the definition's. Of
// the tree's topics it has those that all rows belong to.
func (t *Tree[M, K]) Schema() shape.Schema { return t.schema() }

func (t *table) schema() shape.Schema {
	s := shape.Schema{
		Tree: t.core.Name, Key: t.core.Key, Codec: t.core.Codec, Policy: t.core.Policy,
		Shape: shape.StructOf(t.core.Fields...), KeyFields: t.core.KeyFields, KeyVersion: t.core.KeyVersion,
		Clock: t.core.Clock, ComputedClock: t.core.ComputedClock, Merged: t.core.Merged,
		Indexes: make([]shape.Index, 0, len(t.core.Indexes)),
	}
	if of := t.core.Tombstones; of != nil {
		s.Tombstones = &shape.Tombstones{Age: of.Age, Unit: of.Unit}
	}
	for _, ix := range t.core.Indexes {
		if ix.Kind == session.Topical {
			if !ix.Partial {
				s.Topics = append(s.Topics, shape.Topic{Name: ix.Name, Version: ix.Version})
			}
			continue
		}
		s.Indexes = append(s.Indexes, shape.Index{
			Name: ix.Name, Kind: string(ix.Kind), Key: ix.Key, Partial: ix.Partial, Blind: ix.Blind,
			Version: ix.Version, Fields: ix.Fields, Optional: ix.Optional,
		})
	}
	return s
}
