// Zerocopy reads rows in the engine's own memory: the text of a post goes from there to its
// destination without a copy in between.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/examples/generated/blog"
	"github.com/newsnet-africa/netabase-go/models"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	store, err := datastore.Open(ctx, memory.Engine(), blog.Blog)
	if err != nil {
		return err
	}
	defer store.Close()
	err = blog.Posts.PutMany(ctx, store, []blog.Post{
		{ID: 1, AuthorID: 1, Title: "Bees", Content: "Bees dance.\n", Tags: []string{"nature"}},
		{ID: 2, AuthorID: 1, Title: "Go", Content: "Goroutines are cheap.\n", Tags: []string{"go", "concurrency"}},
		{ID: 3, AuthorID: 2, Title: "Rain", Content: "It rains.\n"},
	})
	if err != nil {
		return err
	}

	// One row: the engine lends its content to the function, which writes it from there.
	err = blog.Posts.Borrow(ctx, store, 2, func(row models.BorrowedRow) error {
		var post blog.BorrowedPost
		if err := post.Decode(row.Value); err != nil {
			return err
		}
		_, err := post.Content.WriteTo(out)
		return err
	})
	if err != nil {
		return err
	}

	// Many rows: the loop keeps only the text it needs, by cloning it. Without Clone the
	// title would be a models.BorrowedString, which is no string.
	longest, title := 0, ""
	err = blog.PostByAuthor.BorrowRange(ctx, store, models.Only(uint64(1)), func(row models.BorrowedRow) error {
		var post blog.BorrowedPost
		if err := post.Decode(row.Value); err != nil {
			return err
		}
		for _, tag := range post.Tags.All() {
			if tag.Len() > longest {
				longest, title = tag.Len(), post.Title.Clone()
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "The longest tag is on %q.\n", title)
	return err
}
