package datastore_test

import (
	"errors"
	"fmt"
	"iter"
	"testing"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// outlivingRows are more than a loop reads at a time.
const outlivingRows = 60

// TestLoopOutlivesTransaction ends transactions within loops over trees and indexes:
// every loop ends with an error, and none goes on in a transaction that is another's.
func TestLoopOutlivesTransaction(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			store := datastore.Temp(t, newEngine(t), town)
			var all []person
			for i := range uint64(outlivingRows) {
				all = append(all, somebody(i))
			}
			if err := people.PutMany(ctx, store, all); err != nil {
				t.Fatal(err)
			}
			for i, over := range loops {
				for _, readOnly := range []bool{true, false} {
					txn, err := store.Datastore().Begin(ctx, readOnly)
					if err != nil {
						t.Fatal(err)
					}
					read, write := txn.Trees()
					var r models.Reader = read
					if write != nil {
						r = write
					}
					next, stop := iter.Pull2(over(ctx, r, false))
					defer stop()
					if _, err, ok := next(); err != nil || !ok {
						t.Fatalf("loop %d: there is no first row: %v", i, err)
					}
					txn.Discard(ctx)
					// Others begin transactions, which may be the same renewed.
					if _, err := people.Get(ctx, store, 1); err != nil {
						t.Fatal(err)
					}
					if _, err, ok := next(); !ok || !errors.Is(err, models.ErrTxnDone) {
						t.Errorf("loop %d, read only %v: it goes on with %v, %v", i, readOnly, err, ok)
					}
					if _, _, ok := next(); ok {
						t.Errorf("loop %d, read only %v: it goes on after its error", i, readOnly)
					}
				}
			}
		})
	}
}

// TestQueryOutlivesTransaction is the same for queries of go-datastore.
func TestQueryOutlivesTransaction(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			face := datastore.Temp(t, newEngine(t)).Datastore()
			for i := range outlivingRows {
				if err := face.Put(ctx, ds.NewKey(fmt.Sprint("/k/", i)), []byte("v")); err != nil {
					t.Fatal(err)
				}
			}
			for _, readOnly := range []bool{true, false} {
				for end, fn := range map[string]func(ds.Txn) error{
					"Commit":  func(txn ds.Txn) error { return txn.Commit(ctx) },
					"Discard": func(txn ds.Txn) error { txn.Discard(ctx); return nil },
				} {
					txn, err := face.NewTransaction(ctx, readOnly)
					if err != nil {
						t.Fatal(err)
					}
					results, err := txn.Query(ctx, dsq.Query{Prefix: "/k"})
					if err != nil {
						t.Fatal(err)
					}
					if first, ok := results.NextSync(); !ok || first.Error != nil {
						t.Fatalf("there is no first result: %v", first.Error)
					}
					if err := fn(txn); err != nil {
						t.Fatal(err)
					}
					if has, err := face.Has(ctx, ds.NewKey("/k/1")); err != nil || !has {
						t.Fatal(has, err)
					}
					if rest, err := results.Rest(); !errors.Is(err, models.ErrTxnDone) || len(rest) > 0 {
						t.Errorf("%s, read only %v: there are %d results more, and %v", end, readOnly, len(rest), err)
					}
				}
			}
		})
	}
}
