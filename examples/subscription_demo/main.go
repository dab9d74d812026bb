// Subscription_demo watches a tree and a range of an index: first the rows that are there, then what
// changes, each with the row before and after.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

type Task struct {
	ID    uint64
	Title string
	State string
}

var (
	Tasks       = models.NewTree("task", models.Uint64, func(t *Task) uint64 { return t.ID })
	TaskByState = models.NewIndex(Tasks, "state", models.String, func(t *Task) string { return t.State })

	Board = models.NewDefinition("board", Tasks)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	store, err := datastore.Open(ctx, memory.Engine(), Board)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := Tasks.PutMany(ctx, store, []Task{{1, "plan", "done"}, {2, "build", "open"}}); err != nil {
		return err
	}

	// A watch begins when it is asked for, and not when its loop does.
	all, err := Tasks.Watch(ctx, store, models.Range[uint64]{}, models.WatchOptions{Snapshot: true})
	if err != nil {
		return err
	}
	open, err := TaskByState.Watch(ctx, store, models.Only("open"), models.WatchOptions{})
	if err != nil {
		return err
	}
	if err := change(ctx, store); err != nil {
		return err
	}

	fmt.Println("All tasks:")
	for c, err := range all {
		switch {
		case err != nil:
			return err
		case c.Kind == models.SnapshotRow:
			fmt.Println("  there is", *c.New)
		case c.Kind == models.SnapshotDone:
			fmt.Println("  these were all")
			// The loop may write. This is the next change that it sees.
			err = Tasks.Delete(ctx, store, 1)
		case c.Old == nil:
			fmt.Println("  new is", *c.New)
		case c.New == nil:
			fmt.Println("  gone is", *c.Old)
		default:
			fmt.Println("  changed is", *c.Old, "to", *c.New)
		}
		if err != nil {
			return err
		}
		if c.Old != nil && c.New == nil {
			break
		}
	}

	// A task that is closed leaves the range of the index. Its row is still there.
	fmt.Println("Open tasks:")
	for c, err := range open {
		if err != nil {
			return err
		}
		fmt.Printf("  %d: open before %t, after %t; last of its transaction %t\n", c.Key, c.Was, c.Is, c.Last)
		if c.Key == 3 {
			break
		}
	}
	return nil
}

// change makes some changes in one transaction.
func change(ctx context.Context, store *datastore.Store) error {
	return store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		err := Tasks.Modify(ctx, tx, 2, func(t *Task) error {
			t.State = "done"
			return nil
		})
		if err != nil {
			return err
		}
		return Tasks.Insert(ctx, tx, &Task{3, "test", "open"})
	})
}
