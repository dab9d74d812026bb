//go:build js

package main

import (
	"context"
	"fmt"
	"syscall/js"

	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dynamic"
	"github.com/newsnet-africa/netabase-go/record"
)

// tree returns the tree that an argument names.
func (s *store) tree(args []js.Value, i int) (*dynamic.Tree, error) {
	name, err := text(args, i)
	if err != nil {
		return nil, err
	}
	if t := s.trees[name]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("%w: %.100q", models.ErrUnknownTree, name)
}

// row gives a row as JSON: tree, primary key as text.
func (s *store) row(args []js.Value) (any, error) {
	tree, err := s.tree(args, 0)
	if err != nil {
		return nil, err
	}
	name, err := text(args, 1)
	if err != nil {
		return nil, err
	}
	key, err := tree.ParseKey(name)
	if err != nil {
		return nil, err
	}
	row, err := tree.Get(context.Background(), s.records.Store(), key)
	if err != nil {
		return nil, err
	}
	return asJSON(&row)
}

// find gives rows by an index as a list of JSON: tree, index, index key as text, and how many at most.
func (s *store) find(args []js.Value) (any, error) {
	tree, err := s.tree(args, 0)
	if err != nil {
		return nil, err
	}
	name, err := text(args, 1)
	if err != nil {
		return nil, err
	}
	index, ok := tree.Index(name)
	if !ok {
		return nil, fmt.Errorf("%w: %s has no index %.100q", models.ErrInvalid, tree.Name(), name)
	}
	if name, err = text(args, 2); err != nil {
		return nil, err
	}
	key, err := index.ParseKey(name)
	if err != nil {
		return nil, err
	}
	found := []any{}
	limit := args[3].Int()
	for row, err := range index.Find(context.Background(), s.records.Store(), key) {
		if err != nil {
			return nil, err
		}
		if len(found) >= limit {
			break
		}
		text, err := asJSON(&row)
		if err != nil {
			return nil, err
		}
		found = append(found, text)
	}
	return found, nil
}

func asJSON(row *dynamic.Row) (any, error) {
	b, err := row.AppendJSON(nil)
	return string(b), err
}

// encode gives the record key of a row and the row's value, which is the record's in a tree that is not
// signed: tree, JSON.
func (s *store) encode(args []js.Value) (any, error) {
	tree, err := s.tree(args, 0)
	if err != nil {
		return nil, err
	}
	object, err := text(args, 1)
	if err != nil {
		return nil, err
	}
	row, err := tree.ParseJSON([]byte(object))
	if err != nil {
		return nil, err
	}
	key, err := tree.Key(&row)
	if err != nil {
		return nil, err
	}
	_, v, err := tree.Encode(&row)
	if err != nil {
		return nil, err
	}
	return []any{jsvalue.FromBytes([]byte(record.Key(tree.Tree, key))), jsvalue.FromBytes(v)}, nil
}
