//go:build !netabase_debug && !race

package models_test

import (
	"context"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/examples/generated/blog"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestBorrowAllocations checks that a row is borrowed without an allocation, text,
// lists and all.
func TestBorrowAllocations(t *testing.T) {
	err := blogStore(t).View(t.Context(), func(ctx context.Context, tx *datastore.ReadTx) error {
		length := 0
		decode := func(row models.BorrowedRow) error {
			var post blog.BorrowedPost
			if err := post.Decode(row.Value); err != nil {
				return err
			}
			length += post.Title.Len() + post.Content.Len()
			for _, tag := range post.Tags.All() {
				length += tag.Len()
			}
			return nil
		}
		borrowed := testing.AllocsPerRun(200, func() {
			if err := blog.Posts.Borrow(t.Context(), tx, 1, decode); err != nil {
				t.Error(err)
			}
		})
		row := testing.AllocsPerRun(200, func() {
			if err := blog.Posts.Borrow(t.Context(), tx, 1, func(models.BorrowedRow) error { return nil }); err != nil {
				t.Error(err)
			}
		})
		if borrowed != 0 || row != 0 || length == 0 {
			t.Errorf("Borrow allocates %v times, and %v without decoding", borrowed, row)
		}
		// The memory that a walk allocates does not grow with its rows.
		walk := func(limit int) float64 {
			return testing.AllocsPerRun(200, func() {
				if err := blog.Posts.BorrowRange(t.Context(), tx, models.Range[uint64]{}.Limit(limit), decode); err != nil {
					t.Error(err)
				}
			})
		}
		if one, three := walk(1), walk(3); one != three {
			t.Errorf("BorrowRange allocates %v times for one row and %v for three", one, three)
		}
		find := func(limit int) float64 {
			return testing.AllocsPerRun(200, func() {
				if err := blog.PostByAuthor.BorrowRange(t.Context(), tx, models.Only(uint64(7)).Limit(limit), decode); err != nil {
					t.Error(err)
				}
			})
		}
		if one, two := find(1), find(2); one != two {
			t.Errorf("BorrowRange of an index allocates %v times for one row and %v for two", one, two)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestGetAllocations checks that a row is read with just the allocations of the
// strings and slices in its model.
func TestGetAllocations(t *testing.T) {
	err := blogStore(t).View(t.Context(), func(ctx context.Context, tx *datastore.ReadTx) error {
		const own = 5 // title, content, the slice of tags and two tags
		got := testing.AllocsPerRun(1000, func() {
			if post, err := blog.Posts.Get(t.Context(), tx, 1); err != nil || post.ID != 1 {
				t.Error(err)
			}
		})
		if got != own {
			t.Errorf("Get allocates %v times, and the model has %d strings and slices", got, own)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
