package datastore_test

import (
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// liveHeap returns the bytes that are in use on the heap.
func liveHeap() uint64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// Migrating takes memory for one short transaction, however many rows there are. On bolt, whose
// pages are mapped, all that the heap grows by is ours.
func TestMigrateMemory(t *testing.T) {
	skipShort(t)
	eng, ctx := engines["bolt"](t), t.Context()
	tree1, _, d1 := users1()
	s := openOne(t, eng, d1)
	const rows = 30_000
	name := strings.Repeat("name ", 100)
	_, err := datastore.Import(ctx, s, tree1, func(yield func(user1, error) bool) {
		for id := uint64(1); id <= rows && yield(user1{ID: id, Name: name}, nil); id++ {
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	later := models.NewTree("user", models.Uint64, func(u *user2) uint64 { return u.ID })
	models.NewIndex(later, "name", models.String, func(u *user2) string { return nameOf(u.Name) })
	s = openOne(t, eng, models.NewDefinition("app", later))
	first, most := liveHeap(), uint64(0)
	n, err := datastore.Migrate(ctx, s, datastore.MigrateOptions{Progress: func(m datastore.MigrateProgress) {
		if m.Rows%5_000 < 500 {
			most = max(most, liveHeap())
		}
	}})
	if err != nil || n != rows {
		t.Fatal(n, err)
	}
	if most == 0 || most > first+8<<20 {
		t.Errorf("the heap has grown from %d KiB to %d KiB", first>>10, most>>10)
	}
	t.Logf("from %d KiB to %d KiB", first>>10, most>>10)
	closeStore(t, s)
}
