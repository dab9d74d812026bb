package datastore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// These tests do work on many rows where a transaction takes few writes: it has to
// be divided, and what is reported has to be what was committed.

type note struct {
	ID   uint64
	Text string
}

// newNotes declares a tree without indexes.
func newNotes() (*models.Tree[note, uint64], *models.Definition) {
	notes := models.NewTree("note", models.Uint64, func(n *note) uint64 { return n.ID })
	return notes, models.NewDefinition("notes", notes)
}

// smallEngine returns an engine in memory whose limits can be set.
func smallEngine() *countingEngine { return &countingEngine{Engine: memory.Engine()} }

func putPeople(t *testing.T, s *datastore.Store, n uint64, until time.Time) {
	t.Helper()
	for i := range n {
		p := somebody(i)
		if err := people.PutUntil(t.Context(), s, &p, until); err != nil {
			t.Fatal(err)
		}
	}
}

// fewOps is so many writes that a few people can be removed together, but not many.
const fewOps = 40

func TestExpireInSmallTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		eng := smallEngine()
		notes, definition := newNotes()
		s := datastore.Temp(t, eng, town, definition)
		at := time.Now().Add(time.Minute)
		putPeople(t, s, 300, at)
		large := somebody(1000)
		for i := range fewOps {
			large.Tags = append(large.Tags, fmt.Sprint("more ", i))
		}
		err := errors.Join(people.PutUntil(ctx, s, &large, at.Add(-time.Second)), // the first in the queue
			notes.PutUntil(ctx, s, &note{ID: 1}, at.Add(time.Second)))
		if err != nil {
			t.Fatal(err)
		}
		eng.maxOps.Store(int64(fewOps))

		// The store's own sweep removes all but the one that does not fit.
		time.Sleep(time.Minute + 10*time.Second)
		synctest.Wait()
		if n, err := people.Count(ctx, s, models.Range[uint64]{}); n != 1 || err != nil {
			t.Errorf("%d people are left: %v", n, err)
		}
		if empty, err := notes.IsEmpty(ctx, s); !empty || err != nil {
			t.Error("a row of another tree is left:", err)
		}

		// So does one that is asked for, and says how many there were.
		putPeople(t, s, 300, time.Now())
		if n, err := s.Expire(ctx); n != 300 || !errors.Is(err, models.ErrTooLarge) {
			t.Error(n, err)
		}
		eng.maxOps.Store(0)
		if n, err := s.Expire(ctx); n != 1 || err != nil {
			t.Error(n, err)
		}
		if empty, err := people.IsEmpty(ctx, s); !empty || err != nil {
			t.Error(empty, err)
		}
	})
}

// The number that Expire returns is of rows that are gone, also where it fails.
func TestExpireCountsWhatIsCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		eng := smallEngine()
		s := datastore.Temp(t, eng, town)
		putPeople(t, s, 1000, time.Now())
		commits, refused := 0, errors.New("refused")
		eng.onCommit = func() error {
			if commits++; commits > 2 {
				return refused
			}
			return nil
		}
		n, err := s.Expire(ctx)
		eng.onCommit = nil
		left, countErr := people.Count(ctx, s, models.Range[uint64]{})
		if !errors.Is(err, refused) || n == 0 || n+left != 1000 || countErr != nil {
			t.Errorf("%d are said to be removed, %d are left: %v, %v", n, left, err, countErr)
		}
	})
}

func TestClearInSmallTransactions(t *testing.T) {
	ctx := t.Context()
	eng := smallEngine()
	s := datastore.Temp(t, eng, town)
	fillTown(t, s, 300)
	eng.maxOps.Store(int64(fewOps))
	if err := people.Clear(ctx, s); err != nil {
		t.Fatal(err)
	}
	if empty, err := people.IsEmpty(ctx, s); !empty || err != nil {
		t.Error(empty, err)
	}
	// Within a transaction it cannot be divided.
	eng.maxOps.Store(0)
	fillTown(t, s, 300)
	eng.maxOps.Store(int64(fewOps))
	err := s.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error { return people.Clear(ctx, tx) })
	if n, countErr := people.Count(ctx, s, models.Range[uint64]{}); n != 300 || countErr != nil || !errors.Is(err, models.ErrTooLarge) {
		t.Error(n, err, countErr)
	}
}

