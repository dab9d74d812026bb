package badger

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4/table"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

const manyRows = 4000 // a kilobyte each, so that there are several tables

func rowKey(i int) []byte { return fmt.Appendf(nil, "%c key %05d", 'a'+i*26/manyRows, i) }

func rowValue(i int) []byte {
	random := rand.New(rand.NewPCG(uint64(i), 0))
	value := make([]byte, 1<<10)
	for at := range value {
		value[at] = byte(random.Uint32())
	}
	return value
}

func putRows(t *testing.T, d engine.DB, first, n int) {
	t.Helper()
	for done := 0; done < n; done += 100 {
		txn, err := d.Update(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			if err := txn.Put(rowKey(first+done+i), rowValue(first+done+i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := txn.Commit(t.Context(), engine.Relaxed); err != nil {
			t.Fatal(err)
		}
	}
}

// closedTables makes a database of several tables, which is closed.
func closedTables(t *testing.T) (Options, map[uint64]*tableSum) {
	t.Helper()
	options := Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}, MemTableMB: 1}
	d := openDB(t, options)
	putRows(t, d, 0, manyRows)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	closed, err := readMark(options.Path)
	if err != nil || closed == nil || len(closed.tables) < 3 {
		t.Fatalf("the mark is %v, error %v", closed, err)
	}
	return options, closed.tables
}

// verified waits until no table is being verified.
func verified(d *db) {
	if u := d.unverified.Load(); u != nil {
		<-u.done
	}
}

// flip changes a bit in a block in the middle of a table.
func flip(t *testing.T, name string) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestOpenReadsNoTables opens databases that were closed, with damage to all tables: that
// they open shows that they were not read through. Nothing is then served of them.
func TestOpenReadsNoTables(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		options, tables := closedTables(t)
		options.ReadOnly = readOnly
		for id := range tables {
			flip(t, table.NewFilename(id, options.Path))
		}
		d := openDB(t, options)
		txn, err := d.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < manyRows; i += 20 {
			if value, err := txn.Get(rowKey(i)); !errors.Is(err, engine.ErrCorrupt) {
				t.Fatalf("row %d: %d bytes, error %v", i, len(value), err)
			}
		}
		for _, r := range []engine.Range{{}, {Reverse: true}, {KeysOnly: true}, {Lower: rowKey(7), Upper: rowKey(9)}} {
			c := txn.Cursor(r)
			if c.Next() || !errors.Is(c.Err(), engine.ErrCorrupt) {
				t.Errorf("a cursor over %v is at %q, error %v", r, c.Key(), c.Err())
			}
			c.Close()
			var page engine.Page
			if _, err := txn.(engine.Scanner).Scan(r, 10, &page); !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("a scan of %v finds %d rows, error %v", r, len(page.Rows), err)
			}
		}
		txn.Discard()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestLargeBehindOpening damages one table after the other of a database with a value that
// has a file.
func TestLargeBehindOpening(t *testing.T) {
	options, _ := closedTables(t)
	d := openDB(t, options)
	large := strings.Repeat("large ", 500_000)
	if err := put(t.Context(), d, "large", large); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	closed, err := readMark(options.Path)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for id := range closed.tables {
		flip(t, table.NewFilename(id, options.Path))
		opened, err := options.Engine().Open(t.Context())
		if err == nil {
			var txn engine.ReadTxn
			if txn, err = opened.View(t.Context()); err != nil {
				t.Fatal(err)
			}
			var value []byte
			if value, err = txn.Get([]byte("large")); err == nil && string(value) != large {
				t.Errorf("%d other bytes are read", len(value))
			}
			txn.Discard()
			if err := opened.Close(); err != nil {
				t.Error(err)
			}
		}
		if errors.Is(err, engine.ErrCorrupt) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
		flip(t, table.NewFilename(id, options.Path))
	}
	if refused == 0 {
		t.Error("no damage is found")
	}
}

// TestDamageBehindOpening damages one table of many: reads that do not come to it go on,
// and Badger compacts nothing.
func TestDamageBehindOpening(t *testing.T) {
	options, tables := closedTables(t)
	damaged := slices.Min(slices.Collect(maps.Keys(tables)))
	name := table.NewFilename(damaged, options.Path)
	flip(t, name)
	for round := range 2 {
		d := openDB(t, options)
		verified(d)
		var right, refused int
		txn, err := d.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range manyRows {
			switch value, err := txn.Get(rowKey(i)); {
			case err == nil && bytes.Equal(value, rowValue(i)):
				right++
			case errors.Is(err, engine.ErrCorrupt) && strings.Contains(err.Error(), filepath.Base(name)+": block "):
				refused++
			default:
				t.Fatalf("row %d: %d bytes, error %v", i, len(value), err)
			}
		}
		txn.Discard()
		if right == 0 || refused == 0 {
			t.Errorf("%d rows are read, %d are refused", right, refused)
		}
		if _, err := d.Update(t.Context()); !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("Update returned %v", err)
		}
		if err := d.Compact(t.Context()); !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("Compact returned %v", err)
		}
		if err := d.Verify(t.Context()); !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("Verify returned %v", err)
		}
		if n := d.badger.Opts().NumCompactors; n != 0 {
			t.Errorf("there are %d compactors", n)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		closed, err := readMark(options.Path)
		if err != nil || closed == nil {
			t.Fatalf("round %d: the mark is %v, error %v", round, closed, err)
		}
		same := func(a, b *tableSum) bool { return *a == *b }
		if !maps.EqualFunc(closed.tables, tables, same) {
			t.Errorf("round %d: the tables have changed", round)
		}
	}
}

