package record_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// A record published on one peer lands in the tree of another, and is found
// there by an index.
func Example() {
	ctx := context.Background()
	alice, closeAlice := startPeer(ctx, Blog)
	defer closeAlice()
	bob, closeBob := startPeer(ctx, Blog)
	defer closeBob()
	if err := alice.host.Connect(ctx, peer.AddrInfo{ID: bob.host.ID(), Addrs: bob.host.Addrs()}); err != nil {
		log.Fatal(err)
	}
	for alice.dht.RoutingTable().Size() == 0 { // until the DHTs have found each other
		<-alice.dht.RefreshRoutingTable()
	}

	user := User{ID: 1, Username: "alice", Email: "alice@example.com", Version: 1}
	if _, err := record.Publish(ctx, alice.node, Users, &user); err != nil {
		log.Fatal(err)
	}
	for user, err := range UserByEmail.Find(ctx, bob.store, "alice@example.com") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("bob holds", user.Username)
	}
	resolved, err := record.Resolve(ctx, bob.node, Users, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("bob resolves", resolved.Email)
	// Output:
	// bob holds alice
	// bob resolves alice@example.com
}

// A row that one peer deletes is deleted on another one that has it, by the next sync: its tree is declared with
// models.WithTombstones.
func Example_tombstones() {
	ctx := context.Background()
	alice, closeAlice := startPeer(ctx, desk)
	defer closeAlice()
	bob, closeBob := startPeer(ctx, desk)
	defer closeBob()
	if err := alice.host.Connect(ctx, peer.AddrInfo{ID: bob.host.ID(), Addrs: bob.host.Addrs()}); err != nil {
		log.Fatal(err)
	}
	sync := func() {
		if _, err := alice.node.Sync(ctx, bob.host.ID(), allMemos.Name(), record.SyncOptions{}); err != nil {
			log.Fatal(err)
		}
		for m, err := range memos.All(ctx, bob.store) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println("bob has", m.Text)
		}
	}
	now := uint64(time.Now().Unix())
	if err := memos.PutMany(ctx, alice.store, []memo{{1, "water the plants", now}, {2, "buy milk", now}}); err != nil {
		log.Fatal(err)
	}
	sync()
	if err := memos.Delete(ctx, alice.store, 2); err != nil {
		log.Fatal(err)
	}
	fmt.Println("alice has deleted a memo")
	sync()
	status, err := record.StatusOf(ctx, bob.records, memos, 2)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("for bob the other one is", status.State)
	// Output:
	// bob has water the plants
	// bob has buy milk
	// alice has deleted a memo
	// bob has water the plants
	// for bob the other one is retracted
}

// startPeer starts a peer, and returns what closes it, from the network inwards.
func startPeer(ctx context.Context, def *models.Definition) (node, func()) {
	store, err := datastore.Open(ctx, memory.Engine(), record.Definition, def)
	if err != nil {
		log.Fatal(err)
	}
	records, err := record.New(context.Background(), store, record.Options{Models: []*models.Definition{def}})
	if err != nil {
		log.Fatal(err)
	}
	host, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		log.Fatal(err)
	}
	d, err := dht.New(host, append(records.DHTOptions(), dht.Mode(dht.ModeServer))...)
	if err != nil {
		log.Fatal(err)
	}
	joined, err := record.Join(records, d)
	if err != nil {
		log.Fatal(err)
	}
	return node{host, d, records, joined, store}, func() {
		for _, c := range []interface{ Close() error }{d, host, records, store} {
			if err := c.Close(); err != nil {
				log.Fatal(err)
			}
		}
	}
}
