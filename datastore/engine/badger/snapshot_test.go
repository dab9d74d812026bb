package badger

import (
	"context"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

func openDB(t *testing.T, options Options) *db {
	t.Helper()
	opened, err := options.Engine().Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return opened.(*db)
}

func put(ctx context.Context, d engine.DB, key, value string) error {
	txn, err := d.Update(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	if err := txn.Put([]byte(key), []byte(value)); err != nil {
		return err
	}
	return txn.Commit(ctx, engine.Relaxed)
}

// TestSharedSnapshot checks when read transactions share one of Badger's.
func TestSharedSnapshot(t *testing.T) {
	ctx := t.Context()
	d := openDB(t, Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}, MemTableMB: 1})
	view := func() *readTxn {
		txn, err := d.View(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(txn.Discard)
		return txn.(*readTxn)
	}
	write := func(value string) {
		if err := put(ctx, d, "key", value); err != nil {
			t.Fatal(err)
		}
	}
	want := func(txn *readTxn, want string) {
		t.Helper()
		if value, err := txn.Get([]byte("key")); err != nil || string(value) != want {
			t.Errorf("Get returned %q, %v, want %q", value, err, want)
		}
	}
	write("one")
	first, second := view(), view()
	if first.txn != second.txn {
		t.Error("two readers of the same data do not share a transaction")
	}
	shared := first.snapshot
	first.Discard()
	write("two")
	if d.snapshots.shared.Load() != nil {
		t.Error("a commit leaves the snapshot before it shared")
	}
	want(second, "one")
	third := view()
	want(third, "two")
	second.Discard()
	if shared.users.Load() >= 0 {
		t.Error("the transaction goes on without its readers")
	}
	third.Discard()
	if err := d.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	if d.snapshots.shared.Load() != nil {
		t.Error("Compact leaves a snapshot shared")
	}
	// While a commit is under way, a reader that sees it may be followed by one that
	// would share a snapshot without it.
	d.snapshots.begin()
	if fourth, fifth := view(), view(); fourth.txn == fifth.txn {
		t.Error("readers beside a commit share a transaction")
	}
	d.snapshots.end()
	if sixth, seventh := view(), view(); sixth.txn != seventh.txn {
		t.Error("readers after the commit share no transaction")
	}
}

// TestViewBesideCommits checks that a read transaction sees every commit that returned
// before it began, none that began after it has, and never less than another that
// was read before.
func TestViewBesideCommits(t *testing.T) {
	ctx := t.Context()
	d := openDB(t, Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}, MemTableMB: 1})
	number := func(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }
	if err := put(ctx, d, "n", number(0)); err != nil {
		t.Fatal(err)
	}
	const commits = 500
	var begun, done, seen atomic.Uint64
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			txn := &readTxn{db: d}
			for done.Load() < commits && !t.Failed() {
				least := max(done.Load(), seen.Load())
				if err := txn.Renew(ctx); err != nil {
					t.Error(err)
					return
				}
				most := begun.Load()
				var last uint64
				for range 2 {
					value, err := txn.Get([]byte("n"))
					if err != nil {
						t.Error(err)
						break
					}
					last = binary.BigEndian.Uint64(value)
					if last < least || last > most {
						t.Errorf("commit %d is seen, want %d to %d", last, least, most)
					}
					least, most = last, last
				}
				txn.Discard()
				for before := seen.Load(); before < last && !seen.CompareAndSwap(before, last); before = seen.Load() {
				}
			}
		})
	}
	for n := uint64(1); n <= commits && !t.Failed(); n++ {
		begun.Store(n)
		if err := put(ctx, d, "n", number(n)); err != nil {
			t.Error(err)
		}
		done.Store(n)
	}
	done.Store(commits)
	group.Wait()
}
