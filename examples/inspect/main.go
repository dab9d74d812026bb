// Inspect looks into a store without its Go types. It prints the trees, their sizes, and
// their rows as JSON.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/models"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "netabase-inspect-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := write(ctx, bolt.Engine(dir)); err != nil {
		return err
	}
	return look(ctx, bolt.Options{Config: engine.Config{Path: dir, ReadOnly: true}}.Engine())
}

// look prints the content of a store.
func look(ctx context.Context, eng engine.Engine) error {
	store, err := datastore.Inspect(ctx, eng)
	if err != nil {
		return err
	}
	defer store.Close()
	trees, err := store.Trees(ctx)
	if err != nil {
		return err
	}
	for _, tree := range trees {
		count, err := store.Count(ctx, tree.Name)
		if err != nil {
			return err
		}
		fmt.Printf("%s by %s, %s: %d rows\n", tree.Name, tree.Key, tree.Codec, count.Rows)
		for _, f := range tree.Fields {
			fmt.Printf("  field %s: %s\n", f.Name, f.Type)
		}
		for i, ix := range tree.Indexes {
			fmt.Printf("  %s %s by %s: %d entries\n", ix.Kind, ix.Name, ix.Key, count.Indexes[i].Entries)
		}
		for row, err := range store.Rows(ctx, tree.Name) {
			switch {
			case err != nil:
				return err
			case row.Err != nil: // this row is damaged; the others are not
				fmt.Printf("  %s is damaged: %v\n", row.Key, row.Err)
			default:
				fmt.Printf("  %s %s\n", row.Key, row.Value)
			}
		}
	}
	return nil
}

// write stands for another program, which has the types.
func write(ctx context.Context, eng engine.Engine) (err error) {
	type Photo struct {
		Name  string
		Taken int64
		Tags  []string
		Thumb []byte
	}
	photos := models.NewTree("photo", models.String, func(p *Photo) string { return p.Name })
	models.NewMulti(photos, "tag", models.String, func(p *Photo) []string { return p.Tags })
	models.NewIndex(photos, "taken", models.Int64, func(p *Photo) int64 { return p.Taken })
	store, err := datastore.Open(ctx, eng, models.NewDefinition("album", photos))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return photos.PutMany(ctx, store, []Photo{
		{"beach", 1710000000, []string{"sea", "sun"}, []byte{0xFF, 0xD8}},
		{"hills", 1720000000, []string{"sun"}, nil},
	})
}
