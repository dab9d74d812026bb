package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

func Example() {
	if err := run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// replica 1, garden: sow millet
	// replica 1, house: mend the roof
	// replica 2, garden: sow millet
	// replica 2, house: mend the roof
}

// A replica has its notes and their index when it is opened again. A value that is no note takes the note
// away at both peers, and stays away from the tree until a note comes again.
func TestReopenAndInvalid(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir := t.TempDir()
	one, err := open(ctx, bolt.Engine(dir))
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(one.put(ctx, Note{1, "garden", "water"}), one.put(ctx, Note{2, "garden", "sow"}),
		one.put(ctx, Note{1, "house", "paint"}), one.close())
	if err != nil {
		t.Fatal(err)
	}
	if one, err = open(ctx, bolt.Engine(dir)); err != nil {
		t.Fatal(err)
	}
	defer func() { closeAll(t, one) }()
	two, err := open(ctx, memory.Engine())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { closeAll(t, two) }()
	if err := one.host.Connect(ctx, peer.AddrInfo{ID: two.host.ID(), Addrs: two.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	both := func(ids ...uint64) {
		t.Helper()
		if err := errors.Join(waitFor(ctx, one, ids...), waitFor(ctx, two, ids...)); err != nil {
			t.Fatal(err)
		}
	}
	both(1, 2)
	for _, r := range []*replica{one, two} {
		if n, err := NoteByTopic.Count(ctx, r.store, models.Only("garden")); n != 1 || err != nil {
			t.Errorf("%d notes of the garden, %v", n, err)
		}
	}
	key, err := keyOf(2)
	if err == nil {
		err = two.crdt.Put(ctx, key, []byte("no note"))
	}
	if err != nil {
		t.Fatal(err)
	}
	both(1)
	if value, err := one.crdt.Get(ctx, key); string(value) != "no note" || err != nil {
		t.Errorf("the other replica has %q, %v", value, err)
	}
	if err := one.put(ctx, Note{2, "garden", "weed"}); err != nil {
		t.Fatal(err)
	}
	both(1, 2)
	if err := one.remove(ctx, 2); err != nil {
		t.Fatal(err)
	}
	both(1)
	for _, r := range []*replica{one, two} {
		if has, err := r.crdt.Has(ctx, key); has || err != nil {
			t.Errorf("a note that was removed is there, or %v", err)
		}
		report, err := datastore.Verify(ctx, r.store)
		if err != nil || !report.Clean() {
			t.Errorf("the store: %+v, %v", report, err)
		}
	}
}

func closeAll(t *testing.T, r *replica) {
	if err := r.close(); err != nil {
		t.Error(err)
	}
}
