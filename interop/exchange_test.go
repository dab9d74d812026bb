package interop_test

import (
	"encoding/base64"
	"reflect"
	"testing"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// item is an item as JSON.
func item(id, version int, name, maker string) map[string]any {
	return map[string]any{"id": id, "version": version, "name": name, "maker": maker, "tags": []string{"é", "ß"}}
}

// exchangeItems has our peer and another read each other's items.
func exchangeItems(t *testing.T, other foreign, ours *peer) {
	t.Helper()
	ctx := t.Context()
	meet(t, other, ours)

	// An item that the other peer puts is a row here, and its index finds it.
	if n := put(t, other, "put", map[string]any{"id": 7, "item": item(7, 1, "hammer", "Ada")}); n != 1 {
		t.Fatalf("%d peers have taken the item, want 1", n)
	}
	hammer := Item{ID: 7, Version: 1, Name: "hammer", Maker: "Ada", Tags: []string{"é", "ß"}}
	if got := ours.byMaker(t, "Ada"); !reflect.DeepEqual(got, []Item{hammer}) {
		t.Errorf("Ada has made %+v", got)
	}

	// A better item replaces it, and a worse one is refused.
	if n := put(t, other, "put", map[string]any{"id": 7, "item": item(7, 3, "big hammer", "Grace")}); n != 1 {
		t.Errorf("%d peers have taken the better item, want 1", n)
	}
	if n := put(t, other, "put", map[string]any{"id": 7, "item": item(7, 2, "small hammer", "Ada")}); n != 0 {
		t.Errorf("%d peers have taken an item that is worse than what they have", n)
	}

	// A value that is no item is refused here.
	refused := map[string]map[string]any{
		"another key": {"id": 8, "item": item(9, 1, "saw", "Ada")},
		"no CBOR":     {"id": 8, "raw": base64.StdEncoding.EncodeToString([]byte("nothing"))},
		"wrong type": {
			"id":   8,
			"item": map[string]any{"id": 8, "version": 1, "name": 5, "maker": "Ada", "tags": []string{}},
		},
		// {"id": 8, …} with the 8 in two bytes
		"not canonical": {
			"id": 8,
			"raw": base64.StdEncoding.EncodeToString(
				[]byte("\xa5\x62id\x18\x08\x64name\x61x\x64tags\x80\x65maker\x63Ada\x67version\x01"),
			),
		},
		"too large": {"id": 8, "item": item(8, 1, string(make([]byte, record.DefaultMaxValueBytes)), "Ada")},
	}
	for name, command := range refused {
		if n := put(t, other, "put", command); n != 0 {
			t.Errorf("%s: %d peers have taken it", name, n)
		}
	}
	if n := put(t, other, "put", map[string]any{"id": 8, "raw": base64.StdEncoding.EncodeToString([]byte("\xa5\x62id\x08\x64name\x61x\x64tags\x80\x65maker\x63Eve\x67version\x01"))}); n != 1 {
		t.Errorf("%d peers have taken the canonical item, want 1", n)
	}
	// A peer with another version of the model knows more fields.
	more := map[string]any{"id": 8, "version": 2, "name": "x", "maker": "Eve", "tags": []string{}, "more": 1}
	if n := put(t, other, "put", map[string]any{"id": 8, "item": more}); n != 1 {
		t.Errorf("%d peers have taken the item with a field that is not known here, want 1", n)
	}
	if got := ours.byMaker(t, "Ada"); got != nil {
		t.Errorf("Ada has made %+v", got)
	}
	if n, err := Items.Count(ctx, ours.store, all); err != nil || n != 2 {
		t.Errorf("there are %d items, %v; want 2", n, err)
	}

	// The other peer reads an item that Go publishes, and stores it too.
	nail := Item{ID: 1 << 40, Version: 1, Name: "nail", Maker: "Linus", Tags: []string{}}
	if _, err := record.Publish(ctx, ours.node, Items, &nail); err != nil {
		t.Fatal(err)
	}
	var got Item
	if err := other.do(map[string]any{"do": "get", "id": nail.ID}, &got); err != nil || !reflect.DeepEqual(got, nail) {
		t.Errorf("the other peer reads %+v, %v", got, err)
	}
	// Go finds an item that the other peer holds.
	if err := Items.Delete(ctx, ours.store, nail.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := record.Resolve(ctx, ours.node, Items, nail.ID); err != nil || !reflect.DeepEqual(got, nail) {
		t.Errorf("resolved %+v, %v", got, err)
	}
}

// putByPolicies has another peer put records of signed and immutable trees, among them
// invalid ones, which ours refuses.
func putByPolicies(t *testing.T, other foreign, ours *peer) {
	t.Helper()
	ctx := t.Context()
	meet(t, other, ours)

	deed := func(number, sequence int, text string) map[string]any {
		return map[string]any{"number": number, "sequence": sequence, "text": text}
	}
	with := func(command map[string]any, name string, value any) map[string]any {
		command[name] = value
		return command
	}
	if n := put(t, other, "putDeed", deed(1, 5, "a house")); n != 1 {
		t.Fatalf("%d peers have taken the deed, want 1", n)
	}
	for name, command := range map[string]map[string]any{
		"forged":   with(deed(1, 6, "a castle"), "forged", true),
		"replayed": deed(1, 4, "a hut"),
		"expired":  with(deed(1, 6, "a tent"), "expires", 1_000_000_000),
	} {
		if n := put(t, other, "putDeed", command); n != 0 {
			t.Errorf("%s: %d peers have taken it", name, n)
		}
	}
	for text, want := range map[string]int{"a house": 1, "a castle": 0, "a hut": 0, "a tent": 0} {
		if n, err := DeedByText.Count(ctx, ours.store, models.Only(text)); err != nil || n != want {
			t.Errorf("there are %d deeds of %s, %v; want %d", n, text, err, want)
		}
	}
	if n := put(t, other, "putDeed", with(deed(1, 6, ""), "retracted", true)); n != 1 {
		t.Errorf("%d peers have taken the tombstone, want 1", n)
	}
	if n := put(t, other, "putDeed", deed(1, 5, "a house")); n != 0 {
		t.Errorf("%d peers have taken what was taken back", n)
	}
	if n, err := Deeds.Count(ctx, ours.store, models.Range[DeedKey]{}); err != nil || n != 0 {
		t.Errorf("there are %d deeds, %v", n, err)
	}

	if n := put(t, other, "putPicture", map[string]any{"title": "a cat"}); n != 1 {
		t.Errorf("%d peers have taken the picture, want 1", n)
	}
	if n := put(t, other, "putPicture", map[string]any{"title": "a dog", "forged": true}); n != 0 {
		t.Errorf("%d peers have taken a picture under another's hash", n)
	}
	if n, err := Pictures.Count(ctx, ours.store, models.Range[record.Hash]{}); err != nil || n != 1 {
		t.Errorf("there are %d pictures, %v", n, err)
	}
}
