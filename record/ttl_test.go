package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ds "github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	"github.com/libp2p/go-libp2p-kad-dht/records"
	kadrecord "github.com/libp2p/go-libp2p-record"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// publisher and ttl are the fields that rust-libp2p's records have besides key and value.
func publisher(id string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, 666, protowire.BytesType), id)
}

func ttl(seconds uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, 777, protowire.VarintType), seconds)
}

// kadDHT is kad-dht's value store over a datastore. Its handlers of PUT_VALUE and
// GET_VALUE add nothing to what it does with a record.
func kadDHT(d ds.Datastore, r *record.Records, age time.Duration) *records.ValueStore {
	validator := kadrecord.NamespacedValidator{"plain": anything{}}
	for namespace, v := range r.Validator() {
		validator[namespace] = v
	}
	return records.NewValueStore(d, validator, age)
}

// Records are taken with any fields beside key and value, are served with them, and are
// rows, as over a datastore that knows nothing of records.
func TestFurtherFields(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		r, store := openRecords(t, eng, aDay)
		control := kadDHT(dssync.MutexWrap(ds.NewMapDatastore()), r, 24*time.Hour)
		ours := kadDHT(r, r, 24*time.Hour)
		alice := User{Username: "alice"}
		both := append(publisher("QmPeer"), ttl(48*3600)...)
		group := protowire.AppendTag(protowire.AppendTag(nil, 9, protowire.StartGroupType), 9, protowire.EndGroupType)
		for id, more := range [][]byte{nil, publisher("QmPeer"), ttl(3600), both, append(group, both...)} {
			alice.ID = uint64(id)
			for _, key := range []string{record.Key(Users, alice.ID), fmt.Sprint("/plain/", id)} {
				rec := &recpb.Record{Key: []byte(key), Value: encode(t, &alice)}
				rec.ProtoReflect().SetUnknown(more)
				if err := errors.Join(ours.Put(ctx, key, rec), control.Put(ctx, key, rec)); err != nil {
					t.Errorf("%s, %x: %v", key, more, err)
					continue
				}
				got, err := ours.Get(ctx, key)
				want, controlErr := control.Get(ctx, key)
				if err != nil || controlErr != nil || got == nil {
					t.Errorf("%s, %x: %v, %v, %v", key, more, got, err, controlErr)
					continue
				}
				got.TimeReceived, want.TimeReceived = "", ""
				if !proto.Equal(got, want) {
					t.Errorf("%s, %x: got %v, want %v", key, more, got, want)
				}
			}
			if got := user(t, store, alice.ID); got != alice {
				t.Errorf("the row is %+v", got)
			}
		}
	})
}

// ttlOptions have models of two policies.
func ttlOptions(age time.Duration) record.Options {
	return record.Options{Models: []*models.Definition{Blog, Market}, MaxRecordAge: age, ProviderValidity: -1}
}

// records of every kind: of an open and a signed model, a tombstone, and of no model.
type kinds struct{ by trader }

func (k kinds) at(t testing.TB, at time.Time, more []byte) map[ds.Key][]byte {
	t.Helper()
	offered, retracted := k.by.recordKey(1), k.by.recordKey(2)
	all := map[ds.Key][]byte{
		dsKey("blog.user", record.Key(Users, 1)): receivedAt(t, User{ID: 1, Username: "a"}, at),
		dsKey("market.offer", offered):           kadRecord(t, offered, offer(t, k.by, 1, 1, "hammer"), at),
		dsKey("market.offer", retracted):         kadRecord(t, retracted, tombstone(t, k.by, 2, 1), at),
		dsKey("plain", "/plain/x"):               kadRecord(t, "/plain/x", []byte("x"), at),
	}
	for key, data := range all {
		all[key] = append(data, more...)
	}
	return all
}

// whileOpen opens a store with records for as long as do runs.
func whileOpen(t testing.TB, eng engine.Engine, opts record.Options, do func(*record.Records, *datastore.Store)) {
	t.Helper()
	store, err := datastore.Open(context.Background(), eng, record.Definition, datastore.OpenOptions{Definitions: opts.Models})
	if err != nil {
		t.Fatal(err)
	}
	r, err := record.New(context.Background(), store, opts)
	if err != nil {
		t.Fatal(err)
	}
	do(r, store)
	if err := errors.Join(r.Check(context.Background()), r.Close(), store.Close()); err != nil {
		t.Error(err)
	}
}

func putEach(t testing.TB, r *record.Records, all map[ds.Key][]byte) {
	t.Helper()
	for key, data := range all {
		mustPut(t, r, key, data)
	}
}

// checkEach checks that each of the records is read as it was put, or not at all.
func checkEach(t testing.TB, r *record.Records, all map[ds.Key][]byte, there bool) {
	t.Helper()
	for key, want := range all {
		got := mustGet(t, r, key)
		if has, err := r.Has(context.Background(), key); err != nil || has != (got != nil) {
			t.Errorf("%s: Has returns %v, %v, and Get %x", key, has, err, got)
		}
		switch {
		case !there && got != nil:
			t.Errorf("%s is still served after %v", key, time.Now())
		case there && !bytes.Equal(got, want):
			t.Errorf("%s is %x, want %x", key, got, want)
		}
	}
}

