package record_test

import (
	"errors"
	"testing"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// Damage takes a tombstone. After Repair the row that was deleted does not come back, neither as a record of the
// DHT nor by a sync with a peer that has been away, and a newer one does.
func TestFloorAfterDamage(t *testing.T) {
	for name, damage := range map[string]func(txn engine.WriteTxn, key, value []byte) error{
		"the tombstone is gone": func(txn engine.WriteTxn, key, _ []byte) error { return txn.Delete(key) },
		"a bit of it is wrong": func(txn engine.WriteTxn, key, value []byte) error {
			value[0] ^= 1
			return txn.Put(key, value)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, eng := t.Context(), memory.Engine()
			now := uint64(time.Now().Unix())
			of := []memo{{1, "by the DHT", now}, {2, "by a sync", now}}
			s, err := datastore.Open(ctx, eng, desk)
			if err != nil {
				t.Fatal(err)
			}
			for i := range of {
				if err := errors.Join(memos.Put(ctx, s, &of[i]), memos.Delete(ctx, s, of[i].ID)); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if n := changeTombstones(t, eng, damage); n != len(of) {
				t.Fatalf("%d tombstones were there", n)
			}

			options := optionsOf(desk)
			alone := dht.RoutingTableFilter(func(any, peer.ID) bool { return false })
			a, b := newNodeWith(t, eng, options, alone), newNodeWith(t, memory.Engine(), options, alone)
			meet(a, b)
			if report, err := datastore.Verify(ctx, a.store); err != nil || report.Clean() {
				t.Fatalf("the damage is not found: %+v, error %v", report, err)
			}
			if _, err := datastore.Repair(ctx, a.store); err != nil {
				t.Fatal(err)
			}
			if report, err := datastore.Verify(ctx, a.store); err != nil || !report.Clean() {
				t.Errorf("after Repair: %+v, error %v", report, err)
			}
			if err := take(t, a.records, record.Key(memos, 1), encode(t, &of[0])); !errors.Is(err, record.ErrOldRecord) {
				t.Errorf("the row by the DHT: %v", err)
			}
			later := memo{3, "later", now + 3600}
			if err := memos.PutMany(ctx, b.store, append(of, later)); err != nil {
				t.Fatal(err)
			}
			// A peer without a row lists first, and compares afterwards: so it may refuse a row twice.
			if report := mustSync(t, a, b, allMemos, record.Both); report.Pulled.Refused["old"] < len(of) {
				t.Errorf("refused are %+v", report.Pulled)
			}
			if report := mustSync(t, b, a, allMemos, record.Both); report.Pushed.Refused["old"] != len(of) {
				t.Errorf("refused are %+v", report.Pushed)
			}
			if n, err := memos.Count(ctx, a.store, models.Range[uint64]{}); err != nil || n != 1 {
				t.Errorf("there are %d rows, error %v", n, err)
			}
			if err := take(t, a.records, record.Key(memos, 1), encode(t, &memo{1, "newer", now + 3600})); err != nil {
				t.Errorf("a newer row: %v", err)
			}
		})
	}
}

// changeTombstones changes each tombstone that an engine has, and returns how many there are.
func changeTombstones(
	t testing.TB, eng engine.Engine, change func(txn engine.WriteTxn, key, value []byte) error,
) (n int) {
	t.Helper()
	db, err := eng.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	txn, err := db.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard()
	prefix := format.TombstonePrefix(nil)
	found := map[string][]byte{}
	c := txn.Cursor(engine.Range{Lower: prefix, Upper: format.PrefixEnd(prefix)})
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			t.Fatal(err)
		}
		found[string(c.Key())] = append([]byte{}, value...)
	}
	err = c.Err()
	c.Close()
	for key, value := range found {
		err = errors.Join(err, change(txn, []byte(key), value))
	}
	if err = errors.Join(err, txn.Commit(t.Context(), engine.Durable)); err != nil {
		t.Fatal(err)
	}
	return len(found)
}