func TestBatchInSmallTransactions(t *testing.T) {
	ctx := t.Context()
	eng := smallEngine()
	s := datastore.Temp(t, eng)
	eng.maxOps.Store(7)
	batch, err := s.Datastore().Batch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if err := batch.Put(ctx, ds.NewKey(fmt.Sprint("/", i)), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if keys := keysOf(t, s.Datastore(), dsq.Query{KeysOnly: true}); len(keys) != 100 {
		t.Error(len(keys))
	}
}

// Adding an index, dropping it and repairing one go in transactions that fit.
func TestIndexesInSmallTransactions(t *testing.T) {
	ctx := t.Context()
	eng := smallEngine()
	notes, definition := newNotes()
	s, err := datastore.Open(ctx, eng, definition)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(300) {
		if err := notes.Put(ctx, s, &note{i, strings.Repeat("x", int(i))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	eng.maxOps.Store(6)

	notes = models.NewTree("note", models.Uint64, func(n *note) uint64 { return n.ID })
	byText := models.NewMulti(notes, "text", models.String, func(n *note) []string { return []string{n.Text, "all"} })
	definition = models.NewDefinition("notes", notes)
	if s, err = datastore.Open(ctx, eng, definition); err != nil {
		t.Fatal("with a new index:", err)
	}
	if n, err := byText.Count(ctx, s, models.Only("all")); n != 300 || err != nil {
		t.Error(n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	// All entries are lost.
	db, err := eng.Engine.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	txn, err := db.Update(ctx)
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, key := range dumpDB(t, db) {
		if key[0] > 64 && strings.Contains(key, "all") {
			lost++
			if err := txn.Delete([]byte(key)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(txn.Commit(ctx, engine.Durable), db.Close()); err != nil {
		t.Fatal(err)
	}
	if s, err = datastore.Open(ctx, eng, definition); err != nil {
		t.Fatal(err)
	}
	if report, err := datastore.Repair(ctx, s); lost != 300 || report.Missing != 300 || report.Repaired != 300 || err != nil {
		t.Errorf("%d were lost: %+v, %v", lost, report, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	_, definition = newNotes()
	s = datastore.Temp(t, eng, definition, datastore.OpenOptions{DropIndexes: []string{"notes.note/text"}})
	if report, err := datastore.Verify(ctx, s); report.Rows != 300 || report.Entries != 0 || !report.Clean() || err != nil {
		t.Errorf("without the index: %+v, %v", report, err)
	}
}

// TestLargeRowsOnBadger is the same on an engine with limits of its own.
func TestLargeRowsOnBadger(t *testing.T) {
	ctx := t.Context()
	eng := badger.Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}, MemTableMB: 1}.Engine()
	notes, definition := newNotes()
	s := datastore.Temp(t, eng, town, definition)
	text := strings.Repeat("x", 40<<10)
	for i := range uint64(100) {
		p := somebody(i)
		p.City = text[:200+i]
		p.Tags = append(p.Tags, text[:20<<10])
		err := errors.Join(people.PutUntil(ctx, s, &p, time.Now()), notes.Put(ctx, s, &note{i, text}))
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Expire(ctx); err != nil { // the sweeper may have removed some
		t.Error(err)
	}
	if err := notes.Clear(ctx, s); err != nil {
		t.Error(err)
	}
	for name, count := range map[string]func() (int, error){
		"people": func() (int, error) { return people.Count(ctx, s, models.Range[uint64]{}) },
		"notes":  func() (int, error) { return notes.Count(ctx, s, models.Range[uint64]{}) },
	} {
		if n, err := count(); n != 0 || err != nil {
			t.Errorf("%d %s are left: %v", n, name, err)
		}
	}
}
