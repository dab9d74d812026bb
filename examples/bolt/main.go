// Bolt shows the particularities of the bolt engine: one file, one writer at a time, two syncs
// of the disk for every commit, and a file that does not shrink.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/models"
)

type Word struct {
	Text    string
	Meaning string
}

var (
	Words = models.NewTree("word", models.String, func(w *Word) string { return w.Text })

	Dictionary = models.NewDefinition("dictionary", Words)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "netabase-bolt-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	options := bolt.Options{
		Config: engine.Config{Path: dir},
		MapMB:  1024, // of address space: a larger file waits for its readers
	}
	store, err := datastore.Open(ctx, options.Engine(), Dictionary)
	if err != nil {
		return err
	}
	defer store.Close()

	// One file holds everything. It can be copied while the store is closed.
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	fmt.Println(filepath.Base(files[0]) == bolt.FileName, len(files))

	// Put many writes into one transaction: a commit costs two syncs of the disk however many
	// rows it has.
	words := make([]Word, 2000)
	for i := range words {
		words[i] = Word{Text: fmt.Sprintf("word %04d", i), Meaning: fmt.Sprintf("%0500d", i)}
	}
	if err := Words.PutMany(ctx, store, words); err != nil {
		return err
	}

	// Bolt reuses the space of deleted rows, and does not shrink the file. Size is the space in
	// use.
	full, err := store.Size(ctx)
	if err != nil {
		return err
	}
	if err := Words.Clear(ctx, store); err != nil {
		return err
	}
	empty, err := store.Size(ctx)
	if err != nil {
		return err
	}
	fmt.Println("freed:", empty < full/10)
	if err := Words.PutMany(ctx, store, words); err != nil {
		return err
	}
	again, err := store.Size(ctx)
	if err != nil {
		return err
	}
	fmt.Println("grown:", again > full+full/2)

	// Nobody else can open the file meanwhile: Open fails at once.
	_, err = datastore.Open(ctx, options.Engine(), Dictionary)
	fmt.Println("in use:", errors.Is(err, engine.ErrLocked))
	return nil
}
