package wide_test

import (
	"context"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/modelgen/internal/wide"
)

// TestKeys finds a row by each kind of key that modelgen makes of fields. Temp
// checks that the indexes are true.
func TestKeys(t *testing.T) {
	store := datastore.Temp(t, memory.Engine(), wide.Wide)
	moment := time.Unix(1e9, 0).UTC()
	var thing wide.Thing
	thing.ID, thing.ID16, thing.Flag, thing.I8, thing.Moment = 7, [16]byte{1, 0, 2}, true, -3, moment
	thing.Strings, thing.Hashes, thing.Arr, thing.Data = []string{"a", "b", "a"}, [][4]byte{{1}, {2}, {1}}, [3]int16{5, 5, 6}, []byte("data")
	other := wide.Thing{Email: "other@example.com"}
	if err := wide.Everything.PutMany(t.Context(), store, []wide.Thing{thing, other}); err != nil {
		t.Fatal(err)
	}
	counts(t, store, wide.ThingByID16, models.Only(thing.ID16[:]), 1)
	counts(t, store, wide.ThingByIDFlag, models.Only(models.MakePair(thing.ID16[:], wide.Flag(true))), 1)
	counts(t, store, wide.ThingByHashes, models.Only([]byte{1, 0, 0, 0}), 1)
	counts(t, store, wide.ThingByHashes, models.Range[[]byte]{}, 2)
	counts(t, store, wide.ThingByArr, models.Range[int16]{}, 3) // the other's are all 0
	counts(t, store, wide.ThingByArrData, models.Only(models.MakePair(int16(5), []byte("data"))), 1)
	counts(t, store, wide.ThingByStringLevel, models.FirstIs[string, models.Pair[int8, time.Time]]("a"), 1)
	counts(t, store, wide.ThingByStringLevel, models.Only(models.MakePair("b", models.MakePair(int8(-3), moment))), 1)
}

// counts checks how many entries of an index a range has.
func counts[K any](t *testing.T, store *datastore.Store, index interface {
	Name() string
	Count(context.Context, models.Reader, models.Range[K]) (int, error)
}, rng models.Range[K], want int,
) {
	t.Helper()
	if n, err := index.Count(t.Context(), store, rng); n != want || err != nil {
		t.Errorf("index %s: %d entries, %v, want %d", index.Name(), n, err, want)
	}
}
