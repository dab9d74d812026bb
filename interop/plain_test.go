package interop_test

import (
	"bytes"
	"context"
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
	recordlib "github.com/libp2p/go-libp2p-record"
	libp2ppeer "github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/record"
)

// plainValidator checks items by docs/format.md, with another's DAG-CBOR.
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
	return newDHT(t, dht.ProtocolPrefix("/netabase"), dht.Datastore(dssync.MutexWrap(ds.NewMapDatastore())),
		dht.Validator(recordlib.NamespacedValidator{"shop.item": plainValidator{}, "pk": recordlib.PublicKeyValidator{}}))
}

// connect has two peers know each other.
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
	ctx := context.Background()
	ours, plain := newPeer(t), newPlainPeer(t)
	connect(t, plain, ours.dht)

	put := func(i Item, key uint64) {
		t.Helper()
		// What our peer does not take, kad-dht does not tell.
		if err := plain.PutValue(ctx, record.Key(Items, key), encodeItem(t, i)); err != nil {
			t.Error(err)
		}
	}
	hammer := Item{ID: 7, Version: 1, Name: "hammer", Maker: "Ada", Tags: []string{"é", "ß"}}
	put(hammer, 7)
	if got := ours.byMaker(t, "Ada"); !reflect.DeepEqual(got, []Item{hammer}) {
		t.Errorf("Ada has made %+v", got)
	}
	// An item that the plain peer takes, and we do not: a string is no UTF-8.
	put(Item{ID: 8, Name: "\xff", Maker: "Eve", Tags: []string{}}, 8)
	if got := ours.byMaker(t, "Eve"); got != nil {
		t.Errorf("Eve has made %+v", got)
	}

	nail := Item{ID: 9, Version: 1, Name: "nail", Maker: "Linus", Tags: []string{}}
	if err := record.Publish(ctx, ours.dht, ours.records, Items, &nail); err != nil {
		t.Fatal(err)
	}
	value, err := plain.GetValue(ctx, record.Key(Items, nail.ID))
	if err != nil || !bytes.Equal(value, encodeItem(t, nail)) {
		t.Errorf("the plain peer reads %x, %v", value, err)
	}
	if err := Items.Delete(ctx, ours.store, nail.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := record.Resolve(ctx, ours.dht, ours.records, Items, nail.ID); err != nil || !reflect.DeepEqual(got, nail) {
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
	if err := ours.dht.Close(); err != nil { // writes what kad-dht holds back
		t.Fatal(err)
	}
	if n, err := ours.records.CountProvidersOf(ctx, hash); err != nil || n != 2 {
		t.Errorf("we hold %d providers, %v; want 2", n, err)
	}
}

// A program may keep values and providers in stores of their own, beside a
// datastore of another kind.
func TestSeparateDatastores(t *testing.T) {
	ctx := context.Background()
	values, _ := newRecords(t)
	providers, _ := newRecords(t)
	rest := dssync.MutexWrap(ds.NewMapDatastore())
	d := newDHT(t, dht.ProtocolPrefix("/netabase"), dht.Validator(values.Validator()),
		dht.Datastore(rest), dht.ValueDatastore(values), dht.ProviderDatastore(providers))
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
	if n, err := values.CountValues(ctx, "shop.item"); err != nil || n != 1 || values.ProviderUsage().Rows != 0 {
		t.Errorf("there are %d items, %v, and %+v", n, err, values.ProviderUsage())
	}
	if n, err := providers.CountProvidersOf(ctx, hash); err != nil || n != 1 || providers.RecordUsage().Rows != 0 {
		t.Errorf("there are %d providers, %v, and %+v", n, err, providers.RecordUsage())
	}
}
