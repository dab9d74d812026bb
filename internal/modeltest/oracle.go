package modeltest

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

// Oracle is what a store of people has to agree with: maps and the rules, and
// nothing of the product.
type Oracle struct {
	town *Town
	// Rows are the people by ID. Who adds one sees to it that no two have the same email.
	Rows map[uint64]Person
	// until has when a row expires, of those that do.
	until map[uint64]time.Time
	// lingering says that rows have expired and may not have been swept yet. No
	// query has them, but they are counted.
	lingering bool
}

// NewOracle returns an empty one.
func (t *Town) NewOracle() *Oracle {
	return &Oracle{town: t, Rows: map[uint64]Person{}, until: map[uint64]time.Time{}}
}

func (o *Oracle) clone() *Oracle {
	return &Oracle{o.town, maps.Clone(o.Rows), maps.Clone(o.until), o.lingering}
}

// Put says what storing p does, to expire at until unless that is zero.
func (o *Oracle) Put(p Person, until time.Time) error {
	for id, other := range o.Rows {
		if other.Email == p.Email && id != p.ID {
			return models.ErrUnique
		}
	}
	o.delete(p.ID)
	o.Rows[p.ID] = p
	o.expire(p.ID, until)
	return nil
}

func (o *Oracle) delete(id uint64) {
	delete(o.Rows, id)
	delete(o.until, id)
}

