package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

type book struct {
	ID    uint64
	Title string
	Year  int
}

var (
	books      = models.NewTree("book", models.Uint64, func(b *book) uint64 { return b.ID })
	bookByYear = models.NewIndex(books, "year", models.Int, func(b *book) int { return b.Year })
	library    = models.NewDefinition("library", books)
)

// A store keeps rows of typed trees, and finds them by any of their keys.
func Example() {
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), library)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	// One transaction for both rows, or none.
	err = store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		return errors.Join(
			books.Put(ctx, tx, &book{ID: 1, Title: "Emma", Year: 1815}),
			books.Put(ctx, tx, &book{ID: 2, Title: "Persuasion", Year: 1817}))
	})
	if err != nil {
		log.Fatal(err)
	}
	for b, err := range bookByYear.Range(ctx, store, models.From(1816)) {
		fmt.Println(b.Title, err)
	}
	// Output: Persuasion <nil>
}

// Import stores rows by the million, in transactions that the engine can take.
func ExampleImport() {
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), library)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	rows := func(yield func(book, error) bool) {
		for id := range uint64(10_000) {
			if !yield(book{ID: id, Title: fmt.Sprint("book ", id)}, nil) {
				return
			}
		}
	}
	done, err := datastore.Import(ctx, store, books, rows)
	fmt.Println(done.Rows, done.Durable, err)
	// Output: 10000 10000 <nil>
}

// A backup is taken while the store is in use, and restored into any engine.
func ExampleStore_Backup() {
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), library)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	if err := books.Put(ctx, store, &book{ID: 1, Title: "Emma", Year: 1815}); err != nil {
		log.Fatal(err)
	}

	var stream bytes.Buffer
	if _, err := store.Backup(ctx, &stream); err != nil {
		log.Fatal(err)
	}
	elsewhere := memory.Engine()
	if _, err := datastore.Restore(ctx, elsewhere, &stream); err != nil {
		log.Fatal(err)
	}
	restored, err := datastore.Open(ctx, elsewhere, library)
	if err != nil {
		log.Fatal(err)
	}
	defer restored.Close()
	b, err := books.Get(ctx, restored, 1)
	fmt.Println(b.Title, err)
	// Output: Emma <nil>
}

// Verify examines every row and every index entry of a store.
func ExampleVerify() {
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), library)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	if err := books.Put(ctx, store, &book{ID: 1, Title: "Emma", Year: 1815}); err != nil {
		log.Fatal(err)
	}
	report, err := datastore.Verify(ctx, store)
	fmt.Println(report.Rows, report.Entries, report.Clean(), err)
	// Output: 1 1 true <nil>
}
