package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// The functions here hold the README's code blocks; readme_test.go compares.

type Article struct {
	ID      uint64
	Author  string
	Written time.Time
	Tags    []string
}

var (
	Articles = models.NewTree("article", models.Uint64, func(a *Article) uint64 { return a.ID })

	// Each row under several keys.
	ArticleByTag = models.NewMulti(Articles, "tag", models.String, func(a *Article) []string { return a.Tags })

	// A composite key: by author, and the articles of one author by time.
	ArticleByAuthorTime = models.NewIndex(Articles, "author_time", models.PairOf(models.String, models.Time),
		func(a *Article) models.Pair[string, time.Time] { return models.MakePair(a.Author, a.Written) })

	News = models.NewDefinition("news", Articles)
)

// inMemory calls fn with a new store of a few rows, and prints its error.
func inMemory(fn func(context.Context, *datastore.Store) error) {
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), Blog, News)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		day := func(n int) time.Time { return time.Date(2026, time.May, n, 0, 0, 0, 0, time.UTC) }
		return errors.Join(
			Users.PutMany(ctx, tx, []User{{1, "alice", "alice@example.com"}, {2, "bob", "bob@example.com"}}),
			Posts.PutMany(ctx, tx, []Post{{99, "First", 1}, {100, "Hello", 1}, {101, "Hello again", 1}, {150, "Hi", 2}}),
			Articles.PutMany(ctx, tx, []Article{
				{1, "alice", day(1), []string{"go", "p2p"}},
				{2, "bob", day(2), []string{"go"}},
				{3, "alice", day(3), []string{"p2p"}},
			}),
		)
	})
	if err == nil {
		err = fn(ctx, store)
	}
	if err := errors.Join(err, store.Close()); err != nil {
		fmt.Println(err)
	}
}

func Example_indexes() {
	inMemory(func(ctx context.Context, store *datastore.Store) error {
		// Alice's articles, the newest first.
		byAlice := models.FirstIs(ArticleByAuthorTime, "alice").Reverse()
		for article, err := range ArticleByAuthorTime.Range(ctx, store, byAlice) {
			if err != nil {
				return err
			}
			fmt.Println("article", article.ID)
		}

		// How many are there on each topic? This reads index entries only.
		for _, topic := range []string{"go", "p2p"} {
			n, err := ArticleByTag.Count(ctx, store, models.Only(topic))
			if err != nil {
				return err
			}
			fmt.Println(topic, n)
		}
		return nil
	})
	// Output:
	// article 3
	// article 1
	// go 2
	// p2p 2
}

func Example_modify() {
	inMemory(func(ctx context.Context, store *datastore.Store) error {
		err := Users.Modify(ctx, store, 1, func(u *User) error {
			u.Email = "alice@example.org" // the index entry moves with it
			return nil
		})
		if err != nil {
			return err
		}

		alice, err := UserByEmail.Get(ctx, store, "alice@example.org")
		fmt.Println(alice.Username, err)
		return nil
	})
	// Output: alice <nil>
}

func Example_errors() {
	inMemory(func(ctx context.Context, store *datastore.Store) error {
		err := Users.Put(ctx, store, &User{ID: 3, Username: "eve", Email: "alice@example.com"})
		fmt.Println(errors.Is(err, models.ErrUnique))
		fmt.Println(err)

		_, err = Users.Get(ctx, store, 3)
		fmt.Println(errors.Is(err, models.ErrNotFound))
		fmt.Println(err)
		return nil
	})
	// Output:
	// true
	// put blog.user/email alice@example.com: unique index violated: row 1 has the key, and row 3 would have it too
	// true
	// get blog.user 3: not found
}

func Example_ranges() {
	inMemory(func(ctx context.Context, store *datastore.Store) error {
		// Of the posts 100 to 199 the last 20, backwards.
		last := models.From(uint64(100)).Before(200).Reverse().Limit(20)
		for post, err := range Posts.Range(ctx, store, last) {
			if err != nil {
				return err
			}
			fmt.Println(post.Title)
		}

		// A page of two posts, and the token with which the next request goes on.
		posts, token, err := Posts.Page(ctx, store, models.Range[uint64]{}.Limit(2), "")
		if err != nil {
			return err
		}
		more, _, err := Posts.Page(ctx, store, models.Range[uint64]{}.Limit(2), token)
		if err != nil {
			return err
		}
		fmt.Println(len(posts), len(more), more[0].Title)
		return nil
	})
	// Output:
	// Hi
	// Hello again
	// Hello
	// 2 2 Hello again
}

