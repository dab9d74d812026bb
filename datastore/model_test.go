package datastore_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// oracle is what the store has to agree with: a map and nothing else.
type oracle map[uint64]person

var errRollback = errors.New("rolled back on purpose")

// put says what storing p does, by the rules alone.
func (o oracle) put(p person) error {
	for id, other := range o {
		if other.Email == p.Email && id != p.ID {
			return models.ErrUnique
		}
	}
	o[p.ID] = p
	return nil
}

func (o oracle) sorted(keep func(person) bool, compare func(a, b person) int) []person {
	var rows []person
	for _, p := range o {
		if keep(p) {
			rows = append(rows, p)
		}
	}
	slices.SortFunc(rows, func(a, b person) int { return cmp.Or(compare(a, b), cmp.Compare(a.ID, b.ID)) })
	return rows
}

// genPerson draws from few values, so that operations meet the same rows, names
// and addresses again and again.
func genPerson(rt *rapid.T) person {
	word := rapid.SampledFrom([]string{"", "a", "b", "ab", "a\x00", "a\x00b", "\xff", "long name that does not fit in a word"})
	p := person{
		ID:    rapid.Uint64Range(0, 24).Draw(rt, "id"),
		Name:  word.Filter(func(s string) bool { return s != "\xff" }).Draw(rt, "name"),
		Email: rapid.StringMatching("[a-d]{0,2}").Draw(rt, "email"),
		City:  word.Filter(func(s string) bool { return s != "\xff" }).Draw(rt, "city"),
		Age:   rapid.SampledFrom([]int64{-1 << 63, -1, 0, 1, 1<<63 - 1}).Draw(rt, "age"),
		Tags:  rapid.SliceOfN(rapid.StringMatching("[a-c]{0,1}"), 0, 4).Draw(rt, "tags"),
	}
	if p.Tags == nil {
		p.Tags = []string{}
	}
	return p
}

// TestAgainstMap runs the same random operations on a store and on a map, and
// compares every query after each of them.
func TestAgainstMap(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				h := &harness{t: t, engine: newEngine(t), definitions: []*models.Definition{town}, restarts: true}
				h.open()
				defer h.close()
				m := machine{h: h, rows: oracle{}}
				rt.Repeat(rapid.StateMachineActions(&m))
			})
		})
	}
}

// machine has the operations as methods, for rapid to choose from.
type machine struct {
	h    *harness
	rows oracle
}

func same(rt *rapid.T, got, want error) {
	rt.Helper()
	if !errors.Is(got, want) {
		rt.Fatalf("got error %v, want %v", got, want)
	}
}

func (m *machine) Put(rt *rapid.T) {
	p := genPerson(rt)
	same(rt, people.Put(context.Background(), m.h.Store, &p), m.rows.put(p))
}

func (m *machine) Insert(rt *rapid.T) {
	p := genPerson(rt)
	want := models.ErrExists
	if _, ok := m.rows[p.ID]; !ok {
		want = m.rows.put(p)
	}
	same(rt, people.Insert(context.Background(), m.h.Store, &p), want)
}

func (m *machine) Update(rt *rapid.T) {
	p := genPerson(rt)
	want := models.ErrNotFound
	if _, ok := m.rows[p.ID]; ok {
		want = m.rows.put(p)
	}
	same(rt, people.Update(context.Background(), m.h.Store, &p), want)
}

func (m *machine) Modify(rt *rapid.T) {
	id, email := rapid.Uint64Range(0, 24).Draw(rt, "id"), rapid.StringMatching("[a-d]{0,2}").Draw(rt, "email")
	want := models.ErrNotFound
	if p, ok := m.rows[id]; ok {
		p.Email = email
		want = m.rows.put(p)
	}
	same(rt, people.Modify(context.Background(), m.h.Store, id, func(p *person) error {
		p.Email = email
		return nil
	}), want)
}

