// Batch works on many rows at a time, each call in one transaction.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

type Book struct {
	ISBN   string
	Title  string
	Author string
}

var (
	Books        = models.NewTree("book", models.String, func(b *Book) string { return b.ISBN })
	BookByAuthor = models.NewIndex(Books, "author", models.String, func(b *Book) string { return b.Author })

	Library = models.NewDefinition("library", Books)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	store, err := datastore.Open(ctx, memory.Engine(), Library)
	if err != nil {
		return err
	}
	defer store.Close()

	// PutMany stores all of them or, on an error, none.
	err = Books.PutMany(ctx, store, []Book{
		{ISBN: "978-0-435-90525-9", Title: "Things Fall Apart", Author: "Achebe"},
		{ISBN: "978-0-385-47454-2", Title: "Arrow of God", Author: "Achebe"},
		{ISBN: "978-0-14-118688-5", Title: "Season of Migration to the North", Author: "Salih"},
		{ISBN: "978-0-14-310694-4", Title: "Petals of Blood", Author: "Ngũgĩ"},
	})
	if err != nil {
		return err
	}

	// GetMany returns rows in the order of the keys, and nil for a key without a row.
	books, err := Books.GetMany(ctx, store, []string{"978-0-14-310694-4", "978-0-00-000000-0"})
	if err != nil {
		return err
	}
	fmt.Println(books[0].Title, books[1])

	// FindMany looks up several index keys in one snapshot.
	byAuthor, err := BookByAuthor.FindMany(ctx, store, []string{"Salih", "Achebe"})
	if err != nil {
		return err
	}
	for _, books := range byAuthor {
		for _, b := range books {
			fmt.Printf("%s: %s\n", b.Author, b.Title)
		}
	}

	if err := Books.DeleteMany(ctx, store, []string{"978-0-435-90525-9", "978-0-14-118688-5"}); err != nil {
		return err
	}
	n, err := Books.Count(ctx, store, models.Range[string]{})
	if err != nil {
		return err
	}
	fmt.Println("left:", n)

	if err := Books.Clear(ctx, store); err != nil {
		return err
	}
	empty, err := Books.IsEmpty(ctx, store)
	fmt.Println("empty:", empty)
	return err
}
