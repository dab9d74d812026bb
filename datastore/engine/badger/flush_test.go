package badger

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// blocks writes or deletes rows of random bytes, in Relaxed commits.
type blocks struct {
	*testing.T
	db   *db
	size int
}

func (b blocks) each(n int, change func(txn engine.WriteTxn, key []byte) error) {
	b.Helper()
	for i := range n {
		txn, err := b.db.Update(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		err = change(txn, fmt.Appendf(nil, "block %04d", i))
		if err := errors.Join(err, txn.Commit(b.Context(), engine.Relaxed)); err != nil {
			b.Fatal(err)
		}
	}
}

func (b blocks) put(n int) {
	b.Helper()
	source := rand.NewChaCha8([32]byte{})
	b.each(n, func(txn engine.WriteTxn, key []byte) error {
		value := make([]byte, b.size)
		source.Read(value)
		return txn.Put(key, value)
	})
}

func (b blocks) delete(n int) {
	b.Helper()
	b.each(n, func(txn engine.WriteTxn, key []byte) error { return txn.Delete(key) })
}

func (b blocks) compact() {
	b.Helper()
	if err := b.db.Compact(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func (b blocks) bytes() int64 {
	b.Helper()
	size, err := b.db.Size(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return size
}

// TestCompactFreesSpace deletes everything and compacts once, with rows of each kind.
func TestCompactFreesSpace(t *testing.T) {
	if testing.Short() {
		t.Skip("it has one goroutine, and short runs are for the race detector")
	}
	for _, c := range []struct {
		rows, size, memTableMB int
	}{{600, 70_000, 0}, {24, 2 << 20, 0}, {4000, 3000, 1}, {40, 300_000, 1}} {
		t.Run(fmt.Sprint(c.size, " bytes"), func(t *testing.T) {
			b := blocks{t, openDB(t, Options{
				Config: engine.Config{Path: t.TempDir(), NoFsync: true}, MemTableMB: c.memTableMB,
			}), c.size}
			b.put(c.rows)
			peak := b.bytes()
			if peak < int64(c.rows*c.size) {
				t.Fatalf("%d bytes are used", peak)
			}
			b.delete(c.rows)
			b.compact()
			if size := b.bytes(); size > peak/10 {
				t.Errorf("%d bytes of %d are left", size, peak)
			}
			// The second call may find deletions that the first had to keep. Nothing is
			// written without need.
			b.compact()
			before := b.db.volume.begun.Load()
			b.compact()
			if written := b.db.volume.begun.Load() - before; written != 0 {
				t.Errorf("a third call writes %d bytes", written)
			}
		})
	}
}

// TestCompactAfterReader compacts while a snapshot still sees all rows, and once it has
// ended.
func TestCompactAfterReader(t *testing.T) {
	b := blocks{t, openDB(t, Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}, MemTableMB: 2}), 20_000}
	const rows = 500
	b.put(rows)
	reader, err := b.db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Discard()
	peak := b.bytes()
	b.delete(rows)
	b.compact()
	n := 0
	for c := reader.Cursor(engine.Range{}); c.Next(); n++ {
		if value, err := c.Value(); err != nil || len(value) != b.size {
			t.Fatalf("%d bytes, %v", len(value), err)
		}
	}
	if n != rows {
		t.Errorf("the reader sees %d rows of %d", n, rows)
	}
	reader.(*readTxn).releaseCursors()
	reader.Discard()
	b.compact()
	if size := b.bytes(); size > peak/10 {
		t.Errorf("%d bytes of %d are left", size, peak)
	}
}

// TestCommitsBesideCompact checks that no commit fails or is lost while compactions are
// under way, and that rows can be read all the time.
func TestCommitsBesideCompact(t *testing.T) {
	path := t.TempDir()
	open := func() *db {
		return openDB(t, Options{Config: engine.Config{Path: path, NoFsync: true}, MemTableMB: 1})
	}
	b := blocks{t, open(), 10_000}
	var stop atomic.Bool
	done := make(chan int)
	go func() {
		n := 0
		for ; !stop.Load() && !t.Failed(); n++ {
			key := fmt.Sprintf("beside %06d", n)
			if err := put(t.Context(), b.db, key, key); err != nil {
				t.Error(err)
			}
		}
		done <- n
	}()
	for range 4 {
		b.put(200)
		b.compact()
		b.delete(200)
		b.compact()
	}
	stop.Store(true)
	n := <-done
	check := func() {
		txn, err := b.db.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer txn.Discard()
		c := txn.Cursor(engine.Range{})
		defer c.Close()
		found := 0
		for ; c.Next(); found++ {
			if value, err := c.Value(); err != nil || !bytes.Equal(value, c.Key()) {
				t.Fatalf("%q has %q, %v", c.Key(), value, err)
			}
		}
		if found != n || c.Err() != nil {
			t.Errorf("%d rows of %d, %v", found, n, c.Err())
		}
	}
	check()
	if err := b.db.Close(); err != nil {
		t.Fatal(err)
	}
	b.db = open()
	check()
}

// TestCompactSmallDatabase checks that what Compact writes to fill memtables does not stay,
// where there is little else.
func TestCompactSmallDatabase(t *testing.T) {
	b := blocks{t, openDB(t, Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}, MemTableMB: 4}), 20_000}
	for _, rows := range []int{1, 100, 1, 100} {
		b.put(rows)
		b.delete(rows)
		b.compact()
		if size := b.bytes(); size > 1<<20 {
			t.Errorf("%d bytes are used after a call with %d rows deleted", size, rows)
		}
	}
}
