package datastore_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// Rows that have expired while no store was open are nothing to an index that is
// added, whichever side of the living row they are, and are gone afterwards with
// all their entries.
func TestNewIndexBesideExpiredRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, eng := t.Context(), memory.Engine()
		old := models.NewTree("note", models.Uint64, func(n *note) uint64 { return n.ID })
		length := models.NewIndex(old, "length", models.Int, func(n *note) int { return len(n.Text) })
		s, err := datastore.Open(ctx, eng, models.NewDefinition("notes", old))
		if err != nil {
			t.Fatal(err)
		}
		soon := time.Now().Add(time.Hour)
		err = errors.Join(
			old.PutUntil(ctx, s, &note{1, "same"}, soon),
			old.Put(ctx, s, &note{2, "same"}),
			old.PutUntil(ctx, s, &note{3, "same"}, soon),
			old.PutUntil(ctx, s, &note{4, "other"}, soon.Add(time.Hour)),
		)
		if n, countErr := length.Count(ctx, s, models.Only(4)); n != 3 || countErr != nil {
			t.Error(n, countErr)
		}
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)

		notes := models.NewTree("note", models.Uint64, func(n *note) uint64 { return n.ID })
		length = models.NewIndex(notes, "length", models.Int, func(n *note) int { return len(n.Text) })
		byText := models.NewUnique(notes, "text", models.String, func(n *note) string { return n.Text })
		s = datastore.Temp(t, eng, models.NewDefinition("notes", notes)) // which verifies
		if n, err := byText.Get(ctx, s, "same"); n.ID != 2 || err != nil {
			t.Error(n, err)
		}
		if n, err := notes.Count(ctx, s, models.Range[uint64]{}); n != 2 || err != nil {
			t.Error(n, err)
		}
		if n, err := length.Count(ctx, s, models.Only(4)); n != 1 || err != nil {
			t.Error(n, err)
		}
		time.Sleep(2 * time.Hour) // the other one expires now
		synctest.Wait()
		if n, err := byText.Count(ctx, s, models.Range[string]{}); n != 1 || err != nil {
			t.Error(n, err)
		}
	})
}

// A row may also expire while the index is being filled.
func TestRowsExpireWhileAnIndexIsFilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, eng := t.Context(), &countingEngine{Engine: memory.Engine()}
		old, definition := newNotes()
		s, err := datastore.Open(ctx, eng, definition)
		if err != nil {
			t.Fatal(err)
		}
		if err := old.PutUntil(ctx, s, &note{1, "same"}, time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		for i := range uint64(10) {
			if err := old.Put(ctx, s, &note{10 + i, []string{"same", "a", "b", "c", "d", "e", "f", "g", "h", "i"}[(i+1)%10]}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		eng.maxOps.Store(4)
		eng.onCommit = func() error { time.Sleep(30 * time.Second); return nil }
		notes := models.NewTree("note", models.Uint64, func(n *note) uint64 { return n.ID })
		byText := models.NewUnique(notes, "text", models.String, func(n *note) string { return n.Text })
		s = datastore.Temp(t, eng, models.NewDefinition("notes", notes))
		eng.onCommit = nil
		if n, err := byText.Get(ctx, s, "same"); n.ID != 19 || err != nil {
			t.Error(n, err)
		}
		if n, err := byText.Count(ctx, s, models.Range[string]{}); n != 10 || err != nil {
			t.Error(n, err)
		}
	})
}

// A transaction that was too large, whichever call says so, is done again with fewer rows: none are
// left out, and none of another tree are taken for rows of this one.
func TestNewIndexInSmallerTransactions(t *testing.T) {
	for call, failed := 1, true; failed; call++ {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			eng := &enginetest.Failing{Engine: memory.Engine(), Err: &engine.TooLargeError{What: "transaction"}}
			texts := func() (*models.Tree[note, uint64], *models.Definition) {
				others := models.NewTree("note", models.Uint64, func(n *note) uint64 { return n.ID })
				models.NewIndex(others, "text", models.String, func(n *note) string { return n.Text })
				return others, models.NewDefinition("first", others)
			}
			others, first := texts()
			old := models.NewTree("note", models.Uint64, func(n *note) uint64 { return n.ID })
			s, err := datastore.Open(ctx, eng, first)
			if err == nil {
				err = s.Close()
			}
			if err != nil { // so that the spaces of the other tree come first
				t.Fatal(err)
			}
			if s, err = datastore.Open(ctx, eng, first, models.NewDefinition("second", old)); err != nil {
				t.Fatal(err)
			}
			soon := time.Now().Add(time.Hour)
			for i := range uint64(5) {
				err = errors.Join(err, others.PutUntil(ctx, s, &note{i, "other"}, soon),
					old.PutUntil(ctx, s, &note{i, "same"}, soon))
			}
			if err := errors.Join(err, old.Put(ctx, s, &note{9, "same"}), s.Close()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)

			open := func() (*datastore.Store, *models.Unique[note, uint64, string], error) {
				_, first := texts()
				notes := models.NewTree("note", models.Uint64, func(n *note) uint64 { return n.ID })
				byText := models.NewUnique(notes, "text", models.String, func(n *note) string { return n.Text })
				s, err := datastore.Open(ctx, eng, first, models.NewDefinition("second", notes))
				return s, byText, err
			}
			eng.FailAt(call)
			s, byText, err := open()
			failed = eng.Failed()
			eng.FailAt(0)
			if err != nil {
				if !failed || !errors.Is(err, engine.ErrTooLarge) {
					t.Fatalf("call %d: %v", call, err)
				}
				if s, byText, err = open(); err != nil {
					t.Fatalf("call %d: %v", call, err)
				}
			}
			if n, err := byText.Get(ctx, s, "same"); n.ID != 9 || err != nil {
				t.Errorf("call %d: %+v, %v", call, n, err)
			}
			if report, err := datastore.Verify(ctx, s); err != nil || !report.Clean() {
				t.Errorf("call %d: %+v, %v", call, report, err)
			}
			closeStore(t, s)
		})
	}
}
