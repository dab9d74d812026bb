package datastore_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
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
