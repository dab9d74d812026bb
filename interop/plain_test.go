package interop_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	ds "github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	"github.com/ipld/go-ipld-prime/codec/dagcbor"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	dhtpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	recordlib "github.com/libp2p/go-libp2p-record"
	"github.com/libp2p/go-libp2p/core/crypto"
	libp2ppeer "github.com/libp2p/go-libp2p/core/peer"
	envelope "github.com/libp2p/go-libp2p/core/record"
	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// plainValidator checks items by docs/format.md, with a DAG-CBOR library of others.
type plainValidator struct{}

func (plainValidator) Validate(key string, value []byte) error {
	id, _, err := decodeItem(value)
	if err == nil && fmt.Sprintf("/shop.item/%020d", id) != key {
		err = fmt.Errorf("item %d lies under %s", id, key)
	}
	return err
}

func (plainValidator) Select(_ string, values [][]byte) (best int, err error) {
	var bestVersion int64 = -1
	for i, value := range values {
		_, version, err := decodeItem(value)
		if err != nil {
			continue
		}
		if version > bestVersion || version == bestVersion && bytes.Compare(value, values[best]) > 0 {
			best, bestVersion = i, version
		}
	}
	if bestVersion < 0 {
		return 0, errors.New("no value is an item")
	}
	return best, nil
}

func decodeItem(value []byte) (id, version int64, err error) {
	builder := basicnode.Prototype.Map.NewBuilder()
	if err := dagcbor.Decode(builder, bytes.NewReader(value)); err != nil {
		return 0, 0, err
	}
	item := builder.Build()
	if id, err = number(item, "id"); err != nil {
		return 0, 0, err
	}
	version, err = number(item, "version")
	return id, version, err
}

func number(item datamodel.Node, field string) (int64, error) {
	n, err := item.LookupByString(field)
	if err != nil {
		return 0, err
	}
	return n.AsInt()
}

