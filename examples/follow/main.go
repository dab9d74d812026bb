// Follow keeps a copy of a store up to date: it is restored from a backup, and follows the store from
// the backup's last commit on, through a feed.
package main

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

type City struct {
	Name       string
	Country    string
	Population uint64
}

var (
	// The store keeps the last 10,000 changes of the tree.
	Cities = models.NewTree("city", models.String, func(c *City) string { return c.Name },
		models.WithFeed[City](models.Feed{Changes: 10_000}))

	Atlas = models.NewDefinition("atlas", Cities)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) (err error) {
	original, err := datastore.Open(ctx, memory.Engine(), Atlas)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, original.Close()) }()
	if err := Cities.PutMany(ctx, original, []City{{"Accra", "Ghana", 2_514_000}, {"Kumasi", "Ghana", 3_490_000}}); err != nil {
		return err
	}
	var file bytes.Buffer
	done, err := original.Backup(ctx, &file)
	if err != nil {
		return err
	}

	// The original goes on while the backup is on its way.
	if err := change(ctx, original); err != nil {
		return err
	}

	other := memory.Engine()
	if _, err := datastore.Restore(ctx, other, &file); err != nil {
		return err
	}
	replica, err := datastore.Open(ctx, other, Atlas)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, replica.Close()) }()
	if err := follow(ctx, original, replica, done.Seq); err != nil {
		return err
	}
	for city, err := range Cities.All(ctx, replica) {
		if err != nil {
			return err
		}
		fmt.Println("in the copy:", city)
	}
	return nil
}

func change(ctx context.Context, store *datastore.Store) error {
	return errors.Join(
		Cities.Delete(ctx, store, "Accra"),
		Cities.Put(ctx, store, &City{"Lagos", "Nigeria", 15_946_000}),
	)
}

// follow makes the changes of a store behind a commit in another one. A program that follows for longer
// keeps the number of the last commit beside the copy, and ends with its context.
func follow(ctx context.Context, from, to *datastore.Store, after uint64) error {
	trees := []models.AnyTree{Cities}
	watch, err := models.WatchTrees(ctx, from, trees, models.WatchOptions{Resume: true, After: after})
	if err != nil {
		return err // models.ErrCompacted asks for another backup
	}
	commits := 0
	for c, err := range watch {
		switch {
		case err != nil:
			return err
		case c.New == nil:
			err = c.Tree.Delete(ctx, to, c.Key)
		default:
			err = c.Tree.Put(ctx, to, c.Key, c.New.Value)
		}
		if err != nil {
			return err
		}
		if c.Last {
			commits++
		}
		if commits == 2 { // this example knows that there are no more
			break
		}
	}
	fmt.Println("commits since the backup:", commits)
	return nil
}
