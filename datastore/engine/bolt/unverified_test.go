package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

const deepRows = 400

// deepRow has a long key, so that a tree of few rows has several levels.
func deepRow(i int) (key, value []byte) {
	key = fmt.Appendf(nil, "%0250d", i*7)
	return key, key[240:]
}

func commit1(t *testing.T, db engine.DB, first, rows int) error {
	t.Helper()
	txn, err := db.Update(t.Context())
	if err != nil {
		return err
	}
	defer txn.Discard()
	for i := range rows {
		if err := txn.Put(deepRow(first + i)); err != nil {
			return err
		}
	}
	return txn.Commit(t.Context(), engine.Durable)
}

// closedFile makes a file of several levels, with free pages, that has been closed.
func closedFile(t *testing.T) (o Options, name string) {
	t.Helper()
	o = Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}, MapMB: 1}
	db, err := o.Engine().Open(t.Context())
	if err == nil {
		err = errors.Join(commit1(t, db, 0, deepRows), commit1(t, db, 30, 60), db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return o, filepath.Join(o.Path, FileName)
}

// openHeld opens a file that was closed, and leaves it to the test to verify its pages.
func openHeld(t *testing.T, o Options) (*db, error) {
	t.Helper()
	o, err := o.normalize()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(o.Path, FileName)
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return openExisting(t.Context(), name, info.Size(), o)
}

// used returns where the pages of the tree are in a file, of those that are read.
func used(t *testing.T, o Options) (branches, leaves []uint64) {
	t.Helper()
	d, err := openHeld(t, o)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	u := d.unverified.Load()
	if u == nil {
		t.Fatal("the file was gone over on opening")
	}
	if err := readDeep(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(d.path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(len(whole) / os.Getpagesize()) {
		if u.isVerified(n) {
			if whole[int(n)*os.Getpagesize()+8] == branchPage {
				branches = append(branches, n)
			} else {
				leaves = append(leaves, n)
			}
		}
	}
	if len(branches) < 3 || len(leaves) < 20 || u.leaves < 2 {
		t.Fatalf("branches %v, leaves %v", branches, leaves)
	}
	return branches, leaves
}

// readDeep reads all rows in every way. It returns an error that does not match
// engine.ErrCorrupt if one is wrong or missing: that of the engine where it can go on.
func readDeep(ctx context.Context, d *db) error {
	txn, err := d.View(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	var damage error
	wrong := func(err error) bool {
		if errors.Is(err, engine.ErrCorrupt) {
			damage, err = err, nil
		}
		return err != nil
	}
	right := func(i int, key, value []byte) error {
		// How long the last value of a page is shows nowhere else.
		wantKey, want := deepRow(i)
		if !bytes.Equal(key, wantKey) || !bytes.HasPrefix(value, want) && !bytes.HasPrefix(want, value) {
			return fmt.Errorf("row %d is %q, %q", i, key, value)
		}
		return nil
	}
	for i := range deepRows {
		key, _ := deepRow(i)
		value, err := txn.Get(key)
		if err == nil {
			err = right(i, key, value)
		}
		if wrong(err) {
			return fmt.Errorf("row %d: %w", i, err)
		}
	}
	for _, reverse := range []bool{false, true} {
		c := txn.Cursor(engine.Range{Reverse: reverse})
		n := 0
		for ; c.Next(); n++ {
			i := n
			if reverse {
				i = deepRows - 1 - n
			}
			value, err := c.Value()
			if err == nil {
				err = right(i, c.Key(), value)
			}
			if err != nil {
				return err
			}
		}
		if err := c.Err(); wrong(err) || err == nil && n != deepRows {
			return fmt.Errorf("a cursor ends after %d rows: %w", n, err)
		}
		c.Close()
		var page engine.Page
		for i := 0; i < deepRows; i += 40 {
			lower, _ := deepRow(i)
			upper, _ := deepRow(i + 20)
			_, err := txn.(engine.Scanner).Scan(engine.Range{Lower: lower, Upper: upper, Reverse: reverse}, 1000, &page)
			if wrong(err) || err == nil && len(page.Rows) != 20 {
				return fmt.Errorf("a scan from row %d finds %d rows: %w", i, len(page.Rows), err)
			}
		}
	}
	return damage
}

// TestOpenReadsFewPages damages all leaves of a file that was closed. That it opens shows
// that they are not read then. Nothing is served of them, and nothing written.
func TestOpenReadsFewPages(t *testing.T) {
	o, name := closedFile(t)
	_, leaves := used(t, o)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range leaves {
		whole[int(n)*os.Getpagesize()+10]-- // has one row less
	}
	if err := os.WriteFile(name, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	opened, err := o.Engine().Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	txn, err := opened.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range deepRows {
		key, _ := deepRow(i)
		if value, err := txn.Get(key); !errors.Is(err, engine.ErrCorrupt) {
			t.Fatalf("row %d: %q, error %v", i, value, err)
		}
	}
	upper, _ := deepRow(7)
	for _, r := range []engine.Range{{}, {Reverse: true}, {Upper: upper}, {Upper: upper, Reverse: true}} {
		c := txn.Cursor(r)
		if c.Next() || !errors.Is(c.Err(), engine.ErrCorrupt) {
			t.Errorf("a cursor over %v is at %q, error %v", r, c.Key(), c.Err())
		}
		c.Close()
		var page engine.Page
		if _, err := txn.(engine.Scanner).Scan(r, 10, &page); !errors.Is(err, engine.ErrCorrupt) || len(page.Rows) > 0 {
			t.Errorf("a scan of %v finds %d rows, error %v", r, len(page.Rows), err)
		}
	}
	txn.Discard()
	for range 2 {
		if err := commit1(t, opened, 0, 1); !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("a commit returned %v", err)
		}
	}
	if err := opened.Close(); err != nil {
		t.Error(err)
	}
	if after, err := os.ReadFile(name); err != nil || !bytes.Equal(after, whole) {
		t.Errorf("the file was written to, error %v", err)
	}
}

// TestFlippedBeforeVerified flips bits of what pages say of themselves, and of keys that
// lead to pages, and reads before the pages have been gone over: rows are right, or refused.
func TestFlippedBeforeVerified(t *testing.T) {
	o, name := closedFile(t)
	branches, leaves := used(t, o)
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	refused := 0
	for range 800 {
		var page int
		switch random.IntN(4) {
		case 0: // any page: those at the beginning, that of the buckets, free ones
			page = random.IntN(len(whole) / os.Getpagesize())
		case 1:
			page = int(leaves[random.IntN(len(leaves))])
		default:
			page = int(branches[random.IntN(len(branches))])
		}
		page *= os.Getpagesize()
		elements := int(min(64, 1+binary.LittleEndian.Uint16(whole[page+10:])))
		at := page + random.IntN(16+16*elements)
		if whole[page+8] == branchPage { // its keys too
			at = page + random.IntN(os.Getpagesize())
		}
		if whole[page+8] == leafPage && (at-page)/16 == elements-1 {
			continue // nothing else says how long the last key is
		}
		bit := byte(1) << random.IntN(8)
		if _, err := file.WriteAt([]byte{whole[at] ^ bit}, int64(at)); err != nil {
			t.Fatal(err)
		}
		d, err := openHeld(t, o)
		if err == nil {
			if d.unverified.Load() == nil { // the note of Close is damaged, or its commit
				err = errors.Join(err, d.bolt.Close())
			} else {
				err = errors.Join(readDeep(t.Context(), d), d.Close())
			}
		}
		if err != nil && !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("seed %d, bit %#x of byte %d, at %d of page %d: %v",
				seed, bit, at, at%os.Getpagesize(), at/os.Getpagesize(), err)
		}
		if err != nil {
			refused++
		}
		if _, err := file.WriteAt(whole[at:at+1], int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	if refused < 200 {
		t.Errorf("seed %d: rows were refused %d times", seed, refused)
	}
}

// TestStalePage has a branch lead to a leaf as it was before the last commit, in pages
// that are free.
func TestStalePage(t *testing.T) {
	o, name := closedFile(t)
	branches, leaves := used(t, o)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	in := map[uint64]bool{}
	for _, n := range leaves {
		in[n] = true
	}
	size := uint64(os.Getpagesize())
	head := func(n uint64) []byte { return whole[n*size:][:size] }
	firstKey := func(n uint64) []byte {
		p, err := newPage(head(n))
		if err != nil || p.count == 0 || binary.LittleEndian.Uint64(p.bytes) != n {
			return nil
		}
		return p.key(0)
	}
	changed := 0
	for _, n := range branches {
		p, err := newPage(head(n))
		if err != nil {
			t.Fatal(err)
		}
		for i := range int(p.count) {
			for stale := uint64(firstPage); stale < uint64(len(whole))/size; stale++ {
				if in[p.child(i)] && !in[stale] && bytes.Equal(firstKey(stale), p.key(i)) && head(stale)[8] == leafPage {
					binary.LittleEndian.PutUint64(p.element(i)[8:], stale)
					changed++
				}
			}
		}
	}
	if changed == 0 {
		t.Fatal("there is no page of an earlier commit")
	}
	if err := os.WriteFile(name, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := openHeld(t, o)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := readDeep(t.Context(), d); !errors.Is(err, engine.ErrCorrupt) {
		t.Errorf("reads returned %v", err)
	}
}

// TestCommitWaits checks that commits wait until pages have been gone over, and that Close
// does not.
func TestCommitWaits(t *testing.T) {
	o, _ := closedFile(t)
	d, err := openHeld(t, o)
	if err != nil {
		t.Fatal(err)
	}
	d.unverified.Load().done = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	txn, err := d.Update(t.Context())
	if err == nil {
		err = txn.Put([]byte("key"), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := txn.Commit(ctx, engine.Durable); !errors.Is(err, context.Canceled) {
		t.Errorf("a commit that waits for too long returned %v", err)
	}
	committed := make(chan error)
	begun, err := d.Update(t.Context())
	if err == nil {
		err = begun.Put([]byte("key"), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() { committed <- begun.Commit(t.Context(), engine.Durable) }()
	select {
	case err := <-committed:
		t.Errorf("a commit did not wait, error %v", err)
	case <-time.After(10 * time.Millisecond):
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := <-committed; !errors.Is(err, engine.ErrClosed) {
		t.Errorf("a commit beside Close returned %v", err)
	}

	opened, err := o.Engine().Open(t.Context())
	if err == nil {
		err = commit1(t, opened, 0, 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	if opened.(*db).unverified.Load() != nil {
		t.Error("a commit did not wait until all pages were verified")
	}
	if err := opened.Close(); err != nil {
		t.Error(err)
	}
}

// TestCloseEndsVerifying closes databases while their pages are gone over.
func TestCloseEndsVerifying(t *testing.T) {
	o, _ := closedFile(t)
	for range 20 {
		opened, err := o.Engine().Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		u := opened.(*db).unverified.Load()
		if err := opened.Close(); err != nil {
			t.Fatal(err)
		}
		if u == nil {
			continue // it took no time
		}
		select {
		case <-u.done:
		default:
			t.Fatal("the goroutine goes on after Close")
		}
	}
}

// TestWithoutNote opens files that have the list of free pages, and no valid note of
// Close, as earlier versions left them: all pages are gone over first.
func TestWithoutNote(t *testing.T) {
	o, name := closedFile(t)
	_, leaves := used(t, o)
	other, err := bbolt.Open(name, 0o600, nil)
	if err == nil {
		err = other.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket(closedBucket) })
		err = errors.Join(err, other.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(whole)
	damaged[int(leaves[3])*os.Getpagesize()+10]--
	for _, file := range [][]byte{damaged, whole} {
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := openHeld(t, o)
		if &file[0] == &damaged[0] {
			if !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("a damaged file without a note: Open returned %v", err)
			}
			continue
		}
		if err != nil || d.unverified.Load() != nil {
			t.Fatalf("a file without a note: error %v", err)
		}
		if err := errors.Join(readDeep(t.Context(), d), d.Close()); err != nil {
			t.Error(err)
		}
	}
	used(t, o) // has the note now
}

// TestCircle reads a file whose pages lead in a circle, and are not verified at all.
func TestCircle(t *testing.T) {
	o, name := closedFile(t)
	branches, _ := used(t, o)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range branches {
		p, err := newPage(whole[int(n)*os.Getpagesize():][:os.Getpagesize()])
		if err != nil {
			t.Fatal(err)
		}
		binary.LittleEndian.PutUint64(p.element(0)[8:], n)
	}
	if err := os.WriteFile(name, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	o.SkipVerify = true
	d, err := openHeld(t, o)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	txn, err := d.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard()
	first, _ := deepRow(0)
	if _, err := txn.Get(first); !errors.Is(err, engine.ErrCorrupt) {
		t.Errorf("a get in a circle returned %v", err)
	}
	c := txn.Cursor(engine.Range{})
	defer c.Close()
	if c.Next() || !errors.Is(c.Err(), engine.ErrCorrupt) {
		t.Errorf("a cursor in a circle is at %q, error %v", c.Key(), c.Err())
	}
}
