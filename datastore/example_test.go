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
	"github.com/newsnet-africa/netabase-go/models/shape"
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

// A plan says what opening a store with a changed model would do, before anything is done.
func ExamplePlan() {
	ctx := context.Background()
	eng := memory.Engine() // keeps its rows between two calls of Open, as a directory would
	store, err := datastore.Open(ctx, eng, library)
	if err != nil {
		log.Fatal(err)
	}
	if err := books.Put(ctx, store, &book{ID: 1, Title: "Emma", Year: 1815}); err != nil {
		log.Fatal(err)
	}
	if err := store.Close(); err != nil {
		log.Fatal(err)
	}

	type book2 struct {
		ID       uint64
		Name     string `netabase:"was=Title"`
		Language string `netabase:"default=en"`
		Year     int
	}
	books2 := models.NewTree("book", models.Uint64, func(b *book2) uint64 { return b.ID })
	models.NewIndex(books2, "year", models.Int, func(b *book2) int { return b.Year })
	plans, err := datastore.Plan(ctx, eng, models.NewDefinition("library", books2))
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range plans.Trees {
		if p.Tree == "library.book" {
			fmt.Printf("%q\n%d of %d rows\n", p.Changes, p.Older, p.Rows)
		}
	}
	for _, d := range plans.Differences { // Open would return them as its error
		fmt.Println("refused:", d.Path, d.What)
	}
	// Output:
	// ["Title is renamed Name" "Language string is added, \"en\" in older rows"]
	// 1 of 1 rows
}

// A schema file tells others what a tree is. It can be written by a program that does not have the
// tree's Go type.
func ExampleInspection_Schema() {
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), library)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	stored, err := store.Inspect().Schema(ctx, "library.book")
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if err := stored.Write(&file); err != nil {
		log.Fatal(err)
	}
	read, err := shape.ReadSchema(&file)
	if err != nil {
		log.Fatal(err)
	}
	relation, err := read.Compare(books.Schema())
	fmt.Println(read.Tree, read.Shape, relation, err)
	// Output: library.book struct{ID uint64, Year int64, Title string} same <nil>
}
