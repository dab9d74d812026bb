package record_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"strconv"
	"testing"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	dhtpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"
	"google.golang.org/protobuf/proto"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/record"
)

// floodKeys sets, in the environment, for how many keys one peer says that it
// provides them.
const floodKeys = "NETABASE_FLOOD_KEYS"

// One peer provides many keys, over a real connection, and a tenth as many peers
// provide one key. As many stay as the bounds allow, and the sums
// are right.
func TestFloods(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes its time")
	}
	keys := 100_000
	if text := os.Getenv(floodKeys); text != "" {
		var err error
		if keys, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	opts := aDay
	opts.Bounds = record.Bounds{Providers: 20_000, ProvidersPerKey: 500, KeysPerPeer: 10_000}
	victim := newNodeWith(t, memory.Engine(), opts)
	attacker := newDHT(t, newHost(t), dht.ProtocolPrefix(record.ProtocolPrefix))
	connect(t, victim.dht, attacker)

	if err := announce(ctx, attacker, victim.host.ID(), keys); err != nil {
		t.Fatal(err)
	}
	manager := newProviderManager(t, victim.records)
	for i := range keys / 10 { // each would have to be a connection: kad-dht hands on what a peer says of itself
		if err := manager.AddProvider(ctx, []byte("one key"), peer.AddrInfo{ID: peerID(i)}); err != nil && !errors.Is(err, record.ErrFull) {
			t.Fatal(err)
		}
	}
	if err := errors.Join(manager.Close(), victim.dht.Close()); err != nil {
		t.Fatal(err)
	}
	if n, err := victim.records.CountProvidersOf(ctx, []byte("one key")); err != nil || n != opts.Bounds.ProvidersPerKey {
		t.Errorf("one key has %d providers, %v", n, err)
	}
	if n, err := victim.records.CountProvidedBy(ctx, attacker.PeerID()); err != nil || n != opts.Bounds.KeysPerPeer {
		t.Errorf("one peer provides %d keys, %v", n, err)
	}
	checkTotals(t, victim.records, victim.store)
}

// announce says over one stream that a peer provides so many keys, and returns when
// all has been read.
func announce(ctx context.Context, d *dht.IpfsDHT, victim peer.ID, keys int) error {
	s, err := d.Host().NewStream(ctx, victim, record.ProtocolPrefix+"/kad/1.0.0")
	if err != nil {
		return err
	}
	defer s.Close()
	out := bufio.NewWriterSize(s, 64<<10)
	send := func(m *dhtpb.Message) error {
		data, err := proto.Marshal(m)
		if err != nil {
			return err
		}
		_, err = out.Write(append(binary.AppendUvarint(nil, uint64(len(data))), data...))
		return err
	}
	own := dhtpb.RawPeerInfosToPBPeers([]peer.AddrInfo{{ID: d.PeerID(), Addrs: d.Host().Addrs()}})
	for i := range keys {
		hash, err := multihash.Sum(binary.AppendUvarint(nil, uint64(i)), multihash.SHA2_256, -1)
		if err != nil {
			return err
		}
		message := dhtpb.NewMessage(dhtpb.Message_ADD_PROVIDER, hash, 0)
		message.ProviderPeers = own
		if err := send(message); err != nil {
			return err
		}
	}
	// The messages of a stream are dealt with one after the other, and this one is
	// answered.
	if err := errors.Join(send(dhtpb.NewMessage(dhtpb.Message_PING, nil, 0)), out.Flush()); err != nil {
		return err
	}
	_, err = s.Read(make([]byte, 1))
	return err
}
