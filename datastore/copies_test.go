package datastore_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
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

// TestKeysReadNoRows shows that a query for keys alone does not read the values, which
// Badger copies for it, and that it leaves out rows that have expired all the same.
func TestKeysReadNoRows(t *testing.T) {
	ctx, face := t.Context(), datastore.Temp(t, badger.Engine(t.TempDir())).Datastore()
	for i := range 64 {
		if err := face.Put(ctx, ds.NewKey(fmt.Sprint("/blocks/", i)), make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
	}
	keys := func() (n int) {
		results, err := face.Query(ctx, dsq.Query{Prefix: "/blocks", KeysOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		entries, err := results.Rest()
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	alloctest.BoundBy(t, 1, 1<<20, func() {
		if n := keys(); n != 64 {
			t.Errorf("%d keys, want 64", n)
		}
	})
	if err := face.PutWithTTL(ctx, ds.NewKey("/blocks/0"), nil, time.Nanosecond); err != nil {
		t.Fatal(err)
	}
	if n := keys(); n != 63 {
		t.Errorf("%d keys beside one that has expired, want 63", n)
	}
}
