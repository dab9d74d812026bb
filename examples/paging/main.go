// Paging selects rows by ranges of their keys, and hands them out a page at a
// time, as a web server does.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

type Word struct {
	Text   string
	Length uint64
}

var (
	Words        = models.NewTree("word", models.String, func(w *Word) string { return w.Text })
	WordByLength = models.NewIndex(Words, "length", models.Uint64, func(w *Word) uint64 { return w.Length })

	Dictionary = models.NewDefinition("dictionary", Words)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	store, err := datastore.Open(ctx, memory.Engine(), Dictionary)
	if err != nil {
		return err
	}
	defer store.Close()
	for _, text := range []string{"bean", "bee", "beetle", "boat", "cat", "cow", "dog", "donkey", "door"} {
		if err := Words.Put(ctx, store, &Word{text, uint64(len(text))}); err != nil {
			return err
		}
	}

	for _, r := range []struct {
		what string
		keys models.Range[string]
	}{
		{"from boat, before dog", models.From("boat").Before("dog")},
		{"after boat, to dog", models.After("boat").To("dog")},
		{"starting with bee", models.StartingWith("bee")},
		{"the last two", models.Range[string]{}.Reverse().Limit(2)},
		{"the third and fourth", models.Range[string]{}.Offset(2).Limit(2)},
	} {
		fmt.Print(r.what + ":")
		for key, err := range Words.Keys(ctx, store, r.keys) { // keys alone read no row
			if err != nil {
				return err
			}
			fmt.Print(" " + key)
		}
		fmt.Println()
	}

	last, err := Words.Last(ctx, store, models.Before("d"))
	if err != nil {
		return err
	}
	fmt.Println("the last before d:", last.Text)

	// Page returns a page and a token. The token may go to a browser and come back. The
	// rows of an index are paged in the same way.
	short := models.To(uint64(4)).Limit(3)
	for token, page := "", 1; page == 1 || token != ""; page++ {
		var words []Word
		words, token, err = WordByLength.Page(ctx, store, short, token)
		if err != nil {
			return err
		}
		fmt.Printf("page %d:", page)
		for _, w := range words {
			fmt.Print(" " + w.Text)
		}
		fmt.Println()
	}
	return nil
}
