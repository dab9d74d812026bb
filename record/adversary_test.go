package record_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	recpb "github.com/libp2p/go-libp2p-record/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// Follow is a model that is all key: its values are empty.
type Follow struct {
	By, Of peer.ID
}

type FollowKey = models.Pair[peer.ID, peer.ID]

type nothing struct{}

func (nothing) Name() string                                 { return "nothing" }
func (nothing) Fields() []models.Field                       { return nil }
func (nothing) Append(dst []byte, _ *Follow) ([]byte, error) { return dst, nil }
func (nothing) Decode(src []byte, f *Follow) error {
	if len(src) > 0 {
		return models.ErrInvalid
	}
	*f = Follow{}
	return nil
}

func followKey(f *Follow) FollowKey { return models.MakePair(f.By, f.Of) }

func setFollow(f *Follow, key FollowKey) { f.By, f.Of = key.First, key.Second }

var (
	Follows = models.NewTree("follow", models.PairOf(record.PeerKey, record.PeerKey), followKey,
		models.WithCodec(models.Codec[Follow](nothing{})), models.WithKey(setFollow), models.WithPolicy[Follow](models.Signed))
	FollowByOf = models.NewIndex(Follows, "of", record.PeerKey, func(f *Follow) peer.ID { return f.Of })
	Likes      = models.NewTree("like", models.PairOf(record.PeerKey, record.PeerKey), followKey,
		models.WithCodec(models.Codec[Follow](nothing{})), models.WithKey(setFollow), models.WithPolicy[Follow](models.Open))

	Social = models.NewDefinition("social", Follows, Likes)
)

func social() record.Options {
	return record.Options{
		Models: []*models.Definition{Social},
	}
}

// An empty value is one, and no tombstone.
func TestEmptyValues(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		a, b := newNodeWith(t, memory.Engine(), social()), newNodeWith(t, eng, social())
		connect(t, a.dht, b.dht)
		f := Follow{a.host.ID(), b.host.ID()}
		for range 2 {
			if _, err := record.Publish(ctx, a.node, Follows, &f); err != nil {
				t.Fatal(err)
			}
			for name, n := range map[string]*node{"a": a, "b": b} {
				if got, err := Follows.Get(ctx, n.store, followKey(&f)); err != nil || got != f {
					t.Errorf("%s has %v, %v", name, got, err)
				}
				if n, err := FollowByOf.Count(ctx, n.store, models.Only(f.Of)); err != nil || n != 1 {
					t.Errorf("%s finds %d, %v", name, n, err)
				}
				if got, err := record.Resolve(ctx, n.node, Follows, followKey(&f)); err != nil || got != f {
					t.Errorf("%s resolves %v, %v", name, got, err)
				}
			}
		}
		if _, err := record.Retract(ctx, a.node, Follows, followKey(&f)); err != nil {
			t.Fatal(err)
		}
		// In the open, kad-dht takes an empty value for none.
		if _, err := record.Publish(ctx, a.node, Likes, &f); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("an empty record is published: %v", err)
		}
		if n, err := FollowByOf.Count(ctx, b.store, models.Only(f.Of)); err != nil || n != 0 {
			t.Errorf("after it is taken back there are %d, %v", n, err)
		}
	})
}

