package datastore_test

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// rowsOf is an input that yields rows and then, if it is not nil, err.
func rowsOf[M any](rows []M, err error) iter.Seq2[M, error] {
	return func(yield func(M, error) bool) {
		for _, p := range rows {
			if !yield(p, nil) {
				return
			}
		}
		if err != nil {
			yield(*new(M), err)
		}
	}
}

// crowd returns people in no order of their keys.
func crowd(n int) []person {
	all := make([]person, n)
	for i, id := range rand.New(rand.NewPCG(5, 6)).Perm(n) {
		all[i] = somebody(uint64(id))
	}
	return all
}

// largeCrowd is a crowd of which few fill the window of an import.
func largeCrowd(n int) []person {
	all := crowd(n)
	for i := range all {
		all[i].Name += strings.Repeat("x", 1<<10)
	}
	return all
}

// wantPeople checks that the store holds just what storing rows one by one
// leaves.
func wantPeople(t *testing.T, store *datastore.Store, rows []person) {
	t.Helper()
	want := map[uint64]person{}
	for _, p := range rows {
		want[p.ID] = p
	}
	n := 0
	for p, err := range people.All(context.Background(), store) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; !reflect.DeepEqual(p, want[p.ID]) {
			t.Fatalf("got %+v, want %+v", p, want[p.ID])
		}
	}
	if n != len(want) {
		t.Errorf("got %d rows, want %d", n, len(want))
	}
}

func TestImport(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, h *harness) {
		rows := largeCrowd(1_600)
		for i := range 200 { // some come again, changed
			p := rows[i*7]
			p.Name, p.Tags = "again", []string{"again"}
			rows = append(rows, p)
		}
		var last datastore.ImportProgress
		calls := 0
		options := datastore.ImportOptions{WindowMB: 1, Progress: func(p datastore.ImportProgress) {
			calls++
			if p.Rows < last.Rows || p.Durable < last.Durable || p.Bytes < last.Bytes || p.Durable > p.Rows {
				t.Errorf("progress goes from %+v to %+v", last, p)
			}
			last = p
		}}
		progress, err := datastore.Import(t.Context(), h.Store, people, rowsOf(rows, nil), options)
		if err != nil {
			t.Fatal(err)
		}
		if progress != last || progress.Rows != int64(len(rows)) || progress.Durable != progress.Rows {
			t.Errorf("%+v, at last %+v, of %d rows", progress, last, len(rows))
		}
		if want := len(rows) / 800; calls < want {
			t.Errorf("%d calls of Progress with a window of 1 MiB, want %d", calls, want)
		}
		h.restart()
		wantPeople(t, h.Store, rows)

		// Another import over the rows that are there replaces them.
		for i := range rows {
			rows[i].City = "moved"
		}
		if _, err := datastore.Import(t.Context(), h.Store, people, rowsOf(rows, nil), datastore.ImportOptions{}); err != nil {
			t.Fatal(err)
		}
		h.restart()
		wantPeople(t, h.Store, rows)
	}, town)
}

func TestImportStopsAtARow(t *testing.T) {
	skipShort(t)
	unreadable := errors.New("unreadable")
	invalid := somebody(1_000_000)
	invalid.Name = "\xff"
	long := somebody(1_000_001)
	long.Name = strings.Repeat("x", engine.MaxKeySize)
	taken := somebody(1_000_002)
	taken.Email = somebody(17).Email
	cases := map[string]struct {
		bad   person
		input error
		want  error
		says  string
	}{
		"unique key taken":      {bad: taken, want: models.ErrUnique, says: "row 17 has the key, and row 1000002 would have it too"},
		"not to be encoded":     {bad: invalid, want: models.ErrInvalid, says: "town.person 1000000:"},
		"index key too long":    {bad: long, want: models.ErrKeySize, says: "town.person 1000001:"},
		"an error of the input": {input: unreadable, want: unreadable, says: "row 1001"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			const before = 1000
			rows := largeCrowd(before)
			input := rowsOf(rows, c.input)
			if c.input == nil {
				input = rowsOf(append(slices.Clone(rows), c.bad, somebody(2_000_000)), nil)
			}
			for _, window := range []int{0, 1} {
				store := datastore.Temp(t, memory.Engine(), town)
				progress, err := datastore.Import(t.Context(), store, people, input, datastore.ImportOptions{WindowMB: window})
				var failure *datastore.ImportError
				if !errors.Is(err, c.want) || !errors.As(err, &failure) {
					t.Fatalf("got error %v, want %v", err, c.want)
				}
				if failure.Row != before+1 || failure.Tree != "town.person" || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %q of row %d", err, failure.Row)
				}
				if progress.Rows != before || progress.Durable != before {
					t.Errorf("got %+v", progress)
				}
				wantPeople(t, store, rows)
			}
		})
	}
}

