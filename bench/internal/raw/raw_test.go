package raw

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/dgraph-io/badger/v4"
	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/bench/internal/contender"
	"github.com/newsnet-africa/netabase-go/bench/internal/typed"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
)

// TestStoresTheSameBytes checks that the yardstick does the same work: after the same inserts
// and updates its database equals that of a typed tree.
func TestStoresTheSameBytes(t *testing.T) {
	eng := memory.Engine()
	store, err := typed.Open(eng, article.Reflected)
	if err != nil {
		t.Fatal(err)
	}
	write(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	want := dump(t, eng)

	m := NewMemory(article.Generated.Codec)
	write(t, m)
	var got []item
	m.tree.Load().Scan(func(i item) bool { got = append(got, i); return true })
	compare(t, "memory", got, want)

	b, err := OpenBolt(t.TempDir(), article.Generated.Codec)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	write(t, b)
	got = nil
	err = b.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketName).ForEach(func(key, value []byte) error {
			got = append(got, item{bytes.Clone(key), bytes.Clone(value)})
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "bolt", got, want)

	d, err := OpenBadger(BadgerOptions(t.TempDir()), article.Generated.Codec)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	write(t, d)
	got = nil
	err = d.db.View(func(txn *badger.Txn) error {
		iterator := txn.NewIterator(badger.DefaultIteratorOptions)
		defer iterator.Close()
		for iterator.Rewind(); iterator.Valid(); iterator.Next() {
			value, err := iterator.Item().ValueCopy(nil)
			if err != nil {
				return err
			}
			got = append(got, item{iterator.Item().KeyCopy(nil), value})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "badger", got, want)
}

func write(t *testing.T, store contender.Store) {
	t.Helper()
	rows := article.Block(1, 100)
	moved := slices.Clone(rows[:50])
	for i := range moved {
		moved[i].AuthorID += uint64(i % 2)
		moved[i].Title = "another"
	}
	for _, err := range []error{
		store.Insert(rows), store.Update(moved), store.InsertEach(article.Block(101, 20)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// dump returns everything in an engine except the catalog.
func dump(t *testing.T, eng engine.Engine) (items []item) {
	t.Helper()
	db, err := eng.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	txn, err := db.View(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard()
	cursor := txn.Cursor(engine.Range{Lower: []byte{64}})
	defer cursor.Close()
	for cursor.Next() {
		value, err := cursor.Value()
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item{bytes.Clone(cursor.Key()), bytes.Clone(value)})
	}
	if err := cursor.Err(); err != nil {
		t.Fatal(err)
	}
	return items
}

func compare(t *testing.T, name string, got, want []item) {
	t.Helper()
	if len(want) != 2*120 {
		t.Fatalf("the typed tree has %d entries", len(want))
	}
	if !slices.EqualFunc(got, want, func(a, b item) bool {
		return bytes.Equal(a.key, b.key) && bytes.Equal(a.value, b.value)
	}) {
		t.Errorf(
			"%s: stores other bytes than a typed tree: %d and %d, of which the first %x and %x",
			name, len(got), len(want), got[0].key, want[0].key,
		)
	}
}
