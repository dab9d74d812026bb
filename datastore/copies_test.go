package datastore_test

import (
	"bytes"
	"errors"
	"testing"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/alloctest"
)

// TestPutCopiesOnce bounds what putting a value allocates: its row and little more.
func TestPutCopiesOnce(t *testing.T) {
	ctx, face, key := t.Context(), datastore.Temp(t, memory.Engine()).Datastore(), ds.NewKey("/block")
	value := bytes.Repeat([]byte("x"), 1<<20)
	for name, put := range map[string]func() error{
		"Put": func() error { return face.Put(ctx, key, value) },
		"a batch": func() error {
			batch, err := face.Batch(ctx)
			if err != nil {
				return err
			}
			return errors.Join(batch.Put(ctx, key, value), batch.Commit(ctx))
		},
		"a transaction": func() error {
			txn, err := face.NewTransaction(ctx, false)
			if err != nil {
				return err
			}
			return errors.Join(txn.Put(ctx, key, value), txn.Commit(ctx))
		},
	} {
		t.Run(name, func(t *testing.T) {
			alloctest.BoundBy(t, 1, len(value), func() {
				if err := put(); err != nil {
					t.Error(err)
				}
			})
			got, err := face.Get(ctx, key)
			if err != nil || !bytes.Equal(got, value) {
				t.Errorf("%d bytes are there, %v", len(got), err)
			}
		})
	}
}
