package datastore_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestOperationsOnMany has what TestAgainstMap does not ask for.
func TestOperationsOnMany(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		rows := make([]person, 300)
		for i := range rows {
			rows[i] = somebody(uint64(i))
		}
		if empty, err := people.IsEmpty(ctx, h.Store); !empty || err != nil {
			t.Error(empty, err)
		}
		if _, err := people.First(ctx, h.Store, models.Range[uint64]{}); !errors.Is(err, models.ErrNotFound) {
			t.Error(err)
		}
		if err := people.PutMany(ctx, h.Store, rows); err != nil {
			t.Fatal(err)
		}
		h.restart()
		ask := func(r models.Reader) {
			t.Helper()
			got, err := people.GetMany(ctx, r, []uint64{7, 1000, 3, 7})
			if err != nil || len(got) != 4 || got[1] != nil || !reflect.DeepEqual(*got[0], rows[7]) || !reflect.DeepEqual(*got[2], rows[3]) || !reflect.DeepEqual(got[3], got[0]) {
				t.Error(got, err)
			}
			found, err := byName.FindMany(ctx, r, []string{"name 2", "nobody", "name 0"})
			if err != nil || len(found) != 3 || len(found[0]) != 43 || found[0][1].ID != 9 || found[1] != nil || found[2][0].ID != 0 {
				t.Error(found, err)
			}
			tagged, err := byTag.FindMany(ctx, r, []string{"all", "tag 3"})
			if err != nil || len(tagged[0]) != 300 || len(tagged[1]) != 75 {
				t.Error(len(tagged), err)
			}
			holders, err := byEmail.GetMany(ctx, r, []string{"5@example.com", "nobody"})
			if err != nil || holders[0].ID != 5 || holders[1] != nil {
				t.Error(holders, err)
			}
			if key, err := byEmail.Key(ctx, r, "5@example.com"); key != 5 || err != nil {
				t.Error(key, err)
			}
			if _, err := byEmail.Key(ctx, r, "nobody"); !errors.Is(err, models.ErrNotFound) || !strings.Contains(err.Error(), "town.person/email nobody") {
				t.Error(err)
			}
			first, err := people.First(ctx, r, models.After(uint64(100)))
			if first.ID != 101 || err != nil {
				t.Error(first, err)
			}
			last, err := people.Last(ctx, r, models.Before(uint64(100)))
			if last.ID != 99 || err != nil {
				t.Error(last, err)
			}
			if first, err = people.First(ctx, r, models.Range[uint64]{}.Reverse()); first.ID != 299 || err != nil {
				t.Error(first, err)
			}
		}
		ask(h.Store)
		if err := h.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error { ask(tx); return nil }); err != nil {
			t.Error(err)
		}
		if err := people.DeleteMany(ctx, h.Store, []uint64{7, 1000, 8}); err != nil {
			t.Error(err)
		}
		if n, err := people.Count(ctx, h.Store, models.Range[uint64]{}); n != 298 || err != nil {
			t.Error(n, err)
		}
		if n, err := people.Count(ctx, h.Store, models.From(uint64(10)).Offset(5).Limit(7)); n != 7 || err != nil {
			t.Error(n, err)
		}
		if n, err := people.Count(ctx, h.Store, models.From(uint64(290)).Offset(5).Limit(7)); n != 5 || err != nil {
			t.Error(n, err)
		}
		// All or none.
		clash := []person{somebody(900), somebody(901)}
		clash[1].Email = rows[1].Email
		if err := people.PutMany(ctx, h.Store, clash); !errors.Is(err, models.ErrUnique) {
			t.Error(err)
		}
		if has, err := people.Has(ctx, h.Store, 900); has || err != nil {
			t.Error(has, err)
		}
		if err := people.Clear(ctx, h.Store); err != nil {
			t.Error(err)
		}
		h.restart()
		if empty, err := people.IsEmpty(ctx, h.Store); !empty || err != nil {
			t.Error(empty, err)
		}
	}, town)
}

func TestPageTokens(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		rows := make([]person, 250)
		for i := range rows {
			rows[i] = somebody(uint64(i))
		}
		if err := people.PutMany(ctx, h.Store, rows); err != nil {
			t.Fatal(err)
		}
		// Backwards through an index, the store restarting between two pages.
		rng := models.Only("all").Reverse().Limit(60)
		var seen []uint64
		token, pages := "", 0
		for {
			page, next, err := byTag.Page(ctx, h.Store, rng, token)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range page {
				seen = append(seen, p.ID)
			}
			pages++
			if token = next; token == "" {
				break
			}
			h.restart()
		}
		if pages != 5 || len(seen) != 250 || seen[0] != 249 || seen[249] != 0 {
			t.Error(pages, len(seen))
		}
		page, token, err := people.Page(ctx, h.Store, models.Range[uint64]{}.Offset(3), "")
		if err != nil || len(page) != models.DefaultPage || page[0].ID != 3 {
			t.Fatal(len(page), err)
		}
		if page, _, err = people.Page(ctx, h.Store, models.Range[uint64]{}.Offset(3), token); err != nil || page[0].ID != 103 {
			t.Error("the offset counts once:", page[0].ID, err)
		}
		// A token cannot lead out of the range it is used with.
		if page, _, err = people.Page(ctx, h.Store, models.From(uint64(200)), token); err != nil || page[0].ID != 200 {
			t.Error(page[0].ID, err)
		}
		for name, bad := range map[string]string{
			"nonsense": "!", "cut short": token[:len(token)-2], "empty but for padding": "AAAA", "changed": "A" + token[1:],
		} {
			if _, _, err := people.Page(ctx, h.Store, models.Range[uint64]{}, bad); !errors.Is(err, models.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, _, err := people.Page(ctx, h.Store, models.Range[uint64]{}.Reverse(), token); !errors.Is(err, models.ErrInvalid) {
			t.Error(err)
		}
		if _, _, err := byName.Page(ctx, h.Store, models.Range[string]{}, token); !errors.Is(err, models.ErrInvalid) {
			t.Error(err)
		}
	}, town)
}

// TestTooLarge is about rows and transactions that an engine cannot take: the
// error is typed, says how much is too much, and nothing is written.
func TestTooLarge(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		long := document{Path: strings.Repeat("x", 40_000)}
		if err := documents.Put(ctx, h.Store, &long); !errors.Is(err, models.ErrKeySize) {
			t.Error(err)
		} else if len(err.Error()) > 200 || !strings.Contains(err.Error(), "xxx… (40000 bytes): ") {
			t.Errorf("the message has %d bytes: %.200s", len(err.Error()), err)
		}
		huge := document{Path: "/huge", Body: make([]byte, 64<<20)}
		if err := documents.Put(ctx, h.Store, &huge); err != nil && !errors.Is(err, models.ErrTooLarge) {
			t.Error(err)
		} else if err == nil {
			if err := documents.Delete(ctx, h.Store, "/huge"); err != nil {
				t.Error(err)
			}
		}
		many := make([]document, 100)
		for i := range many {
			many[i] = document{Path: fmt.Sprint("/", i), Body: make([]byte, 200<<10)}
		}
		switch err := documents.PutMany(ctx, h.Store, many); {
		case errors.Is(err, models.ErrTooLarge):
			if empty, err := documents.IsEmpty(ctx, h.Store); !empty || err != nil {
				t.Error("part of a refused transaction is there", err)
			}
		case err != nil:
			t.Error(err)
		}
	}, archive)
}
