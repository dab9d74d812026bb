package badger_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
)

// An engine is configured first, and opened by datastore.Open or, as here, by itself.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	ctx := context.Background()
	db, err := badger.Options{Config: engine.Config{Path: dir}}.Engine().Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	txn, err := db.Update(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer txn.Discard()
	if err := txn.Put([]byte("key"), []byte("value")); err != nil {
		log.Fatal(err)
	}
	value, err := txn.Get([]byte("key"))
	fmt.Printf("%s %v\n", value, err)
	fmt.Println(txn.Commit(ctx, engine.Durable))
	// Output:
	// value <nil>
	// <nil>
}
