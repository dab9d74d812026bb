package interop_test

import (
	"reflect"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// Coloured is Item in a later version of the shop, which knows one more field.
type Coloured struct {
	Item
	Colour string `cbor:"colour" netabase:"default=grey"`
}

var (
	Coloureds = models.NewTree("item", models.Uint64, func(c *Coloured) uint64 { return c.ID },
		models.WithClock(func(c *Coloured) uint64 { return c.Version }), models.WithPolicy[Coloured](models.Open))
	ColouredByMaker = models.NewIndex(Coloureds, "maker", models.String, func(c *Coloured) string { return c.Maker })
	LaterShop       = models.NewDefinition("shop", Coloureds)
)

func TestJSOfTwoVersions(t *testing.T) { exchangeVersions(t, startJS(t), startJS(t)) }

func TestRustOfTwoVersions(t *testing.T) { exchangeVersions(t, startRust(t), startRust(t)) }

// exchangeVersions has two peers of another libp2p put items of two versions of a model. Our
// peers, one of each version, take and resolve both, and the others read them, also once a peer
// that does not know the new field has changed the item.
func exchangeVersions(t *testing.T, earlier, later *process) {
	ctx := t.Context()
	first, second := newPeer(t), newPeerOn(t, memory.Engine(), LaterShop)
	connect(t, first.dht, second.dht)
	for _, other := range []*process{earlier, later} {
		meet(t, other, first)
		meet(t, other, second)
	}

	plain := item(1, 1, "bolt", "Ada")
	coloured := item(2, 1, "nut", "Ada")
	coloured["colour"] = "red"
	if n := put(t, earlier, "put", map[string]any{"id": 1, "item": plain}); n < 2 {
		t.Errorf("%d peers have taken the item of the earlier version, want both of ours", n)
	}
	if n := put(t, later, "put", map[string]any{"id": 2, "item": coloured}); n < 2 {
		t.Errorf("%d peers have taken the item of the later version, want both of ours", n)
	}

	bolt := Item{ID: 1, Version: 1, Name: "bolt", Maker: "Ada", Tags: []string{"é", "ß"}}
	nut := Item{ID: 2, Version: 1, Name: "nut", Maker: "Ada", Tags: []string{"é", "ß"}}
	if got := first.byMaker(t, "Ada"); !reflect.DeepEqual(got, []Item{bolt, nut}) {
		t.Errorf("the peer of the earlier version has %+v", got)
	}
	var found []Coloured
	for c, err := range ColouredByMaker.Find(ctx, second.store, "Ada") {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, c)
	}
	if want := []Coloured{{bolt, "grey"}, {nut, "red"}}; !reflect.DeepEqual(found, want) {
		t.Errorf("the peer of the later version has %+v, want %+v", found, want)
	}

	// The peer of the earlier version changes the item, and the colour stays.
	nut.Version, nut.Name = 2, "wing nut"
	if _, err := record.Publish(ctx, first.node, Items, &nut); err != nil {
		t.Fatal(err)
	}
	for i, other := range []*process{earlier, later} {
		var got map[string]any
		if err := other.do(map[string]any{"do": "get", "id": 2}, &got); err != nil {
			t.Fatal(err)
		}
		if got["colour"] != "red" || got["name"] != "wing nut" {
			t.Errorf("peer %d reads %v", i, got)
		}
	}
	got, err := record.Resolve(ctx, second.node, Coloureds, 2)
	if err != nil || got.Colour != "red" || got.Name != "wing nut" {
		t.Errorf("resolved %+v, %v", got, err)
	}
}
