// Package changed compares what becomes of rows whose struct has changed, in Netabase and in its
// rivals.
package changed

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/mjl-/bstore"
	"github.com/timshannon/badgerhold/v4"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/models"
)

// outcome is what becomes of a row when its struct changes.
type outcome string

const (
	// kept: the row is read as the new struct, with all that it had.
	kept outcome = "kept"
	// refused: opening the store fails, and the row stays as it was.
	refused outcome = "refused"
	// unreadable: the store opens, and reading the row fails.
	unreadable outcome = "unreadable"
	// lost: the row is read without something that it should have, and no error tells.
	lost outcome = "lost"
)

// outcomes are those in Netabase, bstore and badgerhold.
type outcomes [3]outcome

var ctx = context.Background()

func netabase[M any](dir string, how ...models.TreeOption[M]) (*datastore.Store, *models.Tree[M, uint64], error) {
	rows := models.NewTree("row", models.Uint64, func(*M) uint64 { return 1 }, how...)
	s, err := datastore.Open(ctx, bolt.Engine(dir), models.NewDefinition("app", rows))
	return s, rows, err
}

// writeAll stores a row in each store, in place of the one that is there.
func writeAll[M any](dir string, row M) error {
	s, rows, err := netabase[M](filepath.Join(dir, "netabase"))
	if err == nil {
		err = errors.Join(rows.Put(ctx, s, &row), s.Close())
	}
	b, bErr := bstore.Open(ctx, filepath.Join(dir, "bstore"), nil, *new(M))
	if bErr == nil {
		if bErr = b.Update(ctx, &row); errors.Is(bErr, bstore.ErrAbsent) {
			bErr = b.Insert(ctx, &row)
		}
		bErr = errors.Join(bErr, b.Close())
	}
	h, hErr := openBadgerhold(dir)
	if hErr == nil {
		hErr = errors.Join(h.Upsert(uint64(1), row), h.Close())
	}
	return errors.Join(err, bErr, hErr)
}

func openBadgerhold(dir string) (*badgerhold.Store, error) {
	o := badgerhold.DefaultOptions
	o.Dir, o.ValueDir, o.Logger = filepath.Join(dir, "badgerhold"), filepath.Join(dir, "badgerhold"), nil
	return badgerhold.Open(o)
}

// readAll says what becomes of the row in each store.
func readAll[M any](dir string, want M, how ...models.TreeOption[M]) (all outcomes) {
	judge := func(opened bool, got M, err error) outcome {
		switch {
		case !opened:
			return refused
		case err != nil:
			return unreadable
		case reflect.DeepEqual(got, want):
			return kept
		}
		return lost
	}
	s, rows, err := netabase(filepath.Join(dir, "netabase"), how...)
	opened, got := err == nil, *new(M)
	if opened {
		got, err = rows.Get(ctx, s, 1)
		err = errors.Join(err, s.Close())
	}
	all[0] = judge(opened, got, err)

	b, err := bstore.Open(ctx, filepath.Join(dir, "bstore"), nil, *new(M))
	opened, got = err == nil, *new(M)
	if opened {
		got, err = bstore.QueryDB[M](ctx, b).Get()
		err = errors.Join(err, b.Close())
	}
	all[1] = judge(opened, got, err)

	h, err := openBadgerhold(dir)
	opened, got = err == nil, *new(M)
	if opened {
		err = errors.Join(h.Get(uint64(1), &got), h.Close())
	}
	all[2] = judge(opened, got, err)
	return all
}

type place struct{ Street, Town string }

// Row is the struct that changes. In each case a struct of the same name takes its place.
type Row struct {
	ID     uint64
	Name   string
	Age    int32
	Home   place
	Places []place
}

func ada() Row { return Row{1, "Ada", 36, place{"a", "Aba"}, []place{{"b", "Jos"}}} }

