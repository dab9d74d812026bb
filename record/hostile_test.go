package record_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	dhtpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	kadrecord "github.com/libp2p/go-libp2p-record"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// hostileTime is for how long TestHostilePeers goes on, in the environment.
const hostileTime = "NETABASE_HOSTILE_TIME"

// hostileNoise is what a pause of the garbage collector or of another process makes
// of one answer, on a machine with much to do. Of fewer than hostileMany answers the
// p99 is one of a few, which such pauses decide: the median is looked at then.
const (
	hostileNoise = 30 * time.Millisecond
	hostileMany  = 1000
)

// Peers that send everything they should not, all at once and over real
// connections, fill nothing beyond its bounds, leave nothing invalid, and do not
// keep an honest peer from being served.
func TestHostilePeers(t *testing.T) {
	length := 3 * time.Second
	if text := os.Getenv(hostileTime); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	opts := market()
	opts.Bounds = record.Bounds{Records: 200, Providers: 1000, ProvidersPerKey: 50, KeysPerPeer: 300, Bytes: 1 << 20}
	victim := newNodeWith(t, memory.Engine(), opts)
	spared := newNodeWith(t, memory.Engine(), opts) // what the victim would be without attackers
	honest := newNodeWith(t, memory.Engine(), market())
	permissive := kadrecord.NamespacedValidator{"market.offer": anything{}, "market.photo": anything{}, "market.profile": anything{}, "else": anything{}}
	attackers := make([]*dht.IpfsDHT, 3)
	for i := range attackers {
		attackers[i] = newDHT(t, newHost(t), dht.ProtocolPrefix(record.ProtocolPrefix), dht.Validator(permissive))
		connect(t, victim.dht, attackers[i])
	}
	connect(t, victim.dht, spared.dht, honest.dht)
	mine := Offer{honest.host.ID(), 1, "honest", 1}
	if _, err := record.Publish(ctx, honest.node, Offers, &mine); err != nil {
		t.Fatal(err)
	}
	key := record.Key(Offers, models.MakePair(mine.Seller, mine.Number))
	client, err := dhtpb.NewProtocolMessenger(honest.dht.MessageSender())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(n *node) time.Duration {
		began := time.Now()
		if found, _, err := client.GetValue(ctx, n.host.ID(), key); err != nil || found == nil {
			t.Errorf("the honest peer is given %v, %v", found, err)
		}
		return time.Since(began)
	}

	running, stop := context.WithTimeout(ctx, length)
	defer stop()
	var group sync.WaitGroup
	var sent atomic.Int64
	attack := func(d *dht.IpfsDHT, do func(*dhtpb.ProtocolMessenger, int) error) {
		messenger, err := dhtpb.NewProtocolMessenger(d.MessageSender())
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			for i := 0; running.Err() == nil; i++ {
				if err := do(messenger, i); err != nil && running.Err() == nil {
					t.Error(err)
					return
				}
				sent.Add(1)
			}
		})
	}
	// Records: forged, of other keys and namespaces, too large; and good ones, as
	// many as there is room for, and more.
	eve, ada := newTrader(t), newTrader(t)
	attack(attackers[0], func(m *dhtpb.ProtocolMessenger, i int) error {
		number := uint64(i)
		good := offer(t, eve, number, 1, "good")
		bad := map[string][]byte{
			ada.recordKey(number):                               good,
			eve.recordKey(number + 1):                           good,
			"/market.offer/none":                                good,
			"/market.photo/none":                                good,
			fmt.Sprintf("/market.photo/%064x", i):               good,
			fmt.Sprintf("/else/%d", i):                          good,
			fmt.Sprintf("/pk/%d", i):                            good,
			record.Key(Profiles, eve.id) + "0":                  good,
			record.Key(Offers, models.MakePair(eve.id, number)): seal(t, eve, signed{sequence: 9, expires: 1, key: eve.recordKey(number), value: value(t, Offers, Offer{eve.id, number, "old", 1})}),
		}
		for recordKey, data := range bad {
			if m.PutValue(running, victim.host.ID(), kadrecord.MakePutRecord(recordKey, data)) == nil {
				return fmt.Errorf("%s is taken", recordKey)
			}
		}
		huge := seal(t, eve, signed{sequence: 9, expires: inADay(), key: eve.recordKey(number), value: make([]byte, 100<<10)})
		if m.PutValue(running, victim.host.ID(), kadrecord.MakePutRecord(eve.recordKey(number), huge)) == nil {
			return errors.New("a large record is taken")
		}
		return m.PutValue(running, victim.host.ID(), kadrecord.MakePutRecord(eve.recordKey(number), good))
	})
	// Provider records of one peer for ever new keys.
	attack(attackers[1], func(m *dhtpb.ProtocolMessenger, i int) error {
		hash, err := multihash.Sum(binary.AppendUvarint(nil, uint64(i)), multihash.SHA2_256, -1)
		if err != nil {
			return err
		}
		h := attackers[1].Host()
		return m.PutProviderAddrs(running, victim.host.ID(), hash, peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()})
	})
	// Ever new peers for one key, as kad-dht would hand them on.
	manager := newProviderManager(t, victim.records)
	group.Go(func() {
		for i := 0; running.Err() == nil; i++ {
			if err := manager.AddProvider(running, []byte("the same key"), peer.AddrInfo{ID: peerID(i)}); err != nil && running.Err() == nil {
				t.Error(err)
				return
			}
			sent.Add(1)
		}
	})
	// Streams that stall half way through a message, and messages without end.
	group.Go(func() {
		for i := 0; running.Err() == nil && i < 200; i++ {
			s, err := attackers[2].Host().NewStream(running, victim.host.ID(), record.ProtocolPrefix+"/kad/1.0.0")
			if err != nil {
				time.Sleep(10 * time.Millisecond) // the victim has had enough of them
				continue
			}
			defer s.Reset()
			if i%2 == 0 {
				_, _ = s.Write([]byte{200, 1, 10}) // of 200 bytes
				continue
			}
			_, _ = s.Write(binary.AppendUvarint(nil, 1<<30))
			_, _ = s.Write(make([]byte, 64<<10))
		}
		<-running.Done()
	})
	var attacked, unattacked []time.Duration
	for running.Err() == nil {
		// A flood pushes out what is older than itself, and this is not to be.
		if _, err := record.Publish(ctx, honest.node, Offers, &mine); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			attacked, unattacked = append(attacked, ask(victim)), append(unattacked, ask(spared))
		}
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
	}
	group.Wait()
	// All peers share this process's processors, and so the attack slows both: what
	// the victim's store and its locks add is the difference.
	share, noise := 99, time.Duration(0)
	if len(attacked) < hostileMany {
		share, noise = 50, hostileNoise
	}
	quantile := func(took []time.Duration) time.Duration {
		slices.Sort(took)
		return took[len(took)*share/100]
	}
	slow, fair := quantile(attacked), quantile(unattacked)
	t.Logf("%d messages; of %d answers p%d is %v, and %v from a peer that is not attacked", sent.Load(), len(attacked), share, slow, fair)
	if slow > 2*fair+noise {
		t.Errorf("the honest peer waits %v at p%d, and %v for a peer that is not attacked", slow, share, fair)
	}

	if err := manager.Close(); err != nil {
		t.Fatal(err)
	}
	if err := victim.dht.Close(); err != nil { // which writes what it holds back
		t.Fatal(err)
	}
	providers, records := victim.records.ProviderUsage(), victim.records.RecordUsage()
	if providers.Rows > 1000 || records.Rows > 200 || providers.Bytes+records.Bytes > 1<<20 || providers.Rows < 100 || records.Rows < 2 {
		t.Errorf("there are %+v and %+v", providers, records)
	}
	if n, err := victim.records.CountProvidersOf(ctx, []byte("the same key")); err != nil || n > 50 {
		t.Errorf("one key has %d providers, %v", n, err)
	}
	if n, err := victim.records.CountProvidedBy(ctx, attackers[1].PeerID()); err != nil || n > 300 {
		t.Errorf("one peer provides %d keys, %v", n, err)
	}
	for _, namespace := range []string{"market.offer", "market.photo", "market.profile", "pk", "else"} {
		for v, err := range victim.records.ValuesIn(ctx, namespace) {
			if err != nil {
				t.Fatal(err)
			}
			if namespace != "market.offer" {
				t.Errorf("%s holds %s", namespace, v.Key)
				continue
			}
			o, err := Offers.Decode(offerKey(t, v.Key), v.Data)
			if err != nil || o.Title != "good" && o.Title != "honest" {
				t.Errorf("%s is %+v, %v", v.Key, o, err)
			}
		}
	}
	checkTotals(t, victim.records, victim.store)
}

// offerKey returns the encoded primary key of an offer's record key.
func offerKey(t *testing.T, recordKey []byte) []byte {
	t.Helper()
	key, err := Offers.Raw().ParsePathText(string(recordKey[len("/market.offer/"):]))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
