package badger_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
)

// A check finds nothing wrong with tables that compactions drop while it reads.
func TestCheckBesideCompactions(t *testing.T) {
	rounds := 15
	if testing.Short() {
		rounds = 8
	}
	ctx := t.Context()
	db := open(t, badger.Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}, MemTableMB: 1})
	done := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if err := db.(engine.Verifier).Verify(ctx); err != nil {
				done <- err
				return
			}
		}
	}()
	for range rounds {
		for range 10 { // more than a memtable takes
			commit(t, db, func(txn engine.WriteTxn) error {
				for range 100 {
					key := binary.BigEndian.AppendUint64(nil, rand.Uint64N(5000))
					if err := txn.Put(key, make([]byte, 1<<10)); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := db.Compact(ctx); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
