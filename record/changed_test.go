package record_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// state checks how a user's row stands in the DHT.
func state(t testing.TB, r *record.Records, id uint64, want record.State, served bool) {
	t.Helper()
	got, err := record.StatusOf(context.Background(), r, Users, id)
	if err != nil || got.State != want || got.Served != served || got.Since.IsZero() != (want == record.Local) {
		t.Errorf("user %d is %v, since %v, served: %v, %v; want %v, served: %v", id, got.State, got.Since, got.Served, err, want, served)
	}
}

// absent checks that there is neither row nor tombstone.
func absent(t testing.TB, r *record.Records, id uint64) {
	t.Helper()
	if got, err := record.StatusOf(context.Background(), r, Users, id); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("user %d is %v, %v", id, got.State, err)
	}
}

// The table in the package documentation is right about ordinary writes to an open tree.
func TestOrdinaryWrites(t *testing.T) {
	ctx := context.Background()
	a := newNode(t, memory.Engine())
	r, store := a.records, a.store
	absent(t, r, 1)
	if err := Users.Put(ctx, store, &User{ID: 1, Username: "local"}); err != nil {
		t.Fatal(err)
	}
	state(t, r, 1, record.Local, false)

	// Of what came from the DHT a change makes the program's own.
	for id := uint64(2); id <= 4; id++ {
		mustPut(t, r, dsKey("blog.user", record.Key(Users, id)), receivedAt(t, User{ID: id, Username: "received"}, time.Now()))
		state(t, r, id, record.Received, true)
	}
	before := r.RecordUsage()
	if err := Users.Put(ctx, store, &User{ID: 2, Username: "received"}); err != nil {
		t.Fatal(err)
	}
	state(t, r, 2, record.Received, true) // it is the same
	if err := Users.Modify(ctx, store, 2, func(u *User) error { u.Username = "mine"; return nil }); err != nil {
		t.Fatal(err)
	}
	state(t, r, 2, record.Local, false)
	if err := Users.Delete(ctx, store, 3); err != nil {
		t.Fatal(err)
	}
	absent(t, r, 3)
	if after := r.RecordUsage(); after.Rows != before.Rows-2 {
		t.Errorf("%d records are counted, there were %d, and two have gone", after.Rows, before.Rows)
	}
	if n, err := receipts.Tree.Count(ctx, store, models.Range[receipts.Key]{}); err != nil || n != 1 {
		t.Errorf("%d receipts, %v", n, err)
	}

	// Of what this peer has published a change is to be published, and a deleted row
	// is not served.
	publishAlone(t, a, 5)
	state(t, r, 5, record.Published, true)
	if err := Users.Modify(ctx, store, 5, func(u *User) error { u.Version++; return nil }); err != nil {
		t.Fatal(err)
	}
	state(t, r, 5, record.Changed, false)
	if err := Users.Delete(ctx, store, 5); err != nil {
		t.Fatal(err)
	}
	absent(t, r, 5)
	if mustGet(t, r, dsKey("blog.user", record.Key(Users, 5))) != nil {
		t.Error("a row that is gone is served")
	}
	// Nothing of a transaction that fails is noted.
	failure := errors.New("no")
	if err := Users.Modify(ctx, store, 4, func(*User) error { return failure }); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	state(t, r, 4, record.Received, true)
}

// A change to a row that this peer has published goes out by itself, whoever made it:
// this process, or one that had no Records.
func TestRepublishesChanges(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	a, b := newNode(t, memory.Engine()), newNode(t, memory.Engine())
	connect(t, a.dht, b.dht)
	for id := range uint64(2) {
		if _, err := record.Publish(ctx, a.node, Users, &User{ID: id, Username: "before"}); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan error)
	go func() { ended <- a.node.Republish(ctx) }()
	if err := Users.Put(ctx, a.store, &User{ID: 0, Username: "after", Version: 1}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the change comes to the other peer", func() bool { return user(t, b.store, 0).Username == "after" })
	eventually(t, "it is published", func() bool {
		s, err := record.StatusOf(ctx, a.records, Users, 0)
		return err == nil && s.State == record.Published && s.Served
	})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Republish ends with %v", err)
	}
}

// Rows of two peers that claim one unique key are on both, and both answer alike.
func TestUniqueClaims(t *testing.T) {
	ctx := context.Background()
	a, b := newNode(t, memory.Engine()), newNode(t, memory.Engine())
	connect(t, a.dht, b.dht)
	for id, n := range map[uint64]*node{2: a, 1: b} {
		if report, err := record.Publish(ctx, n.node, Users, &User{ID: id, Username: "alice"}); err != nil || len(report.Took) != 1 {
			t.Fatalf("%+v, %v", report, err)
		}
	}
	for name, n := range map[string]*node{"a": a, "b": b} {
		if rows, err := Users.Count(ctx, n.store, models.Range[uint64]{}); err != nil || rows != 2 {
			t.Errorf("%s has %d rows, %v", name, rows, err)
		}
		if got, err := UserByUsername.Get(ctx, n.store, "alice"); err != nil || got.ID != 1 {
			t.Errorf("%s answers with %+v, %v", name, got, err)
		}
	}
}

// Ordinary calls cannot change signed rows, nor put immutable ones under another key.
func TestPoliciesBindOrdinaryCalls(t *testing.T) {
	ctx := context.Background()
	a := newNodeWith(t, memory.Engine(), market())
	o := Offer{a.host.ID(), 1, "hammer", 5}
	if _, err := record.Publish(ctx, a.node, Offers, &o); !errors.Is(err, record.ErrNoPeers) {
		t.Fatal(err)
	}
	key := models.MakePair(o.Seller, o.Number)
	for name, err := range map[string]error{
		"Put":    Offers.Put(ctx, a.store, &o),
		"Modify": Offers.Modify(ctx, a.store, key, func(o *Offer) error { o.Price++; return nil }),
		"Delete": Offers.Delete(ctx, a.store, key),
		"a key":  Photos.Put(ctx, a.store, &Photo{Title: "a cat"}),
	} {
		if !errors.Is(err, models.ErrPolicy) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := Offers.Get(ctx, a.store, key); err != nil || got != o {
		t.Errorf("the row is %+v, %v", got, err)
	}
	p := Photo{Title: "a cat"}
	if err := record.Identify(Photos, &p); err != nil {
		t.Fatal(err)
	}
	if err := Photos.Put(ctx, a.store, &p); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Publish(ctx, a.node, Photos, &p); !errors.Is(err, record.ErrNoPeers) {
		t.Fatal(err)
	}
	if err := Photos.Delete(ctx, a.store, p.ID); err != nil {
		t.Fatal(err)
	}
	if s, err := record.StatusOf(ctx, a.records, Photos, p.ID); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("a picture that was deleted here is %v, %v", s.State, err)
	}
}
