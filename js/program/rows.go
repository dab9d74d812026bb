//go:build js

package main

import (
	"context"
	"fmt"

	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dynamic"
	"github.com/newsnet-africa/netabase-go/record"
)

// tree takes the name of a tree.
func (s *store) tree(a *arguments) *dynamic.Tree {
	name := a.text()
	t := s.trees[name]
	if t == nil {
		a.fail(fmt.Errorf("%w: %.100q", models.ErrUnknownTree, name))
	}
	return t
}

// row gives a row as JSON: tree, primary key as text.
func (s *store) row(a *arguments) (any, error) {
	tree, name := s.tree(a), a.text()
	if a.err != nil {
		return nil, a.err
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
func (s *store) find(a *arguments) (any, error) {
	tree, name, keyText, limit := s.tree(a), a.text(), a.text(), a.number()
	if a.err != nil {
		return nil, a.err
	}
	index, ok := tree.Index(name)
	if !ok {
		return nil, fmt.Errorf("%w: %s has no index %.100q", models.ErrInvalid, tree.Name(), name)
	}
	key, err := index.ParseKey(keyText)
	if err != nil {
		return nil, err
	}
	found := []any{}
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
func (s *store) encode(a *arguments) (any, error) {
	tree, object := s.tree(a), a.text()
	if a.err != nil {
		return nil, a.err
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