// A record is not served when its TTL has passed, and soon after it is removed, by the same
// process or by the next, and in a copy of the store.
func TestTTLPasses(t *testing.T) {
	for name, age := range map[string]time.Duration{"a day": 24 * time.Hour, "for ever": -1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background()
				var copied bytes.Buffer
				eng, opts := memory.Engine(), ttlOptions(age)
				gone := func(r *record.Records, store *datastore.Store) {
					t.Helper()
					offers, err := Offers.Count(ctx, store, models.Range[OfferKey]{})
					if n := count(t, r, store); n != (tally{}) || offers != 0 || err != nil || r.RecordUsage() != (record.Usage{}) {
						t.Errorf("left are %+v, %d offers, %v, %+v", n, offers, err, r.RecordUsage())
					}
				}
				all := kinds{newTrader(t)}.at(t, time.Now(), append(ttl(600), publisher("a peer")...))
				whileOpen(t, eng, opts, func(r *record.Records, store *datastore.Store) {
					putEach(t, r, all)
					time.Sleep(599 * time.Second)
					checkEach(t, r, all, true)
					checkExpiring(t, r, all)
					if _, err := store.Backup(ctx, &copied); err != nil {
						t.Fatal(err)
					}
					time.Sleep(2 * time.Second)
					checkEach(t, r, all, false)
					time.Sleep(2 * time.Minute)
					gone(r, store)
					all = kinds{newTrader(t)}.at(t, time.Now(), ttl(600))
					putEach(t, r, all)
				})
				time.Sleep(599 * time.Second)
				whileOpen(t, eng, opts, func(r *record.Records, store *datastore.Store) {
					checkEach(t, r, all, true)
					time.Sleep(2*time.Minute + 2*time.Second)
					gone(r, store)
				})
				restored := memory.Engine()
				if _, err := datastore.Restore(ctx, restored, &copied); err != nil {
					t.Fatal(err)
				}
				whileOpen(t, restored, opts, func(r *record.Records, store *datastore.Store) {
					if n := count(t, r, store); n.values != 1 || n.receipts != 3 || n.users != 1 {
						t.Errorf("the copy has %+v", n)
					}
					time.Sleep(2 * time.Minute)
					gone(r, store)
				})
			})
		})
	}
}

// checkExpiring checks that all records expire in a second.
func checkExpiring(t testing.TB, r *record.Records, all map[ds.Key][]byte) {
	t.Helper()
	ctx, expiring := context.Background(), 0
	for v, err := range r.ValuesExpiring(ctx, time.Now().Add(2*time.Second)) {
		if expiring++; err != nil || v.TTL != 600*time.Second {
			t.Errorf("%q expires: %v, %v", v.Key, v.TTL, err)
		}
	}
	if expiring != len(all) {
		t.Errorf("%d records expire, want %d", expiring, len(all))
	}
	for key := range all {
		if end, err := r.GetExpiration(ctx, key); err != nil || time.Until(end) != time.Second {
			t.Errorf("%s expires at %v, %v; now is %v", key, end, err, time.Now())
		}
	}
}

// A TTL that is longer than the age of records, or none, does not keep a record longer.
func TestTTLDoesNotExtend(t *testing.T) {
	for name, more := range map[string][]byte{
		"long": ttl(100 * 3600), "longest": ttl(math.MaxUint32), "absurd": ttl(math.MaxUint64), "zero": ttl(0), "none": nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := openRecords(t, memory.Engine(), ttlOptions(24*time.Hour))
				all := kinds{newTrader(t)}.at(t, time.Now(), more)
				putEach(t, r, all)
				time.Sleep(24*time.Hour - time.Second)
				checkEach(t, r, all, true)
				expire(t, r, 0)
				time.Sleep(2 * time.Second)
				expire(t, r, len(all))
			})
		})
	}
}

// A peer that sends a record again cannot have it removed earlier; one that sends it with
// a longer TTL, or another record, is believed.
func TestTTLOfARecordThatComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := openRecords(t, memory.Engine(), ttlOptions(24*time.Hour))
		first := kinds{newTrader(t)}.at(t, time.Now(), ttl(600))
		putEach(t, r, first)
		time.Sleep(time.Minute)
		again := func(more []byte) map[ds.Key][]byte {
			all := map[ds.Key][]byte{}
			for key, data := range first { // the same signatures
				w := new(recpb.Record)
				if err := proto.Unmarshal(data, w); err != nil {
					t.Fatal(err)
				}
				all[key] = append(kadRecord(t, string(w.Key), w.Value, time.Now()), more...)
			}
			return all
		}
		putEach(t, r, again(append(ttl(1), publisher("another")...)))
		checkEach(t, r, first, true)
		longer := again(ttl(600))
		putEach(t, r, longer)
		checkEach(t, r, longer, true)
		none := again(nil)
		putEach(t, r, none)
		checkEach(t, r, none, true)
		putEach(t, r, again(ttl(3600)))
		checkEach(t, r, none, true)

		better := append(receivedAt(t, User{ID: 1, Username: "a", Version: 1}, time.Now()), ttl(1)...)
		key := dsKey("blog.user", record.Key(Users, 1))
		mustPut(t, r, key, better)
		if got := mustGet(t, r, key); !bytes.Equal(got, better) {
			t.Errorf("the better record is %x, want %x", got, better)
		}
	})
}

