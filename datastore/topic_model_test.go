package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestTopicsAgainstMaps does the same random things to a tree with topics on every engine and to a map,
// and compares the topics with the ids of the map's rows.
func TestTopicsAgainstMaps(t *testing.T) {
	board, posts, _ := postBoard()
	rapid.Check(t, func(rt *rapid.T) {
		m := topicMachine{posts: posts, rows: map[uint64]post{}, until: map[uint64]bool{}}
		for _, name := range slices.Sorted(maps.Keys(engines)) {
			h := &harness{t: t, engine: engines[name](t), definitions: []*models.Definition{board}, restarts: true}
			h.open()
			defer func() { h.close() }()
			m.names, m.stores = append(m.names, name), append(m.stores, h)
		}
		rt.Repeat(rapid.StateMachineActions(&m))
		m.compare(rt)
	})
}

// topicMachine has the operations as methods, for rapid to choose from.
type topicMachine struct {
	posts  *models.Tree[post, uint64]
	names  []string
	stores []*harness
	rows   map[uint64]post
	// until has the rows that are to expire, long after the test.
	until map[uint64]bool
	steps int
}

func (m *topicMachine) each(rt *rapid.T, do func(ctx context.Context, h *harness) error) {
	rt.Helper()
	for i, h := range m.stores {
		if err := do(context.Background(), h); err != nil {
			rt.Fatalf("%s: %v", m.names[i], err)
		}
	}
}

func genPost(rt *rapid.T) post {
	return postOf(rapid.Uint64Range(0, 20).Draw(rt, "id"), rapid.Uint64Range(0, 300).Draw(rt, "n"))
}

func (m *topicMachine) put(p post, until bool) {
	m.rows[p.ID] = p
	if delete(m.until, p.ID); until {
		m.until[p.ID] = true
	}
}

func (m *topicMachine) Put(rt *rapid.T) {
	p := genPost(rt)
	m.each(rt, func(ctx context.Context, h *harness) error { return m.posts.Put(ctx, h.Store, &p) })
	m.put(p, false)
}

func (m *topicMachine) PutUntil(rt *rapid.T) {
	p := genPost(rt)
	m.each(rt, func(ctx context.Context, h *harness) error {
		return m.posts.PutUntil(ctx, h.Store, &p, time.Now().Add(time.Hour))
	})
	m.put(p, true)
}

// Expire has a row expire and be swept.
func (m *topicMachine) Expire(rt *rapid.T) {
	id := rapid.Uint64Range(0, 20).Draw(rt, "id")
	if _, ok := m.rows[id]; !ok {
		return
	}
	m.each(rt, func(ctx context.Context, h *harness) error {
		if err := m.posts.SetExpiry(ctx, h.Store, id, time.Now()); err != nil {
			return err
		}
		_, err := h.Store.Expire(ctx)
		return err
	})
	delete(m.rows, id)
	delete(m.until, id)
}

// SetExpiry leaves the topics as they are.
func (m *topicMachine) SetExpiry(rt *rapid.T) {
	id := rapid.Uint64Range(0, 20).Draw(rt, "id")
	if _, ok := m.rows[id]; !ok {
		return
	}
	m.each(rt, func(ctx context.Context, h *harness) error {
		return m.posts.SetExpiry(ctx, h.Store, id, time.Now().Add(2*time.Hour))
	})
	m.until[id] = true
}

func (m *topicMachine) Modify(rt *rapid.T) {
	p := genPost(rt)
	if _, ok := m.rows[p.ID]; !ok {
		return
	}
	m.each(rt, func(ctx context.Context, h *harness) error {
		return m.posts.Modify(ctx, h.Store, p.ID, func(old *post) error { *old = p; return nil })
	})
	m.rows[p.ID] = p
}

func (m *topicMachine) Delete(rt *rapid.T) {
	id := rapid.Uint64Range(0, 20).Draw(rt, "id")
	m.each(rt, func(ctx context.Context, h *harness) error { return m.posts.Delete(ctx, h.Store, id) })
	delete(m.rows, id)
	delete(m.until, id)
}

