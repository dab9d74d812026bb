//go:build netabase_debug

package models_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/examples/generated/blog"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestLoanEnds checks that memory kept for longer than it is lent panics.
func TestLoanEnds(t *testing.T) {
	store := blogStore(t)
	var row models.BorrowedRow
	var post blog.BorrowedPost
	keep := func(lent models.BorrowedRow) error {
		row = lent
		return post.Decode(row.Value)
	}
	for what, walk := range map[string]func() error{
		"Borrow": func() error { return blog.Posts.Borrow(t.Context(), store, 1, keep) },
		"BorrowRange": func() error {
			return blog.Posts.BorrowRange(t.Context(), store, models.Range[uint64]{}.Limit(1), keep)
		},
		"BorrowRange of an index": func() error {
			return blog.PostByAuthor.BorrowRange(t.Context(), store, models.Only(uint64(7)).Limit(1), keep)
		},
	} {
		row = models.BorrowedRow{}
		if err := walk(); err != nil {
			t.Fatal(err)
		}
		for use, fn := range map[string]func(){
			"the key":           func() { row.Key.Len() },
			"the value":         func() { row.Value.Clone() },
			"a string":          func() { post.Title.Equal("") },
			"printing a string": func() { _ = post.Title.String() },
			"a list": func() {
				for range post.Tags.All() {
				}
			},
		} {
			if message := panics(fn); !strings.Contains(message, "borrowed memory is used after") {
				t.Errorf("%s: using %s afterwards panics with %q", what, use, message)
			}
		}
		// Clones and numbers are the caller's.
		if post.ID != 1 {
			t.Errorf("ID is %d", post.ID)
		}
	}
}

// TestEveryLoanEnds checks that the loan of a row ends before the next begins.
func TestEveryLoanEnds(t *testing.T) {
	var before []models.BorrowedRow
	err := blog.Posts.BorrowRange(t.Context(), blogStore(t), models.Range[uint64]{}, func(row models.BorrowedRow) error {
		for _, old := range before {
			if panics(func() { old.Value.Len() }) == "" {
				t.Error("a row before can still be used")
			}
		}
		before = append(before, row)
		return nil
	})
	if err != nil || len(before) != 3 {
		t.Fatal(len(before), err)
	}
}

func panics(fn func()) (message string) {
	defer func() {
		if r := recover(); r != nil {
			message = fmt.Sprint(r)
		}
	}()
	fn()
	return ""
}
