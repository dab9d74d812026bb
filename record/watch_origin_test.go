package record_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// A watch is told who has made each change: the program, a peer in the DHT or by sync, in either role, or the
// age of a record. A record that is deleted by its path is deleted by the program, since no other peer can ask
// for that.
func TestWatchOriginsOfPages(t *testing.T) {
	ctx := t.Context()
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(a, b)
	changes, err := Pages.Watch(ctx, a.store, models.Range[uint64]{}, models.WatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fromDHT := func(id uint64, received time.Time) {
		key := record.Key(Pages, id)
		_, value, err := Pages.Encode(&Page{ID: id, Version: 1})
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, a.records, dsKey("library.page", key), kadRecord(t, key, value, received))
	}
	putPages(t, a, 1, 1)
	fromDHT(2, time.Now())
	putPages(t, b, 1, 3)
	mustSync(t, a, b, AllPages, record.Pull)
	putPages(t, b, 1, 4)
	mustSync(t, b, a, AllPages, record.Push)
	if err := a.records.Delete(ctx, dsKey("library.page", record.Key(Pages, 2))); err != nil {
		t.Fatal(err)
	}
	batch, err := a.records.Batch(ctx)
	if err == nil {
		err = batch.Delete(ctx, dsKey("library.page", record.Key(Pages, 3)))
	}
	if err == nil {
		err = batch.Commit(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	txn, err := a.records.NewTransaction(ctx, false)
	if err == nil {
		err = txn.Delete(ctx, dsKey("library.page", record.Key(Pages, 4)))
	}
	if err == nil {
		err = txn.Commit(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	fromDHT(5, time.Now().Add(300*time.Millisecond-24*time.Hour))
	eventually(t, "the record is too old", func() bool {
		n, err := a.records.Expire(ctx)
		return err == nil && n == 1
	})
	want := []string{
		"put 1 by program", "put 2 by dht", "put 3 by sync", "put 4 by sync", "deleted 2 by program",
		"deleted 3 by program", "deleted 4 by program", "put 5 by dht", "deleted 5 by expiry",
	}
	for c, err := range changes {
		if err != nil {
			t.Fatal(err)
		}
		did := "put"
		if c.New == nil {
			did = "deleted"
		}
		if got := fmt.Sprintf("%s %d by %v", did, c.Key, c.Origin); got != want[0] {
			t.Errorf("%s, want %s", got, want[0])
		}
		if want = want[1:]; len(want) == 0 {
			break
		}
	}
}
