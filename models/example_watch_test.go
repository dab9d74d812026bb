package models_test

import (
	"context"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// A watch begins with the rows that are there, and goes on with what changes.
func ExampleTree_Watch() {
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), shops)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	if err := sales.Put(ctx, store, &sale{"Lagos", 2025, 12, 90}); err != nil {
		fmt.Println(err)
		return
	}
	changes, err := sales.Watch(ctx, store, models.FirstIs(sales, "Lagos"), models.WatchOptions{Snapshot: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	for c, err := range changes {
		switch {
		case err != nil:
			fmt.Println(err)
			return
		case c.Kind == models.SnapshotRow:
			fmt.Println(sales.FormatKey(c.Key), "is", c.New.Total)
		case c.Kind == models.SnapshotDone:
			// All rows have come. The loop may write, also to the tree that it watches.
			err = sales.PutMany(ctx, store, []sale{{"Nairobi", 2026, 1, 80}, {"Lagos", 2025, 12, 95}})
		case c.New != nil:
			fmt.Println(sales.FormatKey(c.Key), "was", c.Old.Total, "and is", c.New.Total)
			err = sales.Delete(ctx, store, c.Key)
		default:
			fmt.Println(sales.FormatKey(c.Key), "was", c.Old.Total, "and is gone")
			return
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	// Output:
	// Lagos,2025,12 is 90
	// Lagos,2025,12 was 90 and is 95
	// Lagos,2025,12 was 95 and is gone
}