// expire says what it does to have a row expire at until, which lies far ahead or
// has passed, or never if it is zero.
func (o *Oracle) expire(id uint64, until time.Time) {
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
func (o *Oracle) sorted(keep func(Person) bool, compare func(a, b Person) int) []Person {
	var rows []Person
	for _, p := range o.Rows {
		if keep(p) {
			rows = append(rows, p)
		}
	}
	slices.SortFunc(rows, func(a, b Person) int { return cmp.Or(compare(a, b), cmp.Compare(a.ID, b.ID)) })
	return rows
}

func everybody(Person) bool        { return true }
func byID(Person, Person) int      { return 0 }
func compareNames(a, b Person) int { return cmp.Compare(a.Name, b.Name) }
func compareCities(a, b Person) int {
	return cmp.Or(cmp.Compare(a.City, b.City), cmp.Compare(a.Age, b.Age))
}

// Compare asks a store or a transaction everything there is to ask. The error says
// what it answers wrong.
func (o *Oracle) Compare(ctx context.Context, r models.Reader) error {
	for _, ask := range []func(context.Context, models.Reader) error{
		o.compareRows, o.compareRanges, o.compareTags, o.compareUnique, o.comparePages, o.compareCounts,
	} {
		if err := ask(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (o *Oracle) compareRows(ctx context.Context, r models.Reader) error {
	if err := sameRows("all", o.town.People.All(ctx, r), o.sorted(everybody, byID)); err != nil {
		return err
	}
	asked := []uint64{0, 6, 12, 18, 24}
	many, err := o.town.People.GetMany(ctx, r, asked)
	if err != nil {
		return fmt.Errorf("get many: %w", err)
	}
	for i, id := range asked {
		want, ok := o.Rows[id]
		got, err := o.town.People.Get(ctx, r, id)
		if err := sameRow(got, err, want, ok); err != nil {
			return fmt.Errorf("get %d: %w", id, err)
		}
		if (many[i] != nil) != ok || ok && !reflect.DeepEqual(*many[i], want) {
			return fmt.Errorf("get many has %v under %d, want %v", many[i], id, want)
		}
		until, err := o.town.People.Expiry(ctx, r, id)
		if ok != (err == nil) || !ok && !errors.Is(err, models.ErrNotFound) || !until.Equal(o.until[id]) {
			return fmt.Errorf("expiry of %d: %v, %w; want %v", id, until, err, o.until[id])
		}
	}
	return nil
}

func (o *Oracle) compareRanges(ctx context.Context, r models.Reader) error {
	backwards := o.sorted(func(p Person) bool { return p.ID > 5 && p.ID <= 15 }, byID)
	slices.Reverse(backwards)
	if len(backwards) > 0 {
		backwards = backwards[1:min(4, len(backwards))]
	}
	between := func(p Person) bool { return p.ID >= 5 && p.ID < 15 }
	startsWithA := func(p Person) bool { return len(p.Name) > 0 && p.Name[0] == 'a' }
	inA := func(p Person) bool { return p.City == "a" }
	for _, query := range []struct {
		what string
		got  iter.Seq2[Person, error]
		want []Person
	}{
		{"by name", o.town.ByName.Range(ctx, r, models.Range[string]{}), o.sorted(everybody, compareNames)},
		{"by city and age", o.town.ByCityAge.Range(ctx, r, models.Range[CityAge]{}), o.sorted(everybody, compareCities)},
		{"range", o.town.People.Range(ctx, r, models.From(uint64(5)).Before(15)), o.sorted(between, byID)},
		{"reverse", o.town.People.Range(ctx, r, models.After(uint64(5)).To(15).Reverse().Offset(1).Limit(3)), backwards},
		{"prefix", o.town.ByName.Range(ctx, r, models.StartingWith("a")), o.sorted(startsWithA, compareNames)},
		{
			"first half", o.town.ByCityAge.Range(ctx, r, models.FirstIs(o.town.ByCityAge, "a")),
			o.sorted(inA, compareCities),
		},
	} {
		if err := sameRows(query.what, query.got, query.want); err != nil {
			return err
		}
	}
	return nil
}

// compareTags asks for every tag that a row has, and one that none has.
func (o *Oracle) compareTags(ctx context.Context, r models.Reader) error {
	tags := map[string]bool{"no such tag": true}
	for _, p := range o.Rows {
		for _, tag := range p.Tags {
			tags[tag] = true
		}
	}
	for tag := range tags {
		want := o.sorted(func(p Person) bool { return slices.Contains(p.Tags, tag) }, byID)
		if err := sameRows("tag "+tag, o.town.ByTag.Find(ctx, r, tag), want); err != nil {
			return err
		}
	}
	return nil
}

func (o *Oracle) compareUnique(ctx context.Context, r models.Reader) error {
	holders := map[string]Person{}
	for _, p := range o.Rows {
		holders[p.Email] = p
	}
	for _, email := range append(slices.Collect(maps.Keys(holders)), "", "a", "bc") {
		want, ok := holders[email]
		got, err := o.town.ByEmail.Get(ctx, r, email)
		if err := sameRow(got, err, want, ok); err != nil {
			return fmt.Errorf("email %q: %w", email, err)
		}
	}
	return nil
}

func (o *Oracle) comparePages(ctx context.Context, r models.Reader) error {
	var got []Person
	for token := ""; ; {
		rows, next, err := o.town.People.Page(ctx, r, models.Range[uint64]{}.Limit(4), token)
		if err != nil {
			return fmt.Errorf("page: %w", err)
		}
		got = append(got, rows...)
		if token = next; token == "" {
			break
		}
	}
	if want := o.sorted(everybody, byID); !slices.EqualFunc(got, want, Same) {
		return fmt.Errorf("pages: %v, want %v", got, want)
	}
	return nil
}

func (o *Oracle) compareCounts(ctx context.Context, r models.Reader) error {
	if o.lingering {
		return nil
	}
	tagged := 0
	for _, p := range o.Rows {
		different := map[string]bool{}
		for _, tag := range p.Tags {
			different[tag] = true
		}
		tagged += len(different)
	}
	rows, err := o.town.People.Count(ctx, r, models.Range[uint64]{})
	if err != nil || rows != len(o.Rows) {
		return fmt.Errorf("count: %d, %w; want %d", rows, err, len(o.Rows))
	}
	for what, count := range map[string]func() (int, error){
		"names":     func() (int, error) { return o.town.ByName.Count(ctx, r, models.Range[string]{}) },
		"cities":    func() (int, error) { return o.town.ByCityAge.Count(ctx, r, models.Range[CityAge]{}) },
		"addresses": func() (int, error) { return o.town.ByEmail.Count(ctx, r, models.Range[string]{}) },
		"rows' tags": func() (int, error) {
			n, err := o.town.ByTag.Count(ctx, r, models.Range[string]{})
			return n - tagged + rows, err
		},
	} {
		if n, err := count(); err != nil || n != rows {
			return fmt.Errorf("count of %s: %d, %w; there are %d rows", what, n, err, rows)
		}
	}
	return nil
}

// sameRow compares one row, which may be absent.
func sameRow(got Person, err error, want Person, there bool) error {
	if there != (err == nil) || !there && !errors.Is(err, models.ErrNotFound) || there && !Same(got, want) {
		return fmt.Errorf("%v, %w; want %v, %v", got, err, want, there)
	}
	return nil
}

func sameRows(what string, seq iter.Seq2[Person, error], want []Person) error {
	var got []Person
	for p, err := range seq {
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		got = append(got, p)
	}
	if !slices.EqualFunc(got, want, Same) {
		return fmt.Errorf("%s: %v, want %v", what, got, want)
	}
	return nil
}
