package modeltest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
)

var errRollback = errors.New("rolled back on purpose")

// Run does the same random things to a store on every engine and to plain maps, and compares all they return, and
// from time to time all they hold. Each function of engines returns an engine without a database, another one at each
// call. Flags of rapid say how much: -rapid.checks sequences of -rapid.steps steps.
func Run(t *testing.T, town *Town, engines map[string]func() engine.Engine) {
	rapid.Check(t, func(rt *rapid.T) {
		m := machine{town: town, want: town.NewOracle()}
		for _, name := range slices.Sorted(maps.Keys(engines)) {
			p := &place{name: name, fresh: engines[name]}
			p.engine = p.fresh()
			p.open(rt, town)
			defer func() { p.close(rt) }()
			m.places = append(m.places, p)
		}
		rt.Repeat(rapid.StateMachineActions(&m))
		m.compare(rt)
	})
}

// place is a store on one engine.
type place struct {
	*datastore.Store
	name   string
	fresh  func() engine.Engine
	engine engine.Engine
}

func (p *place) open(rt *rapid.T, town *Town) {
	rt.Helper()
	store, err := datastore.Open(context.Background(), p.engine, town.Definition)
	if err != nil {
		rt.Fatalf("%s: %v", p.name, err)
	}
	p.Store = store
}

// close verifies and closes the store. It does nothing if that has been done.
func (p *place) close(rt *rapid.T) {
	rt.Helper()
	if p.Store == nil {
		return
	}
	store := p.Store
	p.Store = nil
	report, err := datastore.Verify(context.Background(), store)
	if err == nil && !report.Clean() {
		err = fmt.Errorf("%v", report.Damage)
	}
	if err := errors.Join(err, store.Close()); err != nil {
		rt.Errorf("%s: %v", p.name, err)
	}
}

// machine has the operations as methods, for rapid to choose from.
type machine struct {
	town   *Town
	places []*place
	want   *Oracle
	steps  int
}

// each does something to each store, which has to return an error that matches
// want.
func (m *machine) each(rt *rapid.T, want error, do func(*place) error) {
	rt.Helper()
	for _, p := range m.places {
		if err := do(p); !errors.Is(err, want) {
			rt.Fatalf("%s: got error %v, want %v", p.name, err, want)
		}
	}
}

// seldom is for what takes long.
func seldom(rt *rapid.T) bool { return rapid.IntRange(0, 9).Draw(rt, "seldom") == 0 }

// genPerson draws from few values, so that operations meet the same rows, names
// and addresses again and again.
func genPerson(rt *rapid.T) Person {
	word := rapid.SampledFrom([]string{
		"", "a", "b", "ab", "a\x00", "a\x00b", "\u00ff", "long name that does not fit in a word",
	})
	p := Person{
		ID:    genID(rt),
		Name:  word.Draw(rt, "name"),
		Email: genEmail(rt),
		City:  word.Draw(rt, "city"),
		Age:   rapid.SampledFrom([]int64{-1 << 63, -1, 0, 1, 1<<63 - 1}).Draw(rt, "age"),
		Tags:  rapid.SliceOfN(rapid.StringMatching("[a-c]{0,1}"), 0, 4).Draw(rt, "tags"),
	}
	if p.Tags == nil {
		p.Tags = []string{}
	}
	return p
}

func genID(rt *rapid.T) uint64 { return rapid.Uint64Range(0, 24).Draw(rt, "id") }

func genEmail(rt *rapid.T) string { return rapid.StringMatching("[a-d]{0,2}").Draw(rt, "email") }

// genUntil draws when a row is to expire: never, far ahead, or as good as now.
func genUntil(rt *rapid.T) time.Time {
	switch rapid.IntRange(0, 2).Draw(rt, "expires") {
	case 0:
		return time.Time{}
	case 1:
		return time.Now().Add(time.Duration(rapid.IntRange(1, 100).Draw(rt, "hours")) * time.Hour)
	}
	return time.Now()
}

func (m *machine) Put(rt *rapid.T) {
	p := genPerson(rt)
	m.each(rt, m.want.Put(p, time.Time{}), func(s *place) error {
		return m.town.People.Put(context.Background(), s.Store, &p)
	})
}

