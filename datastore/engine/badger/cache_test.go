package badger_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
)

// TestCacheMB reads compressed tables and measures the memory that keeps what has
// been read, with a cache that has room for all of it and with one that has not.
func TestCacheMB(t *testing.T) {
	if testing.Short() {
		t.Skip("it has one goroutine, and short runs are for the race detector")
	}
	const rows, size = 8000, 2000 // 16 MB
	options := badger.Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}, Compress: true, MemTableMB: 1}
	db := open(t, options)
	random := rand.New(rand.NewPCG(1, 2))
	for i := 0; i < rows; i += 20 {
		commit(t, db, func(txn engine.WriteTxn) error {
			for j := range 20 {
				value := make([]byte, size)
				for k := range size / 2 {
					value[k] = byte(random.Uint32())
				}
				if err := txn.Put(fmt.Appendf(nil, "%06d", i+j), value); err != nil {
					return err
				}
			}
			return nil
		})
	}
	db.Close()
	kept := func(cacheMB int) int64 {
		options.CacheMB = cacheMB
		db := open(t, options)
		defer db.Close()
		before := heap()
		for range 3 {
			read(t, db, rows)
		}
		return heap() - before
	}
	// Badger's cache forgets behind the reads, so that a look may come too early.
	var small, large int64
	for range 5 {
		if small, large = kept(2), kept(64); large-small >= 8<<20 {
			return
		}
	}
	t.Errorf("%d bytes are kept with 2 MiB, %d with 64", small, large)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// read reads every row by its key.
func read(t *testing.T, db engine.DB, rows int) {
	t.Helper()
	for i := range rows {
		txn, err := db.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := txn.Get(fmt.Appendf(nil, "%06d", i)); err != nil {
			t.Fatal(err)
		}
		txn.Discard()
	}
}
