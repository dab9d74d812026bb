package datastore_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/format"
)

// Verify finds each kind of damage to the entries and the leaves of a topic, writes go on meanwhile, and
// Repair mends it, also without the definition.
func TestTopicDamage(t *testing.T) {
	const leaf, entry, logged = 1, 2, 3
	// lie returns a value of the key with the right checksum.
	lie := func(key, body []byte) []byte { return format.AppendChecksum(bytes.Clone(body), key) }
	type damage func(txn engine.WriteTxn, leaves, entries [][]byte) error
	var log [][]byte // the mark, and the rows
	for name, spoil := range map[string]damage{
		"an entry is gone": func(txn engine.WriteTxn, _, entries [][]byte) error { return txn.Delete(entries[5]) },
		"an entry is damaged": func(txn engine.WriteTxn, _, entries [][]byte) error {
			return txn.Put(entries[5], []byte("rubbish"))
		},
		"an entry has another row": func(txn engine.WriteTxn, _, entries [][]byte) error {
			return txn.Put(entries[5], lie(entries[5], []byte{0, 0, 0, 0, 0, 0, 0, 9}))
		},
		"an entry has no row": func(txn engine.WriteTxn, _, entries [][]byte) error {
			key := bytes.Clone(entries[5])
			key[len(key)-1]++
			return txn.Put(key, lie(key, []byte{0, 0, 0, 0, 0, 0, 0, 9}))
		},
		"an entry has a long key": func(txn engine.WriteTxn, _, entries [][]byte) error {
			key := append(bytes.Clone(entries[5]), 1)
			return txn.Put(key, lie(key, []byte{0, 0, 0, 0, 0, 0, 0, 9}))
		},
		"a key is neither": func(txn engine.WriteTxn, _, entries [][]byte) error {
			key := append(bytes.Clone(entries[5][:1]), 77)
			return txn.Put(key, lie(key, []byte("what")))
		},
		"a leaf is gone": func(txn engine.WriteTxn, leaves, _ [][]byte) error { return txn.Delete(leaves[1]) },
		"all leaves are gone": func(txn engine.WriteTxn, leaves, _ [][]byte) error {
			for _, key := range leaves {
				if err := txn.Delete(key); err != nil {
					return err
				}
			}
			return nil
		},
		"a leaf is damaged": func(txn engine.WriteTxn, leaves, _ [][]byte) error { return txn.Put(leaves[1], []byte("rubbish")) },
		"a leaf has another sum": func(txn engine.WriteTxn, leaves, _ [][]byte) error {
			stored, err := txn.Get(leaves[1])
			if err != nil {
				return err
			}
			body := bytes.Clone(stored[:len(stored)-4])
			body[len(body)-1]++
			return txn.Put(leaves[1], lie(leaves[1], body))
		},
		"a leaf has another count": func(txn engine.WriteTxn, leaves, _ [][]byte) error {
			stored, err := txn.Get(leaves[1])
			if err != nil {
				return err
			}
			body := bytes.Clone(stored[:len(stored)-4])
			body[0] ^= 1
			return txn.Put(leaves[1], lie(leaves[1], body))
		},
		"a leaf lies within another": func(txn engine.WriteTxn, leaves, _ [][]byte) error {
			key := append(bytes.Clone(leaves[0][:1]), leaf, 9, 0, 0)
			return txn.Put(key, lie(key, append([]byte{0}, make([]byte, 32)...)))
		},
		"a row of the log is damaged": func(txn engine.WriteTxn, _, _ [][]byte) error {
			return txn.Put(log[1], []byte("rubbish"))
		},
		"a row of the log has half a change": func(txn engine.WriteTxn, _, _ [][]byte) error {
			return txn.Put(log[1], lie(log[1], []byte{1, 2, 3}))
		},
		"a row of the log is gone": func(txn engine.WriteTxn, _, _ [][]byte) error { return txn.Delete(log[1]) },
		"the mark is damaged":      func(txn engine.WriteTxn, _, _ [][]byte) error { return txn.Put(log[0], []byte("rubbish")) },
		"the mark has another length": func(txn engine.WriteTxn, _, _ [][]byte) error {
			return txn.Put(log[0], lie(log[0], []byte{1}))
		},
		"a leaf has bits too many": func(txn engine.WriteTxn, leaves, _ [][]byte) error {
			key := append(bytes.Clone(leaves[0][:1]), leaf, 9, 0, 1)
			return txn.Put(key, lie(key, append([]byte{0}, make([]byte, 32)...)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			board, posts, _ := postBoard()
			rows := map[uint64]post{}
			eng := memory.Engine()
			store, err := datastore.Open(t.Context(), eng, board)
			if err != nil {
				t.Fatal(err)
			}
			var all []post
			for i := range uint64(2500) { // after the commit some are left in the log
				rows[i] = postOf(i, i)
				all = append(all, rows[i])
			}
			if err := posts.PutMany(t.Context(), store, all); err != nil {
				t.Fatal(err)
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			spoilTopic(t, eng, func(txn engine.WriteTxn, keys [][]byte) error {
				of := func(kind byte) (found [][]byte) {
					for _, key := range keys {
						if key[1] == kind {
							found = append(found, key)
						}
					}
					return found
				}
				if log = of(logged); len(log) < 2 {
					t.Fatalf("the log has the keys %x", log)
				}
				return spoil(txn, of(leaf), of(entry))
			})

			if store, err = datastore.Open(t.Context(), eng, board); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			}()
			p := postOf(7000, 1)
			if err := posts.Put(t.Context(), store, &p); err != nil {
				t.Fatalf("a write: %v", err)
			}
			rows[p.ID] = p
			report, err := datastore.Verify(t.Context(), store)
			if err != nil || report.Clean() {
				t.Fatalf("verify: %+v, %v", report, err)
			}
			if report, err = datastore.Repair(t.Context(), store); err != nil || report.Left() != 0 || report.Repaired == 0 {
				t.Fatalf("repair: %+v, %v", report, err)
			}
			if report, err = datastore.Verify(t.Context(), store); err != nil || !report.Clean() {
				t.Fatalf("verify afterwards: %v, %v", report.Damage, err)
			}
			if err := compareTopics(t.Context(), store, posts, rows, rand.New(rand.NewPCG(1, 1))); err != nil {
				t.Error(err)
			}
			gone := slices.Collect(func(yield func(uint64) bool) {
				for id := range uint64(2000) {
					delete(rows, id)
					if !yield(id) {
						return
					}
				}
			})
			if err := posts.DeleteMany(t.Context(), store, gone); err != nil {
				t.Fatal(err)
			}
			if err := compareTopics(t.Context(), store, posts, rows, rand.New(rand.NewPCG(1, 1))); err != nil {
				t.Error(err)
			}
		})
	}
}

// spoilTopic calls spoil with the keys in the space of the first topic of a board.
func spoilTopic(t *testing.T, eng engine.Engine, spoil func(txn engine.WriteTxn, keys [][]byte) error) {
	t.Helper()
	db, err := eng.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	txn, err := db.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard()
	const space = 66 // behind the rows and the index
	var keys [][]byte
	c := txn.Cursor(engine.Range{Lower: []byte{space}, Upper: []byte{space + 1}})
	for c.Next() {
		keys = append(keys, bytes.Clone(c.Key()))
	}
	c.Close()
	if len(keys) < 2000 {
		t.Fatal(fmt.Errorf("there are %d keys", len(keys)))
	}
	if err := spoil(txn, keys); err != nil {
		t.Fatal(err)
	}
	if err := txn.Commit(t.Context(), engine.Durable); err != nil {
		t.Fatal(err)
	}
}