// TestCompactorsBehindOpening checks that compactions go on once all tables are verified:
// without them writes stop at the eighth memtable.
func TestCompactorsBehindOpening(t *testing.T) {
	options, _ := closedTables(t)
	d := openDB(t, options)
	for range 3 {
		putRows(t, d, 0, manyRows)
	}
	if u := d.unverified.Load(); u != nil {
		t.Error("commits of many memtables have not waited")
	}
	if n, want := d.badger.Opts().NumCompactors, options.badger().NumCompactors; n != want {
		t.Errorf("there are %d compactors, want %d", n, want)
	}
	if err := d.Compact(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestWaitForVerification checks what waits while tables are read through.
func TestWaitForVerification(t *testing.T) {
	options, _ := closedTables(t)
	d := openDB(t, options)
	verified(d)
	u := &unverified{done: make(chan struct{}), stop: func() {}}
	d.unverified.Store(u)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := d.Compact(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Compact returned %v", err)
	}
	value := strings.Repeat("v", 50<<10)
	if err := put(t.Context(), d, "small", value); err != nil {
		t.Error(err)
	}
	var err error
	for i := 0; err == nil && i < 100; i++ {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		err = put(ctx, d, "filling", value)
		cancel()
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("commits of a memtable end with %v", err)
	}
	closed := make(chan error)
	commits := make(chan error)
	go func() { commits <- put(context.Background(), d, "filling", value) }()
	go func() {
		err := <-commits
		close(u.done)
		closed <- err
	}()
	txn, err := d.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	txn.Discard()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := <-closed; !errors.Is(err, engine.ErrClosed) {
		t.Errorf("a commit that waits returned %v on closing", err)
	}
}

// TestMarkWithoutIndexes opens a database that an earlier version has closed: it is read
// through first.
func TestMarkWithoutIndexes(t *testing.T) {
	options, tables := closedTables(t)
	closed, err := readMark(options.Path)
	if err != nil {
		t.Fatal(err)
	}
	content := binary.BigEndian.AppendUint64(nil, closed.size)
	content = binary.BigEndian.AppendUint32(content, closed.sum)
	for id, sum := range tables {
		content = binary.BigEndian.AppendUint64(content, id)
		content = binary.BigEndian.AppendUint32(content, sum.whole)
	}
	content = binary.BigEndian.AppendUint32(content, crc32.Checksum(content, castagnoli))
	name := filepath.Join(options.Path, markName)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	d := openDB(t, options)
	if d.unverified.Load() != nil {
		t.Error("tables are verified behind the open database")
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for id := range tables {
		flip(t, table.NewFilename(id, options.Path))
		break
	}
	if _, err := options.Engine().Open(t.Context()); !errors.Is(err, engine.ErrCorrupt) {
		t.Errorf("Open returned %v", err)
	}
}

// TestTableOfAnother checks that a table of another database is not read.
func TestTableOfAnother(t *testing.T) {
	options, tables := closedTables(t)
	other, others := closedTables(t)
	for id := range tables {
		if others[id] == nil {
			continue
		}
		for foreign := range others {
			if *others[foreign] == *tables[id] {
				continue
			}
			content, err := os.ReadFile(table.NewFilename(foreign, other.Path))
			if err == nil {
				err = os.WriteFile(table.NewFilename(id, options.Path), content, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := options.Engine().Open(t.Context()); !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("Open returned %v", err)
			}
			return
		}
	}
}
