package datastore_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
)

// oracle is what a store of people has to agree with: maps and the rules, and
// nothing of the product.
type oracle struct {
	rows map[uint64]person
	// until has when a row expires, of those that do.
	until map[uint64]time.Time
	// lingering says that rows have expired and may not have been swept yet. No
	// query has them, but they are counted.
	lingering bool
}

func newOracle() *oracle {
	return &oracle{rows: map[uint64]person{}, until: map[uint64]time.Time{}}
}

func (o *oracle) clone() *oracle {
	return &oracle{maps.Clone(o.rows), maps.Clone(o.until), o.lingering}
}

// put says what storing p does, to expire at until unless that is zero.
func (o *oracle) put(p person, until time.Time) error {
	for id, other := range o.rows {
		if other.Email == p.Email && id != p.ID {
			return models.ErrUnique
		}
	}
	o.delete(p.ID)
	o.rows[p.ID] = p
	o.expire(p.ID, until)
	return nil
}

func (o *oracle) delete(id uint64) {
	delete(o.rows, id)
	delete(o.until, id)
}

// expire says what it does to have a row expire at until, which lies far ahead or
// has passed, or never if it is zero.
func (o *oracle) expire(id uint64, until time.Time) {
	switch delete(o.until, id); {
	case until.IsZero():
	case until.After(time.Now()):
		o.until[id] = until
	default:
		o.delete(id)
		o.lingering = true
	}
}

// sorted returns the rows of which keep is true, by what compare compares and then
// by ID.
func (o *oracle) sorted(keep func(person) bool, compare func(a, b person) int) []person {
	var rows []person
	for _, p := range o.rows {
		if keep(p) {
			rows = append(rows, p)
		}
	}
	slices.SortFunc(rows, func(a, b person) int { return cmp.Or(compare(a, b), cmp.Compare(a.ID, b.ID)) })
	return rows
}

func everybody(person) bool        { return true }
func byID(person, person) int      { return 0 }
func compareNames(a, b person) int { return cmp.Compare(a.Name, b.Name) }
func compareCities(a, b person) int {
	return cmp.Or(cmp.Compare(a.City, b.City), cmp.Compare(a.Age, b.Age))
}