// Upsert puts what is there or is not, or has it not be there; meanwhile another
// write of the same transaction may have put the very row.
func (m *machine) Upsert(rt *rapid.T) {
	ctx := context.Background()
	p, meanwhile := genPerson(rt), genPerson(rt)
	meanwhile.ID = p.ID
	keep, write := rapid.Bool().Draw(rt, "keep"), rapid.Bool().Draw(rt, "write")
	after, want := maps.Clone(m.rows), error(nil)
	_, there := after[p.ID]
	if write {
		want = after.put(meanwhile)
	}
	switch {
	case want != nil:
	case keep:
		want = after.put(p)
	default:
		delete(after, p.ID)
	}
	same(rt, m.h.Update(ctx, func(tx *datastore.WriteTx) error {
		return people.Upsert(ctx, tx, p.ID, func(old *person, found bool) (bool, error) {
			if found != there || found && !reflect.DeepEqual(*old, m.rows[p.ID]) {
				rt.Fatalf("upsert is given %+v, %v; want %+v, %v", old, found, m.rows[p.ID], there)
			}
			if write {
				if err := people.Put(ctx, tx, &meanwhile); err != nil {
					return false, err
				}
			}
			*old = p
			return keep, nil
		})
	}), want)
	if want == nil {
		m.rows = after
	}
}

func (m *machine) Delete(rt *rapid.T) {
	id := rapid.Uint64Range(0, 24).Draw(rt, "id")
	delete(m.rows, id)
	same(rt, people.Delete(context.Background(), m.h.Store, id), nil)
}

func (m *machine) PutMany(rt *rapid.T) {
	rows := rapid.SliceOfN(rapid.Custom(genPerson), 0, 6).Draw(rt, "rows")
	after, want := maps.Clone(m.rows), error(nil)
	for _, p := range rows {
		if want = after.put(p); want != nil {
			break
		}
	}
	same(rt, people.PutMany(context.Background(), m.h.Store, rows), want)
	if want == nil {
		m.rows = after
	}
}

// Backup restores a backup in memory, where all has to be as it is here.
func (m *machine) Backup(rt *rapid.T) {
	ctx := context.Background()
	var stream bytes.Buffer
	if _, err := m.h.Store.Backup(ctx, &stream); err != nil {
		rt.Fatal(err)
	}
	target := memory.Engine()
	if _, err := datastore.Restore(ctx, target, &stream); err != nil {
		rt.Fatal(err)
	}
	s, err := datastore.Open(ctx, target, town)
	if err != nil {
		rt.Fatal(err)
	}
	compare(rt, s, m.rows)
	report, err := datastore.Verify(ctx, s)
	if err != nil || !report.Clean() {
		rt.Fatalf("%+v, %v", report, err)
	}
	if err := s.Close(); err != nil {
		rt.Fatal(err)
	}
}

// Transaction writes through one transaction, reads its own writes, and may
// roll back.
func (m *machine) Transaction(rt *rapid.T) {
	ctx := context.Background()
	rows := rapid.SliceOfN(rapid.Custom(genPerson), 1, 4).Draw(rt, "rows")
	gone := rapid.Uint64Range(0, 24).Draw(rt, "gone")
	rollback := rapid.Bool().Draw(rt, "rollback")
	var after oracle
	err := m.h.Update(ctx, func(tx *datastore.WriteTx) error {
		after = maps.Clone(m.rows)
		delete(after, gone)
		if err := people.Delete(ctx, tx, gone); err != nil {
			return err
		}
		for _, p := range rows {
			want := after.put(p)
			same(rt, people.Put(ctx, tx, &p), want)
		}
		compare(rt, tx, after)
		if rollback {
			return errRollback
		}
		return nil
	})
	if rollback {
		same(rt, err, errRollback)
		return
	}
	same(rt, err, nil)
	m.rows = after
}

func (m *machine) Clear(rt *rapid.T) {
	if rapid.IntRange(0, 9).Draw(rt, "rarely") == 0 {
		clear(m.rows)
		same(rt, people.Clear(context.Background(), m.h.Store), nil)
	}
}

func (m *machine) Restart(rt *rapid.T) { m.h.restart() }

// Check runs after every operation.
func (m *machine) Check(rt *rapid.T) {
	compare(rt, m.h.Store, m.rows)
	m.h.verify()
}

