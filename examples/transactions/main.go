// Transactions reads snapshots, changes rows without losing the changes of others, and shows
// failed transactions and transactions used too late.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"sync"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/models"
)

type Counter struct {
	Name  string
	Value int
}

var (
	Counters = models.NewTree("counter", models.String, func(c *Counter) string { return c.Name })

	Stats = models.NewDefinition("stats", Counters)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "netabase-transactions-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, err := datastore.Open(ctx, badger.Engine(dir), Stats)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := Counters.PutMany(ctx, store, []Counter{{"visits", 0}, {"errors", 0}}); err != nil {
		return err
	}

	// Writers at the same time: if two change the same row, Badger refuses one of them, and
	// Update runs its function again.
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 5 {
				if err := count(ctx, store, "visits"); err != nil {
					log.Print(err)
				}
			}
		})
	}
	writers.Wait()

	// A snapshot stays as it is while others write.
	outside := ctx
	err = store.View(ctx, func(ctx context.Context, tx *datastore.ReadTx) error {
		before, err := Counters.Get(ctx, tx, "visits")
		if err != nil {
			return err
		}
		// This write uses a context from outside View, so it is not part of the snapshot's
		// transaction.
		if err := count(outside, store, "visits"); err != nil {
			return err
		}
		after, err := Counters.Get(ctx, tx, "visits")
		fmt.Println("in the snapshot:", before.Value, after.Value)
		return err
	})
	if err != nil {
		return err
	}

	// An error rolls everything back.
	refused := errors.New("refused")
	err = store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		if err := Counters.Put(ctx, tx, &Counter{"visits", -1}); err != nil {
			return err
		}
		return refused
	})
	visits, getErr := Counters.Get(ctx, store, "visits")
	fmt.Println("after an error:", errors.Is(err, refused), visits.Value, getErr)

	// A transaction ends with its function.
	var kept *datastore.WriteTx
	err = store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error { kept = tx; return nil })
	if err != nil {
		return err
	}
	err = Counters.Delete(ctx, kept, "visits")
	fmt.Println("too late:", errors.Is(err, models.ErrTxnDone))
	return nil
}

// count adds one. Modify reads and writes in one transaction.
func count(ctx context.Context, store *datastore.Store, name string) error {
	return Counters.Modify(ctx, store, name, func(c *Counter) error {
		c.Value++
		return nil
	})
}