// compare asks a store or a transaction everything there is to ask. The error says
// what it answers wrong.
func (o *oracle) compare(ctx context.Context, r models.Reader) error {
	for _, ask := range []func(context.Context, models.Reader) error{
		o.compareRows, o.compareRanges, o.compareTags, o.compareUnique, o.comparePages, o.compareCounts,
	} {
		if err := ask(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (o *oracle) compareRows(ctx context.Context, r models.Reader) error {
	if err := sameRows("all", people.All(ctx, r), o.sorted(everybody, byID)); err != nil {
		return err
	}
	asked := []uint64{0, 6, 12, 18, 24}
	many, err := people.GetMany(ctx, r, asked)
	if err != nil {
		return fmt.Errorf("get many: %w", err)
	}
	for i, id := range asked {
		want, ok := o.rows[id]
		got, err := people.Get(ctx, r, id)
		if err := sameRow(got, err, want, ok); err != nil {
			return fmt.Errorf("get %d: %w", id, err)
		}
		if (many[i] != nil) != ok || ok && !reflect.DeepEqual(*many[i], want) {
			return fmt.Errorf("get many has %v under %d, want %v", many[i], id, want)
		}
		until, err := people.Expiry(ctx, r, id)
		if ok != (err == nil) || !ok && !errors.Is(err, models.ErrNotFound) || !until.Equal(o.until[id]) {
			return fmt.Errorf("expiry of %d: %v, %w; want %v", id, until, err, o.until[id])
		}
	}
	return nil
}

func (o *oracle) compareRanges(ctx context.Context, r models.Reader) error {
	backwards := o.sorted(func(p person) bool { return p.ID > 5 && p.ID <= 15 }, byID)
	slices.Reverse(backwards)
	if len(backwards) > 0 {
		backwards = backwards[1:min(4, len(backwards))]
	}
	startsWithA := func(p person) bool { return len(p.Name) > 0 && p.Name[0] == 'a' }
	for _, query := range []struct {
		what string
		got  iter.Seq2[person, error]
		want []person
	}{
		{"by name", byName.Range(ctx, r, models.Range[string]{}), o.sorted(everybody, compareNames)},
		{"by city and age", byCityAge.Range(ctx, r, models.Range[cityAge]{}), o.sorted(everybody, compareCities)},
		{"range", people.Range(ctx, r, models.From(uint64(5)).Before(15)), o.sorted(func(p person) bool { return p.ID >= 5 && p.ID < 15 }, byID)},
		{"reverse", people.Range(ctx, r, models.After(uint64(5)).To(15).Reverse().Offset(1).Limit(3)), backwards},
		{"prefix", byName.Range(ctx, r, models.StartingWith("a")), o.sorted(startsWithA, compareNames)},
		{"first half", byCityAge.Range(ctx, r, models.FirstIs(byCityAge, "a")), o.sorted(func(p person) bool { return p.City == "a" }, compareCities)},
	} {
		if err := sameRows(query.what, query.got, query.want); err != nil {
			return err
		}
	}
	return nil
}

// compareTags asks for every tag that a row has, and one that none has.
func (o *oracle) compareTags(ctx context.Context, r models.Reader) error {
	tags := map[string]bool{"no such tag": true}
	for _, p := range o.rows {
		for _, tag := range p.Tags {
			tags[tag] = true
		}
	}
	for tag := range tags {
		want := o.sorted(func(p person) bool { return slices.Contains(p.Tags, tag) }, byID)
		if err := sameRows("tag "+tag, byTag.Find(ctx, r, tag), want); err != nil {
			return err
		}
	}
	return nil
}

func (o *oracle) compareUnique(ctx context.Context, r models.Reader) error {
	holders := map[string]person{}
	for _, p := range o.rows {
		holders[p.Email] = p
	}
	for _, email := range append(slices.Collect(maps.Keys(holders)), "", "a", "bc") {
		want, ok := holders[email]
		got, err := byEmail.Get(ctx, r, email)
		if err := sameRow(got, err, want, ok); err != nil {
			return fmt.Errorf("email %q: %w", email, err)
		}
	}
	return nil
}

func (o *oracle) comparePages(ctx context.Context, r models.Reader) error {
	var got []person
	for token := ""; ; {
		rows, next, err := people.Page(ctx, r, models.Range[uint64]{}.Limit(4), token)
		if err != nil {
			return fmt.Errorf("page: %w", err)
		}
		got = append(got, rows...)
		if token = next; token == "" {
			break
		}
	}
	if want := o.sorted(everybody, byID); !slices.EqualFunc(got, want, samePerson) {
		return fmt.Errorf("pages: %v, want %v", got, want)
	}
	return nil
}

func (o *oracle) compareCounts(ctx context.Context, r models.Reader) error {
	if o.lingering {
		return nil
	}
	tagged := 0
	for _, p := range o.rows {
		different := map[string]bool{}
		for _, tag := range p.Tags {
			different[tag] = true
		}
		tagged += len(different)
	}
	rows, err := people.Count(ctx, r, models.Range[uint64]{})
	if err != nil || rows != len(o.rows) {
		return fmt.Errorf("count: %d, %w; want %d", rows, err, len(o.rows))
	}
	for what, count := range map[string]func() (int, error){
		"names":     func() (int, error) { return byName.Count(ctx, r, models.Range[string]{}) },
		"cities":    func() (int, error) { return byCityAge.Count(ctx, r, models.Range[cityAge]{}) },
		"addresses": func() (int, error) { return byEmail.Count(ctx, r, models.Range[string]{}) },
		"rows' tags": func() (int, error) {
			n, err := byTag.Count(ctx, r, models.Range[string]{})
			return n - tagged + rows, err
		},
	} {
		if n, err := count(); err != nil || n != rows {
			return fmt.Errorf("count of %s: %d, %w; there are %d rows", what, n, err, rows)
		}
	}
	return nil
}

func samePerson(a, b person) bool { return reflect.DeepEqual(a, b) }

// sameRow compares one row, which may be absent.
func sameRow(got person, err error, want person, there bool) error {
	if there != (err == nil) || !there && !errors.Is(err, models.ErrNotFound) || there && !samePerson(got, want) {
		return fmt.Errorf("%v, %w; want %v, %v", got, err, want, there)
	}
	return nil
}

func sameRows(what string, seq iter.Seq2[person, error], want []person) error {
	var got []person
	for p, err := range seq {
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		got = append(got, p)
	}
	if !slices.EqualFunc(got, want, samePerson) {
		return fmt.Errorf("%s: %v, want %v", what, got, want)
	}
	return nil
}