// Raw puts a row as a peer has sent it.
func (m *topicMachine) Raw(rt *rapid.T) {
	p := genPost(rt)
	key, value, err := m.posts.Encode(&p)
	if err != nil {
		rt.Fatal(err)
	}
	checked := rapid.Bool().Draw(rt, "checked before")
	m.each(rt, func(ctx context.Context, h *harness) error {
		raw := m.posts.Raw()
		if !checked {
			return raw.Put(ctx, h.Store, key, value)
		}
		valid, err := raw.Validate(key, value)
		if err != nil {
			return err
		}
		return raw.PutValid(ctx, h.Store, valid)
	})
	m.put(p, false)
}

// Transaction writes several times, also the same row, compares within the transaction, and may roll back.
func (m *topicMachine) Transaction(rt *rapid.T) {
	rows := rapid.SliceOfN(rapid.Custom(genPost), 1, 6).Draw(rt, "rows")
	gone, back := rapid.Uint64Range(0, 20).Draw(rt, "gone"), rapid.Bool().Draw(rt, "rollback")
	after := maps.Clone(m.rows)
	delete(after, gone)
	for _, p := range rows {
		after[p.ID] = p
	}
	m.each(rt, func(ctx context.Context, h *harness) error {
		err := h.Store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
			if err := m.posts.Delete(ctx, tx, gone); err != nil {
				return err
			}
			for _, p := range rows {
				if err := m.posts.Put(ctx, tx, &p); err != nil {
					return err
				}
			}
			if err := compareTopics(ctx, tx, m.posts, after, rand.New(rand.NewPCG(1, 1))); err != nil {
				return fmt.Errorf("in a transaction: %w", err)
			}
			if back {
				return errRollback
			}
			return nil
		})
		if back && errors.Is(err, errRollback) {
			return nil
		}
		return err
	})
	if !back {
		delete(m.until, gone)
		for _, p := range rows {
			delete(m.until, p.ID)
		}
		m.rows = after
	}
}

func (m *topicMachine) Clear(rt *rapid.T) {
	if seldom(rt) {
		m.each(rt, func(ctx context.Context, h *harness) error { return m.posts.Clear(ctx, h.Store) })
		m.rows, m.until = map[uint64]post{}, map[uint64]bool{}
	}
}

func (m *topicMachine) Restart(rt *rapid.T) {
	if seldom(rt) {
		m.each(rt, func(_ context.Context, h *harness) error { h.restart(); return nil })
	}
}

func (m *topicMachine) Restore(rt *rapid.T) {
	if !seldom(rt) {
		return
	}
	ctx := context.Background()
	for i, h := range m.stores {
		var stream bytes.Buffer
		if _, err := h.Backup(ctx, &stream); err != nil {
			rt.Fatalf("%s: %v", m.names[i], err)
		}
		h.close()
		h.engine = engines[m.names[i]](h.t)
		if _, err := datastore.Restore(ctx, h.engine, &stream); err != nil {
			rt.Fatalf("%s: %v", m.names[i], err)
		}
		h.open()
	}
}

// Check runs after every operation.
func (m *topicMachine) Check(rt *rapid.T) {
	if m.steps++; m.steps%4 == 0 {
		m.compare(rt)
	}
}

func (m *topicMachine) compare(rt *rapid.T) {
	rt.Helper()
	m.each(rt, func(ctx context.Context, h *harness) error {
		if err := compareTopics(ctx, h.Store, m.posts, m.rows, rand.New(rand.NewPCG(uint64(m.steps), 0))); err != nil {
			return err
		}
		for id := range m.until {
			if until, err := m.posts.Expiry(ctx, h.Store, id); err != nil || until.IsZero() {
				return fmt.Errorf("row %d expires at %v, %w", id, until, err)
			}
		}
		report, err := datastore.Verify(ctx, h.Store)
		if err == nil && !report.Clean() {
			err = errors.New(report.Damage[0].String())
		}
		return err
	})
}
