package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

type pair struct{ key, value []byte }

// dump returns a copy of everything an engine holds.
func dump(t testing.TB, eng engine.Engine) (all []pair) {
	t.Helper()
	db, err := eng.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	txn, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard()
	c := txn.Cursor(engine.Range{})
	defer c.Close()
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pair{bytes.Clone(c.Key()), bytes.Clone(value)})
	}
	return all
}

// load returns an engine that holds all.
func load(t testing.TB, all []pair) engine.Engine {
	t.Helper()
	eng := memory.Engine()
	db, err := eng.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	txn, err := db.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if err := txn.Put(bytes.Clone(p.key), bytes.Clone(p.value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(txn.Commit(t.Context(), engine.Durable), db.Close()); err != nil {
		t.Fatal(err)
	}
	return eng
}

// TestEveryBit flips every single bit of a small store in turn: in keys and
// values, of rows, index entries and the catalog. Whatever is asked then, no
// wrong row comes back, and nothing panics. Damage to an index is repaired, and
// no row that can be read is lost.
func TestEveryBit(t *testing.T) {
	skipShort(t)
	eng := memory.Engine()
	rows := map[uint64]person{}
	store, err := datastore.Open(t.Context(), eng, town)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(3) {
		p := somebody(i)
		p.Tags = p.Tags[:1]
		rows[i] = p
		if err := people.Put(t.Context(), store, &p); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	whole := dump(t, eng)
	const rowSpace = 65 // after that of the store's own tree
	flips, noticed, repaired := 0, 0, 0
	for i := range whole {
		for bit := range 8 * (len(whole[i].key) + len(whole[i].value)) {
			damaged := make([]pair, len(whole))
			for j, p := range whole {
				damaged[j] = pair{bytes.Clone(p.key), bytes.Clone(p.value)}
			}
			if at := bit / 8; at < len(damaged[i].key) {
				damaged[i].key[at] ^= 1 << (bit % 8)
			} else {
				damaged[i].value[at-len(damaged[i].key)] ^= 1 << (bit % 8)
			}
			if slices.ContainsFunc(whole, func(p pair) bool { return bytes.Equal(p.key, damaged[i].key) }) && !bytes.Equal(whole[i].key, damaged[i].key) {
				continue // another entry is there: that would be two kinds of damage
			}
			flips++
			what := fmt.Sprintf("key %x, bit %d", whole[i].key, bit)
			store, err := datastore.Open(t.Context(), load(t, damaged), town)
			if err != nil {
				noticed++
				continue // the catalog: refused as a whole
			}
			if err := neverWrong(t.Context(), store, rows); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			report, err := datastore.Verify(t.Context(), store)
			if err != nil {
				t.Errorf("%s: verify: %v", what, err)
			}
			if !report.Clean() {
				noticed++
			} else {
				t.Errorf("%s: not noticed", what)
			}
			mended, err := datastore.Repair(t.Context(), store)
			if err != nil || mended.Left() != 0 {
				t.Errorf("%s: repair: %+v, %v", what, mended, err)
			}
			if report, err = datastore.Verify(t.Context(), store); err != nil || !report.Clean() {
				t.Errorf("%s: after repair: %+v, %v", what, report, err)
			}
			if mended.Repaired > 0 {
				repaired++
			}
			want := len(rows)
			if whole[i].key[0] == rowSpace {
				want--
			}
			if left, err := people.Count(t.Context(), store, models.Range[uint64]{}); err != nil || left < want {
				t.Errorf("%s: %d rows left, want %d: %v", what, left, want, err)
			}
			if err := neverWrong(t.Context(), store, rows); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if err := store.Close(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	t.Logf("%d bits flipped, %d noticed, %d repaired", flips, noticed, repaired)
	if noticed != flips {
		t.Errorf("only %d of %d flips were noticed", noticed, flips)
	}
}

// neverWrong asks for all there is and returns an error for a row that was never
// put. That rows are missing or are reported as damaged is allowed.
func neverWrong(ctx context.Context, store *datastore.Store, rows map[uint64]person) (wrong error) {
	check := func(p person, err error) {
		switch {
		case err != nil:
			if !errors.Is(err, models.ErrCorrupt) && !errors.Is(err, models.ErrNotFound) {
				wrong = err
			}
		case !reflect.DeepEqual(p, rows[p.ID]):
			wrong = fmt.Errorf("got the row %v, which was never put", p)
		}
	}
	for p, err := range people.All(ctx, store) {
		check(p, err)
	}
	for p, err := range byName.Range(ctx, store, models.Range[string]{}) {
		check(p, err)
	}
	for p, err := range byCityAge.Range(ctx, store, models.Range[cityAge]{}) {
		check(p, err)
	}
	for p, err := range byTag.Range(ctx, store, models.Range[string]{}) {
		check(p, err)
	}
	for id, p := range rows {
		check(people.Get(ctx, store, id))
		check(byEmail.Get(ctx, store, p.Email))
	}
	for e, err := range byName.Keys(ctx, store, models.Range[string]{}) {
		if err == nil && rows[e.Primary].Name != e.Index {
			wrong = fmt.Errorf("the index has %v", e)
		}
	}
	for e, err := range byEmail.Keys(ctx, store, models.Range[string]{}) {
		if err == nil && rows[e.Primary].Email != e.Index {
			wrong = fmt.Errorf("the index has %v", e)
		}
	}
	return wrong
}

// TestRepairSetsRowsAside checks that what cannot be read is kept.
func TestRepairSetsRowsAside(t *testing.T) {
	eng := memory.Engine()
	store, err := datastore.Open(t.Context(), eng, town)
	if err != nil {
		t.Fatal(err)
	}
	p := somebody(1)
	if err := errors.Join(people.Put(t.Context(), store, &p), store.Close()); err != nil {
		t.Fatal(err)
	}
	whole := dump(t, eng)
	var row pair
	for i := range whole {
		if bytes.HasSuffix(whole[i].key, []byte{0, 0, 0, 0, 0, 0, 0, 1}) && len(whole[i].key) == 9 {
			whole[i].value[10] ^= 1
			row = whole[i]
		}
	}
	eng = load(t, whole)
	if store, err = datastore.Open(t.Context(), eng, town); err != nil {
		t.Fatal(err)
	}
	report, err := datastore.Repair(t.Context(), store)
	if err != nil || report.BadRows != 1 || report.Orphans != 5 || report.Repaired != 6 || len(report.Damage) != 6 {
		t.Errorf("%+v, %v", report, err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range dump(t, eng) {
		if bytes.Equal(p.key, append([]byte{3}, row.key...)) && bytes.Equal(p.value, row.value) {
			return
		}
	}
	t.Error("the row is gone")
}

// TestVerifyWithoutDefinitions damages a store in every place and examines it
// by its catalog alone.
func TestVerifyWithoutDefinitions(t *testing.T) {
	eng := memory.Engine()
	store, err := datastore.Open(t.Context(), eng, town)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(3) {
		p := somebody(i)
		if err := people.Put(t.Context(), store, &p); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	whole := dump(t, eng)
	verify := func(all []pair, repair bool) datastore.Report {
		t.Helper()
		store, err := datastore.Open(t.Context(), load(t, all))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		examine := datastore.Verify
		if repair {
			examine = datastore.Repair
		}
		report, err := examine(t.Context(), store)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	if report := verify(whole, false); !report.Clean() || report.Rows != 3 || report.Entries == 0 {
		t.Errorf("whole: %+v", report)
	}
	rows, missing := 0, 0
	for i := range whole {
		if whole[i].key[0] < 16 { // the store's own
			continue
		}
		damaged := slices.Clone(whole)
		damaged[i].value = bytes.Clone(whole[i].value)
		damaged[i].value[len(damaged[i].value)-1] ^= 1
		// An entry that is set aside is missing then, and cannot be made anew.
		if report := verify(damaged, true); report.Clean() || report.Left() != report.Missing {
			t.Errorf("changed %x: %+v", whole[i].key, report)
		}
		report := verify(slices.Delete(slices.Clone(whole), i, i+1), false)
		if report.Orphans > 0 {
			rows++
		}
		missing += int(report.Missing)
	}
	// Each row has one entry in each of the indexes that are not a Multi.
	plain := 0
	for _, ix := range people.Core().Indexes {
		if ix.Kind != session.Multi {
			plain++
		}
	}
	if rows != 3 || missing != 3*plain {
		t.Errorf("%d rows and %d entries were missed, of %d indexes", rows, missing, plain)
	}
}
