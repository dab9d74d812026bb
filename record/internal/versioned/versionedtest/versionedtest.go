// Package versionedtest makes rows of other versions, for tests.
package versionedtest

import (
	"bytes"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// Rows returns the values of a tree as they are stored, by key.
func Rows(t testing.TB, store *datastore.Store, tree models.AnyTree) map[string][]byte {
	t.Helper()
	rows := map[string][]byte{}
	for row, err := range tree.Raw().Scan(t.Context(), store, models.Range[[]byte]{}) {
		if err != nil {
			t.Fatal(err)
		}
		rows[string(row.Key)] = row.Value
	}
	return rows
}

// Set sets the version of all values of a tree, which is their first byte.
func Set(t testing.TB, store *datastore.Store, tree models.AnyTree, version byte) {
	t.Helper()
	rows := Rows(t, store, tree)
	err := store.RunWrite(t.Context(), func(s *session.Session) error {
		for primary, value := range rows {
			key := append(bytes.Clone(s.Place(tree.Core()).Space), primary...)
			stored, err := s.Read.Get(key)
			if err != nil {
				return err
			}
			old, err := format.ParseRow(key, stored)
			if err != nil {
				return err
			}
			row := format.AppendRowHeader(nil, old.Header)
			row = append(append(row, version), value[1:]...)
			if err := s.Put(key, format.AppendChecksum(row, key)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
