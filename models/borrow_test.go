package models_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/examples/generated/blog"
	"github.com/newsnet-africa/netabase-go/models"
)

func blogStore(t *testing.T) *datastore.Store {
	t.Helper()
	store := datastore.Temp(t, memory.Engine(), blog.Blog)
	created := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	posts := []blog.Post{
		{ID: 1, AuthorID: 7, Created: created, Title: "one", Content: strings.Repeat("a", 300), Tags: []string{"xx", "yy"}},
		{ID: 2, AuthorID: 8, Created: created, Title: "two", Content: "b", Tags: []string{"yy"}},
		{ID: 3, AuthorID: 7, Created: created.Add(time.Hour), Title: "three", Content: "c"},
	}
	if err := blog.Posts.PutMany(t.Context(), store, posts); err != nil {
		t.Fatal(err)
	}
	user := blog.User{ID: 7, Username: "alice", Email: "alice@example.com"}
	if err := blog.Users.Put(t.Context(), store, &user); err != nil {
		t.Fatal(err)
	}
	return store
}

// inEach runs test with a store, a read transaction and a write transaction.
func inEach(t *testing.T, store *datastore.Store, test func(*testing.T, models.Reader)) {
	t.Helper()
	t.Run("store", func(t *testing.T) { test(t, store) })
	t.Run("transaction", func(t *testing.T) {
		if err := store.View(t.Context(), func(ctx context.Context, tx *datastore.ReadTx) error { test(t, tx); return nil }); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("update", func(t *testing.T) {
		if err := store.Update(t.Context(), func(ctx context.Context, tx *datastore.WriteTx) error { test(t, tx); return nil }); err != nil {
			t.Fatal(err)
		}
	})
}

func TestBorrow(t *testing.T) {
	inEach(t, blogStore(t), func(t *testing.T, r models.Reader) {
		calls := 0
		err := blog.Posts.Borrow(t.Context(), r, 1, func(row models.BorrowedRow) error {
			calls++
			// Another read in between leaves what is borrowed alone.
			if _, err := blog.Posts.Get(t.Context(), r, 2); err != nil {
				return err
			}
			if key, err := models.Uint64.DecodeLast(row.Key.Clone()); err != nil || key != 1 {
				t.Errorf("key is %d, %v", key, err)
			}
			var post blog.BorrowedPost
			if err := post.Decode(row.Value); err != nil {
				return err
			}
			if post.ID != 1 || !post.Title.Equal("one") || post.Content.Len() != 300 || post.Tags.Len() != 2 {
				t.Errorf("borrowed is %+v", post)
			}
			var tags []string
			for _, tag := range post.Tags.All() {
				tags = append(tags, tag.Clone())
			}
			if !slices.Equal(tags, []string{"xx", "yy"}) {
				t.Errorf("tags are %q", tags)
			}
			return nil
		})
		if err != nil || calls != 1 {
			t.Errorf("%d calls, %v", calls, err)
		}
	})
}

func TestBorrowErrors(t *testing.T) {
	own := errors.New("my own")
	store := blogStore(t)
	inEach(t, store, func(t *testing.T, r models.Reader) {
		fail := func(models.BorrowedRow) error { return own }
		never := func(models.BorrowedRow) error { t.Error("called"); return nil }
		if err := blog.Posts.Borrow(t.Context(), r, 1, fail); err != own {
			t.Errorf("Borrow gives %v", err)
		}
		if err := blog.Posts.BorrowRange(t.Context(), r, models.Range[uint64]{}, fail); err != own {
			t.Errorf("BorrowRange gives %v", err)
		}
		if err := blog.PostByAuthor.BorrowRange(t.Context(), r, models.Only(uint64(7)), fail); err != own {
			t.Errorf("BorrowRange of the index gives %v", err)
		}
		if err := blog.Posts.Borrow(t.Context(), r, 9, never); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("Borrow of what is absent gives %v", err)
		}
		if err := blog.UserByEmail.Borrow(t.Context(), r, "bob@example.com", never); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("Borrow of a unique key that is absent gives %v", err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := blog.Posts.Borrow(ended, r, 1, never); !errors.Is(err, context.Canceled) {
			t.Errorf("Borrow with a cancelled context gives %v", err)
		}
	})
	var leaked *datastore.ReadTx
	if err := store.View(t.Context(), func(ctx context.Context, tx *datastore.ReadTx) error { leaked = tx; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := blog.Posts.Borrow(t.Context(), leaked, 1, nil); !errors.Is(err, models.ErrTxnDone) {
		t.Errorf("Borrow in an ended transaction gives %v", err)
	}
}

func TestBorrowRange(t *testing.T) {
	inEach(t, blogStore(t), func(t *testing.T, r models.Reader) {
		ids := func(walk func(func(models.BorrowedRow) error) error) []uint64 {
			t.Helper()
			var found []uint64
			err := walk(func(row models.BorrowedRow) error {
				var post blog.BorrowedPost
				err := post.Decode(row.Value)
				found = append(found, post.ID)
				return err
			})
			if err != nil {
				t.Error(err)
			}
			return found
		}
		check := func(what string, got []uint64, want ...uint64) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("%s yields %v, not %v", what, got, want)
			}
		}
		check("all", ids(func(fn func(models.BorrowedRow) error) error {
			return blog.Posts.BorrowRange(t.Context(), r, models.Range[uint64]{}, fn)
		}), 1, 2, 3)
		check("reverse, limited", ids(func(fn func(models.BorrowedRow) error) error {
			return blog.Posts.BorrowRange(t.Context(), r, models.Before(uint64(3)).Reverse().Limit(1), fn)
		}), 2)
		check("an index", ids(func(fn func(models.BorrowedRow) error) error {
			return blog.PostByAuthor.BorrowRange(t.Context(), r, models.Only(uint64(7)), fn)
		}), 1, 3)
		check("a multi index", ids(func(fn func(models.BorrowedRow) error) error {
			return blog.PostByTag.BorrowRange(t.Context(), r, models.Range[string]{}.Offset(1), fn)
		}), 1, 2)
		err := blog.UserByEmail.Borrow(t.Context(), r, "alice@example.com", func(row models.BorrowedRow) error {
			var user blog.BorrowedUser
			if err := user.Decode(row.Value); err != nil {
				return err
			}
			if !user.Username.Equal("alice") {
				t.Errorf("user is %v", user.Username)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestBorrowedMemory(t *testing.T) {
	b := models.BorrowBytes([]byte("borrowed"))
	s := b.Text()
	var out strings.Builder
	if n, err := s.WriteTo(&out); n != 8 || err != nil || out.String() != "borrowed" {
		t.Errorf("WriteTo writes %q, %d, %v", out.String(), n, err)
	}
	for what, ok := range map[string]bool{
		"Len":            b.Len() == 8 && s.Len() == 8,
		"Clone":          string(b.Clone()) == "borrowed" && s.Clone() == "borrowed" && s.String() == "borrowed",
		"AppendTo":       string(b.AppendTo([]byte("x"))) == "xborrowed" && string(s.AppendTo([]byte("x"))) == "xborrowed",
		"Equal":          b.Equal([]byte("borrowed")) && !b.Equal(nil) && s.Equal("borrowed") && !s.Equal("borrowe"),
		"Compare":        s.Compare("borrowe") > 0 && s.Compare("borrowed") == 0 && s.Compare("c") < 0 && b.Compare([]byte("c")) < 0,
		"HasPrefix":      s.HasPrefix("bor") && s.HasPrefix("") && !s.HasPrefix("borrowed!") && !s.HasPrefix("or"),
		"Slice":          b.Slice(1, 4).Equal([]byte("orr")),
		"Bytes":          s.Bytes().Equal([]byte("borrowed")),
		"the zero value": models.BorrowedString{}.Equal("") && models.BorrowedBytes{}.Len() == 0,
	} {
		if !ok {
			t.Errorf("%s is wrong", what)
		}
	}
	copied := b.Clone()
	copied[0] = 'B'
	if !s.Equal("borrowed") {
		t.Error("a clone shares memory")
	}
}
