package memory_test

import (
	"context"
	"fmt"
	"log"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
)

// A memory engine keeps what was committed while the program runs, also after the
// database has been closed.
func Example() {
	ctx := context.Background()
	eng := memory.Engine()
	for range 2 {
		db, err := eng.Open(ctx)
		if err != nil {
			log.Fatal(err)
		}
		txn, err := db.Update(ctx)
		if err != nil {
			log.Fatal(err)
		}
		value, err := txn.Get([]byte("key"))
		fmt.Printf("%q %v\n", value, err)
		if err := txn.Put([]byte("key"), []byte("value")); err != nil {
			log.Fatal(err)
		}
		if err := txn.Commit(ctx, engine.Durable); err != nil {
			log.Fatal(err)
		}
		db.Close()
	}
	// Output:
	// "" not found
	// "value" <nil>
}