// A watch yields its own copy, whatever happens to the bytes that were put.
func TestWatchKeepsWhatArrived(t *testing.T) {
	r, store := openRecords(t, memory.Engine(), record.Options{})
	changes, err := Users.Watch(t.Context(), store, models.Range[uint64]{}, models.WatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	u := User{ID: 1, Username: "ada"}
	key, data := userRecord(t, u)
	mustPut(t, r, key, data)
	clear(data)
	for c, err := range changes {
		if err != nil || *c.New != u || c.Origin != models.OriginDHT {
			t.Errorf("arrived is %+v, %v", c, err)
		}
		break
	}
}

// A record that would outlive the tombstone that takes it back is refused: one
// that is signed for longer than peers keep tombstones, or by a clock far ahead.
func TestSignedForTooLong(t *testing.T) {
	r, _ := openRecords(t, memory.Engine(), market())
	ada := newTrader(t)
	for name, test := range map[string]struct {
		expires uint64
		taken   bool
	}{
		"a day":             {inADay(), true},
		"a day and a bit":   {inADay() + 50*60, true},
		"a day and an hour": {inADay() + 61*60, false},
		"a hundred years":   {inADay() + 100*365*24*3600, false},
		"all time there is": {math.MaxUint64, false},
		"ever":              {0, false},
	} {
		for kind := range byte(2) {
			s := signed{sequence: 1, expires: test.expires, kind: kind, key: ada.recordKey(1)}
			if kind == 0 {
				s.value = value(t, Offers, Offer{ada.id, 1, "hammer", 5})
			}
			err := r.Validator().Validate(ada.recordKey(1), seal(t, ada, s))
			if test.taken && err != nil || !test.taken && !errors.Is(err, models.ErrInvalid) {
				t.Errorf("valid for %s, kind %d: %v", name, kind, err)
			}
		}
	}
	// Where records are kept for ever, tombstones are.
	r, _ = openRecords(t, memory.Engine(), record.Options{
		Models: []*models.Definition{Market}, MaxRecordAge: -1,
	})
	err := r.Validator().Validate(ada.recordKey(1), seal(t, ada, signed{sequence: 1, key: ada.recordKey(1), value: value(t, Offers, Offer{ada.id, 1, "hammer", 5})}))
	if err != nil {
		t.Errorf("valid for ever, where that can be: %v", err)
	}
}

// Who sends a peer its own record again does not put off when that republishes it,
// and what kad-dht has dropped is due at once.
func TestOwnRecordComesBack(t *testing.T) {
	ctx := context.Background()
	a := newNodeWith(t, memory.Engine(), market())
	o := Offer{a.host.ID(), 1, "hammer", 5}
	if _, err := record.Publish(ctx, a.node, Offers, &o); err == nil {
		t.Fatal("there is nobody to publish to")
	}
	key := dsKey("market.offer", record.Key(Offers, models.MakePair(o.Seller, o.Number)))
	receipt := func() receipts.Receipt {
		t.Helper()
		for r, err := range receipts.Tree.All(ctx, a.store) {
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		t.Fatal("there is no receipt")
		return receipts.Receipt{}
	}
	before := receipt()
	data := mustGet(t, a.records, key)
	again := kadRecord(t, record.Key(Offers, models.MakePair(o.Seller, o.Number)), envelopeOf(t, data), time.Now())
	mustPut(t, a.records, key, again)
	if after := receipt(); after.Origin != receipts.Published || !after.Received.Equal(before.Received) {
		t.Errorf("published is %v of %v, it was %v", after.Origin, after.Received, before.Received)
	}
	if err := a.records.Delete(ctx, key); err != nil {
		t.Fatal(err)
	}
	mustPut(t, a.records, key, again)
	if after := receipt(); after.Origin != receipts.Published || time.Since(after.Received) < time.Hour {
		t.Errorf("what was dropped is %v of %v", after.Origin, after.Received)
	}
}

// envelopeOf returns the value of a record.
func envelopeOf(t *testing.T, data []byte) []byte {
	t.Helper()
	var rec recpb.Record
	if err := proto.Unmarshal(data, &rec); err != nil {
		t.Fatal(err)
	}
	return rec.GetValue()
}

// A tombstone goes with what it has taken back, and is not republished for ever.
func TestTombstonesEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	opts := market()
	opts.MaxRecordAge, opts.RepublishInterval = 2*time.Second, 50*time.Millisecond
	a := newNodeWith(t, memory.Engine(), opts)
	o := Offer{a.host.ID(), 1, "hammer", 5}
	_, _ = record.Publish(ctx, a.node, Offers, &o) // there is nobody to publish to
	_, _ = record.Retract(ctx, a.node, Offers, models.MakePair(o.Seller, o.Number))
	if n, err := receipts.Signatures.Count(ctx, a.store, models.Range[receipts.Key]{}); err != nil || n != 1 {
		t.Fatalf("there are %d tombstones, %v", n, err)
	}
	ended := make(chan error)
	go func() { ended <- a.node.Republish(ctx) }()
	eventually(t, "the tombstone is gone", func() bool {
		seals, err := receipts.Signatures.Count(ctx, a.store, models.Range[receipts.Key]{})
		receipts, err2 := receipts.Tree.Count(ctx, a.store, models.Range[receipts.Key]{})
		return seals == 0 && receipts == 0 && err == nil && err2 == nil
	})
	cancel()
	<-ended
}

// A record that was published before a restart is republished after it.
func TestRepublishAfterRestart(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx, cancel := context.WithCancel(context.Background())
		opts := market()
		opts.RepublishInterval = 50 * time.Millisecond
		r, store := openRecords(t, eng, opts)
		h := newHost(t)
		o := Offer{h.ID(), 1, "hammer", 5}
		d := newDHT(t, h, r.DHTOptions()...)
		n := join(t, r, d)
		if _, err := record.Publish(ctx, n, Offers, &o); !errors.Is(err, record.ErrNoPeers) {
			t.Fatal(err)
		}
		if err := errors.Join(d.Close(), r.Close()); err != nil {
			t.Fatal(err)
		}
		again, err := record.New(context.Background(), store, opts)
		if err != nil {
			t.Fatal(err)
		}
		d, other := newDHT(t, h, again.DHTOptions()...), newNodeWith(t, memory.Engine(), market())
		connect(t, d, other.dht)
		ended := make(chan error)
		n = join(t, again, d)
		go func() { ended <- n.Republish(ctx) }()
		eventually(t, "the other peer has it", func() bool { return len(titles(t, other.store, "hammer")) == 1 })
		cancel()
		<-ended
		if err := errors.Join(d.Close(), again.Close()); err != nil {
			t.Error(err)
		}
	})
}

