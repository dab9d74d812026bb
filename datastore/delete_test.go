package datastore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestDeleteRange compares what a range deletes, in a store and in a transaction,
// with what the same range selected before.
func TestDeleteRange(t *testing.T) {
	if testing.Short() {
		t.Skip("it has nothing for the race detector, and takes long there")
	}
	const rows = 1000
	ids := map[string]models.Range[uint64]{
		"all":     {},
		"some":    models.From(uint64(100)).Before(900),
		"limited": models.After(uint64(100)).Limit(300),
		"from behind, after some": models.To(uint64(800)).
			Reverse().Offset(10).Limit(600),
		"none": models.From(uint64(rows)),
	}
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		for name, rng := range ids {
			fillTown(t, h.Store, rows)
			want, err := people.Count(ctx, h.Store, rng)
			if err != nil {
				t.Fatal(err)
			}
			gone := map[uint64]bool{}
			for id, err := range people.Keys(ctx, h.Store, rng) {
				if err != nil {
					t.Fatal(err)
				}
				gone[id] = true
			}
			if name == "some" {
				err = h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
					n, err := people.DeleteRange(ctx, tx, rng)
					if n != want {
						t.Errorf("%s: %d deleted, want %d", name, n, want)
					}
					return err
				})
			} else {
				var n int
				if n, err = people.DeleteRange(ctx, h.Store, rng); n != want {
					t.Errorf("%s: %d deleted, want %d", name, n, want)
				}
			}
			if err != nil {
				t.Fatal(name, err)
			}
			left := 0
			for id, err := range people.Keys(ctx, h.Store, models.Range[uint64]{}) {
				if err != nil || gone[id] {
					t.Fatal(name, id, err)
				}
				left++
			}
			if left != rows-want {
				t.Errorf("%s: %d left, want %d", name, left, rows-want)
			}
		}
	}, town)
}

// TestDeleteRangeOfMulti checks that a row counts once, however many of its keys
// are in the range.
func TestDeleteRangeOfMulti(t *testing.T) {
	type post struct {
		ID   uint64
		Tags []string
	}
	posts := models.NewTree("post", models.Uint64, func(p *post) uint64 { return p.ID })
	byTag := models.NewMulti(posts, "tag", models.String, func(p *post) []string { return p.Tags })
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx := t.Context()
		for id := range uint64(600) {
			tags := []string{"a", "b", "c"}
			if id%3 == 0 {
				tags = []string{"z"}
			}
			if err := posts.Put(ctx, h.Store, &post{id, tags}); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := byTag.DeleteRange(ctx, h.Store, models.Before("c")); n != 400 || err != nil {
			t.Error(n, err)
		}
		if n, err := posts.Count(ctx, h.Store, models.Range[uint64]{}); n != 200 || err != nil {
			t.Error(n, err)
		}
	}, models.NewDefinition("news", posts))
}

// TestModifyKeepsExpiry checks that changing a row does not make it last.
func TestModifyKeepsExpiry(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		ctx, p := t.Context(), somebody(1)
		expiry := time.Now().Add(time.Hour).Truncate(time.Nanosecond)
		later := expiry.Add(time.Hour)
		has := func(want time.Time) {
			t.Helper()
			if got, err := people.Expiry(ctx, h.Store, p.ID); !got.Equal(want) || err != nil {
				t.Error(got, err)
			}
		}
		if err := people.PutUntil(ctx, h.Store, &p, expiry); err != nil {
			t.Fatal(err)
		}
		change := func(p *person) error { p.Age++; return nil }
		err := errors.Join(
			people.Modify(ctx, h.Store, p.ID, change),
			people.Upsert(ctx, h.Store, p.ID, func(p *person, _ bool) (bool, error) { return true, change(p) }))
		if err != nil {
			t.Fatal(err)
		}
		has(expiry)
		// A change that sets another expiry in the same transaction keeps that.
		err = h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
			return people.Modify(ctx, tx, p.ID, func(p *person) error {
				return people.SetExpiry(ctx, tx, p.ID, later)
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		has(later)
		if err := people.Put(ctx, h.Store, &p); err != nil {
			t.Fatal(err)
		}
		has(time.Time{})
		// A row that has expired is another one.
		if err := people.PutUntil(ctx, h.Store, &p, time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		err = people.Upsert(ctx, h.Store, p.ID, func(q *person, found bool) (bool, error) {
			if found {
				t.Error("it is there")
			}
			*q = p
			return true, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		has(time.Time{})
	}, town)
}
