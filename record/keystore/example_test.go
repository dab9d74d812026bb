package keystore_test

import (
	"context"
	"fmt"
	"log"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/record/keystore"
)

// The keys that a node provides are put, found by prefix, counted and replaced.
func Example() {
	ctx := context.Background()
	store, err := datastore.Open(ctx, memory.Engine(), keystore.Definition)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	keys, err := keystore.New(ctx, store, "provide") // for provider.WithKeystore
	if err != nil {
		log.Fatal(err)
	}
	defer keys.Close()

	var blocks []multihash.Multihash
	for _, block := range []string{"a block", "another", "a third"} {
		hash, err := multihash.Sum([]byte(block), multihash.SHA2_256, -1)
		if err != nil {
			log.Fatal(err)
		}
		blocks = append(blocks, hash)
	}
	added, err := keys.Put(ctx, blocks...)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("added", len(added))
	under, err := keys.Get(ctx, "0")
	if err != nil {
		log.Fatal(err)
	}
	size, err := keys.Size(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(under), "of", size, "under the prefix 0")

	pinned := make(chan cid.Cid, 1)
	pinned <- cid.NewCidV1(cid.Raw, blocks[0])
	close(pinned)
	if err := keys.ResetCids(ctx, pinned); err != nil {
		log.Fatal(err)
	}
	if size, err = keys.Size(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("after the reset", size)
	// Output:
	// added 3
	// 1 of 3 under the prefix 0
	// after the reset 1
}