// TestChanges holds docs/benchmarks/change.md to what the stores do.
func TestChanges(t *testing.T) {
	for name, c := range map[string]struct {
		change func(dir string) outcomes
		want   outcomes
	}{
		"a field is added": {func(dir string) outcomes {
			type Row struct {
				ID     uint64
				Name   string
				Age    int32
				Home   place
				Places []place
				Note   string
			}
			return readAll(dir, Row{1, "Ada", 36, ada().Home, ada().Places, ""})
		}, outcomes{kept, kept, kept}},
		"a field is added, with a default": {func(dir string) outcomes {
			type Row struct {
				ID     uint64
				Name   string
				Age    int32
				Home   place
				Places []place
				Note   string `netabase:"default=none" bstore:"default none"`
			}
			return readAll(dir, Row{1, "Ada", 36, ada().Home, ada().Places, "none"})
		}, outcomes{kept, lost, lost}},
		"a field is renamed, and declared so": {func(dir string) outcomes {
			type Row struct {
				ID     uint64
				Title  string `netabase:"was=Name" bstore:"name Name"`
				Age    int32
				Home   place
				Places []place
			}
			return readAll(dir, Row{1, "Ada", 36, ada().Home, ada().Places})
		}, outcomes{kept, kept, lost}},
		"a field is renamed by mistake": {func(dir string) outcomes {
			type Row struct {
				ID     uint64
				Title  string
				Age    int32
				Home   place
				Places []place
			}
			return readAll(dir, Row{1, "Ada", 36, ada().Home, ada().Places})
		}, outcomes{refused, lost, lost}},
		"a number gets wider": {func(dir string) outcomes {
			type Row struct {
				ID     uint64
				Name   string
				Age    int64
				Home   place
				Places []place
			}
			return readAll(dir, Row{1, "Ada", 36, ada().Home, ada().Places})
		}, outcomes{kept, kept, kept}},
		"a number gets narrower": {func(dir string) outcomes {
			type Row struct {
				ID     uint64
				Name   string
				Age    int8
				Home   place
				Places []place
			}
			return readAll(dir, Row{1, "Ada", 36, ada().Home, ada().Places})
		}, outcomes{refused, refused, kept}},
		"values become optional": {func(dir string) outcomes {
			type Row struct {
				ID     uint64
				Name   *string
				Age    *int32
				Home   *place
				Places []place
			}
			was := ada()
			return readAll(dir, Row{1, &was.Name, &was.Age, &was.Home, was.Places})
		}, outcomes{kept, kept, kept}},
		"a field gets another type": {func(dir string) outcomes {
			type Row struct {
				ID     uint64
				Name   string
				Age    string
				Home   place
				Places []place
			}
			return readAll(dir, Row{1, "Ada", "36", ada().Home, ada().Places})
		}, outcomes{refused, refused, unreadable}},
		"fields of nested structs are added and renamed": {func(dir string) outcomes {
			type place struct {
				Street string
				City   string `netabase:"was=Town" bstore:"name Town"`
				Zip    int
			}
			type Row struct {
				ID     uint64
				Name   string
				Age    int32
				Home   place
				Places []place
			}
			return readAll(dir, Row{1, "Ada", 36, place{"a", "Aba", 0}, []place{{"b", "Jos", 0}}})
		}, outcomes{kept, kept, lost}},
		"fields change places": {func(dir string) outcomes {
			type Row struct {
				ID     uint64
				Places []place
				Home   place
				Age    int32
				Name   string
			}
			return readAll(dir, Row{1, ada().Places, ada().Home, 36, "Ada"})
		}, outcomes{kept, kept, kept}},
		"a function makes the new struct": {func(dir string) outcomes {
			type old = Row
			type Row struct {
				ID    uint64
				Names []string
			}
			split := func(o *old) (Row, error) { return Row{o.ID, []string{o.Name}}, nil }
			return readAll(dir, Row{1, []string{"Ada"}}, models.WithEarlier(models.EarlierType(split)))
		}, outcomes{kept, lost, lost}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := writeAll(dir, ada()); err != nil {
				t.Fatal(err)
			}
			if got := c.change(dir); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// TestOldProgram has the program with the old struct write a row again after the one with the new
// struct has written it.
func TestOldProgram(t *testing.T) {
	type old = Row
	dir := t.TempDir()
	if err := writeAll(dir, ada()); err != nil {
		t.Fatal(err)
	}
	type Row struct {
		ID     uint64
		Name   string
		Age    int32
		Home   place
		Places []place
		Note   string
	}
	row := Row{1, "Ada", 37, ada().Home, ada().Places, "new"}
	if err := writeAll(dir, row); err != nil {
		t.Fatal(err)
	}
	if got, want := readAll(dir, old{1, "Ada", 37, row.Home, row.Places}), (outcomes{refused, kept, kept}); got != want {
		t.Errorf("the old program reads: %v, want %v", got, want)
	}
	if err := writeAll(dir, old{1, "Ada", 37, row.Home, row.Places}); !errors.Is(err, models.ErrDefinition) {
		t.Errorf("the old program writes: %v", err)
	}
	if got, want := readAll(dir, row), (outcomes{kept, lost, lost}); got != want {
		t.Errorf("the new program: %v, want %v", got, want)
	}
}

// TestIndexAdded finds a row by an index that is newer than the row.
func TestIndexAdded(t *testing.T) {
	dir := t.TempDir()
	if err := writeAll(dir, ada()); err != nil {
		t.Fatal(err)
	}
	type Row struct {
		ID     uint64
		Name   string `bstore:"index" badgerhold:"index"`
		Age    int32
		Home   place
		Places []place
	}
	rows := models.NewTree("row", models.Uint64, func(r *Row) uint64 { return r.ID })
	byName := models.NewIndex(rows, "name", models.String, func(r *Row) string { return r.Name })
	s, err := datastore.Open(ctx, bolt.Engine(filepath.Join(dir, "netabase")), models.NewDefinition("app", rows))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n, err := byName.Count(ctx, s, models.Only("Ada")); n != 1 || err != nil {
		t.Errorf("Netabase finds %d rows, %v", n, err)
	}
	b, err := bstore.Open(ctx, filepath.Join(dir, "bstore"), nil, Row{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if n, err := bstore.QueryDB[Row](ctx, b).FilterEqual("Name", "Ada").Count(); n != 1 || err != nil {
		t.Errorf("bstore finds %d rows, %v", n, err)
	}
	h, err := openBadgerhold(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	var found []Row
	if err := h.Find(&found, badgerhold.Where("Name").Eq("Ada").Index("Name")); len(found) != 0 {
		t.Errorf("badgerhold finds %v, %v, without ReIndex", found, err)
	}
}
