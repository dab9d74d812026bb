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

// TestKeys finds a row by each kind of key that modelgen writes. Temp verifies the indexes.
func TestKeys(t *testing.T) {
	store := datastore.Temp(t, memory.Engine(), wide.Wide)
	moment := time.Unix(1e9, 0).UTC()
	var thing wide.Thing
	thing.ID, thing.ID16, thing.Flag, thing.I8, thing.Moment = 7, [16]byte{1, 0, 2}, true, -3, moment
	thing.Strings, thing.Hashes, thing.Arr, thing.Data = []string{
		"a",
		"b",
		"a",
	}, [][4]byte{
		{1},
		{2},
		{1},
	}, [3]int16{
		5,
		5,
		6,
	}, []byte(
		"data",
	)
	other := wide.Thing{Email: "other@example.com"}
	if err := wide.Everything.PutMany(t.Context(), store, []wide.Thing{thing, other}); err != nil {
		t.Fatal(err)
	}
	counts(t, store, wide.ThingByID16, models.Only(thing.ID16[:]), 1)
	counts(t, store, wide.ThingByIDFlag, models.Only(models.MakePair(thing.ID16[:], wide.Flag(true))), 1)
	counts(t, store, wide.ThingByHashes, models.Only([]byte{1, 0, 0, 0}), 1)
	counts(t, store, wide.ThingByHashes, models.Range[[]byte]{}, 2)
	counts(t, store, wide.ThingByArr, models.Range[int16]{}, 3) // the other row's are all 0
	counts(t, store, wide.ThingByArrData, models.Only(models.MakePair(int16(5), []byte("data"))), 1)
	counts(t, store, wide.ThingByStringLevel, models.FirstIs(wide.ThingByStringLevel, "a"), 1)
	counts(t, store, wide.ThingByStringLevel, models.FirstTwoAre(wide.ThingByStringLevel, "a", -3), 1)
	counts(t, store, wide.ThingByStringLevel, models.FirstTwoAre(wide.ThingByStringLevel, "a", -4), 0)
	counts(t, store, wide.ThingByStringLevel, models.Only(models.MakeTriple("b", int8(-3), moment)), 1)
}

// TestTicket checks the tags and directives besides keys.
func TestTicket(t *testing.T) {
	store := datastore.Temp(t, memory.Engine(), wide.Wide)
	day := wide.Moment(time.Unix(1e9, 0).UTC())
	for i, ticket := range []wide.Ticket{
		{Hall: 1, Day: day, Token: []byte{1}, Gate: [2]byte{1}, Row: 1, Place: 2, Level: 3, Price: 4},
		{Hall: 1, Seat: "A1", Row: 1, Place: 2, Level: 4},
		{Day: day},
	} {
		if err := wide.Tickets.Insert(t.Context(), store, &ticket); err != nil || ticket.Number != uint32(i+1) {
			t.Fatalf("ticket %d, %v", ticket.Number, err)
		}
	}
	if policy := wide.Tickets.Policy(); policy != models.Open {
		t.Errorf("the policy is %v", policy)
	}
	counts(t, store, wide.TicketBySeat, models.Range[string]{}, 1)
	counts(t, store, wide.TicketByHallDay, models.FirstIs(wide.TicketByHallDay, 1), 1)
	counts(t, store, wide.TicketByHallDay, models.Range[models.Pair[uint8, wide.Moment]]{}, 1)
	counts(t, store, wide.TicketByHallToken, models.Range[models.Pair[uint8, []byte]]{}, 1)
	counts(t, store, wide.TicketByGate, models.Range[[]byte]{}, 1)
	counts(t, store, wide.TicketByPlace, models.FirstTwoAre(wide.TicketByPlace, 1, 2), 2)
	counts(t, store, wide.TicketByPlace, models.FirstThreeAre(wide.TicketByPlace, 1, 2, 4), 1)
	counts(t, store, wide.TicketByPlace, models.FirstIs(wide.TicketByPlace, 0), 1)
}

// counts checks how many entries of an index are in a range.
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