// What this peer has published keeps its age and its fields whatever others send.
func TestTTLOfOwnRecords(t *testing.T) {
	ctx := context.Background()
	a := newNodeWith(t, memory.Engine(), ttlOptions(24*time.Hour))
	o := Offer{a.host.ID(), 1, "hammer", 5}
	_, err := record.Publish(ctx, a.node, Offers, &o)
	_, userErr := record.Publish(ctx, a.node, Users, &User{ID: 1, Username: "a"})
	if !errors.Is(err, record.ErrNoPeers) || !errors.Is(userErr, record.ErrNoPeers) {
		t.Fatal(err, userErr)
	}
	if err := Users.Put(ctx, a.store, &User{ID: 2, Username: "b"}); err != nil {
		t.Fatal(err)
	}
	kept := dsKey("blog.user", record.Key(Users, 2))
	mustPut(t, a.records, kept, append(receivedAt(t, User{ID: 2, Username: "b"}, longAgo()), ttl(1)...))
	for _, key := range []ds.Key{
		dsKey("market.offer", record.Key(Offers, models.MakePair(o.Seller, o.Number))),
		dsKey("blog.user", record.Key(Users, 1)),
	} {
		before := mustGet(t, a.records, key)
		for _, more := range [][]byte{ttl(1), append(ttl(7), publisher("x")...)} {
			mustPut(t, a.records, key, append(bytes.Clone(before), more...))
			if after := mustGet(t, a.records, key); !bytes.Equal(after, before) {
				t.Errorf("%s is %x, it was %x", key, after, before)
			}
		}
	}
	if mustGet(t, a.records, kept) != nil {
		t.Error("a record is served after its TTL")
	}
	expire(t, a.records, 1)
	if got := user(t, a.store, 2); got.Username != "b" {
		t.Errorf("the program's row is %+v", got)
	}
}

// Records of a model that is not registered any more are removed when their TTL has passed.
func TestTTLOfLeftovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		eng, opts := memory.Engine(), ttlOptions(-1)
		whileOpen(t, eng, opts, func(r *record.Records, _ *datastore.Store) {
			putEach(t, r, kinds{newTrader(t)}.at(t, time.Now(), ttl(60)))
		})
		opts.Models = []*models.Definition{Blog}
		whileOpen(t, eng, opts, func(r *record.Records, store *datastore.Store) {
			if n := count(t, r, store); n.receipts != 3 {
				t.Errorf("there are %+v", n)
			}
			time.Sleep(3 * time.Minute)
			if n := count(t, r, store); n != (tally{}) {
				t.Errorf("left are %+v", n)
			}
		})
	})
}

// A record that came while the clock ran ahead has its TTL from when that is found.
func TestTTLOfAClockAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := openRecords(t, memory.Engine(), ttlOptions(-1))
		all := kinds{newTrader(t)}.at(t, time.Now().Add(1000*time.Hour), ttl(600))
		putEach(t, r, all)
		expire(t, r, 0)
		time.Sleep(601 * time.Second)
		checkEach(t, r, all, false)
		expire(t, r, len(all))
	})
}

// The further fields count to the size of a record, and to the bytes of all.
func TestFurtherFieldsAreBounded(t *testing.T) {
	ctx := context.Background()
	opts := ttlOptions(24 * time.Hour)
	opts.MaxValueBytes = 1000
	r, store := openRecords(t, memory.Engine(), opts)
	u := User{ID: 1, Username: "a"}
	key, data := dsKey("blog.user", record.Key(Users, u.ID)), receivedAt(t, u, time.Now())
	size := len(encode(t, &u))
	fits := publisher(strings.Repeat("x", 1000-size-4))
	if size+len(fits) != 1000 {
		t.Fatal(size + len(fits))
	}
	mustPut(t, r, key, append(bytes.Clone(data), fits...))
	if got, want := r.RecordUsage(), (record.Usage{Rows: 1, Bytes: 8 + 1000}); got != want {
		t.Errorf("usage is %+v, want %+v", got, want)
	}
	tooMuch := publisher(strings.Repeat("x", 1000-size-3))
	if err := r.Put(ctx, key, append(bytes.Clone(data), tooMuch...)); !errors.Is(err, models.ErrTooLarge) {
		t.Errorf("too much: %v", err)
	}
	if _, err := receipts.Tree.Get(ctx, store, models.MakePair("blog.user", models.Uint64.AppendLast(nil, 1))); err != nil {
		t.Error(err)
	}
	mustPut(t, r, key, data)
	if got, want := r.RecordUsage(), (record.Usage{Rows: 1, Bytes: int64(8 + size)}); got != want {
		t.Errorf("usage is %+v, want %+v", got, want)
	}
}
