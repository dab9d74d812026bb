package record_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// aYearOn is a time that a clock shows which has run ahead.
func aYearOn() time.Time { return time.Now().AddDate(1, 0, 0) }

// putValue puts a record of no model that came at some time.
func putValue(t testing.TB, r *record.Records, name string, at time.Time) {
	t.Helper()
	mustPut(t, r, dsKey("pk", "/pk/"+name), kadRecord(t, "/pk/"+name, []byte("x"), at))
}

// Records that came while the clock ran ahead make room for those that come once it is
// right: of two kinds, and the newest of what came before stays.
func TestEvictsWhatClockAheadStamped(t *testing.T) {
	r, store := openRecords(t, memory.Engine(), record.Options{Bounds: record.Bounds{Records: 4}})
	putValue(t, r, "before", time.Now().Add(-time.Minute))
	for i := range uint64(2) {
		u := User{ID: i, Username: fmt.Sprint(i)}
		mustPut(t, r, dsKey("blog.user", record.Key(Users, u.ID)), receivedAt(t, u, aYearOn()))
	}
	putValue(t, r, "ahead", aYearOn())
	for i := range 3 {
		putValue(t, r, fmt.Sprint("now ", i), time.Now())
	}
	for _, name := range []string{"before", "now 0", "now 1", "now 2"} {
		if mustGet(t, r, dsKey("pk", "/pk/"+name)) == nil {
			t.Errorf("%q is gone", name)
		}
	}
	if n := count(t, r, store); n.values != 4 || n.users != 0 {
		t.Errorf("left are %+v", n)
	}
}

// A record that came while the clock ran ahead gets as old as any other, from when the
// clock is right.
func TestExpiresWhatClockAheadStamped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, store := openRecords(t, memory.Engine(), record.Options{MaxRecordAge: 3 * time.Hour, ProviderValidity: -1})
		putValue(t, r, "ahead", aYearOn())
		odd := append(kadRecord(t, "/pk/odd", []byte("x"), aYearOn()), 0x3A, 0x01, 'y') // and a field that nobody knows
		mustPut(t, r, dsKey("pk", "/pk/odd"), odd)
		u := User{ID: 1, Username: "ahead"}
		mustPut(t, r, dsKey("blog.user", record.Key(Users, u.ID)), receivedAt(t, u, aYearOn()))
		own := User{ID: 2, Username: "own"}
		if err := Users.Put(t.Context(), store, &own); err != nil {
			t.Fatal(err)
		}
		mustPut(t, r, dsKey("blog.user", record.Key(Users, own.ID)), receivedAt(t, own, aYearOn()))

		time.Sleep(90 * time.Minute)
		synctest.Wait()
		if n, want := count(t, r, store), (tally{0, 2, 2, 2}); n != want {
			t.Fatalf("before anything has expired there are %+v, want %+v", n, want)
		}
		for v, err := range r.ValuesReceived(t.Context(), time.Time{}, time.Time{}) {
			if err != nil || v.Received.After(time.Now()) {
				t.Errorf("%s came at %v, it is %v; %v", v.Key, v.Received, time.Now(), err)
			}
		}
		if got := mustGet(t, r, dsKey("pk", "/pk/odd")); !slices.Contains(got, 'y') {
			t.Errorf("what nobody knows is gone: %q", got)
		}
		time.Sleep(4 * time.Hour)
		synctest.Wait()
		if n, want := count(t, r, store), (tally{0, 0, 0, 1}); n != want {
			t.Errorf("left are %+v, want %+v", n, want)
		}
	})
}

// setReceived sets when a receipt says that a user's record came.
func setReceived(t testing.TB, store *datastore.Store, id uint64, at time.Time) {
	t.Helper()
	err := receipts.Tree.Modify(context.Background(), store, models.MakePair(Users.Name(), Users.EncodeKey(id)),
		func(receipt *receipts.Receipt) error { receipt.Received = at; return nil })
	if err != nil {
		t.Fatal(err)
	}
}

// A record that was published while the clock ran ahead neither waits for that time
// nor has others wait for it.
func TestRepublishesWhatClockAheadStamped(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	opts := record.Options{RepublishInterval: 200 * time.Millisecond}
	a, b := newNodeWith(t, memory.Engine(), opts), newNode(t, memory.Engine())
	publishAlone(t, a, 1)
	setReceived(t, a.store, 1, aYearOn())
	ended := make(chan error)
	go func() { ended <- a.node.Republish(ctx) }()
	publishAlone(t, a, 2)
	connect(t, a.dht, b.dht)
	eventually(t, "both come to the other peer", func() bool {
		return user(t, b.store, 1) != User{} && user(t, b.store, 2) != User{}
	})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Republish ends with %v", err)
	}
}

// A record that this peer has published and that expired while it was off is published
// again.
func TestRepublishesWhatHasExpired(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	opts := record.Options{MaxRecordAge: time.Hour, RepublishInterval: time.Minute}
	a, b := newNodeWith(t, memory.Engine(), opts), newNode(t, memory.Engine())
	u := publishAlone(t, a, 1)
	setReceived(t, a.store, 1, longAgo())
	expire(t, a.records, 1)
	if mustGet(t, a.records, dsKey("blog.user", record.Key(Users, 1))) != nil {
		t.Error("a record that has expired is served")
	}
	connect(t, a.dht, b.dht)
	ended := make(chan error)
	go func() { ended <- a.node.Republish(ctx) }()
	eventually(t, "it comes to the other peer", func() bool { return user(t, b.store, 1) == u })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Republish ends with %v", err)
	}
	if got := origin(t, a.store, 1); got != receipts.Published {
		t.Errorf("its origin is %v", got)
	}
}

// A record that has expired and comes again from the DHT is this peer's own again.
func TestExpiredComesAgain(t *testing.T) {
	a := newNodeWith(t, memory.Engine(), record.Options{MaxRecordAge: time.Hour})
	u := publishAlone(t, a, 1)
	setReceived(t, a.store, 1, longAgo())
	expire(t, a.records, 1)
	mustPut(t, a.records, dsKey("blog.user", record.Key(Users, 1)), receivedAt(t, u, time.Now()))
	if got := origin(t, a.store, 1); got != receipts.Published {
		t.Errorf("its origin is %v", got)
	}
	if mustGet(t, a.records, dsKey("blog.user", record.Key(Users, 1))) == nil {
		t.Error("it is not served")
	}
}

// publishAlone publishes a user when there is nobody to hear of it.
func publishAlone(t testing.TB, n *node, id uint64) User {
	t.Helper()
	u := User{ID: id, Username: fmt.Sprint(id), Version: 1}
	if _, err := record.Publish(context.Background(), n.node, Users, &u); err == nil {
		t.Fatal("a record is published to nobody")
	}
	return u
}