func Example_transactions() {
	inMemory(func(ctx context.Context, store *datastore.Store) error {
		err := store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
			for post, err := range PostByAuthor.Find(ctx, tx, 1) {
				if err != nil {
					return err
				}
				if err := Posts.Delete(ctx, tx, post.ID); err != nil {
					return err
				}
			}
			return Users.Delete(ctx, tx, 1)
		})
		if err != nil {
			return err
		}

		err = store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
			users, err := Users.Count(ctx, tx, models.Range[uint64]{})
			if err != nil {
				return err
			}
			posts, err := Posts.Count(ctx, tx, models.Range[uint64]{}) // of the same moment
			fmt.Println(users, posts)
			return err
		})
		return err
	})
	// Output: 1 1
}

func Example_expiry() {
	inMemory(func(ctx context.Context, store *datastore.Store) error {
		post := Post{ID: 7, Title: "Gone tomorrow", AuthorID: 1}
		if err := Posts.PutUntil(ctx, store, &post, time.Now().Add(24*time.Hour)); err != nil {
			return err
		}

		expiry, err := Posts.Expiry(ctx, store, 7)
		fmt.Println(time.Until(expiry) > 23*time.Hour, err)
		return nil
	})
	// Output: true <nil>
}

func Example_import() {
	inMemory(func(ctx context.Context, store *datastore.Store) error {
		rows := func(yield func(Post, error) bool) {
			for id := range uint64(100_000) {
				if !yield(Post{ID: 1000 + id, AuthorID: id % 100}, nil) {
					return
				}
			}
		}
		progress, err := datastore.Import(ctx, store, Posts, rows, datastore.ImportOptions{})
		if err != nil {
			return err // progress.Rows says where to go on
		}
		fmt.Println(progress.Rows, progress.Durable)
		return nil
	})
	// Output: 100000 100000
}

func Example_datastore() {
	inMemory(func(ctx context.Context, store *datastore.Store) error {
		d := store.Datastore()

		// A row, under its primary key or by an index entry.
		value, err := d.Get(ctx, ds.NewKey("/blog.user/primary/00000000000000000001"))
		if err != nil {
			return err
		}
		results, err := d.Query(ctx, query.Query{Prefix: "/blog.post/index/author", KeysOnly: true})
		if err != nil {
			return err
		}
		entries, err := results.Rest()
		if err != nil {
			return err
		}
		fmt.Println(len(value), entries[0].Key)

		// Any other key is kept as it is.
		if err := d.Put(ctx, ds.NewKey("/my/own/key"), []byte("value")); err != nil {
			return err
		}
		return d.Close()
	})
	// Output: 44 /blog.post/index/author/00000000000000000001/00000000000000000099
}

func Example_inspect() {
	inMemory(func(ctx context.Context, store *datastore.Store) error {
		for row, err := range store.Inspect().Rows(ctx, "blog.user") {
			if err != nil {
				return err
			}
			fmt.Println(row.Key, string(row.Value))
		}
		return nil
	})
	// Output:
	// 1 {"Email":"alice@example.com","ID":1,"Username":"alice"}
	// 2 {"Email":"bob@example.com","ID":2,"Username":"bob"}
}

func TestTemp(t *testing.T) {
	ctx := t.Context()
	store := datastore.Temp(t, memory.Engine(), Blog) // verified and closed when t ends

	if err := Users.Put(ctx, store, &User{ID: 1}); err != nil {
		t.Fatal(err)
	}
}

func TestVerify(t *testing.T) {
	ctx := t.Context()
	store := datastore.Temp(t, memory.Engine(), Blog)

	report, err := datastore.Verify(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	if !report.Clean() {
		report, err = datastore.Repair(ctx, store)
	}

	if err != nil || !report.Clean() {
		t.Fatal(report, err)
	}
}

func TestConfiguration(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()

	eng := bolt.Options{Config: engine.Config{
		Path:      dir,
		MustExist: true, // do not create it
	}}.Engine()
	store, err := datastore.Open(ctx, eng, Blog)

	if err == nil {
		t.Fatal("opened a database that is not there", store.Close())
	}
	if !errors.Is(err, engine.ErrMissing) {
		t.Fatal(err)
	}
}
