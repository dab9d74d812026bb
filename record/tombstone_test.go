package record_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// memo is a row whose deletion travels. At counts seconds.
type memo struct {
	ID   uint64
	Text string
	At   uint64
}

const memoAge = 30 * 24 * time.Hour

var (
	memos = models.NewTree("memo", models.Uint64, func(m *memo) uint64 { return m.ID },
		models.WithClock(func(m *memo) uint64 { return m.At }), models.WithPolicy[memo](models.Open),
		models.WithTombstones[memo](memoAge, time.Second))
	allMemos = models.NewTopic(memos, "all", nil)
	desk     = models.NewDefinition("desk", memos)
)

// served returns what a peer has of a memo: the value of its record, nil for nothing.
func served(t testing.TB, records *record.Records, store *datastore.Store, id uint64) []byte {
	t.Helper()
	value, found, err := memos.Raw().Find(context.Background(), store, memos.EncodeKey(id))
	if err != nil {
		t.Fatal(err)
	}
	if found {
		return value
	}
	ses, err := store.BeginRead(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer ses.End()
	of, found, err := ses.Place(memos.Core()).Tombstone(ses, memos.EncodeKey(id))
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		return nil
	}
	status, err := record.StatusOf(context.Background(), records, memos, id)
	if err != nil || status.State != record.Retracted {
		t.Errorf("the status of a tombstone is %v, error %v", status, err)
	}
	return wire.AppendTombstone(nil, of.Clock)
}

// Peers change and delete memos while random groups of them are cut off, and hear rows and tombstones late,
// twice and in any order. When all have met, all have the same bytes.
func TestPartitionsWithTombstones(t *testing.T) {
	for range 5 {
		seed := rand.Uint64()
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			const peers, ids = 5, 3
			var all [peers]*record.Records
			var stores [peers]*datastore.Store
			for i := range all {
				all[i], stores[i] = openRecords(t, memory.Engine(), optionsOf(desk))
			}
			hear := func(j int, id uint64, value []byte) {
				if value == nil {
					return
				}
				if err := take(t, all[j], record.Key(memos, id), value); err != nil && !errors.Is(err, record.ErrOldRecord) {
					t.Fatal(err)
				}
			}
			group := make([]int, peers)
			type said struct {
				id    uint64
				value []byte
			}
			var heard []said
			now := uint64(time.Now().Unix())
			for step := range 400 {
				if step%50 == 0 {
					for i := range group {
						group[i] = rnd.IntN(3)
					}
				}
				i, j, id := rnd.IntN(peers), rnd.IntN(peers), rnd.Uint64N(ids)
				switch rnd.IntN(4) {
				case 0: // with clocks that meet, and do not always rise
					m := memo{id, fmt.Sprint(i, step), now + rnd.Uint64N(uint64(step/20)+1)}
					if old, err := memos.Get(t.Context(), stores[i], id); err != nil || old.At < m.At {
						old := served(t, all[i], stores[i], id)
						if clock, err := wire.ParseTombstone(old); err == nil && clock >= m.At {
							m.At = clock + 1
						}
						if err := memos.Put(t.Context(), stores[i], &m); err != nil {
							t.Fatal(err)
						}
					}
				case 1:
					if err := memos.Delete(t.Context(), stores[i], id); err != nil {
						t.Fatal(err)
					}
				default:
					if group[i] == group[j] {
						value := served(t, all[i], stores[i], id)
						hear(j, id, value)
						heard = append(heard, said{id, value})
					} else if len(heard) > 0 && rnd.IntN(4) == 0 {
						s := heard[rnd.IntN(len(heard))]
						hear(j, s.id, s.value)
					}
				}
			}
			for id := range uint64(ids) {
				for _, k := range rnd.Perm(peers) {
					hear(0, id, served(t, all[k], stores[k], id))
				}
				want := served(t, all[0], stores[0], id)
				for k := range all {
					hear(k, id, want)
					if got := served(t, all[k], stores[k], id); string(got) != string(want) {
						t.Errorf("memo %d of %d is %x, and of 0 %x", id, k, got, want)
					}
				}
			}
			for _, s := range stores {
				if report, err := datastore.Verify(t.Context(), s); err != nil || !report.Clean() {
					t.Errorf("%+v, error %v", report, err)
				}
			}
		})
	}
}