func TestImportResumes(t *testing.T) {
	skipShort(t)
	onEveryEngine(t, func(t *testing.T, h *harness) {
		rows := largeCrowd(2_400)
		var skip int64
		for attempt := range 3 {
			// The input ends the context, somewhere within a window.
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			end := 1_000*attempt + 864
			input := func(yield func(person, error) bool) {
				for i, p := range rows {
					if i == end {
						cancel()
					}
					if !yield(p, nil) {
						return
					}
				}
			}
			progress, err := datastore.Import(ctx, h.Store, people, input, datastore.ImportOptions{Skip: skip, WindowMB: 1})
			if attempt < 2 && !errors.Is(err, context.Canceled) || attempt == 2 && err != nil {
				t.Fatalf("attempt %d: %v", attempt, err)
			}
			if progress.Rows < skip || progress.Durable != progress.Rows || progress.Rows > int64(end) && attempt < 2 {
				t.Errorf("attempt %d from %d: %+v", attempt, skip, progress)
			}
			skip = progress.Rows
			h.restart()
			wantPeople(t, h.Store, rows[:skip])
		}
		if skip != int64(len(rows)) {
			t.Errorf("%d of %d rows", skip, len(rows))
		}
	}, town)
}

// TestImportSplits gives an import engines whose transactions take less and less
// of what it would like to write.
func TestImportSplits(t *testing.T) {
	skipShort(t)
	rows := crowd(3000)
	const opsOfRow = 7 // with the entries of name, email, city_age and three or four tags
	for _, c := range []struct {
		name   string
		told   engine.Limits
		maxOps int
	}{
		{"by what the engine says", engine.Limits{TxnOps: 300}, 300},
		{"by bytes", engine.Limits{TxnBytes: 20_000}, 0},
		{"by refusals", engine.Limits{}, 100},
		{"row by row", engine.Limits{}, 2 * opsOfRow},
	} {
		t.Run(c.name, func(t *testing.T) {
			eng := &countingEngine{Engine: memory.Engine(), told: c.told}
			store := datastore.Temp(t, eng, town)
			eng.maxOps.Store(int64(c.maxOps))
			for range 2 { // to an empty store, and over rows that are there
				progress, err := datastore.Import(t.Context(), store, people, rowsOf(rows, nil), datastore.ImportOptions{})
				if err != nil || progress.Rows != int64(len(rows)) {
					t.Fatalf("%+v, %v", progress, err)
				}
				wantPeople(t, store, rows)
				for i := range rows { // every entry changes
					rows[i].Name, rows[i].Email, rows[i].City = rows[i].Name+"x", rows[i].Email+"x", rows[i].City+"x"
				}
			}
			if n := eng.relaxed.Load(); n < 20 || n > 2*int64(len(rows)) {
				t.Errorf("%d transactions", n)
			}
		})
	}

	eng := &countingEngine{Engine: memory.Engine()}
	store := datastore.Temp(t, eng, town)
	if err := people.Put(t.Context(), store, &rows[0]); err != nil {
		t.Fatal(err)
	}
	eng.maxOps.Store(3)
	progress, err := datastore.Import(t.Context(), store, people, rowsOf(rows[1:], nil), datastore.ImportOptions{})
	var failure *datastore.ImportError
	if !errors.Is(err, models.ErrTooLarge) || !errors.As(err, &failure) || failure.Row != 1 || progress.Rows != 0 {
		t.Errorf("a row that no transaction takes: %+v, %v", progress, err)
	}
	wantPeople(t, store, rows[:1])
}