// Two programs with one key publish at once: one of the records wins everywhere,
// and a publisher is told if it is not its own.
func TestTwoOwners(t *testing.T) {
	ctx := context.Background()
	ada := newTrader(t)
	r, store := openRecords(t, memory.Engine(), market())
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			for i := range 25 {
				err := take(t, r, ada.recordKey(1), offer(t, ada, 1, uint64(i), fmt.Sprint("title ", w)))
				if err != nil && !errors.Is(err, record.ErrOldRecord) {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	got, err := Offers.Get(ctx, store, models.MakePair(ada.id, uint64(1)))
	if err != nil || sequence(t, store) != 24 || len(titles(t, store, got.Title)) != 1 {
		t.Errorf("there is %+v of number %d, %v", got, sequence(t, store), err)
	}
}

// Publishing and republishing end with errors, and nothing hangs or is left, when
// the DHT and the records are closed meanwhile.
func TestPublishWhileClosing(t *testing.T) {
	ctx := context.Background()
	opts := market()
	opts.RepublishInterval = time.Millisecond
	a, b := newNodeWith(t, memory.Engine(), opts), newNodeWith(t, memory.Engine(), market())
	connect(t, a.dht, b.dht)
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			for i := uint64(0); ; i++ {
				o := Offer{a.host.ID(), uint64(w)<<32 + i, "hammer", 5}
				if _, err := record.Publish(ctx, a.node, Offers, &o); errors.Is(err, models.ErrClosed) {
					return
				}
			}
		})
	}
	group.Go(func() {
		if err := a.node.Republish(ctx); !errors.Is(err, models.ErrClosed) {
			t.Errorf("Republish ends with %v", err)
		}
	})
	eventually(t, "some have come", func() bool { return len(titles(t, b.store, "hammer")) > 20 })
	if err := errors.Join(a.dht.Close(), a.records.Close()); err != nil {
		t.Error(err)
	}
	group.Wait()
}
