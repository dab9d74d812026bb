// Package journaltest writes the database that docs/format.md shows, in tests of the journal and of its engines.
package journaltest

import (
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// WriteExample makes the commits of the example, with a checkpoint between them.
func WriteExample(t testing.TB, db engine.DB) {
	t.Helper()
	ctx := t.Context()
	commit := func(write func(txn engine.WriteTxn) error) {
		t.Helper()
		txn, err := db.Update(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer txn.Discard()
		if err := write(txn); err != nil {
			t.Fatal(err)
		}
		if err := txn.Commit(ctx, engine.Durable); err != nil {
			t.Fatal(err)
		}
	}
	commit(func(txn engine.WriteTxn) error { return txn.Put([]byte("a"), []byte("1")) })
	commit(func(txn engine.WriteTxn) error { return txn.Put([]byte("bc"), nil) })
	if err := db.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	commit(func(txn engine.WriteTxn) error { return txn.Delete([]byte("a")) })
}
