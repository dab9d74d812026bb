// Offline-peers runs two peers that have written rows while neither could reach the other. When they meet
// they sync a topic: afterwards both have the rows of both, and of a row that both have changed the newer
// version. Rows that do not belong to the topic stay where they are.
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

// Well is a well that a surveyor has seen. Seen is the clock of the tree: of two versions of a well the one
// that was seen later is kept, by all peers alike.
type Well struct {
	Name   string
	Litres uint64
	Draft  bool
	Seen   time.Time
}

var (
	Wells = models.NewTree("well", models.String, func(w *Well) string { return w.Name },
		models.WithPolicy[Well](models.Open),
		models.WithClock(func(w *Well) uint64 { return uint64(w.Seen.UnixMilli()) }))
	WellByLitres = models.NewIndex(Wells, "litres", models.Uint64, func(w *Well) uint64 { return w.Litres })

	// Finished are the wells that surveyors tell each other of.
	Finished = models.NewTopic(Wells, "finished", func(w *Well) bool { return !w.Draft })

	Survey = models.NewDefinition("survey", Wells)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// surveyor is a peer with a store of its own. A program keeps it in a file: bolt.Engine(dir), say.
type surveyor struct {
	name    string
	records *record.Records
	host    host.Host
	dht     *dht.IpfsDHT
	node    *record.Node
}

func newSurveyor(ctx context.Context, name string) (*surveyor, error) {
	records, err := record.Open(ctx, memory.Engine(), record.Options{Models: []*models.Definition{Survey}})
	if err != nil {
		return nil, err
	}
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay())
	if err != nil {
		return nil, errors.Join(err, records.Close())
	}
	d, err := dht.New(h, append(records.DHTOptions(), dht.Mode(dht.ModeServer))...)
	if err != nil {
		return nil, errors.Join(err, h.Close(), records.Close())
	}
	node, err := record.Join(records, d) // from now on it answers others that sync
	if err != nil {
		return nil, errors.Join(err, d.Close(), h.Close(), records.Close())
	}
	return &surveyor{name, records, h, d, node}, nil
}

func (s *surveyor) close() error {
	return errors.Join(s.dht.Close(), s.host.Close(), s.records.Close())
}

// notes puts wells into the surveyor's store, which needs no network.
func (s *surveyor) notes(ctx context.Context, wells ...Well) error {
	return Wells.PutMany(ctx, s.records.Store(), wells)
}

func run(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	amina, err := newSurveyor(ctx, "Amina")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, amina.close()) }()
	kofi, err := newSurveyor(ctx, "Kofi")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kofi.close()) }()

	// Each works alone. Both have seen the well at the market, Kofi later.
	monday := time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)
	tuesday := monday.AddDate(0, 0, 1)
	err = errors.Join(
		amina.notes(ctx, Well{"market", 900, false, monday}, Well{"school", 400, false, monday},
			Well{"ridge", 0, true, monday}),
		kofi.notes(ctx, Well{"market", 650, false, tuesday}, Well{"ford", 1200, false, tuesday}),
	)
	if err != nil {
		return err
	}

	// They meet. Here Amina is given Kofi's address; on a local network mDNS finds it, and elsewhere the DHT:
	// see record.Node.KeepSynced, which also repeats the sync.
	if err := amina.host.Connect(ctx, peer.AddrInfo{ID: kofi.host.ID(), Addrs: kofi.host.Addrs()}); err != nil {
		return err
	}
	if _, err := amina.node.Sync(ctx, kofi.host.ID(), Finished.Name(), record.SyncOptions{}); err != nil {
		return err
	}
	for _, s := range []*surveyor{amina, kofi} {
		for well, err := range WellByLitres.Range(ctx, s.records.Store(), models.Range[uint64]{}) {
			if err != nil {
				return err
			}
			fmt.Printf("%s has %s: %d litres\n", s.name, well.Name, well.Litres)
		}
	}

	// A second sync finds nothing to do, in one exchange of messages.
	report, err := kofi.node.Sync(ctx, amina.host.ID(), Finished.Name(), record.SyncOptions{})
	if err != nil {
		return err
	}
	fmt.Println("again:", report.Pulled.Taken+report.Pushed.Taken, "in", report.RoundTrips, "round trip")
	return nil
}