// compare asks everything there is to ask and compares with the map.
func compare(rt *rapid.T, r models.Reader, rows oracle) {
	ctx := context.Background()
	all := func(person) bool { return true }
	none := func(person, person) int { return 0 }
	equal(rt, "all", people.All(ctx, r), rows.sorted(all, none))
	equal(rt, "by name", byName.Range(ctx, r, models.Range[string]{}), rows.sorted(all, func(a, b person) int { return cmp.Compare(a.Name, b.Name) }))
	byCity := func(a, b person) int { return cmp.Or(cmp.Compare(a.City, b.City), cmp.Compare(a.Age, b.Age)) }
	equal(rt, "by city and age", byCityAge.Range(ctx, r, models.Range[cityAge]{}), rows.sorted(all, byCity))

	equal(rt, "range", people.Range(ctx, r, models.From(uint64(5)).Before(15)), rows.sorted(func(p person) bool { return p.ID >= 5 && p.ID < 15 }, none))
	backwards := rows.sorted(func(p person) bool { return p.ID > 5 && p.ID <= 15 }, none)
	slices.Reverse(backwards)
	if len(backwards) > 2 {
		backwards = backwards[1:min(4, len(backwards))]
		equal(rt, "reverse", people.Range(ctx, r, models.After(uint64(5)).To(15).Reverse().Offset(1).Limit(3)), backwards)
	}
	equal(rt, "prefix", byName.Range(ctx, r, models.StartingWith("a")), rows.sorted(
		func(p person) bool { return len(p.Name) > 0 && p.Name[0] == 'a' }, func(a, b person) int { return cmp.Compare(a.Name, b.Name) }))
	equal(rt, "first half", byCityAge.Range(ctx, r, models.FirstIs[string, int64]("a")), rows.sorted(func(p person) bool { return p.City == "a" }, byCity))
	for _, tag := range []string{"", "a", "z"} {
		want := rows.sorted(func(p person) bool { return slices.Contains(p.Tags, tag) }, none)
		equal(rt, "tag "+tag, byTag.Find(ctx, r, tag), want)
		if n, err := byTag.Count(ctx, r, models.Only(tag)); err != nil || n != len(want) {
			rt.Fatalf("count of tag %q: %d, %v, want %d", tag, n, err, len(want))
		}
	}
	for id := uint64(0); id < 25; id += 6 {
		got, err := people.Get(ctx, r, id)
		want, ok := rows[id]
		if ok != (err == nil) || !ok && !errors.Is(err, models.ErrNotFound) || !reflect.DeepEqual(got, want) {
			rt.Fatalf("get %d: %v, %v, want %v", id, got, err, want)
		}
	}
	for _, email := range []string{"", "a", "bc"} {
		want := rows.sorted(func(p person) bool { return p.Email == email }, none)
		got, err := byEmail.Get(ctx, r, email)
		if (len(want) == 1) != (err == nil) || len(want) == 1 && !reflect.DeepEqual(got, want[0]) {
			rt.Fatalf("email %q: %v, %v, want %v", email, got, err, want)
		}
	}
	if n, err := people.Count(ctx, r, models.Range[uint64]{}); err != nil || n != len(rows) {
		rt.Fatalf("count: %d, %v, want %d", n, err, len(rows))
	}
	paged(rt, r, rows.sorted(all, none))
}

// paged reads all rows page by page.
func paged(rt *rapid.T, r models.Reader, want []person) {
	var got []person
	for token := ""; ; {
		rows, next, err := people.Page(context.Background(), r, models.Range[uint64]{}.Limit(4), token)
		if err != nil {
			rt.Fatalf("page: %v", err)
		}
		got = append(got, rows...)
		if token = next; token == "" {
			break
		}
	}
	if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		rt.Fatalf("pages: %v, want %v", got, want)
	}
}

func equal(rt *rapid.T, what string, seq iter.Seq2[person, error], want []person) {
	rt.Helper()
	var got []person
	for p, err := range seq {
		if err != nil {
			rt.Fatalf("%s: %v", what, err)
		}
		got = append(got, p)
	}
	if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		rt.Fatalf("%s: %v, want %v", what, got, want)
	}
}
