// Compression keeps rows that are alike in less space, and shows how much less.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

type Visit struct {
	ID    uint64
	Path  string
	Agent string
	From  string
}

// logs declares the tree of visits with some options.
func logs(options ...models.TreeOption[Visit]) (*models.Tree[Visit, uint64], *models.Definition) {
	visits := models.NewTree("visit", models.Uint64, func(v *Visit) uint64 { return v.ID }, options...)
	return visits, models.NewDefinition("logs", visits)
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	visits, definition := logs()
	plain, err := fill(ctx, visits, definition)
	if err != nil {
		return err
	}
	visits, definition = logs(models.WithCompression[Visit]())
	compressed, err := fill(ctx, visits, definition)
	if err != nil {
		return err
	}
	fmt.Printf("less than two fifths of the space: %t\n", compressed < plain*2/5)
	return nil
}

// fill makes a store of 50,000 visits and returns how many bytes its rows take.
func fill(ctx context.Context, visits *models.Tree[Visit, uint64], definition *models.Definition) (size int, err error) {
	store, err := datastore.Open(ctx, memory.Engine(), definition)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	rows := func(yield func(Visit, error) bool) {
		for i := range uint64(50_000) {
			v := Visit{
				ID: i, Path: fmt.Sprintf("/articles/%d/comments?page=%d", i*i%977, i%7), From: fmt.Sprintf("192.0.2.%d", i%200),
				Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
			}
			if !yield(v, nil) {
				return
			}
		}
	}
	if _, err := datastore.Import(ctx, store, visits, rows); err != nil {
		return 0, err
	}
	last, err := visits.Get(ctx, store, 49_999)
	if err != nil {
		return 0, err
	}
	fmt.Println(last.Path)
	for row, err := range store.Inspect().Rows(ctx, visits.Name()) {
		if err = errors.Join(err, row.Err); err != nil {
			return 0, err
		}
		size += row.Size
	}
	return size, nil
}