// TestImportDurability checks that nothing is called durable before a sync.
func TestImportDurability(t *testing.T) {
	skipShort(t)
	eng := &countingEngine{Engine: memory.Engine()}
	store := datastore.Temp(t, eng, town)
	var now datastore.ImportProgress
	synced := int64(0)
	eng.onSync = func() error { synced = now.Rows; return nil }
	eng.durable.Store(0) // of opening the store
	input := func(yield func(person, error) bool) {
		for i := range uint64(2500) {
			p := somebody(i)
			p.City = strings.Repeat("c", 20_000) // 100 MB in all
			if !yield(p, nil) {
				return
			}
		}
	}
	progress, err := datastore.Import(t.Context(), store, people, input, datastore.ImportOptions{Progress: func(p datastore.ImportProgress) {
		now = p
		if p.Durable > synced {
			t.Errorf("%+v, and %d rows were synced", p, synced)
		}
	}})
	if err != nil || progress.Durable != 2500 {
		t.Errorf("%+v, %v", progress, err)
	}
	if eng.durable.Load() > 0 || eng.syncs.Load() < 2 {
		t.Errorf("%d commits waited for the disk, %d syncs", eng.durable.Load(), eng.syncs.Load())
	}

	// A disk that fails: what is committed is told, and that it may be lost.
	broken := errors.New("disk is broken")
	eng.onSync = func() error { return broken }
	progress, err = datastore.Import(t.Context(), store, people, rowsOf(crowd(10), nil), datastore.ImportOptions{})
	if !errors.Is(err, broken) || progress.Rows != 10 || progress.Durable != 0 {
		t.Errorf("%+v, %v", progress, err)
	}
	eng.onSync = nil
	eng.onCommit = func() error { return broken }
	progress, err = datastore.Import(t.Context(), store, people, rowsOf(crowd(10), nil), datastore.ImportOptions{})
	var failure *datastore.ImportError
	if !errors.Is(err, broken) || !errors.As(err, &failure) || failure.Row != 0 || progress.Rows != 0 {
		t.Errorf("%+v, %v", progress, err)
	}
	eng.onCommit = nil
}

func TestImportRefusesOptions(t *testing.T) {
	store := datastore.Temp(t, memory.Engine(), town)
	for _, o := range []datastore.ImportOptions{{Skip: -1}, {WindowMB: -1}, {Skip: 4}} {
		progress, err := datastore.Import(t.Context(), store, people, rowsOf(crowd(3), nil), o)
		if !errors.Is(err, models.ErrInvalid) {
			t.Errorf("%+v: %+v, %v", o, progress, err)
		}
	}
	wantPeople(t, store, nil)
	if _, err := datastore.Import(t.Context(), datastore.Temp(t, memory.Engine()), people, rowsOf(crowd(3), nil), datastore.ImportOptions{}); !errors.Is(err, models.ErrUnknownTree) {
		t.Error(err)
	}
}

// TestTransactionOverTheLimit checks that a transaction Badger cannot take says
// by how much, and leaves nothing behind.
func TestTransactionOverTheLimit(t *testing.T) {
	store := datastore.Temp(t, badger.Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true}, MemTableMB: 1}.Engine(), town)
	rows := crowd(5_000)
	err := store.Update(t.Context(), func(ctx context.Context, tx *datastore.WriteTx) error {
		return people.PutMany(t.Context(), tx, rows)
	})
	var tooLarge *engine.TooLargeError
	if !errors.Is(err, models.ErrTooLarge) || !errors.As(err, &tooLarge) {
		t.Fatal(err)
	}
	if tooLarge.What != "transaction" || tooLarge.Limit <= 0 || tooLarge.Size <= tooLarge.Limit || tooLarge.Unit == "" {
		t.Errorf("got %+v", tooLarge)
	}
	if !strings.Contains(err.Error(), "town.person") || !strings.Contains(err.Error(), "the limit is") {
		t.Errorf("got %q", err)
	}
	wantPeople(t, store, nil)

	// Dropping the error does not commit the part that fitted.
	err = store.Update(t.Context(), func(ctx context.Context, tx *datastore.WriteTx) error {
		_ = people.PutMany(t.Context(), tx, rows)
		return nil
	})
	if !errors.Is(err, models.ErrTooLarge) {
		t.Error(err)
	}
	wantPeople(t, store, nil)

	if _, err := datastore.Import(t.Context(), store, people, rowsOf(rows, nil), datastore.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	wantPeople(t, store, rows)
}
