package pebble_test

import (
	"context"
	"fmt"
	"os"

	"github.com/newsnet-africa/netabase-go/datastore"
	pebble "github.com/newsnet-africa/netabase-go/examples/engine-pebble"
	"github.com/newsnet-africa/netabase-go/models"
)

type city struct {
	Name    string
	Country string
}

var (
	cities        = models.NewTree("city", models.String, func(c *city) string { return c.Name })
	cityByCountry = models.NewIndex(cities, "country", models.String, func(c *city) string { return c.Country })

	atlas = models.NewDefinition("atlas", cities)
)

// A store on the engine is a store like any other.
func Example() {
	path, err := os.MkdirTemp("", "netabase-pebble-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(path)
	for range 2 { // the second time opens what the first has left
		if err := run(context.Background(), path); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// Abuja
	// Lagos
	// Abuja
	// Lagos
}

func run(ctx context.Context, path string) error {
	store, err := datastore.Open(ctx, pebble.Engine(path), atlas)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := cities.PutMany(ctx, store, []city{{"Nairobi", "Kenya"}, {"Lagos", "Nigeria"}, {"Abuja", "Nigeria"}}); err != nil {
		return err
	}
	for c, err := range cityByCountry.Find(ctx, store, "Nigeria") {
		if err != nil {
			return err
		}
		fmt.Println(c.Name)
	}
	return nil
}