func (m *machine) PutUntil(rt *rapid.T) {
	p, until := genPerson(rt), genUntil(rt)
	if until.IsZero() {
		until = time.Now().Add(time.Hour)
	}
	m.each(rt, m.want.Put(p, until), func(s *place) error {
		return m.town.People.PutUntil(context.Background(), s.Store, &p, until)
	})
}

func (m *machine) SetExpiry(rt *rapid.T) {
	id, until := genID(rt), genUntil(rt)
	want := models.ErrNotFound
	if _, ok := m.want.Rows[id]; ok {
		want = nil
		m.want.expire(id, until)
	}
	m.each(rt, want, func(s *place) error { return m.town.People.SetExpiry(context.Background(), s.Store, id, until) })
}

// Expire sweeps, as the store does by itself at times.
func (m *machine) Expire(rt *rapid.T) {
	m.want.lingering = false
	m.each(rt, nil, func(s *place) error { _, err := s.Expire(context.Background()); return err })
}

func (m *machine) Insert(rt *rapid.T) {
	p := genPerson(rt)
	want := models.ErrExists
	if _, ok := m.want.Rows[p.ID]; !ok {
		want = m.want.Put(p, time.Time{})
	}
	m.each(rt, want, func(s *place) error { return m.town.People.Insert(context.Background(), s.Store, &p) })
}

func (m *machine) Update(rt *rapid.T) {
	p := genPerson(rt)
	want := models.ErrNotFound
	if _, ok := m.want.Rows[p.ID]; ok {
		want = m.want.Put(p, time.Time{})
	}
	m.each(rt, want, func(s *place) error { return m.town.People.Replace(context.Background(), s.Store, &p) })
}

func (m *machine) Modify(rt *rapid.T) {
	id, email := genID(rt), genEmail(rt)
	want := models.ErrNotFound
	if p, ok := m.want.Rows[id]; ok {
		p.Email = email
		want = m.want.Put(p, m.want.until[id])
	}
	m.each(rt, want, func(s *place) error {
		return m.town.People.Modify(context.Background(), s.Store, id, func(p *Person) error {
			p.Email = email
			return nil
		})
	})
}

// Upsert puts what is there or is not, or has it not be there; meanwhile another
// write of the same transaction may have put the very row.
func (m *machine) Upsert(rt *rapid.T) {
	ctx := context.Background()
	p, meanwhile := genPerson(rt), genPerson(rt)
	meanwhile.ID = p.ID
	keep, write := rapid.Bool().Draw(rt, "keep"), rapid.Bool().Draw(rt, "write")
	after, want := m.want.clone(), error(nil)
	before, there := m.want.Rows[p.ID]
	if write {
		want = after.Put(meanwhile, time.Time{})
	}
	switch {
	case want != nil:
	case keep:
		want = after.Put(p, after.until[p.ID])
	default:
		after.delete(p.ID)
	}
	m.each(rt, want, func(s *place) error {
		return s.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
			return m.town.People.Upsert(ctx, tx, p.ID, func(old *Person, found bool) (bool, error) {
				if found != there || found && !Same(*old, before) {
					rt.Fatalf("upsert is given %+v, %v; want %+v, %v", old, found, before, there)
				}
				if write {
					if err := m.town.People.Put(ctx, tx, &meanwhile); err != nil {
						return false, err
					}
				}
				*old = p
				return keep, nil
			})
		})
	})
	if want == nil {
		m.want = after
	}
}

func (m *machine) Delete(rt *rapid.T) {
	id := genID(rt)
	m.want.delete(id)
	m.each(rt, nil, func(s *place) error { return m.town.People.Delete(context.Background(), s.Store, id) })
}

func (m *machine) PutMany(rt *rapid.T) {
	rows := rapid.SliceOfN(rapid.Custom(genPerson), 0, 6).Draw(rt, "rows")
	after, want := m.want.clone(), error(nil)
	for _, p := range rows {
		if want = after.Put(p, time.Time{}); want != nil {
			break
		}
	}
	m.each(rt, want, func(s *place) error { return m.town.People.PutMany(context.Background(), s.Store, rows) })
	if want == nil {
		m.want = after
	}
}

