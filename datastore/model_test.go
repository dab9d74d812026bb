package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

var errRollback = errors.New("rolled back on purpose")

// TestAgainstMaps does the same random things to a store on every engine and to
// plain maps, and compares all they return, and from time to time all they hold.
// Flags of rapid say how much: -rapid.checks sequences of -rapid.steps steps.
func TestAgainstMaps(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := machine{want: newOracle()}
		for _, name := range slices.Sorted(maps.Keys(engines)) {
			h := &harness{t: t, engine: engines[name](t), definitions: []*models.Definition{town}, restarts: true}
			h.open()
			defer func() { h.close() }()
			m.names, m.stores = append(m.names, name), append(m.stores, h)
		}
		rt.Repeat(rapid.StateMachineActions(&m))
		m.compare(rt)
	})
}

// machine has the operations as methods, for rapid to choose from.
type machine struct {
	names  []string
	stores []*harness
	want   *oracle
	steps  int
}

// each does something to each store, which has to return an error that matches
// want.
func (m *machine) each(rt *rapid.T, want error, do func(*harness) error) {
	rt.Helper()
	for i, h := range m.stores {
		if err := do(h); !errors.Is(err, want) {
			rt.Fatalf("%s: got error %v, want %v", m.names[i], err, want)
		}
	}
}

// seldom is for what takes long.
func seldom(rt *rapid.T) bool { return rapid.IntRange(0, 9).Draw(rt, "seldom") == 0 }

// genPerson draws from few values, so that operations meet the same rows, names
// and addresses again and again.
func genPerson(rt *rapid.T) person {
	word := rapid.SampledFrom([]string{"", "a", "b", "ab", "a\x00", "a\x00b", "\u00ff", "long name that does not fit in a word"})
	p := person{
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
	m.each(rt, m.want.put(p, time.Time{}), func(h *harness) error { return people.Put(context.Background(), h.Store, &p) })
}

func (m *machine) PutUntil(rt *rapid.T) {
	p, until := genPerson(rt), genUntil(rt)
	if until.IsZero() {
		until = time.Now().Add(time.Hour)
	}
	m.each(rt, m.want.put(p, until), func(h *harness) error { return people.PutUntil(context.Background(), h.Store, &p, until) })
}

func (m *machine) SetExpiry(rt *rapid.T) {
	id, until := genID(rt), genUntil(rt)
	want := models.ErrNotFound
	if _, ok := m.want.rows[id]; ok {
		want = nil
		m.want.expire(id, until)
	}
	m.each(rt, want, func(h *harness) error { return people.SetExpiry(context.Background(), h.Store, id, until) })
}

// Expire sweeps, as the store does by itself at times.
func (m *machine) Expire(rt *rapid.T) {
	m.want.lingering = false
	m.each(rt, nil, func(h *harness) error { _, err := h.Expire(context.Background()); return err })
}

func (m *machine) Insert(rt *rapid.T) {
	p := genPerson(rt)
	want := models.ErrExists
	if _, ok := m.want.rows[p.ID]; !ok {
		want = m.want.put(p, time.Time{})
	}
	m.each(rt, want, func(h *harness) error { return people.Insert(context.Background(), h.Store, &p) })
}

func (m *machine) Update(rt *rapid.T) {
	p := genPerson(rt)
	want := models.ErrNotFound
	if _, ok := m.want.rows[p.ID]; ok {
		want = m.want.put(p, time.Time{})
	}
	m.each(rt, want, func(h *harness) error { return people.Replace(context.Background(), h.Store, &p) })
}

func (m *machine) Modify(rt *rapid.T) {
	id, email := genID(rt), genEmail(rt)
	want := models.ErrNotFound
	if p, ok := m.want.rows[id]; ok {
		p.Email = email
		want = m.want.put(p, m.want.until[id])
	}
	m.each(rt, want, func(h *harness) error {
		return people.Modify(context.Background(), h.Store, id, func(p *person) error {
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
	before, there := m.want.rows[p.ID]
	if write {
		want = after.put(meanwhile, time.Time{})
	}
	switch {
	case want != nil:
	case keep:
		want = after.put(p, after.until[p.ID])
	default:
		after.delete(p.ID)
	}
	m.each(rt, want, func(h *harness) error {
		return h.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
			return people.Upsert(ctx, tx, p.ID, func(old *person, found bool) (bool, error) {
				if found != there || found && !samePerson(*old, before) {
					rt.Fatalf("upsert is given %+v, %v; want %+v, %v", old, found, before, there)
				}
				if write {
					if err := people.Put(ctx, tx, &meanwhile); err != nil {
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
	m.each(rt, nil, func(h *harness) error { return people.Delete(context.Background(), h.Store, id) })
}

func (m *machine) PutMany(rt *rapid.T) {
	rows := rapid.SliceOfN(rapid.Custom(genPerson), 0, 6).Draw(rt, "rows")
	after, want := m.want.clone(), error(nil)
	for _, p := range rows {
		if want = after.put(p, time.Time{}); want != nil {
			break
		}
	}
	m.each(rt, want, func(h *harness) error { return people.PutMany(context.Background(), h.Store, rows) })
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
		refusals[i] = after.put(p, time.Time{})
	}
	_, expires := after.rows[rows[0].ID]
	if expires {
		after.expire(rows[0].ID, until)
	}
	run := func(ctx context.Context, tx *datastore.WriteTx) error {
		if err := people.Delete(ctx, tx, gone); err != nil {
			return err
		}
		for i, p := range rows {
			if err := people.Put(ctx, tx, &p); !errors.Is(err, refusals[i]) {
				rt.Fatalf("in a transaction: got error %v, want %v", err, refusals[i])
			}
		}
		if expires {
			if err := people.SetExpiry(ctx, tx, rows[0].ID, until); err != nil {
				return err
			}
		}
		if err := after.compare(ctx, tx); err != nil {
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
	m.each(rt, want, func(h *harness) error {
		if relaxed {
			return h.UpdateRelaxed(ctx, run)
		}
		return h.Update(ctx, run)
	})
}

func (m *machine) Clear(rt *rapid.T) {
	if seldom(rt) {
		m.want = newOracle()
		m.each(rt, nil, func(h *harness) error { return people.Clear(context.Background(), h.Store) })
	}
}

func (m *machine) Restart(rt *rapid.T) {
	if seldom(rt) {
		m.each(rt, nil, func(h *harness) error { h.restart(); return nil })
	}
}

// Restore puts in the place of each store a backup of the one on the engine after
// it.
func (m *machine) Restore(rt *rapid.T) {
	if !seldom(rt) {
		return
	}
	ctx := context.Background()
	streams := make([]bytes.Buffer, len(m.stores))
	for i, h := range m.stores {
		if _, err := h.Backup(ctx, &streams[i]); err != nil {
			rt.Fatalf("%s: %v", m.names[i], err)
		}
	}
	for i, h := range m.stores {
		h.close()
		h.engine = engines[m.names[i]](h.t)
		if _, err := datastore.Restore(ctx, h.engine, &streams[(i+1)%len(streams)]); err != nil {
			rt.Fatalf("to %s: %v", m.names[i], err)
		}
		h.open()
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
	m.each(rt, nil, func(h *harness) error {
		if err := m.want.compare(context.Background(), h.Store); err != nil {
			return err
		}
		report, err := datastore.Verify(context.Background(), h.Store)
		if err == nil && !report.Clean() {
			err = errors.New(report.Damage[0].String())
		}
		return err
	})
}
