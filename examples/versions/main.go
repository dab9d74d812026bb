// Versions runs two peers of a DHT whose programs know two versions of a struct. Each takes the
// other's records, and the older one keeps the field that it does not know.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// Room is the model of the older program.
type Room struct {
	Number uint64
	Clock  uint64
	City   string
}

// NewRoom is the model of the newer program. It has one more field.
type NewRoom struct {
	Number uint64
	Clock  uint64
	City   string
	Beds   uint64 `netabase:"default=1"`
}

var (
	Rooms = models.NewTree("room", models.Uint64, func(r *Room) uint64 { return r.Number },
		models.WithPolicy[Room](models.Open), models.WithClock(func(r *Room) uint64 { return r.Clock }))
	RoomByCity = models.NewIndex(Rooms, "city", models.String, func(r *Room) string { return r.City })
	Hotel      = models.NewDefinition("hotel", Rooms)

	NewRooms = models.NewTree("room", models.Uint64, func(r *NewRoom) uint64 { return r.Number },
		models.WithPolicy[NewRoom](models.Open), models.WithClock(func(r *NewRoom) uint64 { return r.Clock }))
	NewRoomByCity = models.NewIndex(NewRooms, "city", models.String, func(r *NewRoom) string { return r.City })
	NewHotel      = models.NewDefinition("hotel", NewRooms)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// program is a peer with the trees of one version.
type program struct {
	host    host.Host
	records *record.Records
	dht     *dht.IpfsDHT
	node    *record.Node
}

func start(ctx context.Context, trees *models.Definition) (*program, error) {
	records, err := record.Open(ctx, memory.Engine(), record.Options{Models: []*models.Definition{trees}})
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
	return &program{h, records, d, node}, nil
}

func (p *program) close() error { return errors.Join(p.dht.Close(), p.host.Close(), p.records.Close()) }

func run(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	older, err := start(ctx, Hotel)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, older.close()) }()
	newer, err := start(ctx, NewHotel)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, newer.close()) }()
	if err := meet(ctx, older, newer); err != nil {
		return err
	}

	// The two can tell which of them has the newer model.
	schemas, err := older.node.Schemas(ctx, newer.host.ID())
	if err != nil {
		return err
	}
	for _, s := range schemas {
		fmt.Printf("the other peer's %s is %v\n", s.Tree, s.Relation)
	}

	if _, err := record.Publish(ctx, older.node, Rooms, &Room{Number: 1, Clock: 1, City: "Lagos"}); err != nil {
		return err
	}
	suite := NewRoom{Number: 2, Clock: 1, City: "Lagos", Beds: 3}
	if _, err := record.Publish(ctx, newer.node, NewRooms, &suite); err != nil {
		return err
	}
	for room, err := range RoomByCity.Find(ctx, older.records.Store(), "Lagos") {
		if err != nil {
			return err
		}
		fmt.Printf("older: %+v\n", room)
	}
	for room, err := range NewRoomByCity.Find(ctx, newer.records.Store(), "Lagos") {
		if err != nil {
			return err
		}
		fmt.Printf("newer: %+v\n", room)
	}

	// The older program changes room 2. It does not know of the beds, and keeps them.
	room, err := Rooms.Get(ctx, older.records.Store(), 2)
	if err != nil {
		return err
	}
	room.Clock, room.City = 2, "Abuja"
	if _, err := record.Publish(ctx, older.node, Rooms, &room); err != nil {
		return err
	}
	moved, err := record.Resolve(ctx, newer.node, NewRooms, 2)
	if err != nil {
		return err
	}
	fmt.Printf("newer: %+v\n", moved)
	return nil
}

// meet connects two peers, and waits until their DHTs know.
func meet(ctx context.Context, a, b *program) error {
	if err := a.host.Connect(ctx, peer.AddrInfo{ID: b.host.ID(), Addrs: b.host.Addrs()}); err != nil {
		return err
	}
	for a.dht.RoutingTable().Size() == 0 || b.dht.RoutingTable().Size() == 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}
