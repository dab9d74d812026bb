// Merge has two peers that change one row while they are offline: a counter, a set and a text. When they
// meet, both end with what both have done.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/examples/merge/lobby"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// program is a peer. Its name is what it counts and adds by: no other peer has it.
type program struct {
	name    string
	host    host.Host
	dht     *dht.IpfsDHT
	records *record.Records
	node    *record.Node
}

func start(ctx context.Context, name string) (*program, error) {
	records, err := record.Open(ctx, memory.Engine(), record.Options{Models: []*models.Definition{lobby.Lobby}})
	if err != nil {
		return nil, err
	}
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		return nil, errors.Join(err, records.Close())
	}
	d, err := dht.New(h, append(records.DHTOptions(), dht.Mode(dht.ModeServer))...)
	if err != nil {
		return nil, errors.Join(err, h.Close(), records.Close())
	}
	node, err := record.Join(records, d)
	if err != nil {
		return nil, errors.Join(err, d.Close(), h.Close(), records.Close())
	}
	return &program{name, h, d, records, node}, nil
}

func (p *program) close() error { return errors.Join(p.dht.Close(), p.host.Close(), p.records.Close()) }

// edit changes the board in this peer's store. It needs no network.
func (p *program) edit(ctx context.Context, change func(*lobby.Board)) error {
	return lobby.Boards.Upsert(ctx, p.records.Store(), "entrance", func(b *lobby.Board, _ bool) (bool, error) {
		b.Name = "entrance"
		change(b)
		b.Touch(time.Now())
		return true, nil
	})
}

// share publishes what this peer has, merged with what the others have.
func (p *program) share(ctx context.Context) error {
	b, err := record.Resolve(ctx, p.node, lobby.Boards, "entrance")
	if errors.Is(err, models.ErrNotFound) {
		b, err = lobby.Boards.Get(ctx, p.records.Store(), "entrance")
	}
	if err != nil {
		return err
	}
	b.Touch(time.Now())                                    // others take the newer one
	_, err = record.Publish(ctx, p.node, lobby.Boards, &b) // merges b with the row of the store
	return err
}

func (p *program) show(ctx context.Context) error {
	b, err := lobby.Boards.Get(ctx, p.records.Store(), "entrance")
	if err != nil {
		return err
	}
	fmt.Printf("%s: %q, %d visits, tags %v\n", p.name, b.Title.Value, b.Visits.Value(), slices.Collect(b.Tags.All()))
	return nil
}

func run(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ann, err := start(ctx, "ann")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ann.close()) }()
	bob, err := start(ctx, "bob")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bob.close()) }()

	// Both are offline.
	err = errors.Join(
		ann.edit(ctx, func(b *lobby.Board) {
			b.Title.Set("Lobby", time.Now())
			b.Visits.Add(ann.name, 2)
			b.Tags.Add(ann.name, "news")
			b.Tags.Add(ann.name, "go")
		}),
		bob.edit(ctx, func(b *lobby.Board) {
			b.Visits.Add(bob.name, 3)
			b.Tags.Add(bob.name, "go")
			b.Tags.Add(bob.name, "maps")
		}))
	if err == nil {
		err = errors.Join(ann.show(ctx), bob.show(ctx))
	}
	if err != nil {
		return err
	}

	fmt.Println("they meet")
	if err := meet(ctx, ann, bob); err != nil {
		return err
	}
	if err := exchange(ctx, ann, bob); err != nil {
		return err
	}

	// Ann takes two tags away while Bob, who has not heard of that, adds one of them again.
	err = errors.Join(
		ann.edit(ctx, func(b *lobby.Board) {
			b.Visits.Add(ann.name, 1)
			b.Tags.Remove("news")
			b.Tags.Remove("maps")
		}),
		bob.edit(ctx, func(b *lobby.Board) {
			b.Title.Set("The lobby", time.Now())
			b.Tags.Add(bob.name, "maps")
		}))
	if err != nil {
		return err
	}
	fmt.Println("they meet again")
	return exchange(ctx, ann, bob)
}

// exchange has both share what they have, and shows it.
func exchange(ctx context.Context, ann, bob *program) error {
	for _, p := range []*program{ann, bob, ann} { // Ann has then heard of Bob's
		if err := p.share(ctx); err != nil {
			return err
		}
	}
	return errors.Join(ann.show(ctx), bob.show(ctx))
}

// meet connects two peers, and waits until each knows the other for a peer of the DHT.
func meet(ctx context.Context, a, b *program) error {
	if err := a.host.Connect(ctx, peer.AddrInfo{ID: b.host.ID(), Addrs: b.host.Addrs()}); err != nil {
		return err
	}
	for a.dht.RoutingTable().Find(b.host.ID()) == "" || b.dht.RoutingTable().Find(a.host.ID()) == "" {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}