// A row that a peer has deleted does not come back after the age. The floor stays the age behind, and
// strangers cannot raise it. A new peer has no floor.
func TestTombstoneFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records, store := openRecords(t, memory.Engine(), record.Options{
			Models: []*models.Definition{desk}, MaxRecordAge: 48 * time.Hour, ProviderValidity: 48 * time.Hour,
		})
		now := uint64(time.Now().Unix())
		row := func(id, at uint64) []byte {
			value, err := models.DagCBOR[memo]().Append(nil, &memo{ID: id, At: at})
			if err != nil {
				t.Fatal(err)
			}
			return value
		}
		if err := errors.Join(memos.Put(t.Context(), store, &memo{ID: 1, At: now}), memos.Delete(t.Context(), store, 1)); err != nil {
			t.Fatal(err)
		}
		key := func(id uint64) string { return record.Key(memos, id) }
		for at, refused := range map[uint64]bool{now - 1: true, now: true, now + 1: false} {
			if err := take(t, records, key(1), row(1, at)); errors.Is(err, record.ErrOldRecord) != refused || err != nil && !refused {
				t.Errorf("a row with the clock %d beside a tombstone with %d: %v", at, now, err)
			}
			if err := errors.Join(memos.Put(t.Context(), store, &memo{ID: 1, At: now}), memos.Delete(t.Context(), store, 1)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		// A stranger deletes what nobody has, with the highest clock.
		if err := take(t, records, key(2), wire.AppendTombstone(nil, math.MaxUint64)); err != nil {
			t.Fatal(err)
		}
		if usage := records.RecordUsage(); usage.Rows != 1 {
			t.Errorf("a tombstone of a stranger counts as %+v", usage)
		}
		time.Sleep(memoAge - 2*time.Hour) // beyond the age of records
		synctest.Wait()
		if err := take(t, records, key(2), row(2, math.MaxUint64)); !errors.Is(err, record.ErrOldRecord) {
			t.Errorf("before the age: %v", err)
		}
		if usage := records.RecordUsage(); usage.Rows != 1 {
			t.Errorf("a tombstone of a stranger counts as %+v until it is dropped", usage)
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if usage := records.RecordUsage(); usage.Rows != 0 {
			t.Errorf("a tombstone that was dropped counts as %+v", usage)
		}
		taken := now + 3600
		for at, refused := range map[uint64]bool{now: true, taken: true, taken + 1: false, math.MaxUint64: false} {
			id := 10 + at
			if err := take(t, records, key(id), row(id, at)); errors.Is(err, record.ErrOldRecord) != refused || err != nil && !refused {
				t.Errorf("a row with the clock %d after the age: %v", at-now, err)
			}
		}
		if err := memos.Put(t.Context(), store, &memo{ID: 5, At: 1}); err != nil {
			t.Errorf("the program's own row is refused: %v", err)
		}
		fresh, _ := openRecords(t, memory.Engine(), optionsOf(desk))
		if err := take(t, fresh, key(1), row(1, now)); err != nil {
			t.Errorf("a new peer: %v", err)
		}
	})
}