// Transaction writes through one transaction, reads its own writes, and may
// roll back.
func (m *machine) Transaction(rt *rapid.T) {
	ctx := context.Background()
	rows := rapid.SliceOfN(rapid.Custom(genPerson), 1, 4).Draw(rt, "rows")
	gone, until := genID(rt), genUntil(rt)
	rollback, relaxed := rapid.Bool().Draw(rt, "rollback"), rapid.Bool().Draw(rt, "relaxed")
	after, refusals := m.want.clone(), make([]error, len(rows))
	after.delete(gone)
	for i, p := range rows {
		refusals[i] = after.Put(p, time.Time{})
	}
	_, expires := after.Rows[rows[0].ID]
	if expires {
		after.expire(rows[0].ID, until)
	}
	run := func(ctx context.Context, tx *datastore.WriteTx) error {
		if err := m.town.People.Delete(ctx, tx, gone); err != nil {
			return err
		}
		for i, p := range rows {
			if err := m.town.People.Put(ctx, tx, &p); !errors.Is(err, refusals[i]) {
				rt.Fatalf("in a transaction: got error %v, want %v", err, refusals[i])
			}
		}
		if expires {
			if err := m.town.People.SetExpiry(ctx, tx, rows[0].ID, until); err != nil {
				return err
			}
		}
		if err := after.Compare(ctx, tx); err != nil {
			rt.Fatalf("in a transaction: %v", err)
		}
		if rollback {
			return errRollback
		}
		return nil
	}
	want := error(nil)
	if rollback {
		want = errRollback
	} else {
		defer func() { m.want = after }()
	}
	m.each(rt, want, func(s *place) error {
		if relaxed {
			return s.UpdateRelaxed(ctx, run)
		}
		return s.Update(ctx, run)
	})
}

func (m *machine) Clear(rt *rapid.T) {
	if seldom(rt) {
		m.want = m.town.NewOracle()
		m.each(rt, nil, func(s *place) error { return m.town.People.Clear(context.Background(), s.Store) })
	}
}

func (m *machine) Restart(rt *rapid.T) {
	if seldom(rt) {
		m.each(rt, nil, func(s *place) error { s.close(rt); s.open(rt, m.town); return nil })
	}
}

// Compact does what it does, which no reader may see.
func (m *machine) Compact(rt *rapid.T) {
	if seldom(rt) {
		m.each(rt, nil, func(s *place) error { return s.Compact(context.Background()) })
	}
}

// Restore puts in the place of each store a backup of the one on the engine after
// it.
func (m *machine) Restore(rt *rapid.T) {
	if !seldom(rt) {
		return
	}
	ctx := context.Background()
	streams := make([]bytes.Buffer, len(m.places))
	for i, p := range m.places {
		if _, err := p.Backup(ctx, &streams[i]); err != nil {
			rt.Fatalf("%s: %v", p.name, err)
		}
	}
	for i, p := range m.places {
		p.close(rt)
		p.engine = p.fresh()
		if _, err := datastore.Restore(ctx, p.engine, &streams[(i+1)%len(streams)]); err != nil {
			rt.Fatalf("to %s: %v", p.name, err)
		}
		p.open(rt, m.town)
	}
	m.compare(rt)
}

// Check runs after every operation.
func (m *machine) Check(rt *rapid.T) {
	if m.steps++; m.steps%8 == 0 {
		m.compare(rt)
	}
}

func (m *machine) compare(rt *rapid.T) {
	rt.Helper()
	m.each(rt, nil, func(s *place) error {
		if err := m.want.Compare(context.Background(), s.Store); err != nil {
			return err
		}
		report, err := datastore.Verify(context.Background(), s.Store)
		if err == nil && !report.Clean() {
			err = errors.New(report.Damage[0].String())
		}
		return err
	})
}

// The environment variables that Amount reads.
const (
	Checks = "NETABASE_MODEL_CHECKS"
	Steps  = "NETABASE_MODEL_STEPS"
)

// Amount has Run do so many sequences of so many steps for the length of a test, or as many as the environment says.
// Flags of rapid do not reach tests in a browser.
func Amount(t *testing.T, checks, steps int) {
	t.Helper()
	set := func(flagName, variable string, n int) {
		f := flag.Lookup(flagName)
		was, value := f.Value.String(), cmp.Or(os.Getenv(variable), strconv.Itoa(n))
		if err := f.Value.Set(value); err != nil {
			t.Fatalf("%s is %q: %v", variable, value, err)
		}
		t.Cleanup(func() { _ = f.Value.Set(was) }) // which it has been before
	}
	set("rapid.checks", Checks, checks)
	set("rapid.steps", Steps, steps)
}
