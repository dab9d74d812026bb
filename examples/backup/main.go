// Backup writes a store to a file while it is in use, and restores the file into
// another engine.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/models"
)

type City struct {
	Name    string
	Country string
}

var (
	Cities        = models.NewTree("city", models.String, func(c *City) string { return c.Name })
	CityByCountry = models.NewIndex(Cities, "country", models.String, func(c *City) string { return c.Country })

	Atlas = models.NewDefinition("atlas", Cities)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "netabase-backup-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file, err := os.Create(filepath.Join(dir, "atlas.backup"))
	if err != nil {
		return err
	}
	defer file.Close()

	if err := backup(ctx, filepath.Join(dir, "badger"), file); err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return restore(ctx, filepath.Join(dir, "bolt"), file)
}

func backup(ctx context.Context, dir string, file io.Writer) (err error) {
	store, err := datastore.Open(ctx, badger.Engine(dir), Atlas)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	err = Cities.PutMany(ctx, store, []City{{"Accra", "Ghana"}, {"Kumasi", "Ghana"}, {"Lagos", "Nigeria"}})
	if err != nil {
		return err
	}
	if _, err := store.Backup(ctx, file); err != nil {
		return err
	}
	return nil
}

func restore(ctx context.Context, dir string, file io.Reader) (err error) {
	if _, err := datastore.Restore(ctx, bolt.Engine(dir), file); err != nil {
		return err
	}
	store, err := datastore.Open(ctx, bolt.Engine(dir), Atlas)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for city, err := range CityByCountry.Find(ctx, store, "Ghana") {
		if err != nil {
			return err
		}
		fmt.Println(city.Name)
	}
	return nil
}
