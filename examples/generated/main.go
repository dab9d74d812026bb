// Generated stores rows of the models in package blog. Go generate has written their trees,
// indexes and codecs from the tags of two structs.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/examples/generated/blog"
	"github.com/newsnet-africa/netabase-go/models"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	store, err := datastore.Open(ctx, memory.Engine(), blog.Blog)
	if err != nil {
		return err
	}
	defer store.Close()

	monday := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	err = store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		alice := blog.User{ID: 1, Username: "alice", Email: "alice@example.com"}
		if err := blog.Users.Put(ctx, tx, &alice); err != nil {
			return err
		}
		return blog.Posts.PutMany(ctx, tx, []blog.Post{
			{ID: 10, AuthorID: 1, Created: monday, Title: "Hello", Tags: []string{"go"}},
			{ID: 11, AuthorID: 1, Created: monday.Add(48 * time.Hour), Title: "Indexes", Tags: []string{"go", "db"}},
			{ID: 12, AuthorID: 2, Created: monday, Title: "Bees", Tags: []string{"nature"}},
		})
	})
	if err != nil {
		return err
	}

	alice, err := blog.UserByEmail.Get(ctx, store, "alice@example.com")
	if err != nil {
		return err
	}
	// The pair of author and time answers: which posts did Alice write from Tuesday to Friday?
	tuesday, friday := monday.AddDate(0, 0, 1), monday.AddDate(0, 0, 4)
	days := models.From(models.MakePair(alice.ID, tuesday)).To(models.MakePair(alice.ID, friday))
	for post, err := range blog.PostByAuthorTime.Range(ctx, store, days) {
		if err != nil {
			return err
		}
		fmt.Printf("%s wrote %q\n", alice.Username, post.Title)
	}
	for post, err := range blog.PostByTag.Find(ctx, store, "go") {
		if err != nil {
			return err
		}
		fmt.Printf("about go: %q\n", post.Title)
	}
	// The pair of tag and time answers: which is the newest post about go?
	newest, err := blog.PostByTagTime.Last(ctx, store, models.FirstIs(blog.PostByTagTime, "go"))
	if err != nil {
		return err
	}
	fmt.Printf("the newest: %q\n", newest.Title)
	return nil
}