// encodeItem writes an item as a program without our code would.
func encodeItem(t *testing.T, i Item) []byte {
	t.Helper()
	builder := basicnode.Prototype.Map.NewBuilder()
	m, err := builder.BeginMap(5)
	if err != nil {
		t.Fatal(err)
	}
	assign := func(name string, set func(datamodel.NodeAssembler) error) {
		entry, err := m.AssembleEntry(name)
		if err == nil {
			err = set(entry)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	assign("id", func(n datamodel.NodeAssembler) error { return n.AssignInt(int64(i.ID)) })
	assign("version", func(n datamodel.NodeAssembler) error { return n.AssignInt(int64(i.Version)) })
	assign("name", func(n datamodel.NodeAssembler) error { return n.AssignString(i.Name) })
	assign("maker", func(n datamodel.NodeAssembler) error { return n.AssignString(i.Maker) })
	assign("tags", func(n datamodel.NodeAssembler) error {
		list, err := n.BeginList(int64(len(i.Tags)))
		if err != nil {
			return err
		}
		for _, tag := range i.Tags {
			if err := list.AssembleValue().AssignString(tag); err != nil {
				return err
			}
		}
		return list.Finish()
	})
	if err := m.Finish(); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := dagcbor.Encode(builder.Build(), &buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// newPlainPeer starts a kad-dht peer without our code.
func newPlainPeer(t *testing.T) *dht.IpfsDHT {
	t.Helper()
	return newDHT(
		t, newHost(t),
		dht.ProtocolPrefix("/netabase"),
		dht.Datastore(dssync.MutexWrap(ds.NewMapDatastore())),
		dht.Validator(
			recordlib.NamespacedValidator{"shop.item": plainValidator{}, "pk": recordlib.PublicKeyValidator{}},
		),
	)
}

// connect makes two peers know each other.
func connect(t *testing.T, a, b *dht.IpfsDHT) {
	t.Helper()
	if err := a.Host().Connect(t.Context(), libp2ppeer.AddrInfo{ID: b.PeerID(), Addrs: b.Host().Addrs()}); err != nil {
		t.Fatal(err)
	}
	for i := 0; a.RoutingTable().Size() == 0 || b.RoutingTable().Size() == 0; i++ {
		if i == 200 {
			t.Fatal("the peers do not come into their routing tables")
		}
		time.Sleep(20 * time.Millisecond) // identify runs on its own
	}
}

func TestPlainPeer(t *testing.T) {
	for name, engineAt := range engines {
		t.Run(name, func(t *testing.T) { exchange(t, newPeerOn(t, engineAt(t.TempDir()), Shop), newPlainPeer(t)) })
	}
}

// exchange has our peer and a plain one read each other's items.
func exchange(t *testing.T, ours *peer, plain *dht.IpfsDHT) {
	ctx := context.Background()
	connect(t, plain, ours.dht)

	put := func(i Item, key uint64) {
		t.Helper()
		// If our peer refuses the item, kad-dht does not report it.
		if err := plain.PutValue(ctx, record.Key(Items, key), encodeItem(t, i)); err != nil {
			t.Error(err)
		}
	}
	hammer := Item{ID: 7, Version: 1, Name: "hammer", Maker: "Ada", Tags: []string{"é", "ß"}}
	put(hammer, 7)
	if got := ours.byMaker(t, "Ada"); !reflect.DeepEqual(got, []Item{hammer}) {
		t.Errorf("Ada has made %+v", got)
	}
	// The plain peer takes this item and we refuse it: a string is not UTF-8.
	put(Item{ID: 8, Name: "\xff", Maker: "Eve", Tags: []string{}}, 8)
	if got := ours.byMaker(t, "Eve"); got != nil {
		t.Errorf("Eve has made %+v", got)
	}

	nail := Item{ID: 9, Version: 1, Name: "nail", Maker: "Linus", Tags: []string{}}
	if _, err := record.Publish(ctx, ours.node, Items, &nail); err != nil {
		t.Fatal(err)
	}
	value, err := plain.GetValue(ctx, record.Key(Items, nail.ID))
	if err != nil || !bytes.Equal(value, encodeItem(t, nail)) {
		t.Errorf("the plain peer reads %x, %v", value, err)
	}
	if err := Items.Delete(ctx, ours.store, nail.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := record.Resolve(ctx, ours.node, Items, nail.ID); err != nil || !reflect.DeepEqual(got, nail) {
		t.Errorf("resolved %+v, %v", got, err)
	}

	// Provider records travel both ways.
	hash, err := multihash.Sum([]byte("content"), multihash.SHA2_256, -1)
	if err != nil {
		t.Fatal(err)
	}
	content := cid.NewCidV1(cid.Raw, hash)
	if err := errors.Join(plain.Provide(ctx, content, true), ours.dht.Provide(ctx, content, true)); err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]*dht.IpfsDHT{"ours": ours.dht, "plain": plain} {
		found, err := d.FindProviders(ctx, content)
		if err != nil || len(found) != 2 {
			t.Errorf("%s finds %v, %v", name, found, err)
		}
	}
	if err := ours.dht.Close(); err != nil { // writes what kad-dht still buffers
		t.Fatal(err)
	}
	if n, err := ours.records.CountProvidersOf(ctx, hash); err != nil || n != 2 {
		t.Errorf("we hold %d providers, %v; want 2", n, err)
	}
}

// A program may keep everything in one datastore. It may also keep values and providers in
// stores of their own, beside a datastore of another kind.
func TestDatastores(t *testing.T) {
	for name, engineAt := range engines {
		t.Run("one, "+name, func(t *testing.T) {
			records, _ := newRecords(t, engineAt(t.TempDir()), Shop)
			keep(t, records, records, dht.Datastore(records))
		})
		t.Run("separate, "+name, func(t *testing.T) {
			values, _ := newRecords(t, engineAt(t.TempDir()), Shop)
			providers, _ := newRecords(t, engineAt(t.TempDir()), Shop)
			keep(t, values, providers, dht.Datastore(dssync.MutexWrap(ds.NewMapDatastore())),
				dht.ValueDatastore(values), dht.ProviderDatastore(providers))
			if values.ProviderUsage().Rows != 0 || providers.RecordUsage().Rows != 0 {
				t.Errorf("there are %+v and %+v", values.ProviderUsage(), providers.RecordUsage())
			}
		})
	}
}

// keep has a DHT with these options keep a value and a provider record.
func keep(t *testing.T, values, providers *record.Records, opts ...dht.Option) {
	ctx := context.Background()
	d := newDHT(t, newHost(t), append(opts, dht.ProtocolPrefix("/netabase"), dht.Validator(values.Validator()))...)
	connect(t, d, newPlainPeer(t))
	hammer := Item{ID: 7, Version: 1, Name: "hammer", Maker: "Ada", Tags: []string{}}
	if err := d.PutValue(ctx, record.Key(Items, hammer.ID), encodeItem(t, hammer)); err != nil {
		t.Fatal(err)
	}
	hash, err := multihash.Sum([]byte("content"), multihash.SHA2_256, -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Provide(ctx, cid.NewCidV1(cid.Raw, hash), false), d.Close()); err != nil {
		t.Fatal(err)
	}
	if n, err := values.CountValues(ctx, "shop.item"); err != nil || n != 1 {
		t.Errorf("there are %d items, %v", n, err)
	}
	if n, err := providers.CountProvidersOf(ctx, hash); err != nil || n != 1 {
		t.Errorf("there are %d providers, %v", n, err)
	}
}

// statement is the text that the owner of a deed signs, by docs/format.md.
type statement struct {
	sequence, expires uint64
	kind              byte
	key               string
	value             []byte
}

func (s *statement) Domain() string                 { return "netabase-record" }
func (s *statement) Codec() []byte                  { return []byte("/netabase/record") }
func (s *statement) UnmarshalRecord(_ []byte) error { return errors.New("nobody reads it") }
func (s *statement) MarshalRecord() ([]byte, error) {
	b := append(binary.AppendUvarint(binary.AppendUvarint(nil, s.sequence), s.expires), s.kind)
	b = append(binary.AppendUvarint(b, uint64(len(s.key))), s.key...)
	return append(b, s.value...), nil
}

// Under each policy a plain peer puts records that we take, and invalid ones that we refuse.
func TestPlainPeerPolicies(t *testing.T) {
	ctx := context.Background()
	ours, plain := newPeer(t), newPlainPeer(t)
	connect(t, plain, ours.dht)
	client, err := dhtpb.NewProtocolMessenger(plain.MessageSender())
	if err != nil {
		t.Fatal(err)
	}
	owner := plain.PeerID()
	deedKey := fmt.Sprintf("/shop.deed/%s,%020d", hex.EncodeToString([]byte(owner)), 1)
	deed := func(by crypto.PrivKey, s statement, text string) []byte {
		if text != "" {
			s.value, err = models.DagCBOR[Deed]().Append(nil, &Deed{owner, 1, text})
			if err != nil {
				t.Fatal(err)
			}
		}
		s.key = deedKey
		if s.expires == 0 {
			s.expires = uint64(time.Now().Add(time.Hour).Unix())
		}
		e, err := envelope.Seal(&s, by)
		if err != nil {
			t.Fatal(err)
		}
		data, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	own := plain.Host().Peerstore().PrivKey(owner)
	another, _, err := crypto.GenerateEd25519Key(nil)
	if err != nil {
		t.Fatal(err)
	}
	picture := []byte("\xa1\x65title\x65a cat")
	pictureKey := func(value []byte) string { return fmt.Sprintf("/shop.picture/%x", sha256.Sum256(value)) }
	item := encodeItem(t, Item{ID: 7, Version: 2, Name: "hammer", Maker: "Ada", Tags: []string{}})
	for _, test := range []struct {
		name, key string
		value     []byte
		taken     bool
	}{
		{"open", record.Key(Items, uint64(7)), item, true},
		{"open, another key", record.Key(Items, uint64(8)), item, false},
		{"open, an older one", record.Key(Items, uint64(7)), encodeItem(t, Item{ID: 7, Version: 1, Name: "saw", Maker: "Ada", Tags: []string{}}), false},
		{"open, more behind it", record.Key(Items, uint64(7)), append(bytes.Clone(item), 0), false},
		{"signed", deedKey, deed(own, statement{sequence: 5}, "a house"), true},
		{"signed by another", deedKey, deed(another, statement{sequence: 6}, "a castle"), false},
		{"signed, an older one", deedKey, deed(own, statement{sequence: 4}, "a hut"), false},
		{"signed, expired", deedKey, deed(own, statement{sequence: 6, expires: 1}, "a tent"), false},
		{"signed for too long", deedKey, deed(own, statement{sequence: 6, expires: 1 << 40}, "a pyramid"), false},
		{"signed, another key", deedKey[:len(deedKey)-1] + "2", deed(own, statement{sequence: 6}, "a shed"), false},
		{"a tombstone of another", deedKey, deed(another, statement{sequence: 6, kind: 1}, ""), false},
		{"a tombstone", deedKey, deed(own, statement{sequence: 6, kind: 1}, ""), true},
		{"signed, after the tombstone", deedKey, deed(own, statement{sequence: 5}, "a house"), false},
		{"immutable", pictureKey(picture), picture, true},
		{"immutable, another hash", pictureKey([]byte("a dog")), picture, false},
		{"immutable, no picture", pictureKey([]byte("a dog")), []byte("a dog"), false},
	} {
		err := client.PutValue(ctx, ours.dht.PeerID(), recordlib.MakePutRecord(test.key, test.value))
		if (err == nil) != test.taken {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	for _, text := range []string{"a house", "a castle", "a hut", "a tent", "a pyramid", "a shed"} {
		if n, err := DeedByText.Count(ctx, ours.store, models.Only(text)); err != nil || n != 0 {
			t.Errorf("there are %d deeds of %s, %v", n, text, err)
		}
	}
	pictures, err := Pictures.Count(ctx, ours.store, models.Range[record.Hash]{})
	if err != nil || pictures != 1 || len(ours.byMaker(t, "Ada")) != 1 {
		t.Errorf("there are %d pictures, %v, and %v", pictures, err, ours.byMaker(t, "Ada"))
	}
}
