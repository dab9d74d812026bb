package datastore_test

import (
	"fmt"
	"slices"
	"testing"

	netabase "github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// Inspection and raw indexes go on from any row that they have yielded, also if it is gone since.
func TestGoingOnFromARow(t *testing.T) {
	ctx := t.Context()
	store := netabase.Temp(t, memory.Engine(), lab)
	for i := range 9 {
		r := someReading(i)
		if err := readings.Put(ctx, store, &r); err != nil {
			t.Fatal(err)
		}
	}
	in := store.Inspect()
	from := func(primary []byte) (rows []netabase.InspectedRow) {
		for row, err := range in.RowsFrom(ctx, readings.Name(), primary) {
			if err != nil || row.Err != nil {
				t.Fatal(err, row.Err)
			}
			rows = append(rows, row)
		}
		return rows
	}
	entries := func(ix models.RawIndex, rng models.Range[[]byte], after *models.RawEntry) (all []string) {
		scan := ix.Scan(ctx, store, rng)
		if after != nil {
			scan = ix.ScanAfter(ctx, store, rng, *after)
		}
		for e, err := range scan {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprintf("%x %x", e.Index, e.Primary))
		}
		return all
	}
	rows := from(nil)
	if len(rows) != 9 {
		t.Fatalf("there are %d rows", len(rows))
	}
	for i, row := range rows {
		if got := from(row.Primary); len(got) != 9-i || got[0].Key != row.Key {
			t.Errorf("from row %d on there are %d rows", i, len(got))
		}
	}
	for _, ix := range readings.Raw().Indexes() {
		for _, rng := range []models.Range[[]byte]{{}, models.Range[[]byte]{}.Reverse()} {
			all, at := entries(ix, rng, nil), 0
			for e, err := range ix.Scan(ctx, store, rng) {
				if err != nil {
					t.Fatal(err)
				}
				at++
				if got := entries(ix, rng, &e); !slices.Equal(got, all[at:]) {
					t.Errorf("%s: after entry %d there are %q, want %q", ix.Name(), at, got, all[at:])
				}
			}
		}
	}
	if err := readings.Raw().Delete(ctx, store, rows[4].Primary); err != nil {
		t.Fatal(err)
	}
	if got := from(rows[4].Primary); len(got) != 4 || got[0].Key != rows[5].Key {
		t.Errorf("from the deleted row on there are %d rows", len(got))
	}
}
