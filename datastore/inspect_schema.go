package datastore

import (
	"context"
	"fmt"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Schema describes a tree as the store has it, in its newest version. Its Write writes a schema
// file. Indexes that are not complete are left out, and so are topics of some rows, which only a
// program can tell. Name is the tree's full name; a name the store
// does not have returns models.ErrUnknownTree.
func (in *Inspection) Schema(ctx context.Context, name string) (shape.Schema, error) {
	s, err := in.schema(ctx, name)
	if err != nil {
		return s, fmt.Errorf("schema of %s: %w", name, err)
	}
	return s, nil
}

func (in *Inspection) schema(ctx context.Context, name string) (s shape.Schema, err error) {
	txn, err := in.view(ctx)
	if err != nil {
		return s, err
	}
	defer txn.Discard()
	entry, err := treeEntryOf(txn, name)
	if err != nil {
		return s, err
	}
	h, err := readHistory(txn, name, entry)
	if err != nil {
		return s, err
	}
	s = shape.Schema{
		Tree: name, Key: entry.Key, KeyVersion: entry.KeyVersion, Codec: entry.Codec, Policy: entry.Policy,
		Shape: h.newest().Shape,
	}
	for _, ix := range entry.Indexes {
		switch {
		case ix.State != ready || ix.Kind == session.Topical && ix.Partial:
		case ix.Kind == session.Topical:
			s.Topics = append(s.Topics, shape.Topic{Name: ix.Name, Version: ix.Version})
		default:
			s.Indexes = append(s.Indexes, shape.Index{
				Name: ix.Name, Kind: string(ix.Kind), Key: ix.Key, Partial: ix.Partial, Blind: ix.Blind, Version: ix.Version,
			})
		}
	}
	var fields fieldsEntry
	if _, err := getCatalog(txn, fieldsKey(entry.ID), fieldsCodec, &fields); err != nil {
		return s, fmt.Errorf("fields of keys: %w", err)
	}
	fields.describe(&s)
	var of tombstonesEntry
	found, err := getCatalog(txn, tombstonesKey(entry.ID), tombstonesCodec, &of)
	if err != nil {
		return s, fmt.Errorf("tombstones: %w", err)
	}
	if found {
		s.Tombstones = &shape.Tombstones{Age: time.Duration(of.Age), Unit: time.Duration(of.Unit)}
	}
	return s, nil
}