// Deletions travel by sync, both ways and by a pull, and are changes of their origin. They keep their age.
func TestSyncTombstones(t *testing.T) {
	options := record.Options{Models: []*models.Definition{desk}, MaxRecordAge: time.Hour, ProviderValidity: time.Hour}
	alone := dht.RoutingTableFilter(func(any, peer.ID) bool { return false })
	a := newNodeWith(t, memory.Engine(), options, alone)
	b := newNodeWith(t, memory.Engine(), options, alone)
	meet(a, b)
	ctx := t.Context()
	now := uint64(time.Now().Unix())
	for id := range uint64(20) {
		if err := memos.Put(ctx, a.store, &memo{id, "text", now}); err != nil {
			t.Fatal(err)
		}
	}
	mustSync(t, a, b, allMemos, record.Both)
	changes, err := memos.Watch(ctx, b.store, models.Range[uint64]{}, models.WatchOptions{Buffer: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(memos.Delete(ctx, a.store, 1), memos.Delete(ctx, b.store, 2), memos.Delete(ctx, a.store, 3),
		memos.Put(ctx, b.store, &memo{3, "changed", now + 1})); err != nil {
		t.Fatal(err)
	}
	report := mustSync(t, b, a, allMemos, record.Pull) // which asks for the tombstone of 1
	if n := len(report.Pulled.Refused); n > 1 {
		t.Errorf("refused are %+v", report.Pulled)
	}
	has := func(n *node) map[uint64]string {
		all := map[uint64]string{}
		for m, err := range memos.All(ctx, n.store) {
			if err != nil {
				t.Fatal(err)
			}
			all[m.ID] = m.Text
		}
		return all
	}
	if _, found := has(b)[1]; found {
		t.Error("a pull has not brought the deletion")
	}
	if _, found := has(a)[2]; !found {
		t.Error("a pull has deleted a row of the other peer")
	}
	mustSync(t, b, a, allMemos, record.Both)
	if got, want := has(a), has(b); !maps.Equal(got, want) || len(got) != 18 || got[3] != "changed" {
		t.Errorf("one has %v, the other %v", got, want)
	}
	if again := mustSync(t, a, b, allMemos, record.Both); again.Pulled.Taken+again.Pushed.Taken != 0 {
		t.Errorf("what is the same travels again: %+v", again)
	}
	for c, err := range changes {
		if err != nil {
			t.Fatal(err)
		}
		if c.Key == 1 {
			if c.New != nil || c.Origin != models.OriginSync {
				t.Errorf("the deletion is the change %+v", c)
			}
			break
		}
	}
}

// A deletion goes into the DHT: by Retract, whether the row is there or not, and by Republish if the row was
// published. Nobody finds the row then.
func TestRetractOpen(t *testing.T) {
	options := record.Options{Models: []*models.Definition{desk}, RepublishInterval: time.Hour}
	nodes := []*node{
		newNodeWith(t, memory.Engine(), options), newNodeWith(t, memory.Engine(), options),
		newNodeWith(t, memory.Engine(), options),
	}
	connectAll(t, nodes)
	a, b := nodes[0], nodes[1]
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	now := uint64(time.Now().Unix())
	for id := range uint64(3) {
		if _, err := record.Publish(ctx, a.node, memos, &memo{id, "text", now - 9}); err != nil {
			t.Fatal(err)
		}
		if _, err := record.Resolve(ctx, b.node, memos, id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := record.Retract(ctx, a.node, memos, 0); err != nil {
		t.Error(err)
	}
	if _, err := record.Retract(ctx, nodes[2].node, memos, 9); err != nil { // nobody has it
		t.Error(err)
	}
	if _, err := record.Publish(ctx, a.node, memos, &memo{9, "older", now - 9}); err == nil {
		t.Error("a row that others have deleted later was taken by one")
	}
	if err := memos.Delete(ctx, a.store, 1); err != nil {
		t.Fatal(err)
	}
	if status, err := record.StatusOf(ctx, a.records, memos, 1); err != nil || status.State != record.Retracted {
		t.Errorf("%+v, error %v", status, err)
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.node.Republish(running) }()
	for _, id := range []uint64{0, 1} {
		for _, n := range nodes {
			eventually(t, fmt.Sprintf("memo %d is deleted on %s", id, n.host.ID()), func() bool {
				has, err := memos.Has(ctx, n.store, id)
				return err == nil && !has
			})
		}
		if _, err := record.Resolve(ctx, b.node, memos, id); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("memo %d: %v", id, err)
		}
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := record.Resolve(ctx, b.node, memos, 2); err != nil {
		t.Error(err)
	}
	for v, err := range b.records.ValuesIn(ctx, memos.Name()) {
		if err != nil || v.Data == nil != (string(v.Key) != record.Key(memos, 2)) {
			t.Errorf("%s has %x, error %v", v.Key, v.Data, err)
		}
	}
	// A newer row brings it back.
	if _, err := record.Publish(ctx, b.node, memos, &memo{0, "again", now + 1}); err != nil {
		t.Error(err)
	}
	if m, err := memos.Get(ctx, a.store, 0); err != nil || m.Text != "again" {
		t.Errorf("%+v, error %v", m, err)
	}
}

// A deletion reaches peers by gossip, and a row that comes late is ignored.
func TestGossipTombstones(t *testing.T) {
	options := record.Options{Models: []*models.Definition{desk}}
	alone := dht.RoutingTableFilter(func(any, peer.ID) bool { return false })
	a := newNodeWith(t, memory.Engine(), options, alone)
	b := newNodeWith(t, memory.Engine(), options, alone)
	for _, n := range []*node{a, b} {
		keepTopics(t, n, record.KeepSynced{PubSub: newPubSub(t, n), Interval: time.Hour}, allMemos)
	}
	link(t, a, b)
	listen(t, a, allMemos, b)
	listen(t, b, allMemos, a)
	now := uint64(time.Now().Unix())
	if err := memos.Put(t.Context(), a.store, &memo{1, "text", now}); err != nil {
		t.Fatal(err)
	}
	has := func() bool {
		has, err := memos.Has(t.Context(), b.store, 1)
		if err != nil {
			t.Fatal(err)
		}
		return has
	}
	eventually(t, "the row has come", has)
	if err := memos.Delete(t.Context(), a.store, 1); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the row is deleted", func() bool { return !has() })
	if status, err := record.StatusOf(t.Context(), b.records, memos, 1); err != nil || status.State != record.Retracted {
		t.Errorf("%+v, error %v", status, err)
	}
	row, err := models.DagCBOR[memo]().Append(nil, &memo{1, "text", now})
	if err == nil {
		err = take(t, b.records, record.Key(memos, 1), row)
	}
	if !errors.Is(err, record.ErrOldRecord) {
		t.Errorf("the row again: %v", err)
	}
}

// Tombstones of strangers are bounded as rows are, and evicting them raises no floor. Those of the program's own
// deletions stay, and a row of a stranger in their place is a stranger's.
func TestTombstonesBounded(t *testing.T) {
	records, store := openRecords(t, memory.Engine(), record.Options{
		Models: []*models.Definition{desk}, Bounds: record.Bounds{Records: 10},
	})
	now := uint64(time.Now().Unix())
	if err := errors.Join(memos.Put(t.Context(), store, &memo{0, "text", now}), memos.Delete(t.Context(), store, 0)); err != nil {
		t.Fatal(err)
	}
	for id := range uint64(50) {
		if err := take(t, records, record.Key(memos, id+1), wire.AppendTombstone(nil, now+id)); err != nil {
			t.Fatal(err)
		}
	}
	left := 0
	for id := range uint64(50) {
		if served(t, records, store, id+1) != nil {
			left++
		}
	}
	if usage := records.RecordUsage(); usage.Rows != 10 || left != 10 {
		t.Errorf("%d tombstones of strangers are left, and count as %+v", left, usage)
	}
	if served(t, records, store, 0) == nil {
		t.Error("the program's own tombstone was evicted")
	}
	row, err := models.DagCBOR[memo]().Append(nil, &memo{99, "old", 1})
	if err == nil {
		err = take(t, records, record.Key(memos, 99), row)
	}
	if err != nil {
		t.Errorf("evicting has raised the floor: %v", err)
	}
	if row, err = models.DagCBOR[memo]().Append(nil, &memo{0, "newer", now + 1}); err == nil {
		err = take(t, records, record.Key(memos, 0), row)
	}
	if status, statusErr := record.StatusOf(t.Context(), records, memos, 0); err != nil || statusErr != nil || status.State != record.Received {
		t.Errorf("%+v, errors %v, %v", status, err, statusErr)
	}
	// Whatever was counted is what there is.
	if err := records.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
	if usage := records.RecordUsage(); usage.Rows != 10 {
		t.Errorf("counted anew there are %+v", usage)
	}
}
