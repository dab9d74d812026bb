// Evolve changes the struct of an application and its keys, as its releases do, and opens the same
// store with each of five releases. Rows of all releases stay in it side by side.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// ContactV1 is the model of the first release.
type ContactV1 struct {
	ID   uint64
	Name string
	Town string
}

// ContactV2 is the model of the second release, which adds a country and renames Town. The store
// does both by itself, since the tags say how.
type ContactV2 struct {
	ID      uint64
	Name    string
	City    string `netabase:"was=Town"`
	Country string `netabase:"default=ZA"`
}

// ContactV3 is the model of the third release, which splits the name. That takes a function, and
// the type of the second release.
type ContactV3 struct {
	ID      uint64
	First   string
	Last    string
	City    string
	Country string
}

func splitName(c *ContactV2) (ContactV3, error) {
	first, last, _ := strings.Cut(c.Name, " ")
	return ContactV3{ID: c.ID, First: first, Last: last, City: c.City, Country: c.Country}, nil
}

// ContactV4 is the model of the fourth release, which gives the city up. The tree says so, because
// the store would refuse to lose it otherwise.
type ContactV4 struct {
	ID      uint64
	First   string
	Last    string
	Country string
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	eng := memory.Engine() // stands for a directory: it keeps its rows between two calls of Open
	for _, release := range []func(context.Context, engine.Engine) error{first, second, third, fourth, fifth} {
		if err := release(ctx, eng); err != nil {
			return err
		}
	}
	return nil
}

func first(ctx context.Context, eng engine.Engine) error {
	contacts := models.NewTree("contact", models.Uint64, func(c *ContactV1) uint64 { return c.ID })
	store, err := datastore.Open(ctx, eng, models.NewDefinition("phone", contacts))
	if err != nil {
		return err
	}
	defer store.Close()
	return contacts.Put(ctx, store, &ContactV1{ID: 1, Name: "Ada Obi", Town: "Aba"})
}

func second(ctx context.Context, eng engine.Engine) error {
	contacts := models.NewTree("contact", models.Uint64, func(c *ContactV2) uint64 { return c.ID })
	store, err := datastore.Open(ctx, eng, models.NewDefinition("phone", contacts))
	if err != nil {
		return err
	}
	defer store.Close()
	ada, err := contacts.Get(ctx, store, 1)
	if err != nil {
		return err
	}
	fmt.Printf("second release: %+v\n", ada)
	return contacts.Put(ctx, store, &ContactV2{ID: 2, Name: "Ben Kamau", City: "Nyeri", Country: "KE"})
}

func third(ctx context.Context, eng engine.Engine) error {
	contacts := models.NewTree("contact", models.Uint64, func(c *ContactV3) uint64 { return c.ID },
		models.WithEarlier(models.EarlierType(splitName)))
	byLast := models.NewIndex(contacts, "last", models.String, func(c *ContactV3) string { return c.Last })
	store, err := datastore.Open(ctx, eng, models.NewDefinition("phone", contacts))
	if err != nil {
		return err
	}
	defer store.Close()
	for contact, err := range byLast.Find(ctx, store, "Obi") {
		if err != nil {
			return err
		}
		fmt.Printf("third release: %+v\n", contact)
	}
	// Rows are read as ContactV3 without it. After it no row needs the function any more.
	rewritten, err := datastore.Migrate(ctx, store)
	fmt.Println("rows rewritten:", rewritten)
	return err
}

func fourth(ctx context.Context, eng engine.Engine) error {
	declare := func(options ...models.TreeOption[ContactV4]) (*models.Tree[ContactV4, uint64], *models.Definition) {
		contacts := models.NewTree("contact", models.Uint64, func(c *ContactV4) uint64 { return c.ID }, options...)
		models.NewIndex(contacts, "last", models.String, func(c *ContactV4) string { return c.Last })
		return contacts, models.NewDefinition("phone", contacts)
	}
	_, careless := declare()
	_, err := datastore.Open(ctx, eng, careless)
	var refused *datastore.DefinitionError
	if !errors.As(err, &refused) {
		return fmt.Errorf("the store has let a field go: %w", err)
	}
	for _, difference := range refused.Differences {
		fmt.Println("refused:", difference)
	}
	contacts, definition := declare(models.WithGivenUp[ContactV4]("City"))
	store, err := datastore.Open(ctx, eng, definition)
	if err != nil {
		return err
	}
	defer store.Close()
	ben, err := contacts.Get(ctx, store, 2)
	if err != nil {
		return err
	}
	fmt.Printf("fourth release: %+v\n", ben)
	return nil
}

// The fifth release keeps the contacts by country and finds them whatever the case of the last name.
// The model stays. Open stores the rows anew under the new key, and builds the index.
func fifth(ctx context.Context, eng engine.Engine) error {
	contacts := models.NewTree("contact", models.PairOf(models.String, models.Uint64), countryAndID,
		models.WithKeyVersion[ContactV4](1))
	byLast := models.NewIndex(contacts, "last", models.String, func(c *ContactV4) string { return strings.ToLower(c.Last) },
		models.IndexVersion[ContactV4](1))
	store, err := datastore.Open(ctx, eng, models.NewDefinition("phone", contacts))
	if err != nil {
		return err
	}
	defer store.Close()
	for contact, err := range contacts.All(ctx, store) {
		if err != nil {
			return err
		}
		fmt.Printf("fifth release: %+v\n", contact)
	}
	found, err := byLast.Count(ctx, store, models.Only("obi"))
	fmt.Println("by the last name:", found)
	return err
}

func countryAndID(c *ContactV4) models.Pair[string, uint64] { return models.MakePair(c.Country, c.ID) }
